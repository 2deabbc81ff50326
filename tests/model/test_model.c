/* SPDX-License-Identifier: MIT
 * test_model.c - random programs: eddy does what the model does, in the same order, with the same
 * results, and leaves the same behind. */
#include "program.h"
#include "random.h"
#include "test.h"

TEST(random_programs_run_as_the_model_says) {
    uint64_t first = 1, count = UNDER_SANITIZER || test_is_emulated() ? 1000 : 5000;
    static struct program program;

    seeds_wanted(&first, &count);
    for (uint64_t seed = first; seed < first + count; seed++) {
        program_make(&program, seed);
        if (program_agrees(&program))
            continue;
        program_explain(&program);
        TEST_FAIL("seed %ju: eddy and the model do not agree (see above)", (uintmax_t)seed);
    }
}
