/* SPDX-License-Identifier: MIT
 * test_fetch_retry.c - which failures are worth another attempt, and when. */
#include <eddy/error.h>
#include <time.h>

#include "fetch_retry.h"
#include "test.h"

TEST(what_may_pass_is_tried_again) {
    ASSERT(fetch_is_worth_retrying(-ECONNREFUSED, 0));
    ASSERT(fetch_is_worth_retrying(-ETIMEDOUT, 200));
    ASSERT(fetch_is_worth_retrying(EDDY_EINCOMPLETE, 200));
    ASSERT(fetch_is_worth_retrying(0, 503));
    ASSERT(fetch_is_worth_retrying(0, 429));
}

TEST(what_will_not_change_is_not_tried_again) {
    ASSERT(!fetch_is_worth_retrying(EDDY_EURL, 0));
    ASSERT(!fetch_is_worth_retrying(EDDY_ECERTIFICATE, 0));
    ASSERT(!fetch_is_worth_retrying(EDDY_ELIMIT, 200));
    ASSERT(!fetch_is_worth_retrying(EDDY_EREDIRECTS, 0));
    ASSERT(!fetch_is_worth_retrying(-ENOMEM, 0));
    ASSERT(!fetch_is_worth_retrying(0, 404));
    ASSERT(!fetch_is_worth_retrying(0, 200));
}

TEST(the_pause_doubles_and_half_of_it_is_chance) {
    for (int i = 0; i < 1000; i++) {
        double first = fetch_retry_delay(1, -1), third = fetch_retry_delay(3, -1);
        ASSERT(first >= 0.25 && first <= 0.5);
        ASSERT(third >= 1.0 && third <= 2.0);
        ASSERT(fetch_retry_delay(1000, -1) <= 30);
    }
}

TEST(what_the_server_asks_is_waited_for_up_to_a_minute) {
    ASSERT(fetch_retry_delay(1, 7) == 7);
    ASSERT(fetch_retry_delay(1, 60) == 60);
    ASSERT(fetch_retry_delay(1, 61) < 0);
}

TEST(retry_after_is_seconds_or_a_date) {
    ASSERT(fetch_retry_after("120") == 120);
    ASSERT(fetch_retry_after(NULL) < 0);
    ASSERT(fetch_retry_after("soon") < 0);
    ASSERT(fetch_retry_after("-5") < 0);
    ASSERT(fetch_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0);

    char text[64];
    time_t then = time(NULL) + 100;
    struct tm date;
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &date));
    double seconds = fetch_retry_after(text);
    ASSERT(seconds >= 95 && seconds <= 100);
}
