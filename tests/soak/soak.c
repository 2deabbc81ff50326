/* SPDX-License-Identifier: MIT
 * soak.c - a thousand connections that come and go, with all the bad manners there are, and at the
 * end not a descriptor, a block or a byte more than before.
 *
 * usage: soak SECONDS [CONNECTIONS]
 * A short round comes first, so that what eddy keeps for the process is there; then everything is
 * counted, the long round runs, and everything is counted again. The server must have served to the
 * end whoever behaved well, whatever the others did. */
#include <dirent.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <eddy.h>

#define HOSTS         16 /* a closed connection keeps its port for a minute: loopback has many */
#define MESSAGE_BYTES 3000
#define MUCH_BYTES    (256 << 10)

enum manner { TALKS, HALF_CLOSES, LEAVES_EARLY, RESETS, FLOODS, STALLS, IS_CANCELLED, MANNERS };

static const char *const manner_names[] = {
    "talked",           "ended one half", "left early",     "reset",
    "flooded and left", "stalled",        "were cancelled",
};

struct round {
    double seconds, end;
    int connections;
    eddy_server *tcp, *local;
    long done[MANNERS], crowded, failed;
};

/* --- counting --------------------------------------------------------------------------------- */

static atomic_long blocks, bytes;

static void count_block(void *memory, int sign) {
    blocks += memory ? sign : 0;
    bytes += memory ? sign * (long)malloc_usable_size(memory) : 0;
}

static void *allocate(size_t size) {
    void *memory = malloc(size);

    count_block(memory, 1);
    return memory;
}

static void release(void *memory) {
    count_block(memory, -1);
    free(memory);
}

static void *resize(void *memory, size_t size) {
    void *moved;

    count_block(memory, -1);
    moved = realloc(memory, size);
    count_block(moved ? moved : memory, 1);
    return moved;
}

static int count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = -1; /* its own */

    if (!directory)
        return count;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

static unsigned long long state = 88172645463325252ull;

static unsigned pick(unsigned below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 33) % below;
}

/* --- a server --------------------------------------------------------------------------------- */

static int echo(eddy_stream *stream, void *arg) {
    eddy_slice line;
    ssize_t n;
    int r = 0;

    (void)arg;
    while (r == 0 && (n = eddy_stream_read_line(stream, &line)) != 0)
        r = n < 0 ? (int)n : eddy_stream_write(stream, line.data, line.size);
    return r == EDDY_ELIMIT ? 0 : r;
}

/* --- clients, well-mannered and not ----------------------------------------------------------- */

static int exchange(eddy_stream *stream) {
    char message[MESSAGE_BYTES], answer[MESSAGE_BYTES];
    size_t size = 1 + pick(MESSAGE_BYTES);
    int r;

    memset(message, 'a' + (int)pick(26), size);
    message[size - 1] = '\n';
    r = eddy_stream_write(stream, message, size);
    if (r == 0)
        r = (int)eddy_stream_read_exactly(stream, answer, size);
    if (r > 0 && memcmp(message, answer, size) != 0)
        return eddy_raise(EDDY_EPROTOCOL, "another answer than it should be");
    return r < 0 ? r : 0;
}

static int talk(eddy_stream *stream) {
    int r = 0;

    for (unsigned i = 1 + pick(4); i > 0 && r == 0; i--) {
        r = exchange(stream);
        if (r == 0)
            r = eddy_sleep(pick(20) * 1e-3);
    }
    return r;
}

static int end_one_half(eddy_stream *stream) {
    eddy_slice rest;
    int r = exchange(stream);

    if (r == 0)
        r = eddy_stream_write_eof(stream);
    if (r == 0)
        r = (int)eddy_stream_read_some(stream, &rest);
    return r > 0 ? eddy_raise(EDDY_EPROTOCOL, "more than it had asked for") : r;
}

/* Never reads the answer. */
static int flood(eddy_stream *stream) {
    static char much[MUCH_BYTES];

    for (size_t i = 0; i < sizeof(much); i++)
        much[i] = i % 1000 ? 'x' : '\n';
    eddy_stream_write(stream, much, sizeof(much));
    return eddy_sleep(pick(50) * 1e-3);
}

static int stall(eddy_stream *stream) {
    int r = 0;

    for (int i = 0; i < 5 && r == 0; i++) {
        r = eddy_stream_write(stream, "x", 1);
        if (r == 0)
            r = eddy_sleep(pick(40) * 1e-3);
    }
    return r;
}

static int behave(eddy_stream *stream, enum manner manner) {
    switch (manner) {
    case TALKS:
        return talk(stream);
    case HALF_CLOSES:
        return end_one_half(stream);
    case RESETS:
        exchange(stream);
        return eddy_stream_write(stream, "the rest is not sen", 19);
    case FLOODS:
        return flood(stream);
    case STALLS:
    case IS_CANCELLED:
        return stall(stream);
    default:
        return 0;
    }
}

static int open_any(const struct round *round, eddy_stream **stream) {
    char host[20], port[8];

    if (pick(4) == 0)
        return eddy_open_unix_connection(eddy_server_address(round->local, 0) + strlen("unix:"),
                                         NULL, stream);
    snprintf(host, sizeof(host), "127.0.0.%u", 1 + pick(HOSTS));
    snprintf(port, sizeof(port), "%d", eddy_server_port(round->tcp));
    return eddy_open_connection(host, port, NULL, stream);
}

struct visit {
    struct round *round;
    enum manner manner;
};

static int visit(void *arg) {
    const struct visit *visit = arg;
    eddy_stream *stream = NULL;
    int r = open_any(visit->round, &stream);

    if (r == 0)
        r = behave(stream, visit->manner);
    if (visit->manner == RESETS)
        eddy_stream_abort(stream);
    else
        eddy_stream_close(stream);
    return r;
}

/* The code that a visit ended with: which are failures of the server's? */
static int judge(struct round *round, enum manner manner, int r) {
    round->done[manner]++;
    if (r == -EADDRNOTAVAIL) { /* every port of the host is taken */
        round->crowded++;
        return eddy_sleep(0.05);
    }
    if (r >= 0 || (manner == IS_CANCELLED && r == -ETIMEDOUT) || manner == RESETS ||
        manner == FLOODS)
        return 0;
    if (round->failed++ < 10)
        eddy_error_print(eddy_last_error(), stderr);
    return 0;
}

static int visit_again_and_again(void *arg) {
    struct round *round = arg;

    while (eddy_time() < round->end) {
        struct visit one = {round, (enum manner)pick(MANNERS)};
        int r = one.manner == IS_CANCELLED ? eddy_with_timeout(pick(30) * 1e-3, visit, &one)
                                           : visit(&one);
        judge(round, one.manner, r);
    }
    return 0;
}

/* --- a round ---------------------------------------------------------------------------------- */

static int start_servers(struct round *round) {
    static char texts[HOSTS][20];
    const char *hosts[HOSTS] = {NULL};
    eddy_server_options options = {.hosts = hosts};
    int r;

    for (int i = 0; i < HOSTS - 1; i++) {
        snprintf(texts[i], sizeof(texts[i]), "127.0.0.%d", i + 2);
        hosts[i] = texts[i];
    }
    r = eddy_start_server(echo, NULL, "127.0.0.1", "0", &options, &round->tcp);
    return r < 0 ? r : eddy_start_unix_server(echo, NULL, "@", NULL, &round->local);
}

/* In the last moments the server closes half of the clients that are left under their functions. */
static int run_round(void *arg) {
    struct round *round = arg;
    eddy_task_group *group = eddy_task_group_new();
    int r = start_servers(round), s;

    if (r < 0)
        return eddy_task_group_end(group, r);
    round->end = eddy_time() + round->seconds;
    for (int i = 0; i < round->connections; i++)
        eddy_task_group_create_task(group, visit_again_and_again, round);
    r = eddy_task_group_wait(group);
    eddy_server_close_clients(round->tcp);
    eddy_server_abort_clients(round->local);
    s = eddy_server_close(round->tcp);
    s = s < 0 ? s : eddy_server_close(round->local);
    return r < 0 ? r : s;
}

struct account {
    int descriptors;
    long blocks, bytes;
};

/* The last error is a block, too: a static one takes its place. */
static struct account count_all(void) {
    eddy_detach(NULL);
    return (struct account){count_descriptors(), blocks, bytes};
}

static int play(double seconds, int connections, struct account *account) {
    struct round round = {.seconds = seconds, .connections = connections};
    int r = eddy_run(run_round, &round);
    long sum = 0;

    *account = count_all();
    if (r < 0)
        eddy_error_print(eddy_last_error(), stderr);
    for (int i = 0; i < MANNERS; i++)
        sum += round.done[i];
    printf("%ld connections in %g s, %d at a time:", sum, seconds, connections);
    for (int i = 0; i < MANNERS; i++)
        printf(" %ld %s%s", round.done[i], manner_names[i], i < MANNERS - 1 ? "," : "");
    printf("; %ld found no port, %ld failed; left: %d descriptors, %ld blocks, %ld bytes\n",
           round.crowded, round.failed, account->descriptors, account->blocks, account->bytes);
    return r < 0 || round.failed > 0 || sum == 0;
}

static void raise_descriptor_limit(void) {
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char *argv[]) {
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 60;
    int connections = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000;
    struct account before, after;
    int failures;

    raise_descriptor_limit();
    eddy_set_allocator(&(eddy_allocator){allocate, resize, release});
    failures = play(seconds / 10, connections, &before);
    failures += play(seconds, connections, &after);
    if (after.descriptors > before.descriptors || after.blocks > before.blocks ||
        after.bytes > before.bytes) {
        fprintf(stderr, "soak: more is left than before\n");
        failures++;
    }
    return failures > 0;
}
