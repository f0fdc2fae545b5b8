/* SPDX-License-Identifier: MIT */
/* A system call is a call of the run time, with the numbers and structs of asm-generic. */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

long __popcorn_syscall(long n, long a, long b, long c, long d, long e, long f);
long __popcorn_fork(void);

/* The same of a call that may wait for long: the thread can be asked to come to a migration point meanwhile. */
long __popcorn_wait(long n, long a, long b, long c, long d, long e, long f);

static inline long __syscall0(long n) {
    return __popcorn_syscall(n, 0, 0, 0, 0, 0, 0);
}

static inline long __syscall1(long n, long a) {
    return __popcorn_syscall(n, a, 0, 0, 0, 0, 0);
}

/* clone with two arguments is fork: it may have to bring the thread home first, so it has its own way in. */
static inline long __syscall2(long n, long a, long b) {
    if (n == SYS_clone)
        return __popcorn_fork();
    return __popcorn_syscall(n, a, b, 0, 0, 0, 0);
}

static inline long __syscall3(long n, long a, long b, long c) {
    if (n == SYS_read || n == SYS_write || n == SYS_readv || n == SYS_writev)
        return __popcorn_wait(n, a, b, c, 0, 0, 0);
    return __popcorn_syscall(n, a, b, c, 0, 0, 0);
}

static inline long __syscall4(long n, long a, long b, long c, long d) {
    if (n == SYS_futex && (b & 127) == 0 /* FUTEX_WAIT, which is private or not */)
        return __popcorn_wait(n, a, b, c, d, 0, 0);
    return __popcorn_syscall(n, a, b, c, d, 0, 0);
}

static inline long __syscall5(long n, long a, long b, long c, long d, long e) {
    return __popcorn_syscall(n, a, b, c, d, e, 0);
}

static inline long __syscall6(long n, long a, long b, long c, long d, long e, long f) {
    return __popcorn_syscall(n, a, b, c, d, e, f);
}

#define IPC_64 0
