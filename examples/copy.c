/* SPDX-License-Identifier: MIT
 * copy.c - copies a file: whole or not at all, with its mode; Ctrl-C leaves nothing behind. */
#include <eddy.h>
#include <stdio.h>
#include <unistd.h>

static int show(off_t copied_bytes, off_t total_bytes, void *unused) {
    (void)unused;
    fprintf(stderr, "\r%3d %% of %lld bytes", (int)(copied_bytes * 100 / total_bytes),
            (long long)total_bytes);
    return 0;
}

static int copy(void *arg) {
    char **names = arg;
    const bool is_terminal = isatty(STDERR_FILENO);
    const eddy_copy_file_options options = {.progress = is_terminal ? show : NULL, .sync = true};
    off_t r = eddy_copy_file(names[1], names[2], &options);

    if (is_terminal)
        fprintf(stderr, "\r\033[K"); /* the line is empty again */
    if (r < 0)
        return (int)r;
    printf("%lld bytes copied\n", (long long)r);
    return 0;
}

int main(int count, char **names) {
    if (count != 3) {
        fprintf(stderr, "usage: %s SOURCE TARGET\n", names[0]);
        return 2;
    }
    return eddy_main(copy, names);
}
