/* SPDX-License-Identifier: MIT */
/* e2e: modes=api */
/* Ten thousand hops with flat memory, in every process of the program. */
#include "e2e.h"

#ifndef __popcorn__
int main(void) {
    puts("10000 hops, memory flat, no descriptor more");
    return 0;
}
#else
#include <dirent.h>
#include <unistd.h>

struct usage {
    long rss, size, descriptors, processes;
};

/* What a process has as standard error; a node's process has the program's. */
static int standard_error(int pid, char target[200]) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/fd/2", pid);
    ssize_t length = readlink(path, target, 199);
    target[length < 0 ? 0 : length] = 0;
    return length > 0;
}

/* Sums over the processes of the program: the origin and the nodes. */
static struct usage measure(void) {
    struct usage sum = {0};
    DIR *proc = opendir("/proc");
    char path[300], line[200], mine[200], other[200];
    standard_error(getpid(), mine);
    for (struct dirent *entry; (entry = readdir(proc));) {
        int pid = atoi(entry->d_name);
        if (pid <= 0 || !standard_error(pid, other) || strcmp(mine, other) != 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/status", pid);
        FILE *status = fopen(path, "r");
        if (!status)
            continue;
        while (fgets(line, sizeof line, status)) {
            long kilobytes;
            if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
                sum.rss += kilobytes;
            if (sscanf(line, "VmSize: %ld", &kilobytes) == 1)
                sum.size += kilobytes;
        }
        fclose(status);
        snprintf(path, sizeof path, "/proc/%d/fd", pid);
        DIR *fds = opendir(path);
        while (fds && readdir(fds))
            sum.descriptors++;
        if (fds)
            closedir(fds);
        sum.processes++;
    }
    closedir(proc);
    return sum;
}

static void hop(int count) {
    for (int i = 0; i < count; i++)
        require(migrate((current_nid() + 1) % 3, NULL, NULL) == 0);
}

int main(void) {
    hop(1000);
    struct usage before = measure();
    hop(9000);
    struct usage after = measure();
    require(after.processes >= 3);
    if (after.rss > before.rss + 4096 || after.size > before.size + 16384 ||
        after.descriptors != before.descriptors || after.processes != before.processes)
        printf(
            "grew: RSS %ld to %ld KiB, size %ld to %ld KiB, descriptors %ld to %ld, processes %ld to %ld\n",
            before.rss, after.rss, before.size, after.size, before.descriptors, after.descriptors,
            before.processes, after.processes);
    else
        puts("10000 hops, memory flat, no descriptor more");
    return 0;
}
#endif
