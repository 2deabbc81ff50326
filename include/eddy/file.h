/* SPDX-License-Identifier: MIT
 * eddy/file.h - files and directories, without blocking the loop.
 *
 * What the kernel has in memory is answered at once, in the calling thread; what needs a disk is
 * done by a few threads of its own ("eddy files"), so that a slow disk holds up neither the loop
 * nor names nor eddy_to_thread(). Nothing is buffered but lines: gather small writes.
 *
 * Cancellation. What only asks (open without O_CREAT and O_TRUNC, read, stat, sync, a directory's
 * entries) returns -ECANCELED at once, however long the disk takes. What changes something (write,
 * truncate, rename ...) is waited for once a thread has begun with it, as eddy_to_thread() does,
 * and its result returned: -ECANCELED means that nothing was changed. Closing a loop waits for
 * changes that have begun, and for nothing else.
 *
 * Errors are the kernel's, negated; sentences name the path: cannot open "x": No such file or
 * directory. All calls but those that say otherwise suspend when a disk has to be asked, and return
 * -ECANCELED, -ENOMEM, or -EAGAIN when no thread could be started. Paths are copied where they must
 * be. */
#ifndef EDDY_FILE_H
#define EDDY_FILE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <eddy/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open file, with a position of its own. It belongs to no loop, and to one thread at a time. */
typedef struct eddy_file eddy_file;

/* Opens as open(2) does, close-on-exec: O_RDONLY, O_WRONLY | O_CREAT | O_TRUNC, ...; mode for
 * O_CREAT, else 0. What cannot seek is no file: a FIFO, a socket or a terminal is refused with
 * -ESPIPE, without waiting for its other end; a directory with -EISDIR, but for O_DIRECTORY (to
 * sync it) and O_PATH. Suspends. The caller owns *out: eddy_file_close(). */
EDDY_API int eddy_file_open(const char *path, int flags, mode_t mode, eddy_file **out);

/* A file without a name in a directory (NULL: $TMPDIR, else /tmp), for reading and writing; gone
 * when it is closed. Suspends. */
EDDY_API int eddy_file_open_temporary(const char *directory, eddy_file **out);

/* A file of a descriptor, which it takes (and closes if it fails). The position begins with the
 * descriptor's, and is the file's own from then on. Never suspends. Returns 0, -EBADF, -ESPIPE,
 * -EISDIR, -ENOMEM. */
EDDY_API int eddy_file_from_fd(int fd, eddy_file **out);

/* Closes and frees. Takes the file, whatever it returns. Suspends: 0, or what close(2) says of
 * earlier writes (-EIO, -ENOSPC, -EDQUOT). Cancelled, or where nothing can suspend: the descriptor
 * is closed in the background. So it is while calls of other tasks, or reads that were left behind,
 * are under way: behind the last of them; then 0 at once. close(NULL) is 0. */
EDDY_API int eddy_file_close(eddy_file *file);

/* The descriptor, borrowed. Never suspends. */
EDDY_API int eddy_file_fd(const eddy_file *file);

/* --- reading. Returns how many bytes: fewer than asked for at the end of the file only, where it
 * is 0. All suspend. --- */

/* At the position, which moves behind what was read. Calls that use the position are made one at a
 * time, else -EBUSY; after any failure it is where it was. */
EDDY_API ssize_t eddy_file_read(eddy_file *file, void *buffer, size_t size);
EDDY_API ssize_t eddy_file_readv(eddy_file *file, const struct iovec *parts, int count);

/* At an offset, as many side by side as you like. */
EDDY_API ssize_t eddy_file_pread(eddy_file *file, void *buffer, size_t size, off_t offset);
EDDY_API ssize_t eddy_file_preadv(eddy_file *file, const struct iovec *parts, int count,
                                  off_t offset);

/* The next line with its '\n', from the position; at the end an unended last line, then 0. *out is
 * a view until the next call on the file. Not NUL-terminated. limit_bytes: the longest line, 0: 64
 * KiB; a longer one is EDDY_ELIMIT, and nothing was read. */
EDDY_API ssize_t eddy_file_read_line(eddy_file *file, size_t limit_bytes, eddy_slice *out);

/* --- writing. All bytes are written and `size` (the sum of the parts) returned; or a code, and
 * then some may have been: eddy_file_written() says how many, and the sentence. All suspend. --- */

/* At the position, or at the end with O_APPEND; the position moves behind what was written. */
EDDY_API ssize_t eddy_file_write(eddy_file *file, const void *data, size_t size);
EDDY_API ssize_t eddy_file_writev(eddy_file *file, const struct iovec *parts, int count);

/* At an offset, as many side by side as you like. With O_APPEND -EINVAL: Linux would write at the
 * end. */
EDDY_API ssize_t eddy_file_pwrite(eddy_file *file, const void *data, size_t size, off_t offset);
EDDY_API ssize_t eddy_file_pwritev(eddy_file *file, const struct iovec *parts, int count,
                                   off_t offset);

/* How much the last write that ended had written, before a full disk (-ENOSPC), a limit (-EFBIG) or
 * another error stopped it. Never suspends. */
EDDY_API size_t eddy_file_written(const eddy_file *file);

/* --- the rest of an open file ------------------------------------------------------------------
 */

/* As lseek(2). Returns the new position. Suspends for SEEK_END, SEEK_DATA and SEEK_HOLE only. */
EDDY_API off_t eddy_file_seek(eddy_file *file, off_t offset, int whence);

/* The position. Never suspends. */
EDDY_API off_t eddy_file_tell(const eddy_file *file);

/* Waits until what was written is on the disk; fdatasync: without times and the like. Suspends. An
 * error that a call which was left behind would have returned comes with the next one. */
EDDY_API int eddy_file_fsync(eddy_file *file);
EDDY_API int eddy_file_fdatasync(eddy_file *file);

/* Sets the size. Suspends. The position stays. */
EDDY_API int eddy_file_truncate(eddy_file *file, off_t size);

/* Suspends. */
EDDY_API int eddy_file_stat(eddy_file *file, struct stat *out);

/* --- names. As the system calls. All suspend. --- */

EDDY_API int eddy_stat(const char *path, struct stat *out);
EDDY_API int eddy_lstat(const char *path, struct stat *out);
EDDY_API int eddy_rename(const char *from, const char *to);
EDDY_API int eddy_unlink(const char *path);
EDDY_API int eddy_mkdir(const char *path, mode_t mode);
EDDY_API int eddy_rmdir(const char *path);
EDDY_API int eddy_chmod(const char *path, mode_t mode);
EDDY_API int eddy_symlink(const char *target, const char *path);

/* Where a symbolic link points: a text, yours to eddy_free(). Returns its length. */
EDDY_API ssize_t eddy_readlink(const char *path, char **out);

/* --- directories -------------------------------------------------------------------------------
 */

typedef struct eddy_directory eddy_directory;

typedef struct eddy_directory_entry {
    const char *name; /* a view until the next call */
    mode_t type;      /* S_ISDIR(type), S_ISREG(type) ...; 0: ask eddy_lstat() */
    ino_t inode;
} eddy_directory_entry;

/* Opens a directory to read its entries: Python's os.scandir(). Suspends. The caller owns *out:
 * eddy_directory_close(). Belongs to one thread at a time. */
EDDY_API int eddy_scandir(const char *path, eddy_directory **out);

/* The next entry, in the filesystem's order, without "." and "..". Returns 1; 0 at the end.
 * Suspends once for some hundred entries. One at a time, else -EBUSY. */
EDDY_API int eddy_directory_next(eddy_directory *directory, eddy_directory_entry *out);

/* Closes and frees; returns NULL. Never suspends. close(NULL) is NULL. */
EDDY_API eddy_directory *eddy_directory_close(eddy_directory *directory);

/* --- whole files -------------------------------------------------------------------------------
 */

/* Reads a file to its end. *out is NUL-terminated, yours to eddy_free(). limit_bytes: EDDY_ELIMIT
 * for a longer one; 0: 1 GiB. Works for /proc as well. Suspends. Returns the size. */
EDDY_API ssize_t eddy_read_file(const char *path, size_t limit_bytes, char **out);

/* All zero is the default of everything. */
typedef struct eddy_write_file_options {
    mode_t mode; /* of a file that is made, less the umask; 0: 0666 */
    bool append; /* behind what is there; else it is replaced */
    bool atomic; /* into a temporary file beside it, which then takes the name: whoever opens the
                    file sees the old one or the new one. It keeps the old one's mode. A symbolic
                    link is followed. Not with append: -EINVAL */
    bool sync;   /* returns when it is on the disk; with atomic its name as well */
} eddy_write_file_options;

/* Makes or replaces a file. options may be NULL. Suspends. Returns 0; after a failure without
 * `atomic` the file may have a part. */
EDDY_API int eddy_write_file_sized(const char *path, const void *data, size_t size,
                                   const eddy_write_file_options *options, size_t options_size);
static inline int eddy_write_file(const char *path, const void *data, size_t size,
                                  const eddy_write_file_options *options) {
    return eddy_write_file_sized(path, data, size, options, sizeof(eddy_write_file_options));
}

/* All zero is the default of everything. */
typedef struct eddy_copy_file_options {
    /* Called in the copying task after each part (up to 8 MiB); must not suspend. A negative code
     * ends the copy and is its result. total_bytes: as of the beginning. */
    int (*progress)(off_t copied_bytes, off_t total_bytes, void *arg);
    void *arg;
    bool sync; /* returns when the copy and its name are on the disk */
} eddy_copy_file_options;

/* Copies a regular file with its mode, in the kernel where that is possible (the filesystem may
 * share the blocks). The target appears whole or not at all, as with
 * eddy_write_file_options.atomic. A cancel ends it between two parts: -ECANCELED, and the target is
 * what it was. options may be NULL. Suspends. Returns how many bytes; -EINVAL: the same file, or no
 * regular one. */
EDDY_API off_t eddy_copy_file_sized(const char *source, const char *target,
                                    const eddy_copy_file_options *options, size_t options_size);
static inline off_t eddy_copy_file(const char *source, const char *target,
                                   const eddy_copy_file_options *options) {
    return eddy_copy_file_sized(source, target, options, sizeof(eddy_copy_file_options));
}

#ifdef __cplusplus
}
#endif

#endif
