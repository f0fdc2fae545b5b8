/* SPDX-License-Identifier: MIT */
#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "die.h"

const char *paths_lib(const char *name) {
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        die("/proc/self/exe: %s", strerror(errno));
    self[n] = 0;
    for (int up = 0; up < 2; up++) { /* …/bin/popcorn-ld */
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = 0;
    }
    const char *path = must_format("%s/lib/popcorn/%s", self, name);
    if (access(path, R_OK))
        die("%s: %s (is the Popcorn build complete?)", path, strerror(errno));
    return path;
}
