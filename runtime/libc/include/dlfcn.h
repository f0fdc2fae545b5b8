/* SPDX-License-Identifier: MIT */
/*
 * A Popcorn program is one static file: what dlopen would load could neither run on the other ISAs nor be
 * moved. The functions are declared so that their use is an error that names the place, and are not part of
 * libc.
 */
#ifndef _DLFCN_H
#define _DLFCN_H

#ifdef __cplusplus
extern "C" {
#endif

#include <features.h>

#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_NOLOAD 4
#define RTLD_NODELETE 4096
#define RTLD_GLOBAL 256
#define RTLD_LOCAL 0
#define RTLD_NEXT ((void *)-1)
#define RTLD_DEFAULT ((void *)0)

#define __POPCORN_NO_DL                                                                                      \
    __attribute__((__unavailable__("a Popcorn program cannot load shared objects (dlopen is not "            \
                                   "supported)")))

typedef struct {
    const char *dli_fname;
    void *dli_fbase;
    const char *dli_sname;
    void *dli_saddr;
} Dl_info;

void *dlopen(const char *, int) __POPCORN_NO_DL;
int dlclose(void *) __POPCORN_NO_DL;
char *dlerror(void) __POPCORN_NO_DL;
void *dlsym(void *__restrict, const char *__restrict) __POPCORN_NO_DL;
int dladdr(const void *, Dl_info *) __POPCORN_NO_DL;
int dlinfo(void *, int, void *) __POPCORN_NO_DL;

#undef __POPCORN_NO_DL

#ifdef __cplusplus
}
#endif

#endif
