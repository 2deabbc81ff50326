/* SPDX-License-Identifier: MIT
 * text.h - foreign text, made harmless for a terminal or for JSON. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stdio.h>

/* The text with everything that would steer a terminal replaced by '?': it came from outside. */
void text_print_plain(FILE *stream, const char *text);

/* The text as a JSON string in quotes; bytes that are not UTF-8 become U+FFFD. */
void text_print_json(FILE *stream, const char *text);

#endif
