/* SPDX-License-Identifier: MIT
 * test_format.c - numbers as people read them. */
#include <errno.h>

#include "format.h"
#include "test.h"

TEST(bytes_keep_four_figures_at_most) {
    ASSERT_STR_EQ(format_bytes(0).text, "0 B");
    ASSERT_STR_EQ(format_bytes(999).text, "999 B");
    ASSERT_STR_EQ(format_bytes(1000).text, "1.0 kB");
    ASSERT_STR_EQ(format_bytes(999949).text, "999.9 kB");
    ASSERT_STR_EQ(format_bytes(999950).text, "1.0 MB");
    ASSERT_STR_EQ(format_bytes(2.5e9).text, "2.5 GB");
}

TEST(seconds_keep_three_figures) {
    ASSERT_STR_EQ(format_seconds(0.051).text, "0.05 s");
    ASSERT_STR_EQ(format_seconds(9.994).text, "9.99 s");
    ASSERT_STR_EQ(format_seconds(9.996).text, "10.0 s");
    ASSERT_STR_EQ(format_seconds(99.94).text, "99.9 s");
    ASSERT_STR_EQ(format_seconds(245).text, "4:05 min");
    ASSERT_STR_EQ(format_clock(1).text, "0:01");
    ASSERT_STR_EQ(format_clock(3600).text, "1:00:00");
}

TEST(rates_are_whole_from_ten_on) {
    ASSERT_STR_EQ(format_rate(0.5).text, "0.5");
    ASSERT_STR_EQ(format_rate(9.96).text, "10");
    ASSERT_STR_EQ(format_rate(12000).text, "12000");
}

TEST(a_size_is_a_number_with_a_unit) {
    int64_t bytes = -1;
    ASSERT_OK(format_parse_bytes("500", &bytes));
    ASSERT_INT_EQ(bytes, 500);
    ASSERT_OK(format_parse_bytes("1.5k", &bytes));
    ASSERT_INT_EQ(bytes, 1500);
    ASSERT_OK(format_parse_bytes("2G", &bytes));
    ASSERT_INT_EQ(bytes, 2000000000);
}

TEST(what_is_no_size_leaves_the_output_alone) {
    static const char *const bad[] = {"", "k", "-1", "nan", "1x", "1kk", "1e30", "inf", "5 k"};
    int64_t bytes = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ASSERT_CODE(-EINVAL, format_parse_bytes(bad[i], &bytes));
    ASSERT_INT_EQ(bytes, 7);
}
