/* SPDX-License-Identifier: MIT */
/* Waits for as many signals as its argument says, each in a call of its own that only a handler ends. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_alarm(int sig) {
    (void)sig;
}

int main(int argc, char **argv) {
    signal(SIGALRM, on_alarm);
    for (int left = argc > 1 ? atoi(argv[1]) : 1; left; left--) {
        if (write(1, "p", 1) != 1)
            return 1;
        pause();
    }
    return 0;
}
