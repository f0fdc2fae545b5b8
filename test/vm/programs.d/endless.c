/* SPDX-License-Identifier: MIT */
/* Two threads that work until SIGTERM, for `popcorn ps` and `popcorn migrate`. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stop;

static void on_signal(int signal) {
    stop = signal;
}

static void *work(void *sum) {
    while (!stop)
        ++*(volatile unsigned long *)sum;
    return sum;
}

int main(void) {
    static struct {
        unsigned long sum;
        char apart[4096];
    } sums[2];
    pthread_t thread;
    signal(SIGTERM, on_signal);
    pthread_create(&thread, NULL, work, &sums[0].sum);
    work(&sums[1].sum);
    pthread_join(thread, NULL);
    printf("stopped by %d, worked %d\n", (int)stop, sums[0].sum && sums[1].sum);
    return 5;
}
