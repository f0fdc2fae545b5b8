/* SPDX-License-Identifier: MIT */
/*
 * measure INPUT PROGRAM [ARGUMENT]... runs a program, its standard input the file INPUT and its output thrown away, and
 * prints microseconds of user and of system time and the most kilobytes that it had in memory.
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
    int in = open(argv[1], O_RDONLY), out = open("/dev/null", O_WRONLY);
    if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1)
        execvp(argv[2], argv + 2);
    fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv) {
    struct rusage usage;
    int status = -1;
    if (argc < 3)
        return 2;
    pid_t pid = fork();
    if (!pid)
        become(argv);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status) {
        fprintf(stderr, "measure: %s failed\n", argv[2]);
        return 1;
    }
    printf("%ld %ld %ld\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
