/* SPDX-License-Identifier: MIT
 * test_processors.c - the affinity mask, pinning, and quotas in files of both versions. */
#include "processors.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test.h"

/* --- a control group in a folder of its own --------------------------------------------------- */

static char root[] = "/tmp/eddy-processors-XXXXXX";

static void put(const char *path, const char *text) {
    char whole[256];

    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    FILE *file = fopen(whole, "w");
    ASSERT_NOT_NULL(file);
    fputs(text, file);
    fclose(file);
}

static int quota(const char *membership) {
    char file[256], command[300];

    put("membership", membership);
    snprintf(file, sizeof(file), "%s/membership", root);
    int processors = eddy__processors_of_quota(file, root);
    snprintf(command, sizeof(command), "rm -r %s", root);
    ASSERT_INT_EQ(system(command), 0);
    return processors;
}

static void begin(void) {
    ASSERT_NOT_NULL(mkdtemp(root));
}

TEST(a_quota_is_rounded_up_to_processors) {
    begin();
    put("a/cpu.max", "150000 100000\n");
    ASSERT_INT_EQ(quota("0::/a\n"), 2);
}

TEST(a_small_quota_is_one_processor) {
    begin();
    put("a/cpu.max", "1000 100000\n");
    ASSERT_INT_EQ(quota("0::/a\n"), 1);
}

TEST(without_a_limit_there_is_no_quota) {
    begin();
    put("a/cpu.max", "max 100000\n");
    ASSERT_INT_EQ(quota("0::/a\n"), INT_MAX);
}

TEST(the_least_quota_on_the_way_up_counts) {
    begin();
    put("a/cpu.max", "300000 100000\n");
    put("a/b/cpu.max", "max 100000\n");
    put("a/b/c/cpu.max", "800000 100000\n");
    ASSERT_INT_EQ(quota("0::/a/b/c\n"), 3);
}

TEST(a_container_sees_its_quota_at_the_mount) {
    begin();
    put("cpu.max", "200000 100000\n");
    ASSERT_INT_EQ(quota("0::/host/only/path\n"), 2);
}

TEST(the_files_of_version_one_are_understood) {
    begin();
    put("cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
    put("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    ASSERT_INT_EQ(quota("5:memory:/a\n4:cpu,cpuacct:/a\n0::/\n"), 3);
}

TEST(no_quota_of_version_one_is_minus_one) {
    begin();
    put("cpu/cpu.cfs_quota_us", "-1\n");
    put("cpu/cpu.cfs_period_us", "100000\n");
    ASSERT_INT_EQ(quota("4:cpu:/\n"), INT_MAX);
}

TEST(files_that_make_no_sense_set_no_quota) {
    const char *const lines[] = {"", "\n", "0", "0:", "0::", "0::relative\n", "::/a\n", "x:y:z\n"};

    begin();
    put("cpu.max", "nonsense\n");
    put("a/cpu.max", "100 0\n");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char file[256];
        put("membership", lines[i]);
        snprintf(file, sizeof(file), "%s/membership", root);
        ASSERT_INT_EQ(eddy__processors_of_quota(file, root), INT_MAX);
    }
    ASSERT_INT_EQ(quota("0::/a\n"), INT_MAX);
    ASSERT_INT_EQ(eddy__processors_of_quota("/nowhere/at/all", root), INT_MAX);
}

/* --- this process ----------------------------------------------------------------------------- */

TEST(there_are_at_most_as_many_processors_as_the_mask_has) {
    cpu_set_t mask;

    ASSERT_OK(sched_getaffinity(0, sizeof(mask), &mask));
    ASSERT(eddy__processors() >= 1);
    ASSERT(eddy__processors() <= CPU_COUNT(&mask));
}

static void *pins_itself(void *arg) {
    cpu_set_t before, after;
    int n = *(int *)arg;

    ASSERT_OK(sched_getaffinity(0, sizeof(before), &before));
    ASSERT_OK(eddy__processors_pin(n));
    ASSERT_OK(sched_getaffinity(0, sizeof(after), &after));
    ASSERT_INT_EQ(CPU_COUNT(&after), 1);
    int nth = -1;
    for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &after))
            nth = seen;
        seen += CPU_ISSET(cpu, &before) != 0;
    }
    ASSERT_INT_EQ(nth, n % CPU_COUNT(&before));
    ASSERT_INT_EQ(eddy__processors(), 1);
    return NULL;
}

TEST(a_thread_is_pinned_to_the_nth_processor_of_its_mask_counting_round) {
    for (int n = 0; n < 9; n++) {
        pthread_t thread;
        ASSERT_INT_EQ(pthread_create(&thread, NULL, pins_itself, &n), 0);
        ASSERT_INT_EQ(pthread_join(thread, NULL), 0);
    }
}
