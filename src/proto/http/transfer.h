/* SPDX-License-Identifier: MIT
 * transfer.h - a request under way, and the response that it becomes. */
#ifndef EDDY__HTTP_TRANSFER_H
#define EDDY__HTTP_TRANSFER_H

#include <curl/curl.h>

#include <eddy/http.h>

#include "buffer.h"
#include "headers.h"
#include "upload.h"

/* IDLE -start-> RUNNING -end-> ENDED -recycle-> IDLE */
enum http_transfer_state { TRANSFER_IDLE, TRANSFER_RUNNING, TRANSFER_ENDED };

/* What a waiting call waits for; each includes the ones below. */
enum http_want { WANT_HEADERS, WANT_BYTES, WANT_END };

/* On the stack of the call that waits. */
struct http_waiter {
    eddy_future *future;
    enum http_want want;
};

#define HTTP_METHOD_BYTES 32

/* The user's handle of a response is its transfer: one easy handle and what it has brought. Freed,
 * it waits in session->spare for the next request. */
struct eddy_http_response {
    /* Who has it. */
    eddy_http_session *session;          /* a reference, while refs > 0 */
    size_t refs;                         /* the user's, the waiting call's, multi->troubled's */
    eddy_http_response *next, *previous; /* in multi->running or session->spare */
    eddy_http_response *next_troubled;
    bool is_troubled; /* in multi->troubled */
    bool is_closed;   /* the user has freed it, perhaps while another waits */

    /* What is asked for. */
    CURL *easy;
    bool is_configured; /* easy has the session's options and a URL, and nothing else */
    char method[HTTP_METHOD_BYTES];
    char *url;                      /* as it was given, for messages */
    struct curl_slist *header_list; /* NULL: the session's */
    struct http_upload upload;
    bool expects_continue;  /* a 417 may be followed by another try */
    bool is_head;           /* the answer has no body */
    bool is_sending_paused; /* the callback had nothing */
    eddy_handle send_timer; /* asks it again */

    /* How far it is. */
    enum http_transfer_state state;
    CURLcode result; /* valid when ENDED */
    int code;        /* our own reason to end it, negative, with its sentence in fault; or 0 */
    int socket_code; /* why there was no socket: -EMFILE ... */
    char fault[160];
    char curl_text[CURL_ERROR_SIZE]; /* libcurl's sentence */
    struct http_waiter *waiter;      /* who waits; NULL as soon as it is woken */

    /* The answer. */
    int status;             /* of the block in `headers` */
    bool is_block_complete; /* which is whole, and not of an interim answer */
    bool is_headed;         /* and that of the final answer */
    struct http_headers headers;
    size_t header_bytes;     /* received since the last redirect, counted against the limit */
    struct http_buffer body; /* received and not yet read */
    size_t body_limit;       /* of text() */
    bool is_collecting;      /* in text(): the body may grow up to its limit */
    bool is_text;            /* text() has given it out; read() is at the end */
    bool is_receiving_paused;
};

/* A new reference to an idle transfer of the session, from its spare ones if it has any. */
int eddy__http_transfer_new(eddy_http_session *session, eddy_http_response **out);
void eddy__http_transfer_ref(eddy_http_response *transfer);
void eddy__http_transfer_unref(eddy_http_response *transfer);

/* Frees for good one that is in nobody's hands: a spare one. */
void eddy__http_transfer_destroy(eddy_http_response *transfer);

/* Sets the callbacks of its easy handle. */
void eddy__http_transfer_configure(eddy_http_response *transfer);

int eddy__http_transfer_start(eddy_http_response *transfer);

/* The answer is complete, or will not come. Does nothing if it has ended. Not inside libcurl. */
void eddy__http_transfer_end(eddy_http_response *transfer, CURLcode result);

/* Notes why it must end; the first reason stays. The caller sees to the end. Returns code. */
int eddy__http_transfer_fault(eddy_http_response *transfer, int code, const char *format, ...)
    EDDY_PRINTF(3, 4);

/* Ends it now, or when libcurl has left the stack. */
void eddy__http_transfer_abort(eddy_http_response *transfer);

/* It has ended, and not well. */
static inline bool eddy__http_transfer_failed(const eddy_http_response *transfer) {
    return transfer->state == TRANSFER_ENDED && (transfer->code || transfer->result != CURLE_OK);
}

/* Waits until `want` is there or it has ended. Suspends. Returns 0, -ECANCELED, -EBUSY (another
 * call waits), EDDY_ECLOSED (freed meanwhile: the caller has a reference of his own). */
int eddy__http_transfer_wait(eddy_http_response *transfer, enum http_want want);

/* Lets a paused one go on. */
void eddy__http_transfer_resume(eddy_http_response *transfer);

#endif
