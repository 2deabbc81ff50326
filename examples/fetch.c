/* SPDX-License-Identifier: MIT
 * fetch.c - fetches the URLs given as arguments, all at once.
 *
 * The command `eddy fetch` is this program grown up. */
#include <eddy/http.h>
#include <stdio.h>
#include <stdlib.h>

static eddy_http_session *session; /* shared by all tasks: it keeps the connections */

static int fetch(void *arg) {
    const char *url = arg;
    eddy_http_response *response = NULL;
    eddy_slice body;

    int r = eddy_http_get(session, url, &response);
    if (r >= 0)
        r = eddy_http_response_text(response, &body);

    if (r >= 0)
        printf("%d %8zu bytes  %s\n", eddy_http_response_status(response), body.size, url);
    else
        printf("failed: %s\n", eddy_last_error()->message);

    eddy_http_response_free(response);
    return r;
}

static int fetch_all(void *arg) {
    char **urls = arg;
    int count = 0;
    while (urls[count])
        count++;

    int r = eddy_http_session_new(NULL, &session);
    if (r < 0)
        return r;

    eddy_task **tasks = calloc(count, sizeof *tasks);
    for (int i = 0; tasks && i < count; i++)
        tasks[i] = eddy_create_task(fetch, urls[i]);
    r = tasks ? eddy_gather_array(tasks, count, NULL) : -ENOMEM;

    free(tasks);
    eddy_http_session_free(session);
    return r == -ECANCELED ? r : r < 0; /* the exit status: failures have been printed above */
}

int main(int argc, char *argv[]) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s URL...\n", argv[0]);
        return 2;
    }
    return eddy_main(fetch_all, argv + 1);
}
