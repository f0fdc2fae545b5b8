/* SPDX-License-Identifier: MIT */
/*
 * Numbers lines on its terminal until that says `end`. A line says: the ISA, a word of the file that is its
 * argument, the terminal's size, how many SIGUSR1 have come, and whether two threads find in their memory
 * what they left there.
 */
#include <fcntl.h>
#include <poll.h>
#include <popcorn/migrate.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { WORDS = 1 << 17, RECORD = 8 };

static atomic_bool ended, wrong;
static volatile sig_atomic_t signals;

static void on_signal(int sig) {
    (void)sig;
    signals++;
}

static void *keep(void *from) {
    unsigned long *memory = malloc(WORDS * sizeof *memory), seed = (unsigned long)from;
    for (unsigned long i = 0; i < WORDS; i++)
        memory[i] = seed * i;
    for (unsigned long round = 1; !ended; round++) {
        for (unsigned long i = 0; i < WORDS; i++) {
            if (memory[i] != seed * i + round - 1)
                wrong = true;
            memory[i] = seed * i + round;
        }
        usleep(20000);
    }
    free(memory);
    return NULL;
}

static const char *isa(void) {
    static const char *const name[NUM_ARCHES] = {"aarch64", "x86_64", "powerpc64", "riscv64"};
    return name[current_arch()];
}

/* Whether `end` has been typed, within a fifth of a second. */
static bool typed_end(void) {
    static char typed[4096];
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t n = poll(&keys, 1, 200) == 1 ? read(STDIN_FILENO, typed, sizeof typed - 1) : 0;
    if (n <= 0)
        return false;
    typed[n] = 0;
    return strcmp(typed, "end\n") == 0;
}

int main(int argc, char **argv) {
    pthread_t thread[2];
    struct termios modes;
    int words = argc > 1 ? open(argv[1], O_RDONLY) : -1, line = 0;
    if (words < 0 || tcgetattr(STDIN_FILENO, &modes) < 0)
        return 1;
    modes.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
    signal(SIGUSR1, on_signal);
    for (unsigned long i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, keep, (void *)(i + 3));
    do {
        char word[RECORD + 1] = "";
        struct winsize size = {0};
        if (read(words, word, RECORD) != RECORD)
            lseek(words, 0, SEEK_SET);
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        printf("%d %s %.7s %dx%d %d %s\n", ++line, isa(), word, size.ws_row, size.ws_col, (int)signals,
               wrong ? "wrong" : "right");
        fflush(stdout);
    } while (!typed_end());
    ended = true;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    printf("%d lines\n", line);
    return 5;
}
