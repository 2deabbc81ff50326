/* SPDX-License-Identifier: MIT
 * picture.h - texts of call graphs without what differs from build to build: folders, the numbers
 * of lines, offsets in a file. */
#ifndef TEST_PICTURE_H
#define TEST_PICTURE_H

#include <stdio.h>
#include <string.h>

#include "../task/virtual.h"
#include "coro.h"

#define NOINLINE __attribute__((noinline, unused))

/* What keeps a call from being the last, which would leave no frame of its caller. */
#define NOT_LAST __asm__ volatile("" : : : "memory")

/* The length of a number behind a prefix, both included; 0: it is something else. */
static inline size_t number_behind(const char *at, const char *prefix, const char *digits) {
    size_t length = strlen(prefix);
    size_t number = strncmp(at, prefix, length) == 0 ? strspn(at + length, digits) : 0;

    return number > 0 ? length + number : 0;
}

/* The name of a C file without its folders. */
static inline size_t file_at(const char *at, const char **name) {
    size_t length = strcspn(at, " \",\n:");

    if (length < 3 || strncmp(at + length - 2, ".c", 2) != 0)
        return 0;
    *name = at + length;
    while (*name > at && (*name)[-1] != '/')
        --*name;
    return length;
}

/* Each number of a line and each offset is N. Frees the text. */
static inline const char *masked(char *text) {
    static char result[40000];
    char *to = result;
    bool is_start = true;

    for (const char *at = text, *name; *at;) {
        size_t file = is_start ? file_at(at, &name) : 0;
        size_t line = number_behind(at, "line ", "0123456789");
        size_t colon = number_behind(at, ".c:", "0123456789");
        size_t offset = number_behind(at, "+0x", "0123456789abcdef");
        is_start = strchr(" \"", *at) != NULL;
        if (file > 0) {
            to += sprintf(to, "%.*s", (int)(at + file - 2 - name), name);
            at += file - 2;
        } else if (line > 0 || colon > 0 || offset > 0) {
            to += sprintf(to, line > 0 ? "line N" : colon > 0 ? ".c:N" : "+N");
            at += line + colon + offset;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    eddy_free(text);
    return result;
}

NOINLINE static const char *tree(void) {
    char *text;

    ASSERT_OK(eddy_format_task_tree(NULL, &text));
    return masked(text);
}

NOINLINE static const char *graph_of(const eddy_task *task) {
    char *text;

    ASSERT_OK(eddy_format_call_graph(task, &text));
    NOT_LAST;
    return masked(text);
}

/* Up to a word that stands in it. */
static inline const char *until(const char *text, const char *word) {
    ASSERT_STR_CONTAINS(text, word);
    *strstr((char *)text, word) = '\0';
    return text;
}

#endif
