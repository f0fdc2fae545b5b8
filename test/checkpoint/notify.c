/* SPDX-License-Identifier: MIT */
/*
 * What inotify tells of a folder, a file and a link, by watches whose numbers have holes: after each line of
 * standard input, what has happened since.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

static int fd;

static int watch(const char *path, uint32_t mask) {
    int number = inotify_add_watch(fd, path, mask);
    if (number < 0)
        printf("%s: %s\n", path, strerror(errno));
    return number;
}

static void tell(void) {
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        printf("nothing: %s\n", strerror(errno));
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(bytes + at);
        printf("watch %d: %#x %s\n", e->wd, e->mask, e->len ? e->name : "");
        at += (ssize_t)(sizeof *e + e->len);
    }
}

int main(void) {
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch("folder", IN_CREATE | IN_DELETE);
    for (int i = 0; i < 50; i++)
        inotify_rm_watch(fd, watch("file", IN_MODIFY));
    watch("file", IN_MODIFY | IN_ATTRIB);
    watch("link", IN_DELETE_SELF | IN_DONT_FOLLOW);
    while (tell(), fgets(line, sizeof line, stdin))
        ;
    return 0;
}
