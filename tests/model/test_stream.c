/* SPDX-License-Identifier: MIT
 * test_stream.c - a random text in random pieces, read by random calls, with time-outs that expire
 * in the middle: each call must bring what a look at the text says.
 *
 * The pieces, the limit and the times come from the seed; so separators lie across pieces and
 * across the buffers of the stream in every way. */
#include <math.h>
#include <stdio.h>
#include <sys/socket.h>

#include "../io/net.h"
#include "random.h"

enum { TEXT_MAX = 200000, LEFT_MAX = 70000 };

struct conversation {
    uint64_t random;
    char *text;
    size_t size, sent, read;
    size_t limit;
    struct pair pair;
    uint64_t seed;
};

#define EXPECT(conversation, condition)                                                        \
    ((condition)                                                                               \
         ? (void)0                                                                             \
         : TEST_FAIL("seed %ju, byte %zu of %zu: not so: %s", (uintmax_t)(conversation)->seed, \
                     (conversation)->read, (conversation)->size, #condition))

/* --- the peer --------------------------------------------------------------------------------- */

static size_t some_size(uint64_t *random) {
    static const int sizes[] = {2, 5, 40, 1000, 9000, 70000};

    return (size_t)random_below(random, sizes[random_below(random, 6)]);
}

static int send_in_pieces(void *arg) {
    struct conversation *conversation = arg;
    uint64_t random = conversation->seed * 31;

    while (conversation->sent < conversation->size) {
        size_t size = 1 + some_size(&random);
        ssize_t n =
            send(conversation->pair.peer, conversation->text + conversation->sent,
                 MIN(size, conversation->size - conversation->sent), MSG_DONTWAIT | MSG_NOSIGNAL);
        conversation->sent += n > 0 ? (size_t)n : 0;
        if (eddy_sleep(random_below(&random, 3)) < 0)
            return -ECANCELED;
    }
    ASSERT_INT_EQ(shutdown(conversation->pair.peer, SHUT_WR), 0);
    return 0;
}

/* --- the calls -------------------------------------------------------------------------------- */

static const char *rest(const struct conversation *conversation) {
    return conversation->text + conversation->read;
}

static size_t left(const struct conversation *conversation) {
    return conversation->size - conversation->read;
}

/* What came must be what is next in the text. */
static void take(struct conversation *conversation, const char *data, size_t size) {
    EXPECT(conversation, size <= left(conversation));
    EXPECT(conversation, memcmp(data, rest(conversation), size) == 0);
    conversation->read += size;
}

static int call_read(struct conversation *conversation) {
    static char memory[LEFT_MAX];
    size_t size = 1 + some_size(&conversation->random);
    ssize_t n = eddy_stream_read(conversation->pair.stream, memory, size);

    if (n < 0)
        return (int)n;
    EXPECT(conversation, (size_t)n <= size && (n > 0 || left(conversation) == 0));
    take(conversation, memory, (size_t)n);
    return 0;
}

static int call_read_some(struct conversation *conversation) {
    eddy_slice slice;
    ssize_t n = eddy_stream_read_some(conversation->pair.stream, &slice);

    if (n < 0)
        return (int)n;
    EXPECT(conversation, (size_t)n == slice.size && (n > 0 || left(conversation) == 0));
    take(conversation, slice.data, slice.size);
    return 0;
}

static int call_read_exactly(struct conversation *conversation) {
    static char memory[LEFT_MAX];
    size_t size = some_size(&conversation->random);
    ssize_t n = eddy_stream_read_exactly(conversation->pair.stream, memory, size);

    if (n == -ECANCELED)
        return (int)n;
    if (size > left(conversation)) {
        EXPECT(conversation, n == EDDY_EINCOMPLETE);
        return 0;
    }
    EXPECT(conversation, n == (ssize_t)size);
    take(conversation, memory, size);
    return 0;
}

/* What a record must come to: its size, or a code. */
static ssize_t record_expected(const struct conversation *conversation, const char *separator) {
    const char *found =
        memmem(rest(conversation), left(conversation), separator, strlen(separator));
    size_t size = found ? (size_t)(found - rest(conversation)) + strlen(separator) : 0;

    if (found)
        return size > conversation->limit ? EDDY_ELIMIT : (ssize_t)size;
    return left(conversation) >= conversation->limit ? EDDY_ELIMIT : EDDY_EINCOMPLETE;
}

static int call_record(struct conversation *conversation) {
    static const char *const separators[] = {"\n", "ab", "\r\n", "aab\n", "aaaaaab"};
    const char *separator = separators[random_below(&conversation->random, 5)];
    bool is_line = separator[0] == '\n' && random_below(&conversation->random, 2);
    ssize_t expected = record_expected(conversation, separator), n;
    eddy_slice slice;

    n = is_line ? eddy_stream_read_line(conversation->pair.stream, &slice)
                : eddy_stream_read_until(conversation->pair.stream, separator, &slice);
    if (n == -ECANCELED)
        return (int)n;
    if (is_line && expected == EDDY_EINCOMPLETE)
        expected = (ssize_t)left(conversation);
    EXPECT(conversation, n == expected);
    if (n > 0)
        take(conversation, slice.data, slice.size);
    return 0;
}

static int call_one(void *arg) {
    struct conversation *conversation = arg;

    switch (random_below(&conversation->random, 6)) {
    case 0:
        return call_read(conversation);
    case 1:
        return call_read_some(conversation);
    case 2:
        return call_read_exactly(conversation);
    default:
        return call_record(conversation);
    }
}

/* Cancelled or not: nothing may be lost. */
static void call_in_time(struct conversation *conversation) {
    static const double seconds[] = {0, 1, 1, 2, INFINITY, INFINITY, INFINITY, INFINITY};
    int r =
        eddy_with_timeout(seconds[random_below(&conversation->random, 8)], call_one, conversation);

    EXPECT(conversation, r == 0 || r == -ETIMEDOUT);
}

/* --- a whole text ----------------------------------------------------------------------------- */

static void write_text(struct conversation *conversation) {
    static const char letters[] = "aaaabbb\r\n\n";
    uint64_t *random = &conversation->random;
    int variety = 1 + random_below(random, 10);

    conversation->size = 1 + some_size(random) * (size_t)(1 + random_below(random, 3));
    conversation->size = MIN(conversation->size, (size_t)TEXT_MAX);
    conversation->text = malloc(conversation->size);
    for (size_t i = 0; i < conversation->size; i++)
        conversation->text[i] = letters[random_below(random, variety)];
    conversation->limit = 1 + some_size(random);
}

static void converse(uint64_t seed) {
    struct conversation conversation = {.random = seed, .seed = seed};
    eddy_task *peer;

    write_text(&conversation);
    pair_open(&conversation.pair, &(eddy_connect_options){.limit_bytes = conversation.limit});
    peer = eddy_create_task(send_in_pieces, &conversation);
    while (conversation.read < conversation.size || !eddy_is_done(peer))
        call_in_time(&conversation);
    ASSERT_OK(eddy_await(peer));
    pair_close(&conversation.pair);
    free(conversation.text);
}

VIRTUAL_TEST(a_random_text_in_random_pieces_is_read_as_it_was_written) {
    uint64_t first = 1, count = UNDER_SANITIZER || test_is_emulated() ? 40 : 300;

    seeds_wanted(&first, &count);
    for (uint64_t seed = first; seed < first + count; seed++)
        converse(seed);
    return 0;
}
