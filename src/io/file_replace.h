/* SPDX-License-Identifier: MIT
 * file_replace.h - a file that takes another's name when it is whole. In the pool's threads only.
 */
#ifndef EDDY__FILE_REPLACE_H
#define EDDY__FILE_REPLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct eddy__replacement {
    int fd;          /* of the temporary file; -1: none */
    char *temporary; /* its name, beside the target */
    char *target;    /* the name that it will take: links are followed */
};

#define EDDY__REPLACEMENT_NONE ((struct eddy__replacement){.fd = -1})

/* Makes the temporary file. It gets the mode of the target, if there is one, else `mode`. */
int eddy__replacement_open(struct eddy__replacement *replacement, const char *path, mode_t mode);

/* Gives it the name; sync: when both are on the disk. */
int eddy__replacement_commit(struct eddy__replacement *replacement, bool sync);

/* Removes what is left. Again and again. */
void eddy__replacement_abort(struct eddy__replacement *replacement);

#endif
