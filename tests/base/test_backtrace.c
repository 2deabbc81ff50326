/* SPDX-License-Identifier: MIT
 * test_backtrace.c - the calls that have led here, by the compiler's tables. */
#include "backtrace.h"

#include <string.h>

#include "symbol.h"
#include "test.h"

static uintptr_t calls[64];
static int count;

__attribute__((noinline)) static void innermost(void) {
    count = eddy__backtrace(calls, 64);
}

__attribute__((noinline)) static void middle(int depth) {
    if (depth > 0)
        middle(depth - 1);
    else
        innermost();
    __asm__ volatile(""); /* no tail call */
}

static const char *function_at(int index) {
    static char text[200];

    eddy__symbol_format(calls[index], text, sizeof(text));
    return text;
}

TEST(the_calls_come_innermost_first) {
    middle(2);
    ASSERT(count >= 5);
    ASSERT_STR_CONTAINS(function_at(0), "innermost (");
    for (int i = 1; i <= 3; i++)
        ASSERT_STR_CONTAINS(function_at(i), "middle (");
    ASSERT_STR_CONTAINS(function_at(4), "test_the_calls_come_innermost_first (");
}

TEST(no_more_come_than_there_is_room_for) {
    middle(100);
    ASSERT_INT_EQ(count, 64);
    memset(calls, 0, sizeof(calls));
    ASSERT_INT_EQ(eddy__backtrace(calls, 1), 1);
    ASSERT_UINT_EQ(calls[1], 0);
    ASSERT_INT_EQ(eddy__backtrace(calls, 0), 0);
}
