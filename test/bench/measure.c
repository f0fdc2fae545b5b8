/* SPDX-License-Identifier: MIT */
/*
 * measure PROGRAM [ARGUMENT]... runs a program, its output thrown away, and prints microseconds of user and
 * of system time and the most kilobytes that it had in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long microseconds(struct timeval t) {
    return t.tv_sec * 1000000L + t.tv_usec;
}

static _Noreturn void become(char **argv) {
    int out = open("/dev/null", O_WRONLY);
    if (out >= 0 && dup2(out, 1) == 1)
        execvp(argv[1], argv + 1);
    fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv) {
    struct rusage usage;
    int status = -1;
    if (argc < 2)
        return 2;
    pid_t pid = fork();
    if (!pid)
        become(argv);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status) {
        fprintf(stderr, "measure: %s failed\n", argv[1]);
        return 1;
    }
    printf("%ld %ld %ld\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
