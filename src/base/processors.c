/* SPDX-License-Identifier: MIT
 * processors.c - the affinity mask, and the quota of a container.
 *
 * A container that may use two of 64 processors mostly says so by a quota of processor time and not
 * by its mask; as many threads as processors would then be stopped together for most of each
 * period. The files are small text: see cgroups(7). */
#include "processors.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define PATH_BYTES 4096

/* --- quotas ----------------------------------------------------------------------------------- */

static int processors_of(double quota, double period) {
    double count = quota / period;

    if (!(quota > 0) || !(period > 0) || count >= INT_MAX)
        return INT_MAX; /* -1, or a file that makes no sense: none is set */
    return (int)count + ((double)(int)count < count);
}

/* The first line of a file of this folder. */
static bool line_read(const char *folder, const char *name, char *line, size_t size) {
    char path[PATH_BYTES + 32];
    bool has_line;
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "re");
    if (!file)
        return false;
    has_line = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return has_line;
}

/* Version 2: "max 100000", or "150000 100000". */
static int quota_of_cpu_max(const char *folder) {
    char line[128], *end;
    double quota;

    if (!line_read(folder, "cpu.max", line, sizeof(line)))
        return INT_MAX;
    quota = strtod(line, &end);
    return end == line ? INT_MAX : processors_of(quota, strtod(end, NULL));
}

/* Version 1: a file each. */
static int quota_of_cfs(const char *folder) {
    char quota[64], period[64];

    if (!line_read(folder, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
        !line_read(folder, "cpu.cfs_period_us", period, sizeof(period)))
        return INT_MAX;
    return processors_of(strtod(quota, NULL), strtod(period, NULL));
}

/* The least quota from the group's folder up to the mount. In a container the path may be the
 * host's, and not to be found under its mount: then that itself is asked. */
static int quota_upwards(const char *mount, const char *group, int (*quota_of)(const char *)) {
    char folder[PATH_BYTES];
    int least, quota, length = snprintf(folder, sizeof(folder), "%s%s", mount, group);
    size_t mount_length = strlen(mount);

    if (length < 0 || (size_t)length >= sizeof(folder))
        return INT_MAX;
    least = quota_of(mount);
    while (strlen(folder) > mount_length) {
        quota = quota_of(folder);
        least = MIN(least, quota);
        *strrchr(folder, '/') = '\0';
    }
    return least;
}

/* A line is "number:controllers:/group"; version 2 has the number 0 and no controllers. */
static int quota_of_line(char *line, const char *mount) {
    char *controllers = strchr(line, ':'), *group, folder[PATH_BYTES];

    group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return INT_MAX;
    *controllers++ = '\0';
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (group[0] != '/')
        return INT_MAX;
    if (strcmp(line, "0") == 0 && controllers[0] == '\0')
        return quota_upwards(mount, group, quota_of_cpu_max);
    if (strcmp(controllers, "cpu,cpuacct") != 0 && strcmp(controllers, "cpu") != 0)
        return INT_MAX;
    if ((size_t)snprintf(folder, sizeof(folder), "%s/%s", mount, controllers) >= sizeof(folder))
        return INT_MAX;
    return quota_upwards(folder, group, quota_of_cfs);
}

int eddy__processors_of_quota(const char *membership, const char *mount) {
    char line[PATH_BYTES];
    int least = INT_MAX, quota;
    FILE *file = fopen(membership, "re");

    if (!file)
        return least;
    while (fgets(line, sizeof(line), file)) {
        quota = quota_of_line(line, mount);
        least = MIN(least, quota);
    }
    fclose(file);
    return least;
}

/* --- the mask --------------------------------------------------------------------------------- */

/* As large as the kernel's, which may be larger than cpu_set_t. NULL: could not be asked. */
static cpu_set_t *mask_new(size_t *bytes) {
    for (int processors = CPU_SETSIZE; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *mask = CPU_ALLOC(processors);

        *bytes = CPU_ALLOC_SIZE(processors);
        if (mask && sched_getaffinity(0, *bytes, mask) == 0)
            return mask;
        CPU_FREE(mask);
    }
    return NULL;
}

int eddy__processors(void) {
    size_t bytes;
    cpu_set_t *mask = mask_new(&bytes);
    int count = mask ? CPU_COUNT_S(bytes, mask) : 1;
    int quota = eddy__processors_of_quota("/proc/self/cgroup", "/sys/fs/cgroup");

    CPU_FREE(mask);
    return MAX(MIN(count, quota), 1);
}

/* Empties the mask but for its nth processor. */
static void mask_keep(cpu_set_t *mask, size_t bytes, int n) {
    int number = -1;

    for (int left = n % CPU_COUNT_S(bytes, mask); left >= 0; left--)
        do
            number++;
        while (!CPU_ISSET_S((size_t)number, bytes, mask));
    CPU_ZERO_S(bytes, mask);
    CPU_SET_S((size_t)number, bytes, mask);
}

int eddy__processors_pin(int n) {
    size_t bytes;
    cpu_set_t *mask = mask_new(&bytes);
    int r;

    if (!mask)
        return -ENOMEM;
    mask_keep(mask, bytes, n);
    r = sched_setaffinity(0, bytes, mask) < 0 ? -errno : 0;
    CPU_FREE(mask);
    return r;
}
