/* SPDX-License-Identifier: MIT
 * memory_stream.h - a test double as users would write it: two streams whose bytes never leave the
 * process, and which do as they are told. */
#ifndef TEST_MEMORY_STREAM_H
#define TEST_MEMORY_STREAM_H

#include <eddy/ext/stream.h>
#include <eddy/sync.h>

/* One end. Its output is the input of the other. */
struct memory_end {
    struct memory_end *other; /* NULL: it has gone */
    eddy_event changed;       /* something has come, or gone */
    char *bytes;              /* what this end has got and nobody has taken */
    size_t size;
    bool has_end;   /* and behind it the end */
    bool is_closed; /* by its owner */
    bool is_freed;
    int error;           /* behind what has come: answered by take; 0: none */
    int put_error;       /* answered by put */
    size_t take_max;     /* so many bytes at a time; 0: any */
    size_t buffer_bytes; /* so much may wait here: what is put beyond that is unsent */
    int takes, waits;    /* how often it was asked */
    bool was_aborted;    /* the other end's owner has said so */
};

extern const eddy_stream_class memory_class;

/* Both ends as streams; `ends` are the objects of the classes, which are freed with the second. */
int memory_pair_new(const eddy_connect_options *options, eddy_stream *streams[2],
                    struct memory_end *ends[2]);
/* The same of a class that is made of memory_class. */
int memory_pair_new_of(const eddy_stream_class *type, const eddy_connect_options *options,
                       eddy_stream *streams[2], struct memory_end *ends[2]);

/* A script's moves, at the end that they happen to. */
void memory_end_fail(struct memory_end *end, int code);

#endif
