/* SPDX-License-Identifier: MIT
 * eddy/ext/stream.h - streams of your own: what is below an eddy_stream, as a table of operations.
 *
 * A stream has two floors. The upper one is always eddy's: lines and limits, one reader and one
 * writer at a time, high water, what a cancel and a close mean. The lower one moves bytes: a
 * socket, a pipe, or a class that you write, on anything you like; TLS (eddy/tls.h) is one that
 * stands on another stream.
 *
 * One rule makes a class simple: what acts never suspends, and what suspends only waits. So a wait
 * may be cancelled at any moment, and nothing is lost or done by half.
 *
 * All calls come on the thread of the stream's loop, and none after close() but free(). At most one
 * task is in await_input(), and at most one in await_output(); take() and put() may be called while
 * tasks wait in these. take(), await_input(), put(), await_output(), close() and free() must be
 * there; the others may be NULL. */
#ifndef EDDY_EXT_STREAM_H
#define EDDY_EXT_STREAM_H

#include <eddy/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `self` is the class's own object. Codes are negative, as everywhere; of a failure that is worth a
 * sentence call eddy_raise(). */
typedef struct eddy_stream_class {
    const char *name; /* "tls", for reports */

    /* --- input --- */

    /* Takes what has come, at most `size` bytes (at least one is asked for). Never suspends.
     * Returns how many; 0 at the end; -EAGAIN when nothing has come yet; any other code is the end
     * of reading, and is answered to every later read. */
    ssize_t (*take)(void *self, void *buffer, size_t size);

    /* Waits until take() would not answer -EAGAIN; may return early. Suspends. Returns 0,
     * -ECANCELED, or a code that ends reading. A stream that waits here for long should own no
     * buffer. */
    int (*await_input)(void *self);

    /* --- output --- */

    /* Takes all of it, however much there is unsent: what cannot leave at once is kept, and goes
     * out in the background. Never suspends. Returns 0; any other code is the end of writing, and
     * is answered to every later write; but with -ENOMEM nothing was taken. */
    int (*put)(void *self, const void *data, size_t size);

    /* Waits until at most `unsent` bytes of what was put are unsent. Suspends. Returns 0,
     * -ECANCELED, or a code that ends writing. */
    int (*await_output)(void *self, size_t unsent);

    /* Ends our half: the other end reads what was put, then the end. Comes after
     * await_output(self, 0). Never suspends. Returns 0 or a code. NULL: such a stream cannot do it,
     * and eddy_stream_write_eof() answers -EOPNOTSUPP. */
    int (*put_eof)(void *self);

    /* --- the end --- */

    /* The owner has let go: whoever waits in await_input() or await_output() returns soon, with any
     * code. What is unsent still goes out in the background, for a limited time; is_abort: it is
     * dropped, and the other end should see that it was. Never suspends. Called once. */
    void (*close)(void *self, bool is_abort);

    /* Frees self: after close(), when no call is under way. It may be on the loop's stack, or when
     * the loop is closed already. */
    void (*free)(void *self);

    /* --- what not every stream can say --- */

    /* As eddy_stream_peer() and eddy_stream_local() return them; borrowed from self. */
    const char *(*peer)(const void *self);
    const char *(*local)(const void *self);

    /* Sends `size` bytes of the file from `offset` on without passing them through this process,
     * waiting as await_output() does. Comes after await_output(self, 0). Suspends. Returns how
     * many, perhaps fewer; 0 at the file's end; -EOPNOTSUPP: the bytes are to be read and put.
     * NULL: always that. */
    ssize_t (*send_file)(void *self, int file, uint64_t offset, size_t size);

    /* The system's descriptor below, or -1. NULL: there is none. */
    int (*fd)(const void *self);

    /* How many of the bytes that were put are unsent. NULL: nobody knows, it counts as none, and
     * only await_output() holds writers back. */
    size_t (*unsent)(const void *self);
} eddy_stream_class;

/* A stream of this class; of the options, limit_bytes and those of the high water hold. Takes self,
 * also when it fails: then close(self, true) and free(self) have been called. The class is borrowed
 * for the stream's life. The loop is the running one, else this thread's default. Returns 0 or
 * -ENOMEM, ... */
EDDY_API int eddy_stream_new_sized(const eddy_stream_class *type, size_t type_size, void *self,
                                   const eddy_connect_options *options, size_t options_size,
                                   eddy_stream **out);
static inline int eddy_stream_new(const eddy_stream_class *type, void *self,
                                  const eddy_connect_options *options, eddy_stream **out) {
    return eddy_stream_new_sized(type, sizeof(eddy_stream_class), self, options,
                                 sizeof(eddy_connect_options), out);
}

/* Puts a class on a live stream, which keeps its identity: who holds `stream` goes on with it, and
 * its bytes now pass through `self`. *lower is the stream that it was, a new object: it belongs to
 * self, which reads and writes it by the calls below and closes it in close(). What had been
 * received and not read is lower's first input. Never suspends. Takes self, as eddy_stream_new()
 * does. Returns 0; -EBUSY while a call on the stream is under way or written bytes are unsent
 * (flush first); EDDY_ECLOSED; -ENOMEM: the stream is as it was. */
EDDY_API int eddy_stream_push_sized(eddy_stream *stream, const eddy_stream_class *type,
                                    size_t type_size, void *self, eddy_stream **lower);
static inline int eddy_stream_push(eddy_stream *stream, const eddy_stream_class *type, void *self,
                                   eddy_stream **lower) {
    return eddy_stream_push_sized(stream, type, sizeof(eddy_stream_class), self, lower);
}

/* The object of the class on top of a stream, if that is `type`; else NULL. */
EDDY_API void *eddy_stream_self(const eddy_stream *stream, const eddy_stream_class *type);

/* --- the operations of any stream, for classes that stand on one, and for callbacks --- */

/* They mean what they mean in the table. take() may come beside an await_input(), put() beside any
 * call that writes but eddy_stream_send_file(); else a second reader or writer at the same time
 * gets -EBUSY. put_eof() need not wait for what is unsent: the end goes out behind it. */
EDDY_API ssize_t eddy_stream_take(eddy_stream *stream, void *buffer, size_t size);
EDDY_API int eddy_stream_await_input(eddy_stream *stream); /* Suspends. */
EDDY_API int eddy_stream_put(eddy_stream *stream, const void *data, size_t size);
EDDY_API int eddy_stream_await_output(eddy_stream *stream, size_t unsent); /* Suspends. */
EDDY_API int eddy_stream_put_eof(eddy_stream *stream);

/* --- what `.tls` of the options stands for --------------------------------------------------- */

/* Puts a class on each new connection. A context of eddy/tls.h begins with one. */
typedef struct eddy_stream_layer {
    /* Pushes a class on the connected stream and greets the other end. `host` is the name to expect
     * there, NULL on a server. Suspends. Returns 0, -ECANCELED, or a code with a sentence: the
     * caller then aborts the stream. */
    int (*start)(const struct eddy_stream_layer *layer, eddy_stream *stream, const char *host);

    /* Keep the layer alive while a server uses it; any thread. */
    void (*ref)(const struct eddy_stream_layer *layer);
    void (*unref)(const struct eddy_stream_layer *layer);
    bool is_server; /* it greets clients; else servers */
} eddy_stream_layer;

#ifdef __cplusplus
}
#endif

#endif
