/* SPDX-License-Identifier: MIT */
/* e2e: modes=api min=5 expected */
/* migrate_schedule() with POPCORN_THREAD_SCHEDULE; what the library says of nodes and threads. */
#include "e2e.h"

#ifndef __popcorn__
int main(void) {
    return 0;
}
#else
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define THREADS 4

static const char schedule[] = "7 4 0 1 2 1\n"
                               "-1 2 2 0\n"
                               "9 1 0\n";

static void arrived(void *data) {
    *(int *)data = current_nid();
}

/* Where the thread goes in a region; the callback is called if it moves. */
static int go(size_t region, int number) {
    int callback = current_nid();
    require(migrate_schedule(region, number, arrived, &callback) == 0);
    require(callback == current_nid());
    return callback;
}

struct work {
    int number;
    int region[4];
};

static void *work(void *argument) {
    struct work *w = argument;
    w->region[0] = go(7, w->number);
    w->region[1] = go(9, w->number);
    w->region[2] = go(3, w->number);
    w->region[3] = go(7, -1);
    return NULL;
}

static void threads(void) {
    struct work w[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        w[i].number = i;
        require(pthread_create(&thread[i], NULL, work, &w[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        printf("thread %d: region 7 %d, region 9 %d, region 3 %d, no thread's %d\n", i, w[i].region[0],
               w[i].region[1], w[i].region[2], w[i].region[3]);
    }
}

static void nodes(void) {
    struct popcorn_node_status status[MAX_POPCORN_NODES];
    int origin = -1;
    require(popcorn_getnodeinfo(NULL, status) == -EINVAL && popcorn_getnodeinfo(&origin, NULL) == -EINVAL);
    require(popcorn_getnodeinfo(&origin, status) == 0);
    printf("origin %d\n", origin);
    for (int i = 0; i < 3; i++)
        printf("node %d: status %u, distance %d\n", i, status[i].status, status[i].distance);
    require(status[current_nid()].arch == (int)current_arch());
    require(status[0].arch != status[1].arch && status[1].arch != status[2].arch);
    for (int i = 3; i < MAX_POPCORN_NODES; i++)
        require(status[i].status == 0 && status[i].arch == ARCH_UNKNOWN && status[i].distance == -1);
}

static void self(void) {
    struct popcorn_thread_status status;
    require(popcorn_getthreadinfo(NULL) == -EINVAL);
    require(popcorn_getthreadinfo(&status) == 0);
    require(status.peer_pid == (status.peer_nid < 0 ? -1 : getpid()));
    printf("here %d, proposed %d, peer's node %d\n", status.current_nid, status.proposed_nid,
           status.peer_nid);
    require(popcorn_getnid() == status.current_nid);
}

int main(void) {
    char name[] = "/tmp/popcorn-schedule-XXXXXX";
    int fd = mkstemp(name);
    require(fd >= 0 && write(fd, schedule, sizeof schedule - 1) == sizeof schedule - 1);
    setenv("POPCORN_THREAD_SCHEDULE", name, 1);
    nodes();
    self();
    threads();
    require(go(7, 2) == 2);
    nodes();
    self();
    unlink(name);
    require(migrate_schedule(7, 1, NULL, NULL) == 0 && current_nid() == 1);
    require(migrate_schedule(7, 1, arrived, NULL) == 0);
    return 0;
}
#endif
