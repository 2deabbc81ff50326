/* SPDX-License-Identifier: MIT
 * upload.c - the body of a request, piece by piece.
 *
 * The caller lends his memory for the call only, and a server may answer before it has read
 * everything. Copying every body would be waste, and waiting for its end could wait for ever (the
 * server waits until its answer is read): so the rest is copied in the one case where the answer
 * comes first. */
#include "upload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "transfer.h"
#include "util.h"

#define SEND_AGAIN_AFTER 0.010 /* seconds, when the callback had nothing */

/* --- the pieces ------------------------------------------------------------------------------- */

static ssize_t memory_read(struct http_upload *upload, void *buffer, size_t size) {
    memcpy(buffer, upload->data + upload->sent, size);
    return (ssize_t)size;
}

static int upload_rewind(struct http_upload *upload) {
    upload->is_used_up = false;
    if (upload->fn)
        return -ESPIPE;
    upload->sent = 0;
    return 0;
}

ssize_t eddy__http_upload_read(struct http_upload *upload, void *buffer, size_t size) {
    ssize_t count;

    if (upload->is_used_up && upload_rewind(upload) < 0)
        return -ESPIPE;
    if (upload->size >= 0)
        size = (size_t)MIN((int64_t)size, upload->size - upload->sent);
    if (size == 0)
        return 0;

    count = upload->fn ? upload->fn(buffer, size, upload->arg) : memory_read(upload, buffer, size);
    if (count > (ssize_t)size)
        return -EINVAL;
    if (count == 0 && upload->size >= 0)
        return EDDY_EINCOMPLETE;
    if (count > 0)
        upload->sent += count;
    return count;
}

int eddy__http_upload_keep_rest(struct http_upload *upload) {
    size_t rest = (size_t)(upload->size - upload->sent);

    if (!upload->data || upload->copy || rest == 0)
        return 0;
    upload->copy = malloc(rest);
    if (!upload->copy)
        return -ENOMEM;
    upload->data = memcpy(upload->copy, upload->data + upload->sent, rest);
    upload->size = (int64_t)rest;
    upload->sent = 0;
    return 0;
}

void eddy__http_upload_clear(struct http_upload *upload) {
    free(upload->copy);
    *upload = (struct http_upload){0};
}

/* --- as libcurl asks for it ------------------------------------------------------------------- */

static void send_again(void *arg) {
    eddy_http_response *transfer = arg;

    transfer->send_timer = (eddy_handle){0};
    transfer->is_sending_paused = false;
    eddy__http_multi_pause(&transfer->session->multi, transfer);
}

static size_t sending_pause(eddy_http_response *transfer) {
    eddy_loop *loop = transfer->session->multi.loop;

    transfer->send_timer = eddy_call_later(loop, SEND_AGAIN_AFTER, send_again, transfer);
    if (!transfer->send_timer.token) {
        eddy__http_transfer_fault(transfer, -ENOMEM, "the loop has no memory for a timer");
        return CURL_READFUNC_ABORT;
    }
    transfer->is_sending_paused = true;
    return CURL_READFUNC_PAUSE;
}

static void upload_fault(eddy_http_response *transfer, int code) {
    long long sent = transfer->upload.sent, size = transfer->upload.size;

    if (code == -ESPIPE)
        eddy__http_transfer_fault(transfer, code,
                                  "the body must be sent again (a redirect, or a "
                                  "lost connection), which a callback cannot");
    else if (code == EDDY_EINCOMPLETE)
        eddy__http_transfer_fault(transfer, code,
                                  "the body callback ended after %lld of %lld bytes", sent, size);
    else
        eddy__http_transfer_fault(transfer, code, "the body callback failed: %s",
                                  eddy_error_text(code));
}

size_t eddy__http_on_read(char *buffer, size_t one, size_t size, void *arg) {
    eddy_http_response *transfer = arg;
    ssize_t r = eddy__http_upload_read(&transfer->upload, buffer, one * size);

    if (transfer->is_closed) /* by the callback itself */
        return CURL_READFUNC_ABORT;
    if (r >= 0)
        return (size_t)r;
    if (r == -EAGAIN)
        return sending_pause(transfer);
    upload_fault(transfer, (int)r);
    return CURL_READFUNC_ABORT;
}

void eddy__http_upload_restart(eddy_http_response *transfer) {
    transfer->upload.is_used_up = transfer->upload.sent > 0;
    eddy_handle_cancel(transfer->send_timer);
    transfer->is_sending_paused = false;
}

/* libcurl: from the beginning again. */
int eddy__http_on_seek(void *arg, curl_off_t offset, int origin) {
    eddy_http_response *transfer = arg;

    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    eddy__http_upload_restart(transfer);
    if (!transfer->upload.is_used_up || !transfer->upload.fn)
        return CURL_SEEKFUNC_OK;
    upload_fault(transfer, -ESPIPE);
    return CURL_SEEKFUNC_FAIL;
}
