/* SPDX-License-Identifier: MIT
 * multi.h - libcurl on one of our loops: its descriptors, its timer, its running transfers. */
#ifndef EDDY__HTTP_MULTI_H
#define EDDY__HTTP_MULTI_H

#include <sys/types.h>

#include <curl/curl.h>

#include <eddy/http.h>

struct http_socket; /* a descriptor that libcurl has asked us to watch */

/* Lies in a session. */
struct http_multi {
    CURLM *curl;
    eddy_loop *loop; /* where it runs; a reference. NULL before its first use */
    pid_t process;   /* who used it first: a fork's child shares the connections, and must not */
    long idle_max;   /* connections kept for reuse */

    eddy_handle timer;  /* when libcurl wants to be called, if nothing happens before */
    bool timer_is_soon; /* it stands in the loop's ready queue */

    struct http_socket **sockets; /* by descriptor; entries live as long as this */
    int sockets_capacity;

    eddy_http_response *running; /* added to curl: linked by next and previous */
    size_t running_count;

    int depth;                    /* > 0: a call of libcurl is on the stack */
    eddy_http_response *troubled; /* to be ended or freed when it is not: linked by next_troubled */
};

/* Fills in an all-zero struct. Returns 0 or -ENOMEM; deinit is right after either. */
int eddy__http_multi_init(struct http_multi *multi, const eddy_http_session_options *options);
void eddy__http_multi_deinit(struct http_multi *multi);

/* True if several requests may share one HTTP/2 connection. */
bool eddy__http_multi_is_multiplexing(void);

/* Makes it run on the loop of the caller. Suspends outside any task. Returns 0; -EBUSY or
 * EDDY_EWRONG_THREAD: transfers still run on another loop; EDDY_EFORKED. Raises the sentence. */
int eddy__http_multi_bind(struct http_multi *multi);

/* Adds a transfer; it starts in this turn. Returns 0 or -ENOMEM. */
int eddy__http_multi_add(struct http_multi *multi, eddy_http_response *transfer);

/* Takes a transfer out, closing its connection if it was not done. Not inside a call of libcurl. */
void eddy__http_multi_remove(struct http_multi *multi, eddy_http_response *transfer);

/* Makes libcurl heed transfer->is_receiving_paused and is_sending_paused. */
void eddy__http_multi_pause(struct http_multi *multi, eddy_http_response *transfer);

/* Has this transfer ended (or freed, if nobody has it any more) as soon as libcurl is not on the
 * stack, which is not re-entrant. */
void eddy__http_multi_trouble(struct http_multi *multi, eddy_http_response *transfer);

/* CURLOPT_OPENSOCKETFUNCTION's and CURLOPT_CLOSESOCKETFUNCTION's work: a descriptor or a negative
 * code; 0. */
int eddy__http_multi_open_socket(struct http_multi *multi, const struct curl_sockaddr *address);
int eddy__http_multi_close_socket(void *arg, curl_socket_t fd);

#endif
