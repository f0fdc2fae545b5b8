/* SPDX-License-Identifier: MIT */
#include "agent/room.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t coming; /* bytes that are reserved */

static bool older(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* What the folder's images take; a file counts in parts for each of its names. The oldest one's name, if any.
 */
static uint64_t look(DIR *folder, char oldest[256]) {
    struct timespec time = {0};
    uint64_t used = 0;
    oldest[0] = 0;
    rewinddir(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat s;
        if (fstatat(dirfd(folder), entry->d_name, &s, AT_SYMLINK_NOFOLLOW) || !S_ISREG(s.st_mode))
            continue;
        used += (uint64_t)s.st_size / s.st_nlink;
        if (oldest[0] && !older(&s.st_mtim, &time))
            continue;
        time = s.st_mtim;
        snprintf(oldest, 256, "%s", entry->d_name);
    }
    return used;
}

bool room_reserve(const char *path, uint64_t size) {
    DIR *folder = opendir(path);
    char oldest[256];
    bool fits = false;
    if (!folder)
        return false;
    pthread_mutex_lock(&mutex);
    while (size <= ROOM_LARGEST && !(fits = look(folder, oldest) + coming + size <= ROOM_TOTAL) && oldest[0])
        if (unlinkat(dirfd(folder), oldest, 0))
            break;
    if (fits)
        coming += size;
    pthread_mutex_unlock(&mutex);
    closedir(folder);
    return fits;
}

void room_release(uint64_t size) {
    pthread_mutex_lock(&mutex);
    coming -= size;
    pthread_mutex_unlock(&mutex);
}

void room_used(int image) {
    futimens(image, NULL);
}
