/* SPDX-License-Identifier: MIT
 * world.c - namespaces: user (where one is not root), mounts, network. */
#include "world.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

void world_write(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    ASSERT(fd >= 0);
    ASSERT_INT_EQ(write(fd, text, strlen(text)), (intmax_t)strlen(text));
    close(fd);
}

static bool say(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_said = fd >= 0 && write(fd, text, strlen(text)) >= 0;

    if (fd >= 0)
        close(fd);
    return is_said;
}

/* We are root there, whoever we are here. */
static bool enter_as_user(void) {
    char user[64], group[64];

    snprintf(user, sizeof(user), "0 %u 1", getuid());
    snprintf(group, sizeof(group), "0 %u 1", getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 &&
           say("/proc/self/uid_map", user) && say("/proc/self/setgroups", "deny") &&
           say("/proc/self/gid_map", group);
}

static bool raise_loopback(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int r = ioctl(fd, SIOCSIFFLAGS, &request);

    close(fd);
    return r == 0;
}

/* Nothing of these mounts is seen outside. */
static bool mount_etc(void) {
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("eddy-test", "/etc", "tmpfs", 0, "size=1m") == 0;
}

static const char *text_or(const char *text, const char *ordinary) {
    return text ? text : ordinary;
}

bool world_enter(const struct world *world) {
    if (test_is_emulated() || (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 && !enter_as_user()) ||
        !mount_etc() || !raise_loopback()) {
        puts("skipped: no network and no /etc of its own for a test here");
        return false;
    }
    world_write("/etc/resolv.conf",
                text_or(world->resolv, "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"));
    world_write("/etc/hosts", text_or(world->hosts, "127.0.0.1 localhost\n::1 localhost\n"));
    world_write("/etc/nsswitch.conf",
                text_or(world->nsswitch, "hosts: files dns\nservices: files\n"));
    world_write("/etc/services", text_or(world->services, "http 80/tcp\nfast 4242/udp\n"));
    return true;
}
