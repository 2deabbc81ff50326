/* SPDX-License-Identifier: MIT
 * scripts.h - the peers that tests of clients want: one well-behaved echo, and the bad ones.
 *
 * Each reads a request first where its name does not say otherwise. */
#ifndef TEST_PEER_SCRIPTS_H
#define TEST_PEER_SCRIPTS_H

#include "peer.h"

/* --- well behaved ----------------------------------------------------------------------------- */

/* Answers each request with the request itself: head and body (chunks put together), as text. */
void peer_echoes(struct peer_client *client);

/* Answers each request with 200 and arg, a string. */
void peer_answers(struct peer_client *client);

/* Answers "together" when as many requests have come, over all connections, as arg points to (an
 * int): none of them gets its answer unless all are under way at once. */
void peer_answers_together(struct peer_client *client);

/* Answers "released" to one request after peer_release(); or leaves with the client. */
void peer_answers_when_released(struct peer_client *client);

/* A proxy: opens the tunnel that CONNECT asks for, to any host and port of ours. */
void peer_tunnels(struct peer_client *client);

/* 200, and arg, a string, a byte at a time: headers too. */
void peer_answers_byte_by_byte(struct peer_client *client);

/* 8 MiB of numbered lines (lines.h), noting when the client takes nothing (PEER_STALLED). */
void peer_sends_watched(struct peer_client *client);
enum { PEER_WATCHED_BYTES = 8 * 1024 * 1024 };

/* 413 as soon as it has the head; then reads the rest of what comes. */
void peer_refuses_upload(struct peer_client *client);

/* Early hints before the answer, a header of theirs among them. */
void peer_hints_first(struct peer_client *client);

/* --- bad -------------------------------------------------------------------------------------- */

void peer_closes_at_once(struct peer_client *client); /* reads nothing */
void peer_resets_at_once(struct peer_client *client); /* reads nothing */
void peer_closes_unanswered(struct peer_client *client);
void peer_resets_unanswered(struct peer_client *client);
void peer_resets_half_way(struct peer_client *client);  /* 1,000 bytes of 100,000 */
void peer_sends_too_little(struct peer_client *client); /* 10 bytes of 1,000 */
void peer_ends_in_a_chunk(struct peer_client *client);
void peer_closes_in_the_headers(struct peer_client *client);

/* A good answer to the first request of each connection; none to the second. */
void peer_answers_once(struct peer_client *client);

void peer_sends_for_ever(struct peer_client *client);         /* a body without end */
void peer_sends_headers_for_ever(struct peer_client *client); /* ..., X-2: ... */
void peer_sends_one_endless_header(struct peer_client *client);
void peer_sends_interim_for_ever(struct peer_client *client); /* 100 Continue, again and again */
void peer_redirects_for_ever(struct peer_client *client);     /* /1, /2, /3 ... */

/* Reads, answers nothing, and notes when the client leaves. */
void peer_stays_silent(struct peer_client *client);
void peer_stops_after_headers(struct peer_client *client); /* and half a body */
void peer_never_reads(struct peer_client *client); /* the head only; then waits to be stopped */

void peer_sends_garbage(struct peer_client *client);
void peer_sends_huge_chunk(struct peer_client *client); /* a size that fits no integer */
void peer_sends_bad_chunk(struct peer_client *client);  /* a size that is no number */
void peer_sends_bad_length(struct peer_client *client); /* Content-Length: -5 */
void peer_sends_bad_gzip(struct peer_client *client);
void peer_sends_tls_garbage(struct peer_client *client); /* to whatever comes first */

#endif
