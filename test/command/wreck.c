/* SPDX-License-Identifier: MIT */
/*
 * wreck NODE PROGRAM ARGUMENTS...: runs a popcorn program and, as soon as its newest thread is on the node,
 * spoils what the run time keeps of that thread: its next migration point reads what is not there. Ends as
 * the program does.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "popcorn/control.h"

static bool get(int memory, const void *at, void *to, size_t size) {
    return pread(memory, to, size, (off_t)(uintptr_t)at) == (ssize_t)size;
}

static bool wreck(int memory, int node) {
    const struct popcorn_control *control = popcorn_control();
    struct popcorn_thread thread, *at;
    char magic[sizeof control->magic];
    void *nowhere = (void *)sizeof(void *);
    if (!get(memory, control->magic, magic, sizeof magic) ||
        memcmp(magic, POPCORN_CONTROL_MAGIC, sizeof magic) ||
        !get(memory, &control->threads, &at, sizeof at) || !at || !get(memory, at, &thread, sizeof thread) ||
        thread.node != node || !thread.triggers)
        return false;
    return pwrite(memory, &nowhere, sizeof nowhere, (off_t)(uintptr_t)&at->triggers) == sizeof nowhere;
}

int main(int argc, char **argv) {
    int status, memory;
    char path[32];
    if (argc < 3)
        return 2;
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[2], argv + 2);
        _exit(127);
    }
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    do {
        usleep(100000);
        memory = open(path, O_RDWR | O_CLOEXEC); /* before it runs the program, the memory is another one */
        if (memory < 0)
            perror(path);
        else if (wreck(memory, atoi(argv[1])))
            break;
        close(memory);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
