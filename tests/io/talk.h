/* SPDX-License-Identifier: MIT
 * talk.h - a server that echoes lines, and clients that talk to it. */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include "net.h"

/* The server's port, and how many clients it has served to their end. */
extern char port[8];
extern int served;

/* Echoes lines. */
int echo(eddy_stream *stream, void *arg);

/* A client that has three lines echoed; its number, which is in them, is the argument. */
int talk(void *arg);

/* So many at once. */
enum { CLIENTS = 200 };
int talk_by_many(int clients);

/* Connects to the port so many times, and waits until the server has them. */
eddy_server *server_with_clients(eddy_connection_fn *fn, eddy_stream *streams[], int count);
void close_all(eddy_stream *streams[], int count);

/* What the log was told: how many lines, and the last. */
extern int log_lines;
extern char log_text[500];
void keep_log(eddy_log_level level, const char *text, void *arg);

#endif
