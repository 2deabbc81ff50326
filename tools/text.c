/* SPDX-License-Identifier: MIT
 * text.c - foreign text, made harmless for a terminal or for JSON.
 *
 * URLs, error sentences and servers' words come from outside: whatever prints them comes here. */
#include "text.h"

#include <stdbool.h>

/* How many bytes the UTF-8 character at `text` has; 0 if it is none (overlong, a surrogate ...). */
static int character_size(const unsigned char *text, unsigned *code) {
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    int size = *text < 0x80 ? 1 : *text < 0xC2 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : 4;
    if (size == 0 || *text > 0xF4)
        return 0;

    *code = size == 1 ? *text : *text & (0x7Fu >> size);
    for (int i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3F);
    }
    bool is_surrogate = *code >= 0xD800 && *code <= 0xDFFF;
    return *code < least[size] || *code > 0x10FFFF || is_surrogate ? 0 : size;
}

void text_print_plain(FILE *stream, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        unsigned code = 0;
        int size = character_size(p, &code);
        bool steers = code < 0x20 || (code >= 0x7F && code < 0xA0) /* C0, DEL, C1 */
                      || (code >= 0x200B && code <= 0x200F)        /* invisible, direction */
                      || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        if (size == 0 || steers)
            fputc('?', stream);
        else
            fwrite(p, 1, size, stream);
        p += size ? size : 1;
    }
}

static void print_json_character(FILE *stream, const unsigned char *p, int size) {
    if (size == 0)
        fputs("\\ufffd", stream);
    else if (*p == '"' || *p == '\\')
        fprintf(stream, "\\%c", *p);
    else if (*p < 0x20 || *p == 0x7F)
        fprintf(stream, "\\u%04x", *p);
    else
        fwrite(p, 1, size, stream);
}

void text_print_json(FILE *stream, const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    fputc('"', stream);
    while (*p) {
        unsigned code;
        int size = character_size(p, &code);
        print_json_character(stream, p, size);
        p += size ? size : 1;
    }
    fputc('"', stream);
}
