/* SPDX-License-Identifier: MIT
 * http_libcurl.c - many GETs of one URL by a plain C program: libcurl's multi_socket interface and
 * epoll.
 *
 * This is what one would write without eddy, by libcurl's documentation: a callback that puts its
 * sockets into an epoll set, a callback that notes its time-out, and an easy handle per concurrent
 * transfer, used again for the next. The options are those of an eddy session: cookies,
 * compression, redirects, two protocols. Bodies are collected and checked. usage: http_libcurl URL
 * REQUESTS CONCURRENCY BODY_BYTES. Beside it: http_eddy.c. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench.h"
#include "http_report.h"

#define EVENTS_MAX 128

struct client {
    CURLM *multi;
    int epoll_fd;
    int64_t deadline_ns; /* when libcurl wants to be called; -1: not at all */
    const char *url;
    long to_start, to_finish;
    size_t body_bytes; /* what every body must have */
};

struct transfer {
    CURL *easy;
    char *body;
    size_t size, capacity;
};

static void require_curl(int code, const char *text) {
    if (code == 0)
        return;
    fprintf(stderr, "http_libcurl: %s\n", text);
    exit(1);
}

/* --- libcurl's callbacks ---------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *is_watched) {
    static char watched;
    struct client *client = arg;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    int operation = is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    bench_require(epoll_ctl(client->epoll_fd, operation, fd, &event) < 0 ? -errno : 0, "epoll_ctl");
    curl_multi_assign(client->multi, fd, &watched);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg) {
    struct client *client = arg;

    (void)multi;
    client->deadline_ns = timeout_ms < 0 ? -1 : bench_now_ns() + timeout_ms * 1000000;
    return 0;
}

static size_t on_body(char *data, size_t unit, size_t size, void *arg) {
    struct transfer *transfer = arg;

    (void)unit;
    if (transfer->size + size > transfer->capacity) {
        size_t capacity = 2 * (transfer->size + size);
        char *body = realloc(transfer->body, capacity);
        if (!body)
            return 0;
        transfer->body = body;
        transfer->capacity = capacity;
    }
    memcpy(transfer->body + transfer->size, data, size);
    transfer->size += size;
    return size;
}

/* --- transfers -------------------------------------------------------------------------------- */

static void transfer_init(struct transfer *transfer) {
    transfer->easy = curl_easy_init();
    require_curl(!transfer->easy, "no memory");

    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_USERAGENT, "eddy/0.1.0");
    curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(transfer->easy, CURLOPT_MAXREDIRS, 20L);
#if CURL_AT_LEAST_VERSION(7, 85, 0)
    curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(transfer->easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(transfer->easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(transfer->easy, CURLOPT_COOKIEFILE, "");
}

static void transfer_start(struct transfer *transfer, struct client *client) {
    client->to_start--;
    transfer->size = 0;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, client->url);
    require_curl(curl_multi_add_handle(client->multi, transfer->easy), "cannot add a transfer");
}

static void transfer_check(struct transfer *transfer, const struct client *client, CURLcode code) {
    long status;

    require_curl(code, curl_easy_strerror(code));
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    require_curl(status != 200, "the status is not 200");
    require_curl(transfer->size != client->body_bytes, "a body of the wrong size");
}

static void client_reap(struct client *client) {
    struct transfer *transfer;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;

        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        transfer_check(transfer, client, code);
        curl_multi_remove_handle(client->multi, easy);
        client->to_finish--;
        if (client->to_start > 0)
            transfer_start(transfer, client);
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

static void client_init(struct client *client, long concurrency) {
    client->multi = curl_multi_init();
    require_curl(!client->multi, "no memory");
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench_require(client->epoll_fd < 0 ? -errno : 0, "epoll_create1");
    client->deadline_ns = -1;

    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, concurrency);
}

static int client_timeout_ms(const struct client *client) {
    if (client->deadline_ns < 0)
        return -1;
    int64_t left_ns = client->deadline_ns - bench_now_ns();
    return left_ns <= 0 ? 0 : (int)((left_ns + 999999) / 1000000);
}

static int events_for_curl(uint32_t events) {
    return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static void client_turn(struct client *client) {
    struct epoll_event events[EVENTS_MAX];
    int running;

    int count = epoll_wait(client->epoll_fd, events, EVENTS_MAX, client_timeout_ms(client));
    for (int i = 0; i < count; i++)
        curl_multi_socket_action(client->multi, events[i].data.fd,
                                 events_for_curl(events[i].events), &running);

    if (client->deadline_ns >= 0 && client->deadline_ns <= bench_now_ns()) {
        client->deadline_ns = -1;
        curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    client_reap(client);
}

int main(int argc, char *argv[]) {
    long requests = bench_count(argc, argv, 2, 10000);
    long concurrency = bench_count(argc, argv, 3, 100);
    struct client client = {
        .url = argc > 1 ? argv[1] : "http://127.0.0.1/",
        .to_start = requests,
        .to_finish = requests,
        .body_bytes = (size_t)bench_count(argc, argv, 4, 1024),
    };

    require_curl(curl_global_init(CURL_GLOBAL_DEFAULT), "curl_global_init failed");
    client_init(&client, concurrency);
    struct transfer *transfers = calloc((size_t)concurrency, sizeof(*transfers));
    bench_require(transfers ? 0 : -ENOMEM, "transfers");

    int64_t start_ns = bench_now_ns();
    for (long i = 0; i < concurrency; i++) {
        transfer_init(&transfers[i]);
        if (client.to_start > 0)
            transfer_start(&transfers[i], &client);
    }
    while (client.to_finish > 0)
        client_turn(&client);
    http_report(requests, bench_now_ns() - start_ns);
    return 0; /* the end of the process is the clean-up */
}
