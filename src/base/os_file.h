/* SPDX-License-Identifier: MIT
 * os_file.h - the part of the seam to the kernel (os.h) that is about files.
 *
 * Each function returns what its system call returns, or the negative errno; interrupted ones are
 * made again. They come in two kinds. Those that end with _now answer from memory or say -EAGAIN:
 * the loop's thread may call them. All others may wait for a disk, however long. */
#ifndef EDDY__OS_FILE_H
#define EDDY__OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* For tests: nothing is in memory, so that all has to ask the disk. */
extern bool eddy__os_disk_is_cold;

/* --- from memory, or -EAGAIN. An old kernel or a filesystem that cannot say: -EAGAIN, or for reads
 * and writes -EOPNOTSUPP, which it will always say. --- */

int eddy__os_open_now(const char *path, int flags);
ssize_t eddy__os_preadv_now(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t eddy__os_pwritev_now(int fd, const struct iovec *parts, int count, off_t offset);

/* What never changes of an open file: its type (S_IFREG ...), and whether it lies on a device of
 * this machine: then all about it is in memory while it is open. What a network or a program behind
 * a filesystem says may take its time. */
int eddy__os_kind_now(int fd, mode_t *type, bool *is_local);

/* Of such a file only. */
int eddy__os_fstat_now(int fd, struct stat *out);

/* --- from the disk. offset -1: at the descriptor's own position, which moves. --- */

int eddy__os_open(const char *path, int flags, mode_t mode); /* close-on-exec */
int eddy__os_close_file(int fd); /* with its error; the descriptor is gone whatever it is */
ssize_t eddy__os_preadv(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t eddy__os_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
off_t eddy__os_lseek(int fd, off_t offset, int whence);
int eddy__os_fsync(int fd);
int eddy__os_fdatasync(int fd);
int eddy__os_ftruncate(int fd, off_t size);
int eddy__os_fstat(int fd, struct stat *out);
int eddy__os_fchmod(int fd, mode_t mode);
int eddy__os_get_flags(int fd); /* of open(2) */

int eddy__os_stat(const char *path, struct stat *out);
int eddy__os_lstat(const char *path, struct stat *out);
int eddy__os_rename(const char *from, const char *to);
int eddy__os_unlink(const char *path);
int eddy__os_mkdir(const char *path, mode_t mode);
int eddy__os_rmdir(const char *path);
int eddy__os_chmod(const char *path, mode_t mode);
int eddy__os_symlink(const char *target, const char *path);
ssize_t eddy__os_readlink(const char *path, char *buffer, size_t size);

/* A new file, to be read and written, with a name of its own: the X of "...XXXXXX" are replaced.
 * The umask counts. */
int eddy__os_open_unique(char *path, mode_t mode);

/* Entries as struct dirent64, one behind the other. 0: no more. */
ssize_t eddy__os_getdents(int fd, void *buffer, size_t size);

/* At the descriptors' own positions. Returns how many bytes; 0: the end. */
ssize_t eddy__os_copy_file_range(int from, int to, size_t size);
ssize_t eddy__os_sendfile(int from, int to, size_t size);

#endif
