/* SPDX-License-Identifier: MIT */
#include "agent/guests.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#define GUESTS_MAX 64
#define PATIENCE 20 /* seconds, for all that a guest has to say */

/* The oldest one first. */
static struct {
    int socket;
    time_t since;
} guest[GUESTS_MAX];
static int guests;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static time_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static void take_out(int i) {
    for (guests--; i < guests; i++)
        guest[i] = guest[i + 1];
}

static void turn_out_oldest(void) {
    shutdown(guest[0].socket, SHUT_RDWR);
    take_out(0);
}

void guests_enter(int socket) {
    pthread_mutex_lock(&mutex);
    if (guests == GUESTS_MAX)
        turn_out_oldest();
    guest[guests].socket = socket;
    guest[guests++].since = now();
    pthread_mutex_unlock(&mutex);
}

void guests_leave(int socket) {
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < guests; i++)
        if (guest[i].socket == socket) {
            take_out(i);
            break;
        }
    pthread_mutex_unlock(&mutex);
}

void guests_watch(void) {
    pthread_mutex_lock(&mutex);
    while (guests && now() - guest[0].since >= PATIENCE)
        turn_out_oldest();
    pthread_mutex_unlock(&mutex);
}
