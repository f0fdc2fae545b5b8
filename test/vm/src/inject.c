/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static void set(const struct injector *injector, const char *name, const char *format, ...) {
    char path[128];
    va_list args;
    FILE *file;
    snprintf(path, sizeof path, "/sys/kernel/debug/%s/%s", injector->folder, name);
    file = fopen(path, "w");
    check(file, path);
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    check(!fclose(file), path);
}

void code_of_function(const char *name, unsigned long *start, unsigned long *end) {
    char found[128] = "";
    FILE *file = fopen("/proc/kallsyms", "r");
    check(file, "/proc/kallsyms");
    while (strcmp(found, name))
        check(fscanf(file, "%lx %*c %127s%*[^\n]", start, found) == 2, name);
    check(fscanf(file, "%lx", end) == 1, name);
    fclose(file);
}

void code_of_module(unsigned long *start, unsigned long *end) {
    unsigned long size;
    FILE *file = fopen("/proc/modules", "r");
    check(file && fscanf(file, "popcorn %lu %*d %*s %*s %lx", &size, start) == 2, "/proc/modules");
    fclose(file);
    *end = *start + size;
}

void inject_prepare(const struct injector *injector, bool pages, unsigned long start, unsigned long end) {
    set(injector, "times", "0");
    set(injector, "ignore-gfp-wait", "N");
    if (pages) {
        set(injector, "ignore-gfp-highmem", "N");
        set(injector, "min-order", "0");
    }
    set(injector, "verbose", "0");
    set(injector, "stacktrace-depth", "32");
    set(injector, "require-start", "%#lx", start);
    set(injector, "require-end", "%#lx", end);
    set(injector, "probability", "100");
}

static bool has_failed(const struct injector *injector) {
    char path[128];
    int left;
    snprintf(path, sizeof path, "/sys/kernel/debug/%s/times", injector->folder);
    FILE *file = fopen(path, "r");
    check(file && fscanf(file, "%d", &left) == 1, path);
    fclose(file);
    return !left;
}

/* The kernel fails what it counts as a multiple of the interval (1: the first one, which is not counted). */
void inject_arm(struct injector *injector, unsigned long nth) {
    injector->due = injector->seen + nth;
    set(injector, "interval", "%lu", injector->due);
    set(injector, "times", "1");
}

bool inject_disarm(struct injector *injector) {
    bool failed = has_failed(injector);
    set(injector, "times", "0");
    if (failed)
        injector->seen = injector->due > 1 ? injector->due : 0;
    return failed;
}

void inject_catch_up(struct injector *injector) {
    struct popcorn_origin origin = {.pages = ARENA_PAGES};
    set(injector, "times", "0");
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    check(fd >= 0 && !ioctl(fd, POPCORN_IOC_ORIGIN, &origin), "a program");
    char *at = mmap(NULL, (size_t)ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(at != MAP_FAILED, "mmap");
    set(injector, "times", "1");
    for (size_t page = 0; !has_failed(injector); page++) {
        check(page < ARENA_PAGES, "enough allocations");
        at[page * PAGE] = 1;
    }
    inject_disarm(injector);
    munmap(at, (size_t)ARENA_PAGES * PAGE);
    close(fd);
}
