/* SPDX-License-Identifier: MIT
 * test.h - a test is a sentence: TEST(timers_with_equal_deadlines_fire_in_arming_order) { ... }
 *
 * A test registers itself and runs in a process of its own, for 20 seconds at most; what it leaks
 * fails it where a leak checker is built in. The program that holds it lists its tests with --list
 * and runs those whose names contain an argument. CK_FORK=no runs them without fork, for a
 * debugger. Nothing here knows Check: that is runner_check.c. Assertions may stand in coroutines
 * and in other threads. */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *name;
    const char *file;
    int line;
    int signal;      /* that must end the process, or 0 */
    int exit_status; /* that it must end with */
    void (*run)(int);
    struct test *next; /* in the order of registration: files as linked, tests as written */
};

void test_register(struct test *test);

#define TEST_ENDING_WITH(title, signo, status)                                                     \
    static void test_##title(int);                                                                 \
    __attribute__((constructor)) static void register_##title(void) {                              \
        static struct test test = {#title, __FILE__, __LINE__, signo, status, test_##title, NULL}; \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void test_##title(int index_of_loop __attribute__((unused)))

/* A test that must pass; one that must end by a signal; one that must call exit(status). */
#define TEST(name)               TEST_ENDING_WITH(name, 0, 0)
#define TEST_SIGNAL(name, signo) TEST_ENDING_WITH(name, signo, 0)
#define TEST_EXIT(name, status)  TEST_ENDING_WITH(name, 0, status)

/* Whether an emulator of another processor runs this. Some of what tests ask of the kernel it
 * cannot do: real-time signals, limits of memory, a signal handler for an exhausted stack. */
bool test_is_emulated(void);

/* Ends the test as failed, with a sentence. */
#define TEST_FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)

#define ASSERT(condition) ((condition) ? (void)0 : TEST_FAIL("not so: %s", #condition))

/* Every argument is evaluated once. */
#define ASSERT_INT_EQ(a, b)          test_int_eq(__FILE__, __LINE__, #a, (a), #b, (b))
#define ASSERT_UINT_EQ(a, b)         test_uint_eq(__FILE__, __LINE__, #a, (a), #b, (b))
#define ASSERT_PTR_EQ(a, b)          test_ptr_eq(__FILE__, __LINE__, #a, (a), #b, (b))
#define ASSERT_NULL(a)               test_ptr_eq(__FILE__, __LINE__, #a, (a), "NULL", NULL)
#define ASSERT_NOT_NULL(a)           test_not_null(__FILE__, __LINE__, #a, (a))
#define ASSERT_STR_EQ(a, b)          test_str_eq(__FILE__, __LINE__, #a, (a), #b, (b))
#define ASSERT_STR_CONTAINS(a, part) test_str_contains(__FILE__, __LINE__, #a, (a), (part))
#define ASSERT_MEM_EQ(a, b, size)    test_mem_eq(__FILE__, __LINE__, #a, (a), #b, (b), (size))

/* A result of eddy's: r >= 0; exactly this code. A failure shows the codes' names. */
#define ASSERT_OK(r)             test_ok(__FILE__, __LINE__, #r, (r))
#define ASSERT_CODE(expected, r) test_code(__FILE__, __LINE__, #r, (r), (expected))

#define TEST_PRINTF(text, arguments) __attribute__((__format__(__printf__, text, arguments)))

void test_fail(const char *file, int line, const char *format, ...) __attribute__((noreturn))
TEST_PRINTF(3, 4);
void test_int_eq(const char *file, int line, const char *a_text, intmax_t a, const char *b_text,
                 intmax_t b);
void test_uint_eq(const char *file, int line, const char *a_text, uintmax_t a, const char *b_text,
                  uintmax_t b);
void test_ptr_eq(const char *file, int line, const char *a_text, const void *a, const char *b_text,
                 const void *b);
void test_not_null(const char *file, int line, const char *a_text, const void *a);
void test_str_eq(const char *file, int line, const char *a_text, const char *a, const char *b_text,
                 const char *b);
void test_str_contains(const char *file, int line, const char *a_text, const char *a,
                       const char *part);
void test_mem_eq(const char *file, int line, const char *a_text, const void *a, const char *b_text,
                 const void *b, size_t size);
void test_ok(const char *file, int line, const char *r_text, intmax_t r);
void test_code(const char *file, int line, const char *r_text, intmax_t r, int expected);

/* --- what only some builds can ---------------------------------------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#define UNDER_SANITIZER (UNDER_ASAN || UNDER_TSAN)

#endif
