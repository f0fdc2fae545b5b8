/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:2:7 limit=120 */
/*
 * Threads whose stacks others have had before: of several sizes and guards, some at once, some by a child of
 * fork. Each finds its thread-local variables and keys as if it were the first, and leaves everything full of
 * something else.
 */
#include "e2e.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, AT_ONCE = 4 };

static _Thread_local char zero[300];
static _Thread_local int set = 77;
static pthread_key_t key;

static void *work(void *argument) {
    volatile char local[5000];
    size_t guard, size;
    pthread_attr_t attributes;
    require(!pthread_getspecific(key) && set == 77);
    for (size_t i = 0; i < sizeof zero; i++)
        require(zero[i] == 0);
    require(!pthread_getattr_np(pthread_self(), &attributes));
    require(!pthread_attr_getguardsize(&attributes, &guard) &&
            !pthread_attr_getstacksize(&attributes, &size));
    require(size >= 100000);
    point();
    memset((char *)local, (int)(intptr_t)argument, sizeof local);
    memset(zero, 1 + (int)(intptr_t)argument, sizeof zero);
    set = (int)guard;
    require(!pthread_setspecific(key, argument));
    point();
    require(local[4999] == (char)(intptr_t)argument && zero[299] == (char)(1 + (intptr_t)argument));
    return (void *)(guard + (uintptr_t)argument);
}

static void round_of_threads(int round) {
    static const size_t sizes[] = {128 << 10, 200 << 10, 4 << 20}, guards[] = {0, 4096, 65536};
    pthread_t thread[AT_ONCE];
    pthread_attr_t attributes;
    size_t guard = guards[round / 3 % 3];
    require(!pthread_attr_init(&attributes) && !pthread_attr_setstacksize(&attributes, sizes[round % 3]));
    require(!pthread_attr_setguardsize(&attributes, guard));
    for (intptr_t i = 0; i < AT_ONCE; i++)
        require(!pthread_create(&thread[i], &attributes, work, (void *)(round + i + 1)));
    for (int i = 0; i < AT_ONCE; i++) {
        void *result;
        require(!pthread_join(thread[i], &result));
        require((uintptr_t)result == guard + (uintptr_t)(round + i + 1));
    }
    point();
}

int main(void) {
    require(!pthread_key_create(&key, NULL));
    for (int i = 0; i < ROUNDS; i++)
        round_of_threads(i);
    pid_t child = fork();
    if (!child) {
        round_of_threads(3);
        _exit(5);
    }
    int status;
    require(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
    printf("%d threads\n", ROUNDS * AT_ONCE);
    return 0;
}
