/* SPDX-License-Identifier: MIT */
/* Thread-local variables, thread-specific data with destructors, errno per thread. */
#include "e2e.h"

#include <errno.h>
#include <pthread.h>

enum { THREADS = 5 };

static __thread int plain = 3;
static __thread char zeroed[100];
static _Thread_local struct {
    double d;
    int *self;
} aligned __attribute__((aligned(64))) = {2.5, NULL};
__thread long exported = 1000;
static pthread_key_t key;
static int destroyed;
static long results[THREADS];
static int *addresses[THREADS + 1];

static void destroy(void *p) {
    __atomic_fetch_add(&destroyed, *(int *)p, __ATOMIC_SEQ_CST);
    point();
    free(p);
}

static NOINLINE int *where(void) {
    return &plain;
}

static void *work(void *argument) {
    int me = (int)(intptr_t)argument;
    int *specific = malloc(sizeof *specific);
    int *address = &plain;
    *specific = me + 1;
    pthread_setspecific(key, specific);
    addresses[me] = address;
    aligned.self = &plain;
    errno = 100 + me;
    for (int i = 0; i < 100; i++) {
        plain += me;
        zeroed[i] = (char)(me + i);
        point();
        exported += i;
        aligned.d *= 1.01;
        require(address == where() && aligned.self == address && errno == 100 + me);
        require(*(int *)pthread_getspecific(key) == me + 1);
    }
    require((uintptr_t)&aligned % 64 == 0);
    results[me] =
        plain + exported + (long)(aligned.d * 1000) + (long)(hash_bytes(zeroed, sizeof zeroed) % 1000);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_key_create(&key, destroy);
    addresses[THREADS] = &plain;
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        point();
    }
    for (int i = 0; i < THREADS; i++)
        printf("%ld ", results[i]);
    require(plain == 3 && exported == 1000 && addresses[THREADS] == where());
    printf("destroyed %d\n", destroyed);
    return 0;
}
