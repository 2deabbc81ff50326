/* SPDX-License-Identifier: MIT
 * disk.h - what the tests of files share: a folder of their own, and a disk as slow as they like.
 */
#ifndef TEST_DISK_H
#define TEST_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include <eddy/file.h>

/* A new folder, which is removed with all that is in it: CLEANUP(folder_remove) struct folder f. */
struct folder {
    char path[64];
};
struct folder folder_make(void);
void folder_remove(struct folder *folder);

/* "folder/name": good for the next 16 calls. */
const char *in(const struct folder *folder, const char *name);

/* Plain calls, which must succeed. contents: the whole, NUL-terminated, good until the next call.
 */
void put(const char *path, const char *text);
const char *contents(const char *path);
bool exists(const char *path);
int entries_of(const struct folder *folder); /* how many, hidden ones included */

/* From now on nothing is in memory, and whatever needs the disk is kept waiting. */
void disk_hold(void);

/* Until so many have come to the disk since it was held; the loop runs meanwhile. */
void disk_await(int count);
int disk_waiting(void);

/* Lets them go, and the disk is quick again. cold: nothing is in memory still. */
void disk_release(void);
void disk_cold(bool is_cold);

void file_closep(eddy_file **file);

/* Opens, or fails the test. */
eddy_file *opened(const char *path, int flags);

#endif
