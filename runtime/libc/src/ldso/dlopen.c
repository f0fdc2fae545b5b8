/* SPDX-License-Identifier: MIT */
/*
 * A program is one static executable: dlopen() gives a handle for the program itself, and nothing else can
 * be opened. popcorn-ld warns of it when a program has dlopen().
 */
#include <dlfcn.h>

#include "dynlink.h"

static const char program; /* its address is the handle */

/* musl's own, for a program without dlopen(), takes no handle at all. */
int __dl_invalid_handle(void *handle) {
    if (handle == &program)
        return 0;
    __dl_seterr("Invalid library handle %p", handle);
    return 1;
}

void *dlopen(const char *file, int mode) {
    (void)mode;
    if (!file)
        return (void *)&program;
    __dl_seterr("%s: a popcorn program is static and cannot load shared objects", file);
    return NULL;
}
