/* SPDX-License-Identifier: MIT
 * fetch_retry.c - which failures are worth another attempt, and when.
 *
 * The list is curl's --retry with the lost connections added: what may go away by itself. A name
 * that is not found is among them, since resolvers that are merely overloaded say the same. The
 * pause doubles, and half of it is chance, so that a hundred clients of a server that fell over do
 * not come back in one step. */
#include "fetch_retry.h"

#include <ctype.h>
#include <eddy/error.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE_SECONDS 0.5
#define PAUSE_SECONDS_MAX   30.0
#define ASKED_SECONDS_MAX   60.0 /* who asks for more than this wants us gone */

static bool is_passing_error(int code) {
    switch (code) {
    case -ECONNREFUSED:
    case -ECONNRESET:
    case -ECONNABORTED:
    case -EPIPE:
    case -ETIMEDOUT:
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case EDDY_EINCOMPLETE:
    case EDDY_ENAME:
        return true;
    default:
        return false;
    }
}

static bool is_passing_status(int status) {
    switch (status) {
    case 408: /* Request Timeout */
    case 429: /* Too Many Requests */
    case 500: /* Internal Server Error */
    case 502: /* Bad Gateway */
    case 503: /* Service Unavailable */
    case 504: /* Gateway Timeout */
        return true;
    default:
        return false;
    }
}

bool fetch_is_worth_retrying(int r, int status) {
    return r < 0 ? is_passing_error(r) : is_passing_status(status);
}

double fetch_retry_after(const char *header) {
    if (!header)
        return -1;
    if (isdigit((unsigned char)*header))
        return strtod(header, NULL);

    struct tm date = {0};
    if (!strptime(header, "%a, %d %b %Y %H:%M:%S GMT", &date))
        return -1;
    return fmax(0, difftime(timegm(&date), time(NULL)));
}

double fetch_retry_delay(int retry, double asked) {
    if (asked > ASKED_SECONDS_MAX)
        return -1;

    double pause = fmin(ldexp(FIRST_PAUSE_SECONDS, retry - 1), PAUSE_SECONDS_MAX);
    return fmax(asked, pause * (0.5 + 0.5 * drand48()));
}
