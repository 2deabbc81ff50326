/* SPDX-License-Identifier: MIT
 * dns_message.h - questions and answers of DNS, as bytes (RFC 1035). */
#ifndef TEST_DNS_MESSAGE_H
#define TEST_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns.h"

enum { DNS_FAILED = 2, DNS_NO_SUCH_NAME = 3, DNS_REFUSED = 5 };

struct dns_question {
    uint16_t id, type;
    char name[256];           /* "www.example.test" */
    unsigned char bytes[300]; /* as it was asked: name, type, class */
    size_t size;
};

struct dns_message {
    unsigned char bytes[16384];
    size_t size;
};

/* False: it is none. */
bool dns_question_read(const unsigned char *bytes, size_t size, struct dns_question *out);
bool dns_first_label_is(const struct dns_question *question, const char *label);

/* From the table, with the answers that a CNAME leads to; truncated beyond 512 bytes. */
void dns_answer(const struct dns_question *question, const struct dns_record *table,
                struct dns_message *out);

/* The same of any length; and a record with the name "" fits every question. */
void dns_answer_anything(const struct dns_question *question, const struct dns_record *table,
                         struct dns_message *out);

void dns_answer_code(const struct dns_question *question, int code, struct dns_message *out);
void dns_answer_truncated(const struct dns_question *question, struct dns_message *out);
void dns_answer_loop(const struct dns_question *question, struct dns_message *out);
void dns_answer_short(const struct dns_question *question, struct dns_message *out);
void dns_answer_garbage(const struct dns_question *question, struct dns_message *out);

#endif
