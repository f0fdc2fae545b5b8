/* SPDX-License-Identifier: MIT */
/* e2e: modes=api expected */
/* The library's own interface: migrate(), callbacks, node information, errors that do not end the process. */
#include "e2e.h"

#ifndef __popcorn__
int main(void) {
    return 0;
}
#else
#include <errno.h>
#include <pthread.h>

static int called;

static void callback(void *data) {
    called += *(int *)data;
}

static NOINLINE int hop_deep(int depth, int node) {
    int local = depth * 3, *pointer = &local;
    if (depth == 0)
        return migrate(node, NULL, NULL) == 0 && current_nid() == node;
    int below = hop_deep(depth - 1, node);
    *pointer += below;
    return *pointer - depth * 3;
}

static void *thread(void *argument) {
    int node = (int)(intptr_t)argument;
    require(current_nid() == 0);
    require(migrate(node, NULL, NULL) == 0 && current_nid() == node);
    return (void *)(intptr_t)current_arch();
}

int main(void) {
    int weight = 1;
    printf("starts on %d\n", current_nid());
    for (int node = 0; node < 3; node++)
        printf("node %d available %d\n", node, node_available(node));
    printf("node 3 available %d, node -1 available %d\n", node_available(3), node_available(-1));
    int start = current_arch(), seen[3];
    for (int turn = 0; turn < 6; turn++) {
        int node = (turn + 1) % 3;
        require(migrate(node, callback, &weight) == 0);
        require(current_nid() == node);
        seen[node] = current_arch();
        weight *= 2;
    }
    printf("called %d different %d home %d\n", called,
           seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], seen[0] == start);
    printf("same node %d\n", (int)migrate(0, callback, &weight));
    printf("errors %d %d\n", migrate(99, callback, &weight) < 0, migrate(-5, callback, &weight) < 0);
    printf("still on %d\n", current_nid());
    printf("deep %d %d %d\n", hop_deep(100, 1), hop_deep(100, 2), hop_deep(100, 0));
    pthread_t threads[3];
    void *arch[3];
    for (intptr_t i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, thread, (void *)i);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], &arch[i]);
    printf("threads %d\n", (int)(intptr_t)arch[0] == seen[0] && (int)(intptr_t)arch[1] == seen[1] &&
                               (int)(intptr_t)arch[2] == seen[2]);
    return 0;
}
#endif
