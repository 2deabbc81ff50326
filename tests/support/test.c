/* SPDX-License-Identifier: MIT
 * test.c - collects the tests of a program, says what an assertion found, and is its main().
 *
 * The last line, "check: 12 passed, 0 failed", is what tools/test adds up. */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <eddy/error.h>

#include "runner.h"

static struct test *first;
static struct test **last = &first;

void test_register(struct test *test) {
    *last = test;
    last = &test->next;
}

bool test_is_wanted(const struct test *test, const char *part) {
    return strstr(test->name, part) != NULL;
}

bool test_is_emulated(void) {
    return getenv("TEST_EMULATED") != NULL;
}

/* --- assertions --- */

void test_fail(const char *file, int line, const char *format, ...) {
    char text[2048];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    runner_fail(file, line, text);
}

void test_int_eq(const char *file, int line, const char *a_text, intmax_t a, const char *b_text,
                 intmax_t b) {
    if (a != b)
        test_fail(file, line, "%s is %jd, %s is %jd", a_text, a, b_text, b);
}

void test_uint_eq(const char *file, int line, const char *a_text, uintmax_t a, const char *b_text,
                  uintmax_t b) {
    if (a != b)
        test_fail(file, line, "%s is %ju, %s is %ju", a_text, a, b_text, b);
}

void test_ptr_eq(const char *file, int line, const char *a_text, const void *a, const char *b_text,
                 const void *b) {
    if (a != b)
        test_fail(file, line, "%s is %p, %s is %p", a_text, a, b_text, b);
}

void test_not_null(const char *file, int line, const char *a_text, const void *a) {
    if (!a)
        test_fail(file, line, "%s is NULL", a_text);
}

void test_str_eq(const char *file, int line, const char *a_text, const char *a, const char *b_text,
                 const char *b) {
    if (!a || !b || strcmp(a, b) != 0)
        test_fail(file, line, "%s is \"%s\", %s is \"%s\"", a_text, a ? a : "(NULL)", b_text,
                  b ? b : "(NULL)");
}

void test_str_contains(const char *file, int line, const char *a_text, const char *a,
                       const char *part) {
    if (!a || !strstr(a, part))
        test_fail(file, line, "%s is \"%s\", without \"%s\"", a_text, a ? a : "(NULL)", part);
}

void test_mem_eq(const char *file, int line, const char *a_text, const void *a, const char *b_text,
                 const void *b, size_t size) {
    const unsigned char *left = a, *right = b;
    for (size_t i = 0; i < size; i++)
        if (left[i] != right[i])
            test_fail(file, line, "%s and %s differ at byte %zu of %zu: 0x%02x and 0x%02x", a_text,
                      b_text, i, size, left[i], right[i]);
}

void test_ok(const char *file, int line, const char *r_text, intmax_t r) {
    if (r < 0)
        test_fail(file, line, "%s is %jd, %s: %s", r_text, r, eddy_error_name((int)r),
                  eddy_error_text((int)r));
}

static const char *name_of(intmax_t r) {
    return r < 0 ? eddy_error_name((int)r) : "no error";
}

void test_code(const char *file, int line, const char *r_text, intmax_t r, int expected) {
    if (r != expected)
        test_fail(file, line, "%s is %jd, %s; it should be %d, %s", r_text, r, name_of(r), expected,
                  name_of(expected));
}

/* --- the program --- */

static int list(void) {
    for (const struct test *test = first; test; test = test->next)
        puts(test->name);
    return 0;
}

int main(int argc, char *argv[]) {
    const char *part = argc > 1 ? argv[1] : "";
    if (strcmp(part, "--list") == 0)
        return list();

    struct test_counts counts = runner_run(first, part);
    printf("check: %d passed, %d failed\n", counts.passed, counts.failed);
    if (counts.passed + counts.failed == 0)
        fprintf(stderr, "%s: no test has \"%s\" in its name\n", argv[0], part);
    return counts.failed > 0 || counts.passed == 0;
}
