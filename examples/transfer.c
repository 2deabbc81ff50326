/* SPDX-License-Identifier: MIT
 * transfer.c - a file server and its client, over TLS: what a broken connection has interrupted
 * goes on where it was.
 *
 *     transfer serve DIRECTORY --certificate FILE [--key FILE] [--port 7443; 0: any]
 *     transfer get HOST:PORT NAME [--ca FILE]       into NAME, here
 *     transfer put HOST:PORT FILE [--ca FILE]       from FILE
 *
 * After the first line ("GET name", "PUT name") both commands are the same, seen from two ends.
 * Who sends says "SIZE bytes". Who receives says what it has: "HAVE bytes checksum", of its
 * NAME.part. Who sends compares that with the beginning of its own file, and answers "FROM offset",
 * the bytes, and "SUM checksum" of the whole file. Only if that is right does NAME.part become
 * NAME, and "DONE" is the answer: nobody ever sees half a file. "ERROR sentence" instead of one of
 * these ends a transfer. */
#define _GNU_SOURCE
#include <eddy.h>
#include <eddy/tls.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 << 10, NAME_BYTES_MAX = 200, SUM_BYTES = 2 * EVP_MAX_MD_SIZE + 1 };
enum { PATH_BYTES = 4096, CLIENTS_MAX = 100, TRIES_MAX = 6 };
static const double IDLE_SECONDS = 30, PROGRESS_SECONDS = 0.1;

struct transfer {
    eddy_stream *stream;
    eddy_file *file;
    EVP_MD_CTX *hash; /* of the first `offset` bytes */
    intmax_t offset, size;
    eddy_timeout patience; /* with an end that says nothing */
    const char *shown_as;  /* in the progress; NULL: it shows none */
    double shown_at;
    intmax_t began_at;
    char *piece;
};

/* --- checksums --- */

static int hash_begin(struct transfer *transfer) {
    if (!transfer->hash)
        transfer->hash = EVP_MD_CTX_new();
    transfer->offset = 0;
    if (transfer->hash && EVP_DigestInit_ex(transfer->hash, EVP_sha256(), NULL))
        return 0;
    return eddy_raise(-ENOMEM, "cannot begin a checksum");
}

/* As hexadecimal digits, of all so far; more may follow. */
static int hash_text(const struct transfer *transfer, char text[SUM_BYTES]) {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool is_done =
        copy && EVP_MD_CTX_copy_ex(copy, transfer->hash) && EVP_DigestFinal_ex(copy, sum, &size);
    EVP_MD_CTX_free(copy);
    if (!is_done)
        return eddy_raise(-ENOMEM, "cannot end a checksum");
    for (unsigned i = 0; i < size; i++)
        sprintf(text + 2 * i, "%02x", sum[i]);
    return 0;
}

/* Suspends. Returns 1; 0 when the file ends before. */
static int hash_file_to(struct transfer *transfer, intmax_t end) {
    while (transfer->offset < end) {
        intmax_t left = end - transfer->offset;
        ssize_t n =
            eddy_file_pread(transfer->file, transfer->piece,
                            left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, transfer->offset);
        if (n <= 0)
            return (int)n;
        EVP_DigestUpdate(transfer->hash, transfer->piece, n);
        transfer->offset += n;
        int r = eddy_yield(); /* a checksum takes its time: the others have theirs */
        if (r < 0)
            return r;
    }
    return 1;
}

/* --- lines --- */

static int say(struct transfer *transfer, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return eddy_stream_write(transfer->stream, line, size);
}

/* Reads a line that begins with this word; text gets the rest. Suspends. */
static int hear(struct transfer *transfer, const char *word, char *text, size_t size) {
    eddy_slice line;
    size_t length = strlen(word);
    ssize_t n = eddy_stream_read_line(transfer->stream, &line);
    if (n < 0)
        return (int)n;
    if (n == 0 || line.data[n - 1] != '\n')
        return eddy_raise(EDDY_EINCOMPLETE, "the connection ended before %s came", word);
    eddy_timeout_reschedule(&transfer->patience, IDLE_SECONDS);

    if (n > 6 && strncmp(line.data, "ERROR ", 6) == 0)
        return eddy_raise(EDDY_EPROTOCOL, "the other end says: %.*s", (int)n - 7, line.data + 6);
    if ((size_t)n <= length || strncmp(line.data, word, length) != 0 || (size_t)n - length > size)
        return eddy_raise(EDDY_EPROTOCOL, "%s was expected, not \"%.*s\"", word,
                          n < 40 ? (int)n - 1 : 40, line.data);
    snprintf(text, size, "%.*s", (int)(n - 1 - length), line.data + length);
    return 0;
}

/* --- progress --- */

static void show(struct transfer *transfer, bool is_last) {
    double now = eddy_time();
    if (!transfer->shown_as || (!is_last && now < transfer->shown_at + PROGRESS_SECONDS))
        return;
    transfer->shown_at = now;
    printf("\r%s: %jd of %jd bytes, %.0f %%%s", transfer->shown_as, transfer->offset,
           transfer->size, transfer->size ? 100.0 * transfer->offset / transfer->size : 100.0,
           is_last ? "\n" : "");
    fflush(stdout);
}

/* --- one end: receiving --- */

static int path_of(const char *directory, const char *name, char path[PATH_BYTES]) {
    int size = snprintf(path, PATH_BYTES, "%s/%s", directory, name);
    return size < PATH_BYTES ? 0 : eddy_raise(-ENAMETOOLONG, "%s: too long a path", name);
}

/* Takes the bytes, as they come. Suspends. */
static int receive_bytes(struct transfer *transfer) {
    while (transfer->offset < transfer->size) {
        intmax_t left = transfer->size - transfer->offset;
        ssize_t n = eddy_stream_read(transfer->stream, transfer->piece,
                                     left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
        if (n == 0)
            return eddy_raise(EDDY_EINCOMPLETE, "the connection ended after %jd of %jd bytes",
                              transfer->offset, transfer->size);
        if (n > 0)
            n = eddy_file_pwrite(transfer->file, transfer->piece, n, transfer->offset);
        if (n < 0)
            return (int)n;
        EVP_DigestUpdate(transfer->hash, transfer->piece, n);
        transfer->offset += n;
        eddy_timeout_reschedule(&transfer->patience, IDLE_SECONDS);
        show(transfer, false);
    }
    return 0;
}

/* How much is to come. Suspends. */
static int receive_size(struct transfer *transfer) {
    char text[100];
    int r = hear(transfer, "SIZE ", text, sizeof text);
    if (r >= 0 && (sscanf(text, "%jd", &transfer->size) != 1 || transfer->size < 0))
        r = eddy_raise(EDDY_EPROTOCOL, "\"SIZE %s\" makes no sense", text);
    return r;
}

/* Tells what is there already, and agrees on where to go on. Suspends. */
static int receive_begin(struct transfer *transfer) {
    char sum[SUM_BYTES], text[100];
    struct stat about;
    intmax_t from;
    int r = eddy_file_stat(transfer->file, &about);
    if (r >= 0)
        r = hash_begin(transfer);
    if (r >= 0)
        r = hash_file_to(transfer, about.st_size);
    if (r >= 0)
        r = hash_text(transfer, sum);
    if (r >= 0)
        r = say(transfer, "HAVE %jd %s\n", transfer->offset, sum);
    if (r >= 0)
        r = hear(transfer, "FROM ", text, sizeof text);
    if (r < 0)
        return r;

    if (sscanf(text, "%jd", &from) != 1 || (from != 0 && from != transfer->offset) ||
        from > transfer->size)
        return eddy_raise(EDDY_EPROTOCOL, "\"FROM %s\" makes no sense", text);
    if (from == 0)
        r = hash_begin(transfer);
    return r < 0 ? r : eddy_file_truncate(transfer->file, from);
}

/* Suspends. */
static int receive_into(struct transfer *transfer, const char *part, const char *name) {
    char sum[SUM_BYTES], theirs[SUM_BYTES];
    int r = receive_begin(transfer);
    transfer->began_at = transfer->offset;
    if (r >= 0)
        r = receive_bytes(transfer);
    if (r >= 0)
        r = hear(transfer, "SUM ", theirs, sizeof theirs);
    if (r >= 0)
        r = hash_text(transfer, sum);
    if (r < 0)
        return r;

    if (strcmp(sum, theirs) != 0) {
        eddy_unlink(part); /* it cannot be mended: the next try begins anew */
        return eddy_raise(-EBADMSG, "%s: the checksum is wrong", name);
    }
    r = eddy_file_fsync(transfer->file);
    if (r >= 0)
        r = eddy_rename(part, name);
    return r < 0 ? r : say(transfer, "DONE\n");
}

static int receive(struct transfer *transfer, const char *directory, const char *name) {
    char path[PATH_BYTES], part[PATH_BYTES + 5];
    int r = receive_size(transfer);
    if (r >= 0)
        r = path_of(directory, name, path);
    if (r < 0)
        return r;
    sprintf(part, "%s.part", path);
    r = eddy_file_open(part, O_RDWR | O_CREAT, 0666, &transfer->file);
    if (r >= 0 && flock(eddy_file_fd(transfer->file), LOCK_EX | LOCK_NB) < 0)
        r = eddy_raise(-EBUSY, "%s is being received already", name);
    return r < 0 ? r : receive_into(transfer, part, path);
}

/* --- the other end: sending --- */

/* The other end has gone: it may have said why before it went. Suspends. */
static int hear_why(struct transfer *transfer, int code) {
    char nothing[1];
    int r = hear(transfer, "DONE", nothing, sizeof nothing);
    return r == EDDY_EPROTOCOL ? r : eddy_raise(code, "%s", eddy_error_text(code));
}

static int send_bytes(struct transfer *transfer) {
    while (transfer->offset < transfer->size) {
        intmax_t left = transfer->size - transfer->offset;
        ssize_t n =
            eddy_file_pread(transfer->file, transfer->piece,
                            left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, transfer->offset);
        if (n == 0)
            return eddy_raise(-EBADMSG, "the file has become shorter");
        if (n < 0)
            return (int)n;
        int r = eddy_stream_write(transfer->stream, transfer->piece, n);
        if (r < 0)
            return r == -EPIPE || r == -ECONNRESET ? hear_why(transfer, r) : r;
        EVP_DigestUpdate(transfer->hash, transfer->piece, n);
        transfer->offset += n;
        eddy_timeout_reschedule(&transfer->patience, IDLE_SECONDS);
        show(transfer, false);
    }
    return 0;
}

/* Goes on behind what the other end has, if that is the beginning of our file. Suspends. */
static int send_begin(struct transfer *transfer) {
    char text[100 + SUM_BYTES], sum[SUM_BYTES], theirs[SUM_BYTES];
    intmax_t from;
    int r = hear(transfer, "HAVE ", text, sizeof text);
    if (r < 0)
        return r;
    if (sscanf(text, "%jd %128s", &from, theirs) != 2 || from < 0)
        return eddy_raise(EDDY_EPROTOCOL, "\"HAVE %s\" makes no sense", text);

    r = hash_begin(transfer);
    if (r >= 0 && from <= transfer->size)
        r = hash_file_to(transfer, from);
    if (r >= 0)
        r = hash_text(transfer, sum);
    if (r >= 0 && (transfer->offset != from || strcmp(sum, theirs) != 0))
        r = hash_begin(transfer);
    return r < 0 ? r : say(transfer, "FROM %jd\n", transfer->offset);
}

/* Suspends. */
static int send_file(struct transfer *transfer, const char *path) {
    char sum[SUM_BYTES], nothing[1];
    struct stat about;
    int r = eddy_file_open(path, O_RDONLY, 0, &transfer->file);
    if (r >= 0)
        r = eddy_file_stat(transfer->file, &about);
    if (r < 0)
        return r;
    transfer->size = about.st_size;
    r = say(transfer, "SIZE %jd\n", transfer->size);
    if (r >= 0)
        r = send_begin(transfer);
    transfer->began_at = transfer->offset;
    if (r >= 0)
        r = send_bytes(transfer);
    if (r >= 0)
        r = hash_text(transfer, sum);
    if (r >= 0)
        r = say(transfer, "SUM %s\n", sum);
    return r < 0 ? r : hear(transfer, "DONE", nothing, sizeof nothing);
}

/* --- one transfer, whichever end --- */

static int transfer_begin(struct transfer *transfer) {
    transfer->piece = malloc(PIECE_BYTES);
    eddy_timeout_begin(&transfer->patience, IDLE_SECONDS);
    return transfer->piece ? 0 : eddy_raise(-ENOMEM, "no memory for a piece of a file");
}

static int transfer_end(struct transfer *transfer, int r) {
    r = eddy_timeout_end(&transfer->patience, r);
    EVP_MD_CTX_free(transfer->hash);
    free(transfer->piece);
    if (transfer->file)
        eddy_file_close(transfer->file);
    return r;
}

/* --- the server --- */

struct options {
    const char *command, *host, *port, *path; /* path: the directory, the name, or the file */
    const char *ca, *certificate, *key;
};

/* A plain name: nothing of it leads out of the directory, or to what is not offered. */
static bool is_name(const char *name) {
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) <= NAME_BYTES_MAX &&
           (strlen(name) < 5 || strcmp(name + strlen(name) - 5, ".part") != 0);
}

static int serve_request(struct transfer *transfer, const char *directory) {
    char name[NAME_BYTES_MAX + 10], path[PATH_BYTES];
    int r = hear(transfer, "", name, sizeof name);
    if (r < 0)
        return r;
    bool is_put = strncmp(name, "PUT ", 4) == 0;
    if ((!is_put && strncmp(name, "GET ", 4) != 0) || !is_name(name + 4))
        return eddy_raise(EDDY_EPROTOCOL, "GET or PUT with a plain name was expected");
    if (is_put)
        return receive(transfer, directory, name + 4);
    r = path_of(directory, name + 4, path);
    return r < 0 ? r : send_file(transfer, path);
}

static bool is_lost(int code) {
    return code == -ECONNRESET || code == -EPIPE || code == EDDY_EINCOMPLETE ||
           code == EDDY_ETRUNCATED || code == -ETIMEDOUT || code == -ECONNREFUSED;
}

/* A client that goes away comes back; of all else it is told. */
static int serve_client(eddy_stream *stream, void *arg) {
    const struct options *options = arg;
    struct transfer transfer = {.stream = stream};
    int r = transfer_begin(&transfer);
    if (r >= 0)
        r = serve_request(&transfer, options->path);
    if (r < 0 && r != -ECANCELED && !is_lost(r))
        say(&transfer, "ERROR %.300s\n", eddy_last_error()->message);
    return transfer_end(&transfer, r) == -ECANCELED ? -ECANCELED : 0;
}

static int serve(const struct options *options) {
    eddy_tls_options identity = {
        .is_server = true, .certificate_file = options->certificate, .key_file = options->key};
    eddy_tls_context *tls;
    int r = eddy_tls_context_new(&identity, &tls);
    if (r < 0)
        return r;
    eddy_server_options server_options = {
        .tls = tls, .connections_max = CLIENTS_MAX, .grace_seconds = 5};
    eddy_server *server;
    r = eddy_start_server(serve_client, (void *)options, "127.0.0.1", options->port,
                          &server_options, &server);
    eddy_tls_context_unref(tls);
    if (r < 0)
        return r;
    printf("serving %s on 127.0.0.1:%d\n", options->path, eddy_server_port(server));
    fflush(stdout);
    return eddy_server_serve_forever(server);
}

/* --- the client --- */

static int attempt(const struct options *options, eddy_tls_context *tls, intmax_t *progress) {
    const char *slash = strrchr(options->path, '/');
    const char *name = slash ? slash + 1 : options->path;
    bool is_get = strcmp(options->command, "get") == 0;
    eddy_connect_options with_tls = {.tls = tls};
    struct transfer transfer = {.shown_as = isatty(1) ? name : NULL};
    int r = transfer_begin(&transfer);
    if (r >= 0)
        r = eddy_open_connection(options->host, options->port, &with_tls, &transfer.stream);
    if (r >= 0)
        r = say(&transfer, "%s %s\n", is_get ? "GET" : "PUT", name);
    if (r >= 0)
        r = is_get ? receive(&transfer, ".", name) : send_file(&transfer, options->path);
    *progress = transfer.offset - transfer.began_at;
    r = transfer_end(&transfer, r);
    if (r >= 0) {
        show(&transfer, true);
        printf("%s: %jd bytes, %jd of them now\n", name, transfer.size, *progress);
    }
    eddy_stream_close(transfer.stream);
    return r;
}

/* Tries again while it gets further, or a few times. */
static int transfer_file(const struct options *options, eddy_tls_context *tls) {
    double pause = 0.1;
    for (int tries = 1;; tries++) {
        intmax_t progress = 0;
        int r = attempt(options, tls, &progress);
        if (r >= 0 || (!is_lost(r) && r != -EBADMSG))
            return r;
        if (progress > 0)
            tries = 1, pause = 0.1;
        if (tries == TRIES_MAX)
            return r;
        fprintf(stderr, "%s: it goes on in %.1f seconds\n", eddy_last_error()->message, pause);
        r = eddy_sleep(pause);
        if (r < 0)
            return r;
        pause *= 2;
    }
}

static int run(void *arg) {
    const struct options *options = arg;
    if (strcmp(options->command, "serve") == 0)
        return serve(options);
    eddy_tls_options trust = {.ca_file = options->ca};
    eddy_tls_context *tls;
    int r = eddy_tls_context_new(&trust, &tls);
    if (r < 0)
        return r;
    r = transfer_file(options, tls);
    eddy_tls_context_unref(tls);
    return r;
}

/* --- the command line --- */

/* "host:port" becomes two. */
static bool take_address(struct options *options, char *address) {
    char *colon = strrchr(address, ':');
    if (!colon)
        return false;
    *colon = '\0';
    options->port = colon + 1;
    if (*address == '[' && colon > address + 1 && colon[-1] == ']') {
        colon[-1] = '\0';
        address++;
    }
    options->host = address;
    return true;
}

static bool take_arguments(struct options *options, char *argv[]) {
    if (!argv[1] || !argv[2])
        return false;
    options->command = argv[1];
    char **option = argv + 3;
    bool serves = strcmp(argv[1], "serve") == 0;
    if (serves)
        options->path = argv[2];
    else if ((strcmp(argv[1], "get") == 0 || strcmp(argv[1], "put") == 0) && argv[3] &&
             take_address(options, argv[2]))
        options->path = *option++;
    else
        return false;

    const char *names[] = {"--port", "--certificate", "--key", "--ca"};
    const char **values[] = {&options->port, &options->certificate, &options->key, &options->ca};
    for (; *option; option += 2) {
        int i = 0;
        while (i < 4 && strcmp(*option, names[i]) != 0)
            i++;
        if (i == 4 || !option[1])
            return false;
        *values[i] = option[1];
    }
    return !serves || options->certificate;
}

int main(int argc, char *argv[]) {
    struct options options = {.port = "7443"};
    (void)argc;
    if (take_arguments(&options, argv))
        return eddy_main(run, &options);

    fprintf(stderr,
            "usage: %s serve DIRECTORY --certificate FILE [--key FILE] [--port PORT]\n"
            "       %s get HOST:PORT NAME [--ca FILE]\n"
            "       %s put HOST:PORT FILE [--ca FILE]\n",
            argv[0], argv[0], argv[0]);
    return 2;
}
