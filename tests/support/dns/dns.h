/* SPDX-License-Identifier: MIT
 * dns.h - a small name server, by UDP and TCP, that may be told to misbehave.
 *
 * It runs in a thread of the test's process, on port 53 of an address of the test's world
 * (world.h), and answers from a table. What is not in it does not exist. How it answers, the first
 * label of a name says, whatever comes behind it:
 *
 *   silent      never                                held       when dns_release() says so
 *   servfail    that it has failed                   refused    that it will not
 *   truncates   by UDP that it is too long           hangs-up   the same, and by TCP not at all
 *   loops       with a name that points to itself    garbage    with noise, and no more
 *   short       with five bytes
 *
 * These lie first, to an address of nobody (192.0.2.66), and then tell the truth; a resolver does
 * not believe them:
 *
 *   wrong-id, wrong-question, flood (a hundred times "no such name") */
#ifndef TEST_DNS_H
#define TEST_DNS_H

struct dns_record {
    const char *name;  /* "www.example.test", "7.2.0.192.in-addr.arpa" */
    const char *type;  /* A, AAAA, CNAME, PTR */
    const char *value; /* "192.0.2.7", "2001:db8::7", "another.test" */
};

/* At an address of loopback; the table ends with a NULL name. */
void dns_start(const char *address, const struct dns_record *table);

/* How many questions have come for this name, of any type; and waits until there is one. */
int dns_asked(const char *name);
void dns_wait_for(const char *name);

/* Answers all that is held, and all that comes from now on. */
void dns_release(void);

#endif
