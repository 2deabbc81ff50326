/* SPDX-License-Identifier: MIT
 * test_stream_input.c - what was received and not read, in every way that it may be cut in two. */
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/scarce.h"
#include "net.h"
#include "socket.h"
#include "stream.h"

/* Two connected sockets of a loop, to get leases from. */
struct source {
    eddy_loop *loop;
    int near, far;
};

static void source_close(struct source *source) {
    eddy__op_forget(source->loop, source->near);
    close(source->near);
    close(source->far);
    ASSERT_NULL(eddy_loop_close(source->loop));
}

static struct source source_open(void) {
    struct source source;
    int pair[2];

    ASSERT_OK(eddy_loop_new(NULL, &source.loop));
    ASSERT_INT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    source.near = pair[0];
    source.far = pair[1];
    return source;
}

#define SOURCE CLEANUP(source_close) struct source

static void op_is_done(struct eddy__op *op) {
    (void)op;
}

/* Puts these bytes into an input by way of a lease. */
static void add(struct source *source, struct stream_input *input, const char *data, size_t size) {
    struct eddy__op op;

    if (size == 0)
        return;
    ASSERT_INT_EQ(write(source->far, data, size), size);
    eddy__op_lease(&op, source->near);
    op.done = op_is_done;
    if (!eddy__op_submit(source->loop, &op))
        while (op.pending)
            ASSERT_OK(eddy_loop_run_once(source->loop, INFINITY));
    ASSERT_INT_EQ(op.result, size);
    eddy__input_add(input, op.buffer, size);
}

/* An input that holds `text`, the first `cut` bytes of it in the front. */
static void input_cut(struct source *source, struct stream_input *input, const char *text,
                      size_t cut) {
    *input = (struct stream_input){0};
    ASSERT_OK(eddy__input_give_back(input, text, cut));
    add(source, input, text + cut, strlen(text) - cut);
    ASSERT_UINT_EQ(eddy__input_size(input), strlen(text));
}

#define TEXT "ab--a-b-ab-.--.\r\n\r\nab-."

/* --- finding ---------------------------------------------------------------------------------- */

static size_t end_in(const char *text, const char *separator) {
    const char *found = strstr(text, separator);

    return found ? (size_t)(found - text) + strlen(separator) : 0;
}

TEST(a_separator_is_found_wherever_the_bytes_are_cut) {
    static const char *const separators[] = {"-", "a",   "--",   "ab-.",     "\n", "\r\n\r\n",
                                             ".", "-.-", "none", "\r\nab-.", TEXT, TEXT "x"};
    SOURCE source = source_open();
    for (size_t cut = 0; cut <= strlen(TEXT); cut++) {
        struct stream_input input;
        input_cut(&source, &input, TEXT, cut);
        for (size_t i = 0; i < ARRAY_SIZE(separators); i++) {
            size_t end = end_in(TEXT, separators[i]), size = strlen(separators[i]);
            ASSERT_UINT_EQ(eddy__input_find(&input, 0, separators[i], size), end);
            if (end == 0 || end > cut) /* a wait has moved the first part, in which there is none */
                ASSERT_UINT_EQ(eddy__input_find(&input, cut, separators[i], size), end);
        }
        eddy__input_deinit(&input, source.loop);
    }
}

static eddy_slice slice_of(const char *text) {
    return (eddy_slice){text, strlen(text)};
}

/* Where the one that ends first ends; 0: none does. */
static size_t first_end_in(const char *text, const char *const separators[], size_t count) {
    size_t first = 0;

    for (size_t i = 0; i < count; i++) {
        size_t end = end_in(text, separators[i]);
        if (end > 0 && (first == 0 || end < first))
            first = end;
    }
    return first;
}

TEST(of_several_separators_the_one_that_ends_first_is_found) {
    static const char *const texts[][3] = {{"\n", "--", "."},         {"none", "b-ab", "b-"},
                                           {"ab-.", ".--.", "zz"},    {"zz", "yy", "xx"},
                                           {"\r\n\r\n", "-.", "a-b"}, {TEXT, "-ab-.--", "."}};
    SOURCE source = source_open();
    for (size_t cut = 0; cut <= strlen(TEXT); cut++) {
        struct stream_input input;
        input_cut(&source, &input, TEXT, cut);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
            eddy_slice separators[3];
            size_t end = first_end_in(TEXT, texts[i], 3);
            for (size_t j = 0; j < 3; j++)
                separators[j] = slice_of(texts[i][j]);
            for (size_t scanned = 0; scanned < (end ? end : strlen(TEXT)); scanned++)
                ASSERT_UINT_EQ(eddy__input_find_any(&input, scanned, separators, 3), end);
        }
        eddy__input_deinit(&input, source.loop);
    }
}

/* Longer than a window: where it is found must not depend on how far one looks at a time. */
TEST(several_separators_are_found_far_away) {
    SOURCE source = source_open();
    char text[3000];
    const eddy_slice separators[] = {slice_of("never"), slice_of("==="), slice_of("=-=")};
    for (size_t at = 0; at + 3 < sizeof(text); at += 41)
        for (size_t cut = 0; cut < sizeof(text); cut += 499) {
            struct stream_input input;
            memset(text, 'x', sizeof(text) - 1);
            text[sizeof(text) - 1] = '\0';
            memcpy(text + at, at % 2 ? "===" : "=-=", 3);
            input_cut(&source, &input, text, cut);
            ASSERT_UINT_EQ(eddy__input_find_any(&input, 0, separators, 3), at + 3);
            eddy__input_deinit(&input, source.loop);
        }
}

TEST(nothing_is_found_in_nothing) {
    struct stream_input input = {0};
    ASSERT_UINT_EQ(eddy__input_find(&input, 0, "x", 1), 0);
    ASSERT_UINT_EQ(eddy__input_size(&input), 0);
    ASSERT_UINT_EQ(eddy__input_piece(&input), 0);
}

/* --- taking ----------------------------------------------------------------------------------- */

TEST(pieces_of_any_size_give_all_bytes_in_order) {
    SOURCE source = source_open();
    for (size_t cut = 0; cut <= strlen(TEXT); cut++)
        for (size_t size = 1; size <= strlen(TEXT) + 1; size++) {
            struct stream_input input;
            char bytes[sizeof(TEXT) + 1] = "";
            size_t had = 0;
            input_cut(&source, &input, TEXT, cut);
            while (eddy__input_size(&input) > 0)
                had += eddy__input_take(&input, bytes + had, size);
            ASSERT_STR_EQ(bytes, TEXT);
            eddy__input_deinit(&input, source.loop);
        }
}

TEST(views_of_any_size_give_all_bytes_in_order) {
    SOURCE source = source_open();
    for (size_t cut = 0; cut <= strlen(TEXT); cut++)
        for (size_t size = 1; size <= strlen(TEXT); size++) {
            struct stream_input input;
            size_t had = 0;
            input_cut(&source, &input, TEXT, cut);
            while (eddy__input_size(&input) > 0) {
                eddy_slice view;
                ASSERT_OK(eddy__input_view(&input, MIN(size, eddy__input_size(&input)), &view));
                ASSERT_MEM_EQ(view.data, &TEXT[had], view.size);
                had += view.size;
                eddy__input_release(&input, source.loop);
            }
            ASSERT_UINT_EQ(had, strlen(TEXT));
            ASSERT_NULL(input.lease);
            ASSERT_NULL(input.front.bytes);
        }
}

TEST(a_view_of_what_lies_in_its_lease_is_no_copy) {
    SOURCE source = source_open();
    struct stream_input input = {0};
    eddy_slice first, second;
    add(&source, &input, "one two", 7);
    ASSERT_OK(eddy__input_view(&input, 4, &first));
    eddy__input_release(&input, source.loop);
    ASSERT_OK(eddy__input_view(&input, 3, &second));

    ASSERT_PTR_EQ(first.data, input.lease);
    ASSERT_PTR_EQ(second.data, input.lease + 4);
    ASSERT_NULL(input.front.bytes);
    eddy__input_deinit(&input, source.loop);
}

TEST(what_is_given_back_comes_first) {
    SOURCE source = source_open();
    struct stream_input input;
    char bytes[16] = "";
    input_cut(&source, &input, "2345", 2);
    ASSERT_OK(eddy__input_give_back(&input, "01", 2));
    ASSERT_UINT_EQ(eddy__input_piece(&input), 4);
    ASSERT_UINT_EQ(eddy__input_take(&input, bytes, 16), 6);

    ASSERT_STR_EQ(bytes, "012345");
    eddy__input_deinit(&input, source.loop);
}

/* --- memory ----------------------------------------------------------------------------------- */

TEST(a_wait_gives_the_lease_back_and_keeps_the_bytes) {
    SOURCE source = source_open();
    struct stream_input input = {0};
    eddy_slice view;
    for (const char *word = "abcdef"; *word; word++) {
        add(&source, &input, word, 1);
        ASSERT_OK(eddy__input_prepare(&input, source.loop));
        ASSERT_NULL(input.lease);
    }
    ASSERT_OK(eddy__input_view(&input, 6, &view));

    ASSERT_SLICE_EQ(view, "abcdef");
    eddy__input_release(&input, source.loop);
    ASSERT_NULL(input.front.bytes);
}

TEST(what_cannot_be_moved_for_want_of_memory_stays_where_it_is) {
    scarce_begin();
    SOURCE source = source_open();
    struct stream_input input = {0};
    eddy_slice view;
    add(&source, &input, "hello", 5);
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy__input_prepare(&input, source.loop));
    ASSERT_CODE(-ENOMEM, eddy__input_give_back(&input, "x", 1));
    scarce_left = INT_MAX;
    ASSERT_OK(eddy__input_view(&input, 5, &view));

    ASSERT_SLICE_EQ(view, "hello");
    eddy__input_deinit(&input, source.loop);
}

TEST(a_view_that_cannot_be_put_together_takes_nothing) {
    enum { FRONT = 4096 }; /* full: the rest does not fit behind it */
    static char front[FRONT];
    scarce_begin();
    SOURCE source = source_open();
    struct stream_input input = {0};
    eddy_slice view;
    ASSERT_OK(eddy__input_give_back(&input, front, FRONT));
    add(&source, &input, "rest", 4);
    scarce_left = 0;
    ASSERT_CODE(-ENOMEM, eddy__input_view(&input, FRONT + 4, &view));
    ASSERT_UINT_EQ(eddy__input_size(&input), FRONT + 4);
    scarce_left = INT_MAX;
    ASSERT_OK(eddy__input_view(&input, FRONT + 4, &view));

    ASSERT_MEM_EQ(view.data + FRONT, "rest", 4);
    eddy__input_deinit(&input, source.loop);
}
