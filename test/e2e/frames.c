/* SPDX-License-Identifier: MIT */
/* e2e: modes=none,self,hop,back,same,far,away */
/*
 * What interpreters and collectors ask about the stack: how deep it is by __builtin_frame_address(0), what
 * lies on it, where it ends. And __builtin_setjmp.
 */
#include "e2e.h"

#include <pthread.h>
#include <sys/resource.h>

static _Thread_local uintptr_t top;
static volatile int sink;

/* Deep enough when `limit` bytes of stack are used. Unsigned: also when an address lies above `top`. */
NOINLINE static int deep(int n, uintptr_t limit) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (top - here > limit)
        return n;
    point();
    int r = deep(n + 1, limit);
    sink += r;
    require((uintptr_t)__builtin_frame_address(0) == here);
    return r;
}

NOINLINE static void in_order(int n, const char *callers, const char *callers_local) {
    char local[8] = {(char)n};
    const char *here = __builtin_frame_address(0), *volatile mine = local;
    require(!callers || (here < callers && mine < callers_local));
    point();
    if (n)
        in_order(n - 1, here, mine);
    require(here == __builtin_frame_address(0));
}

static int leaf_asks(void) {
    return __builtin_frame_address(0) != NULL;
}

/* A variable-length array lies below the frame's address or above, but the frame stays. */
NOINLINE static int with_array(int n) {
    char *before = __builtin_frame_address(0);
    char array[n];
    memset(array, n, (size_t)n);
    point();
    return before == __builtin_frame_address(0) && array[n - 1] == (char)n;
}

NOINLINE static void stack_is_known(const char *who) {
    pthread_attr_t attributes;
    void *low;
    size_t size;
    char local, *volatile p = &local, *frame = __builtin_frame_address(0);
    require(!pthread_getattr_np(pthread_self(), &attributes));
    require(!pthread_attr_getstack(&attributes, &low, &size));
    pthread_attr_destroy(&attributes);
    char *from = low, *to = from + size;
    point();
    printf("%s: local %d frame %d page %d size %d\n", who, p >= from && p < to, frame >= from && frame < to,
           (uintptr_t)to % 4096 == 0 || who[0] == 't', size >= 65536);
    from[64] = 1; /* the lowest page can be used */
}

/* Not to be trusted, but never a crash. */
NOINLINE static void outside(void) {
#pragma clang diagnostic ignored "-Wframe-address"
    sink = __builtin_return_address(0) == __builtin_extract_return_addr(__builtin_return_address(0));
#ifdef __popcorn__
    require(!__builtin_frame_address(1) && !__builtin_frame_address(9) && !__builtin_return_address(0) &&
            !__builtin_return_address(5));
#endif
}

static void *buffer[5];

NOINLINE static void jump(int depth) {
    point();
    if (depth)
        jump(depth - 1);
    __builtin_longjmp(buffer, 1);
}

NOINLINE static int jumps(int n) {
    volatile int back = 0;
    int same = n * 7;
    if (__builtin_setjmp(buffer)) {
        back++;
        point();
    }
    if (back < n)
        jump(back);
    return back + same;
}

NOINLINE static void leap(void **to) {
    point();
    __builtin_longjmp(to, 1);
}

/* Two levels, each with a buffer of its own, and an object of variable size in between. */
NOINLINE static int nested(int n) {
    void *own[5];
    volatile int rounds = 0;
    char *text = __builtin_alloca((size_t)n + 20);
    strcpy(text, "stays");
    if (__builtin_setjmp(own) == 0)
        rounds++;
    require(!strcmp(text, "stays"));
    if (rounds < 3) {
        rounds += jumps(1) > 0;
        leap(own);
    }
    return rounds;
}

static void *in_thread(void *argument) {
    top = (uintptr_t)__builtin_frame_address(0);
    stack_is_known("thread");
    int n = deep(0, 20000);
    in_order(20, NULL, NULL);
    printf("thread %d %d\n", n > 20 && n < 2000, jumps(4));
    return argument;
}

int main(void) {
    pthread_t thread;
    top = (uintptr_t)__builtin_frame_address(0);
    int n = deep(0, 20000);
    printf("deep %d back %d leaf %d\n", n > 20 && n < 2000, top == (uintptr_t)__builtin_frame_address(0),
           leaf_asks());
    in_order(50, NULL, NULL);
    printf("array %d\n", with_array(1000) + with_array(70));
    stack_is_known("main");
    outside();
    printf("jumps %d %d\n", jumps(9), nested(30));
    require(!pthread_create(&thread, NULL, in_thread, NULL));
    require(!pthread_join(thread, NULL));
    return 0;
}
