/* SPDX-License-Identifier: MIT */
/* Two threads that open and close sockets all the time. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static void *open_and_close(void *none) {
    for (;;)
        close(socket(AF_INET, SOCK_STREAM, 0));
    return none;
}

int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, open_and_close, NULL);
    open_and_close(NULL);
}
