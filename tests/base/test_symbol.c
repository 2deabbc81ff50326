/* SPDX-License-Identifier: MIT
 * test_symbol.c - the names of functions, those that no table exports among them. */
#include "symbol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scarce.h"
#include "test.h"

static int hidden_from_dladdr(int x) {
    return x * 7 + 3;
}

/* Not so that a compiler could make a copy of its own of it. */
static int (*volatile hidden)(int) = hidden_from_dladdr;

static const char *format(uintptr_t address) {
    static char text[200];

    eddy__symbol_format(address, text, sizeof(text));
    return text;
}

TEST(a_static_function_has_a_name_and_an_offset_in_the_programs_file) {
    ASSERT_STR_CONTAINS(format((uintptr_t)hidden), "hidden_from_dladdr (base-symbol+0x");
    ASSERT_STR_CONTAINS(format((uintptr_t)hidden + 1), "hidden_from_dladdr (");
}

TEST(a_function_of_a_library_has_its_name_and_file) {
    ASSERT_STR_CONTAINS(format((uintptr_t)strtol), "strtol");
    ASSERT_STR_CONTAINS(format((uintptr_t)strtol), UNDER_SANITIZER ? "" : "libc");
}

TEST(an_address_in_no_file_stays_a_number) {
    ASSERT_STR_EQ(format(16), "+0x10");
    ASSERT_STR_CONTAINS(format((uintptr_t) & (int){0}), "+0x");
}

TEST(what_was_looked_up_stays_valid_as_long_as_the_table) {
    struct eddy__symbols *symbols = eddy__symbols_new();
    struct eddy__symbol first = eddy__symbols_find(symbols, (uintptr_t)hidden);
    for (uintptr_t i = 0; i < 2000; i++)
        eddy__symbols_find(symbols, (uintptr_t)hidden + i);

    ASSERT_STR_EQ(first.function, "hidden_from_dladdr");
    ASSERT_STR_EQ(first.module, "base-symbol");
    ASSERT_STR_EQ(eddy__symbols_find(symbols, (uintptr_t)hidden).function, first.function);
    eddy__symbols_free(symbols);
    eddy__symbols_free(NULL);
}

TEST(eddys_own_functions_are_told_by_their_names_where_it_is_no_library) {
    struct eddy__symbols *symbols = eddy__symbols_new();

    ASSERT(eddy__symbols_go_by_name());
    ASSERT(eddy__symbols_find(symbols, (uintptr_t)eddy__symbol_format).is_eddy);
    ASSERT(!eddy__symbols_find(symbols, (uintptr_t)hidden).is_eddy);
    eddy__symbols_free(symbols);
}

TEST(without_memory_a_number_is_left) {
    scarce_begin();
    scarce_left = 0;
    ASSERT_STR_CONTAINS(format((uintptr_t)hidden), "+0x");
    ASSERT_NULL(eddy__symbols_new());
    scarce_left = 1;
    ASSERT_STR_CONTAINS(format((uintptr_t)hidden), "+0x");
    ASSERT_INT_EQ(scarce_out, 0);
}
