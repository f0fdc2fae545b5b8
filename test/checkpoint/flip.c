/* SPDX-License-Identifier: MIT */
/*
 * flip FILE TIMES SEED COMMAND…: turns one bit of FILE round, runs COMMAND, which has to refuse the file by one
 * line (exit code 1, or 70 if the program itself does), and turns the bit back; so many times, at random places.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void turn(int file, off_t place, int bit) {
    unsigned char byte;
    if (pread(file, &byte, 1, place) != 1)
        exit(2);
    byte ^= (unsigned char)(1 << bit);
    if (pwrite(file, &byte, 1, place) != 1)
        exit(2);
}

/* What the command wrote to both, and how it ended. */
static int run(char **command, char *text, size_t size) {
    int fd[2], status;
    size_t length = 0;
    ssize_t n;
    if (pipe(fd))
        exit(2);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], 1);
        dup2(fd[1], 2);
        close(fd[0]);
        execvp(command[0], command);
        _exit(127);
    }
    close(fd[1]);
    while ((n = read(fd[0], text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    close(fd[0]);
    text[length] = 0;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(int argc, char **argv) {
    struct stat stat;
    char text[4096];
    if (argc < 5)
        return 2;
    int file = open(argv[1], O_RDWR);
    if (file < 0 || fstat(file, &stat) || !stat.st_size)
        return 2;
    srand48(atol(argv[3]));
    for (long i = atol(argv[2]); i > 0; i--) {
        off_t place = (off_t)(drand48() * (double)stat.st_size);
        int bit = (int)(drand48() * 8);
        turn(file, place, bit);
        int status = run(argv + 4, text, sizeof text);
        const char *end = strchr(text, '\n');
        bool refused = WIFEXITED(status) && (WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 70);
        if (!refused || !end || end[1] || strncmp(text, "popcorn: ", 9)) {
            fprintf(stderr, "bit %d of byte %ld: status %x: %s\n", bit, (long)place, status, text);
            return 1;
        }
        turn(file, place, bit);
    }
    return 0;
}
