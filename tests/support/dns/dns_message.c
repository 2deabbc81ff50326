/* SPDX-License-Identifier: MIT
 * dns_message.c - reads questions, writes answers. A header is twelve bytes: id, flags, and four
 * counts: questions, answers, authorities, others. */
#include "dns_message.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "test.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_PTR = 12, TYPE_AAAA = 28 };
enum { HEADER = 12, UDP_MAX = 512, IS_TRUNCATED = 0x0200 };

static int type_of(const char *text) {
    static const struct {
        const char *text;
        int type;
    } types[] = {{"A", TYPE_A}, {"CNAME", TYPE_CNAME}, {"PTR", TYPE_PTR}, {"AAAA", TYPE_AAAA}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    TEST_FAIL("no type of records: %s", text);
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint16_t get16(const unsigned char *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

bool dns_question_read(const unsigned char *bytes, size_t size, struct dns_question *out) {
    size_t at = HEADER, length = 0;

    if (size < HEADER + 5 || get16(bytes + 4) != 1)
        return false;
    while (at < size && bytes[at] != 0) {
        size_t label = bytes[at];
        if (label > 63 || at + 1 + label >= size || length + label + 1 >= sizeof(out->name))
            return false;
        memcpy(out->name + length, bytes + at + 1, label);
        length += label;
        out->name[length++] = '.';
        at += 1 + label;
    }
    if (at + 5 > size)
        return false;
    out->name[length > 0 ? length - 1 : 0] = '\0';
    out->id = get16(bytes);
    out->type = get16(bytes + at + 1);
    out->size = at + 5 - HEADER;
    memcpy(out->bytes, bytes + HEADER, out->size);
    return true;
}

bool dns_first_label_is(const struct dns_question *question, const char *label) {
    size_t length = strcspn(question->name, ".");

    return length == strlen(label) && strncasecmp(question->name, label, length) == 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put16(struct dns_message *message, int value) {
    message->bytes[message->size++] = (unsigned char)(value >> 8);
    message->bytes[message->size++] = (unsigned char)value;
}

static void put_name(struct dns_message *message, const char *name) {
    while (*name) {
        size_t label = strcspn(name, ".");
        message->bytes[message->size++] = (unsigned char)label;
        memcpy(message->bytes + message->size, name, label);
        message->size += label;
        name += label + (name[label] == '.');
    }
    message->bytes[message->size++] = 0;
}

static void put_header(struct dns_message *message, const struct dns_question *question,
                       int flags) {
    message->size = 0;
    put16(message, question->id);
    put16(message, 0x8180 | flags); /* an answer, and recursion is there */
    put16(message, 1);
    for (int i = 0; i < 3; i++)
        put16(message, 0);
    memcpy(message->bytes + message->size, question->bytes, question->size);
    message->size += question->size;
}

static void count_answer(struct dns_message *message) {
    message->bytes[7]++;
}

static void put_value(struct dns_message *message, const struct dns_record *record) {
    size_t length_at = message->size, length;
    int type = type_of(record->type);

    put16(message, 0);
    if (type == TYPE_A || type == TYPE_AAAA) {
        int family = type == TYPE_A ? AF_INET : AF_INET6;
        ASSERT_INT_EQ(inet_pton(family, record->value, message->bytes + message->size), 1);
        message->size += type == TYPE_A ? 4 : 16;
    } else {
        put_name(message, record->value);
    }
    length = message->size - length_at - 2;
    message->bytes[length_at] = (unsigned char)(length >> 8);
    message->bytes[length_at + 1] = (unsigned char)length;
}

static void put_record(struct dns_message *message, const char *owner,
                       const struct dns_record *record) {
    put_name(message, owner);
    put16(message, type_of(record->type));
    put16(message, 1); /* of the Internet */
    put16(message, 0);
    put16(message, 60); /* seconds */
    put_value(message, record);
    count_answer(message);
}

static bool is_of(const struct dns_record *record, const char *name) {
    return !*record->name || strcasecmp(record->name, name) == 0;
}

/* Returns whether the name exists. */
static bool put_records(struct dns_message *message, const struct dns_question *question,
                        const char *name, const struct dns_record *table) {
    bool exists = false;

    for (const struct dns_record *record = table; record->name; record++) {
        if (!is_of(record, name))
            continue;
        exists = true;
        if (type_of(record->type) == question->type)
            put_record(message, name, record);
        else if (type_of(record->type) == TYPE_CNAME) {
            put_record(message, name, record);
            put_records(message, question, record->value, table);
        }
    }
    return exists;
}

void dns_answer_anything(const struct dns_question *question, const struct dns_record *table,
                         struct dns_message *out) {
    put_header(out, question, 0);
    if (!put_records(out, question, question->name, table))
        dns_answer_code(question, DNS_NO_SUCH_NAME, out);
}

void dns_answer(const struct dns_question *question, const struct dns_record *table,
                struct dns_message *out) {
    dns_answer_anything(question, table, out);
    if (out->size > UDP_MAX)
        dns_answer_truncated(question, out);
}

void dns_answer_code(const struct dns_question *question, int code, struct dns_message *out) {
    put_header(out, question, code);
}

void dns_answer_truncated(const struct dns_question *question, struct dns_message *out) {
    put_header(out, question, IS_TRUNCATED);
}

/* The answer's name is a pointer to where it stands. */
void dns_answer_loop(const struct dns_question *question, struct dns_message *out) {
    put_header(out, question, 0);
    put16(out, 0xc000 | (int)out->size);
    put16(out, question->type);
    put16(out, 1);
    put16(out, 0);
    put16(out, 60);
    put16(out, 4);
    put16(out, 0);
    put16(out, 0);
    count_answer(out);
}

void dns_answer_short(const struct dns_question *question, struct dns_message *out) {
    put_header(out, question, 0);
    out->size = 5;
}

/* It says that there are answers, and goes on with noise. */
void dns_answer_garbage(const struct dns_question *question, struct dns_message *out) {
    put_header(out, question, 0);
    for (int i = 0; i < 200; i++)
        out->bytes[out->size++] = (unsigned char)(i * 167 + i / 3);
    out->bytes[7] = 9;
}
