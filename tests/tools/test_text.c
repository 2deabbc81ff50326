/* SPDX-License-Identifier: MIT
 * test_text.c - foreign text, made harmless for a terminal or for JSON. */
#include <stdlib.h>

#include "test.h"
#include "text.h"

typedef void printer(FILE *stream, const char *text);

static void assert_prints(printer *print, const char *text, const char *expected) {
    char *printed = NULL;
    size_t size;
    FILE *stream = open_memstream(&printed, &size);
    print(stream, text);
    fclose(stream);
    ASSERT_STR_EQ(printed, expected);
    free(printed);
}

TEST(plain_text_keeps_letters_of_all_scripts) {
    assert_prints(text_print_plain, "na\u00efve \u65e5\u672c \U0001f300 ~", "naïve 日本 🌀 ~");
}

TEST(plain_text_has_nothing_that_steers_a_terminal) {
    assert_prints(text_print_plain, "\x1b[2J\a\r\n\t\x7f", "?[2J?????");
    assert_prints(text_print_plain,
                  "\xc2\x9b"
                  "31m",
                  "?31m"); /* C1's CSI */
    assert_prints(text_print_plain,
                  "\u202e"
                  "gpj.exe",
                  "?gpj.exe");
    assert_prints(text_print_plain, "\x9b\xff\xc3.", "???.");
}

TEST(json_text_is_quoted_and_escaped) {
    assert_prints(text_print_json, "", "\"\"");
    assert_prints(text_print_json, "a\"b\\c/\n\x7f", "\"a\\\"b\\\\c/\\u000a\\u007f\"");
    assert_prints(text_print_json, "\u00e4", "\"ä\"");
}

TEST(json_text_is_valid_utf_8_whatever_comes) {
    assert_prints(text_print_json, "\xff", "\"\\ufffd\"");
    assert_prints(text_print_json, "\xc3", "\"\\ufffd\"");                       /* cut off */
    assert_prints(text_print_json, "\xc0\xaf", "\"\\ufffd\\ufffd\"");            /* overlong */
    assert_prints(text_print_json, "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    assert_prints(text_print_json, "\xf5\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}
