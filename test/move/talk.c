/* SPDX-License-Identifier: MIT */
/* Answers lines, and says what reaches it besides: signals, and the size of its terminal. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t came[64];

static void note(int sig) {
    came[sig] = 1;
}

static void tell_signals(void) {
    struct winsize size = {0};
    if (came[SIGUSR1])
        printf("USR1\n");
    if (came[SIGINT])
        printf("INT\n");
    if (came[SIGWINCH] && ioctl(0, TIOCGWINSZ, &size) == 0)
        printf("WINCH %d %d\n", size.ws_row, size.ws_col);
    came[SIGUSR1] = came[SIGINT] = came[SIGWINCH] = 0;
    fflush(stdout);
}

int main(void) {
    char line[4096];
    size_t used = 0;
    struct sigaction action = {.sa_handler = note};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    printf("ready, terminals: %d %d %d\n", isatty(0), isatty(1), isatty(2));
    fflush(stdout);
    for (;;) {
        ssize_t n = read(0, line + used, 1);
        tell_signals();
        if (n == 0)
            break;
        if (n < 0 || (line[used++] != '\n' && used < sizeof line - 1))
            continue;
        line[used - 1] = 0;
        printf("you said: %s\n", line);
        fflush(stdout);
        used = 0;
    }
    fprintf(stderr, "that was all\n");
    return 9;
}
