/* SPDX-License-Identifier: MIT
 * transfer.c - a request under way: what libcurl calls as it goes, and how a task waits for it.
 *
 * Three events carry everything: the final answer's headers are there, bytes are there, it has
 * ended. A call that needs one parks its task on a future; the callbacks complete it, which only
 * queues the task, so no user code ever runs inside libcurl but the body callback of a request.
 *
 * An easy handle costs more than a small request, so transfers go round: a freed response is the
 * next request's. If only its URL was set, its handle stays as it is, else it is reset.
 * Read next: request.c, how one begins; response.c, what the user does with it. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"
#include "util.h"

#define BODY_HELD_MAX   (256u * 1024) /* unread; beyond that the transfer is paused */
#define BODY_KEEP_BYTES (64u * 1024)  /* memory that a spare transfer keeps */
#define SPARE_MAX       128           /* transfers kept by a session */

/* --- events ----------------------------------------------------------------------------------- */

static bool is_there(const eddy_http_response *transfer, enum http_want want) {
    if (transfer->state == TRANSFER_ENDED)
        return true;
    switch (want) {
    case WANT_HEADERS:
        return transfer->is_headed;
    case WANT_BYTES:
        return http_buffer_held(&transfer->body) > 0;
    default:
        return false;
    }
}

static void transfer_wake(eddy_http_response *transfer) {
    if (!transfer->waiter || !(transfer->is_closed || is_there(transfer, transfer->waiter->want)))
        return;
    eddy_future_set_result(transfer->waiter->future, NULL);
    transfer->waiter = NULL;
}

/* Another loop than the one that runs here would never bring it any further. */
static int loop_check(eddy_loop *loop) {
    eddy_loop *running = eddy_running_loop();

    if (!running || running == loop)
        return 0;
    return eddy_raise(-EBUSY, "this response belongs to another loop than the one that runs");
}

static int transfer_park(eddy_http_response *transfer, enum http_want want) {
    struct http_waiter waiter = {eddy_future_new(transfer->session->multi.loop), want};
    int r;

    transfer->waiter = &waiter;
    r = eddy_await(eddy_ref(waiter.future));
    if (transfer->waiter == &waiter) /* it was not the event that ended the wait */
        transfer->waiter = NULL;
    eddy_unref(waiter.future);
    return r;
}

int eddy__http_transfer_wait(eddy_http_response *transfer, enum http_want want) {
    while (!is_there(transfer, want)) {
        int r;

        if (transfer->waiter)
            return eddy_raise(-EBUSY, "another task is waiting for this response");
        r = loop_check(transfer->session->multi.loop);
        if (r < 0)
            return r;
        r = transfer_park(transfer, want);
        if (transfer->is_closed)
            return eddy_raise(EDDY_ECLOSED, "the response was freed while a task waited for it");
        if (r < 0)
            return r;
    }
    return 0;
}

int eddy__http_transfer_fault(eddy_http_response *transfer, int code, const char *format, ...) {
    va_list arguments;

    if (transfer->code)
        return code;
    transfer->code = code;
    va_start(arguments, format);
    vsnprintf(transfer->fault, sizeof(transfer->fault), format, arguments);
    va_end(arguments);
    return code;
}

static void transfer_headed(eddy_http_response *transfer) {
    transfer->is_headed = true;
    transfer_wake(transfer);
}

/* --- headers arrive --------------------------------------------------------------------------- */

/* libcurl is going to ask somewhere else, and its next answer will be the one. */
static bool is_redirect(const eddy_http_response *transfer) {
    const char *location;

    if (transfer->status < 300 || transfer->status > 399 ||
        transfer->session->options.redirects_max < 0)
        return false;
    location = eddy__http_headers_find(&transfer->headers, "Location");
    return location && *location;
}

/* RFC 9110, 15.4: after "See Other" anything, after the older two a POST. */
static bool becomes_get(const eddy_http_response *transfer) {
    bool is_post = strcmp(transfer->method, "POST") == 0;

    return !transfer->is_head && (transfer->status == 303 ||
                                  (is_post && transfer->status <= 302 && transfer->status != 300));
}

/* A new address needs the body again; or none, but for that libcurl must be made to forget a
 * method that was set by name, and the headers about the body. */
static int redirect_prepare(eddy_http_response *transfer) {
    eddy__http_upload_restart(transfer);
    if (transfer->is_configured || !becomes_get(transfer))
        return 0;
    curl_easy_setopt(transfer->easy, CURLOPT_CUSTOMREQUEST, NULL);
    if (!transfer->header_list) /* the session's, which are for any request */
        return 0;
    if (!eddy__http_list_drop_body(&transfer->header_list))
        return -ENOMEM;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->header_list);
    return 0;
}

static int block_complete(eddy_http_response *transfer) {
    bool is_interim = transfer->status < 200 && transfer->status != 101;
    bool is_refused_expectation = transfer->status == 417 && transfer->expects_continue;

    transfer->is_block_complete = !is_interim;
    if (is_redirect(transfer))
        return redirect_prepare(transfer);
    if (!is_interim && !is_refused_expectation)
        transfer_headed(transfer);
    return 0;
}

/* Interim answers count together with what they precede, or a server could send them for ever. */
static int block_begin(eddy_http_response *transfer, const char *line, size_t size) {
    int status;

    if (transfer->is_headed)
        return -EBADMSG;
    if (transfer->status >= 300)
        transfer->header_bytes = size;
    transfer->is_block_complete = false;
    status = eddy__http_headers_begin(&transfer->headers, line, size);
    if (status >= 0)
        transfer->status = status;
    return status;
}

static int header_line(eddy_http_response *transfer, const char *line, size_t size) {
    size_t limit = transfer->session->options.header_limit_bytes;

    transfer->header_bytes += size;
    if (transfer->header_bytes > limit)
        return EDDY_ELIMIT;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0)
        return block_begin(transfer, line, size);
    if (transfer->is_headed) /* trailers, which nobody can ask for */
        return 0;
    if (*line != '\r' && *line != '\n')
        return eddy__http_headers_add(&transfer->headers, line, size);
    return block_complete(transfer);
}

static size_t on_header(char *line, size_t one, size_t size, void *arg) {
    eddy_http_response *transfer = arg;
    int r = size > 0 ? header_line(transfer, line, size) : 0;

    (void)one;
    if (r >= 0)
        return size;
    if (r == EDDY_ELIMIT)
        eddy__http_transfer_fault(transfer, r,
                                  "the answer's headers are over the limit (%zu bytes)",
                                  transfer->session->options.header_limit_bytes);
    else if (r == -ENOMEM)
        eddy__http_transfer_fault(transfer, r, "no memory for the answer's headers");
    else
        eddy__http_transfer_fault(transfer, EDDY_EPROTOCOL, "the answer's headers are malformed");
    return 0;
}

/* --- the body arrives ------------------------------------------------------------------------- */

static size_t on_body(char *data, size_t one, size_t size, void *arg) {
    eddy_http_response *transfer = arg;
    size_t room = transfer->is_collecting ? transfer->body_limit : BODY_HELD_MAX;
    size_t held = http_buffer_held(&transfer->body);

    (void)one;
    if (!transfer->is_headed)
        transfer_headed(transfer);
    if (held > room || size > room - held) {
        if (!transfer->is_collecting) {
            transfer->is_receiving_paused = true; /* libcurl keeps this piece and brings it again */
            return CURL_WRITEFUNC_PAUSE;
        }
        eddy__http_transfer_fault(transfer, EDDY_ELIMIT, "the body is over the limit of %zu bytes",
                                  transfer->body_limit);
        return 0;
    }
    if (eddy__http_buffer_append(&transfer->body, data, size) < 0) {
        eddy__http_transfer_fault(transfer, -ENOMEM, "no memory for the body");
        return 0;
    }
    transfer_wake(transfer);
    return size;
}

void eddy__http_transfer_resume(eddy_http_response *transfer) {
    if (!transfer->is_receiving_paused || transfer->state != TRANSFER_RUNNING)
        return;
    if (!transfer->is_collecting && http_buffer_held(&transfer->body) > BODY_HELD_MAX / 2)
        return;
    transfer->is_receiving_paused = false; /* before: it may be paused again at once */
    eddy__http_multi_pause(&transfer->session->multi, transfer);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address) {
    eddy_http_response *transfer = arg;
    int fd = eddy__http_multi_open_socket(&transfer->session->multi, address);

    (void)purpose;
    transfer->socket_code = MIN(fd, 0);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* A look-up needs a thread and two descriptors, and says only that it did not start: so we try to
 * get two as well, at once, before others give theirs back. */
static int look_up_shortage(const eddy_http_response *transfer) {
    int fds[2];

    if (!strstr(transfer->curl_text, "failed to start"))
        return 0;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    close(fds[0]);
    close(fds[1]);
    return -EAGAIN;
}

/* --- start and end ---------------------------------------------------------------------------- */

int eddy__http_transfer_start(eddy_http_response *transfer) {
    return eddy__http_multi_add(&transfer->session->multi, transfer);
}

void eddy__http_transfer_end(eddy_http_response *transfer, CURLcode result) {
    if (transfer->state != TRANSFER_RUNNING)
        return;
    transfer->state = TRANSFER_ENDED;
    transfer->result = result;
    if (result == CURLE_COULDNT_RESOLVE_HOST)
        transfer->socket_code = look_up_shortage(transfer);
    if (result == CURLE_OK && transfer->is_block_complete)
        transfer->is_headed = true;
    eddy_handle_cancel(transfer->send_timer);
    eddy__http_multi_remove(&transfer->session->multi, transfer);
    transfer_wake(transfer);
}

void eddy__http_transfer_abort(eddy_http_response *transfer) {
    struct http_multi *multi = &transfer->session->multi;

    if (multi->depth > 0)
        eddy__http_multi_trouble(multi, transfer);
    else
        eddy__http_transfer_end(transfer, CURLE_ABORTED_BY_CALLBACK);
    transfer_wake(transfer);
}

/* --- life ------------------------------------------------------------------------------------- */

void eddy__http_transfer_configure(eddy_http_response *transfer) {
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, eddy__http_on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, eddy__http_on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, eddy__http_multi_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, &transfer->session->multi);
}

static eddy_http_response *transfer_create(void) {
    eddy_http_response *transfer = calloc(1, sizeof(*transfer));

    if (transfer)
        transfer->easy = curl_easy_init();
    if (transfer && transfer->easy)
        return transfer;
    free(transfer);
    return NULL;
}

void eddy__http_transfer_destroy(eddy_http_response *transfer) {
    curl_easy_cleanup(transfer->easy);
    eddy__http_buffer_clear(&transfer->headers.lines, 0);
    eddy__http_buffer_clear(&transfer->body, 0);
    free(transfer);
}

static eddy_http_response *spare_take(eddy_http_session *session) {
    eddy_http_response *transfer = session->spare;

    if (transfer) {
        session->spare = transfer->next;
        session->spare_count--;
        transfer->next = NULL;
    }
    return transfer;
}

int eddy__http_transfer_new(eddy_http_session *session, eddy_http_response **out) {
    eddy_http_response *transfer = spare_take(session);

    if (!transfer)
        transfer = transfer_create();
    if (!transfer)
        return -ENOMEM;
    transfer->refs = 1;
    transfer->session = eddy__http_session_ref(session);
    if (!transfer->is_configured) {
        eddy__http_transfer_configure(transfer);
        if (eddy__http_session_configure(session, transfer->easy) < 0) {
            eddy__http_transfer_unref(transfer);
            return -ENOMEM;
        }
        transfer->is_configured = true;
    }
    *out = transfer;
    return 0;
}

/* As it was when it was new, but for its memory and, if nothing was changed in it, its handle. */
static void transfer_recycle(eddy_http_response *transfer) {
    struct http_headers headers = transfer->headers;
    struct http_buffer body = transfer->body;
    bool is_configured = transfer->is_configured;
    CURL *easy = transfer->easy;

    if (!is_configured) {
        curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL); /* reset forgets to free it (7.88) */
        curl_easy_reset(easy);
    }
    eddy__http_upload_clear(&transfer->upload);
    eddy__http_headers_clear(&headers, BODY_KEEP_BYTES);
    eddy__http_buffer_clear(&body, BODY_KEEP_BYTES);
    curl_slist_free_all(transfer->header_list);
    free(transfer->url);
    *transfer = (eddy_http_response){
        .easy = easy, .headers = headers, .body = body, .is_configured = is_configured};
}

void eddy__http_transfer_ref(eddy_http_response *transfer) {
    transfer->refs++;
}

void eddy__http_transfer_unref(eddy_http_response *transfer) {
    eddy_http_session *session = transfer->session;

    if (--transfer->refs > 0)
        return;
    transfer_recycle(transfer);
    if (session->spare_count < SPARE_MAX) {
        transfer->next = session->spare;
        session->spare = transfer;
        session->spare_count++;
    } else {
        eddy__http_transfer_destroy(transfer);
    }
    eddy__http_session_unref(session); /* may be the last, and destroys the spare ones */
}
