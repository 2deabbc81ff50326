/* SPDX-License-Identifier: MIT
 * headers.c - header lines, received and to be sent.
 *
 * A block is one run of text without an index: programs ask for two or three headers of an answer,
 * and walking over a few hundred bytes costs less than keeping a table. HEADERS_MAX keeps it so. */
#include "headers.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <eddy/error.h>

#define HEADERS_MAX 1000 /* ten times what honest servers send */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **line, size_t *size) {
    while (*size > 0 && is_blank((*line)[*size - 1]))
        --*size;
    while (*size > 0 && is_blank(**line)) {
        ++*line;
        --*size;
    }
}

/* A letter, digit or one of the signs that a name or a method may consist of. */
static bool is_token_char(char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t name_size(const char *line) {
    return strcspn(line, ":");
}

static bool is_same_name(const char *a, const char *b) {
    size_t size = name_size(a);

    return size == name_size(b) && strncasecmp(a, b, size) == 0;
}

/* --- received --------------------------------------------------------------------------------- */

static int lines_append(struct http_headers *headers, const char *line, size_t size) {
    struct http_buffer *lines = &headers->lines;
    size_t before = lines->end;

    if (eddy__http_buffer_append(lines, line, size) < 0 ||
        eddy__http_buffer_append(lines, "", 1) < 0) {
        lines->end = before;
        return -ENOMEM;
    }
    return 0;
}

/* The three digits after the first space, or -EBADMSG. */
static int status_of(const char *line, const char *end) {
    const char *space = memchr(line, ' ', (size_t)(end - line));
    int status = 0;

    if (!space || end - space < 4)
        return -EBADMSG;
    for (int i = 1; i <= 3; i++) {
        if (space[i] < '0' || space[i] > '9')
            return -EBADMSG;
        status = status * 10 + (space[i] - '0');
    }
    return status;
}

int eddy__http_headers_begin(struct http_headers *headers, const char *line, size_t size) {
    const char *space;
    int status;

    eddy__http_headers_clear(headers, SIZE_MAX);
    trim(&line, &size);
    status = memchr(line, '\0', size) ? -EBADMSG : status_of(line, line + size);
    if (status < 0)
        return status;
    space = memchr(line, ' ', size);
    return lines_append(headers, line, (size_t)(space - line)) < 0 ? -ENOMEM : status;
}

/* A line that begins with a blank goes on with the one before (RFC 9112, 5.2). */
static int headers_continue(struct http_headers *headers, const char *line, size_t size) {
    headers->lines.data[headers->lines.end - 1] = ' ';
    if (lines_append(headers, line, size) == 0)
        return 0;
    headers->lines.data[headers->lines.end - 1] = '\0';
    return -ENOMEM;
}

int eddy__http_headers_add(struct http_headers *headers, const char *line, size_t size) {
    bool goes_on = size > 0 && (*line == ' ' || *line == '\t');

    trim(&line, &size);
    if (memchr(line, '\0', size))
        return -EBADMSG;
    if (goes_on)
        return headers->count > 0 ? headers_continue(headers, line, size) : -EBADMSG;
    if (!memchr(line, ':', size))
        return -EBADMSG;
    if (headers->count == HEADERS_MAX)
        return EDDY_ELIMIT;
    if (lines_append(headers, line, size) < 0)
        return -ENOMEM;
    headers->count++;
    return 0;
}

void eddy__http_headers_clear(struct http_headers *headers, size_t keep_bytes) {
    eddy__http_buffer_clear(&headers->lines, keep_bytes);
    headers->count = 0;
}

const char *eddy__http_headers_protocol(const struct http_headers *headers) {
    return headers->lines.end > 0 ? headers->lines.data : "";
}

const char *eddy__http_headers_at(const struct http_headers *headers, size_t index) {
    const char *line = headers->lines.data;

    if (index >= headers->count)
        return NULL;
    for (size_t i = 0; i <= index; i++)
        line += strlen(line) + 1;
    return line;
}

const char *eddy__http_headers_find(const struct http_headers *headers, const char *name) {
    const char *line = eddy__http_headers_at(headers, 0);

    for (size_t i = 0; i < headers->count; i++, line += strlen(line) + 1)
        if (is_same_name(line, name)) {
            line += name_size(line) + 1;
            return line + strspn(line, " \t");
        }
    return NULL;
}

/* --- to be sent ------------------------------------------------------------------------------- */

bool eddy__http_is_token(const char *text) {
    for (const char *c = text; *c; c++)
        if (!is_token_char(*c))
            return false;
    return *text;
}

bool eddy__http_is_value(const char *text) {
    for (const char *c = text; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return false;
    return true;
}

const char *eddy__http_header_fault(const char *line) {
    size_t size = name_size(line);

    if (size == 0 || line[size] != ':')
        return "it is not of the form \"Name: value\"";
    for (size_t i = 0; i < size; i++)
        if (!is_token_char(line[i]))
            return "its name has a sign that names cannot have";
    return eddy__http_is_value(line + size) ? NULL
                                            : "its value has a line break or control character";
}

bool eddy__http_header_is_among(const char *name, const char *const *lines) {
    for (; lines && *lines; lines++)
        if (is_same_name(name, *lines))
            return true;
    return false;
}

bool eddy__http_list_append(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool is_about_body(const char *line) {
    return strncasecmp(line, "Content-", 8) == 0 || is_same_name(line, "Transfer-Encoding") ||
           is_same_name(line, "Expect");
}

bool eddy__http_list_drop_body(struct curl_slist **list) {
    struct curl_slist *kept = NULL;

    for (const struct curl_slist *each = *list; each; each = each->next)
        if (!is_about_body(each->data) && !eddy__http_list_append(&kept, each->data)) {
            curl_slist_free_all(kept);
            return false;
        }
    curl_slist_free_all(*list);
    *list = kept;
    return true;
}
