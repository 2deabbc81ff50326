/* SPDX-License-Identifier: MIT
 * echo.h - what the echo programs share: a socket that listens, a word to the driver, connections.
 *
 * Every server of the echo rows (ours, the limits, the peers) listens on a free port of 127.0.0.1,
 * prints {"port": N} once it does, and serves until it is killed. */
#ifndef ECHO_H
#define ECHO_H

#include <stddef.h>

#define ECHO_BUFFER_BYTES 65536 /* of one read: every server's, where it can be said */

/* A non-blocking socket that listens on 127.0.0.1; *port is the one that the kernel chose. */
int echo_listen(int *port);

/* Prints the line that the driver waits for. */
void echo_announce(int port);

/* A blocking connection to 127.0.0.1 that sends without delay. */
int echo_connect(long port);

/* Raises the limit of open descriptors as far as it goes: 10,000 connections need it. */
void echo_raise_descriptor_limit(void);

#endif
