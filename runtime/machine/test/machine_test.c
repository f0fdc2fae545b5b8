/* SPDX-License-Identifier: MIT */
/*
 * Tests what machine.h promises, on one ISA, without libc: linked with that ISA's machine code only, the run
 * time's C halves played by this file. Runs directly or under qemu-user. Exit code 0 if all checks hold.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "boot.h"
#include "floating.h"
#include "generic.h"
#include "machine.h"
#include "popcorn/jump.h"

#define CALL_(n, a, b, c, d, e, f, ...)                                                                      \
    machine_generic_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CHECK(condition) check(condition, __LINE__, #condition)

int __popcorn_setjmp(void *buf, int savemask, void *area, void *base) __attribute__((returns_twice));
_Noreturn void longjmp(void *buf, int value);
long __migrate_shim_internal(long nid);
void __popcorn_point(void);
long __popcorn_fork(void);
long __popcorn_set_context(const void *jump, void *made, long leaving);
long __syscall_cp_asm(const volatile int *cancel, long number, long a, long b, long c, long d, long e,
                      long f);

#if __LDBL_MANT_DIG__ == 113
typedef long double quad;
#else
typedef __float128 quad;
#endif

static unsigned checks, failures;
static char stacks[4][64 << 10] __attribute__((aligned(16)));

static void print(const char *text) {
    size_t length = 0;
    while (text[length])
        length++;
    CALL(SYS_write, 2, text, length);
}

static void print_number(long number) {
    char digits[24], *p = digits + sizeof digits;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;
    *--p = 0;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--p = '-';
    print(p);
}

static void check(int holds, int line, const char *what) {
    checks++;
    if (holds)
        return;
    failures++;
    print(MACHINE_NAME " line ");
    print_number(line);
    print(": ");
    print(what);
    print("\n");
}

static _Noreturn void finish(void) {
    print(MACHINE_NAME ": ");
    print_number(checks);
    print(" checks, ");
    print_number(failures);
    print(" failed\n");
    for (;;)
        CALL(SYS_exit_group, failures != 0);
}

/* Keeps many values of both kinds alive over a call of `fn`, so that some are in each saved register. */
static volatile long seed = 3;

#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
static __attribute__((noinline)) long with_live_values(long (*fn)(long), long argument) {
#define DECLARE(i)                                                                                           \
    long n##i = seed * (i + 1) + 7 * i;                                                                      \
    double x##i = (double)seed / (i + 3);
#define SAME(i) ok &= n##i == seed * (i + 1) + 7 * i && x##i == (double)seed / (i + 3);
    TWELVE(DECLARE)
    long result = fn(argument), ok = 1;
    TWELVE(SAME)
    CHECK(ok);
    return result;
}

/* The C halves of the entry stubs. */
static struct machine_context seen;
static long seen_nid;

static long land(long value) {
    return value;
}

static long resume_below(long value) {
    seed -= 5;
    machine_resume_call(&seen, (void *)land, (void *)value);
}

/* Numbers from 100 on are refused; else the caller goes on with nid + 1 from below other live values. */
long popcorn_migrate_shim(struct machine_context *context, long nid) {
    seen = *context;
    seen_nid = nid;
    if (nid >= 100)
        return -nid;
    seed += 5;
    with_live_values(resume_below, nid + 1);
    return 0;
}

static bool passed_point;

long popcorn_point(struct machine_context *context) {
    seen = *context;
    passed_point = true;
    return 0;
}

long popcorn_fork(struct machine_context *context) {
    seen = *context;
    return 6;
}

int popcorn_setjmp(struct popcorn_jump *buf, int savemask, void *area, void *base) {
    buf->mask_saved = savemask;
    buf->area = area;
    buf->base = (uint64_t)base;
    return 0;
}

long popcorn_set_context(struct machine_context *context, void *jump, void *made, long leaving) {
    seen = *context;
    return jump == &seen && made == stacks ? leaving : -1;
}

_Noreturn void popcorn_longjmp(struct machine_context *context, struct popcorn_jump *buf, int value) {
    seen = *context;
    machine_jump((const struct machine_jump_state *)buf, value);
}

/* A resume body's way in: where it was called from is noted, then it runs as if called directly. */
static void *resumed_record;

static long resumed(long record) {
    return record + 1;
}

void *popcorn_resume_entry(struct machine_context *context, void *record) {
    seen = *context;
    resumed_record = record;
    return (void *)resumed;
}

static long point(long unused) {
    (void)unused;
    passed_point = false;
    __popcorn_point();
    return passed_point;
}

static long fork_stub(long unused) {
    (void)unused;
    return __popcorn_fork();
}

static long context_stub(long leaving) {
    return __popcorn_set_context(&seen, stacks, leaving);
}

static void test_stubs(void) {
    CHECK(with_live_values(__migrate_shim_internal, 100) == -100);
    CHECK(seen_nid == 100);
    CHECK(seen.reg[MACHINE_SP] % 16 == 0);
    uint64_t stack = seen.reg[MACHINE_SP], code = seen.reg[MACHINE_RA];
    CHECK(stack - (uintptr_t)__builtin_frame_address(0) + (1 << 16) < 2 << 16);
    CHECK(code - (uintptr_t)test_stubs + (1 << 20) < 2 << 20);
    CHECK(with_live_values(__migrate_shim_internal, 41) == 42);
    CHECK(with_live_values(point, 0) == 1);
    CHECK(with_live_values(fork_stub, 0) == 6);
    CHECK(with_live_values(context_stub, 2) == 2);
    long (*entry)(long) = (long (*)(long))machine_resume_entry;
    CHECK(with_live_values(entry, 50) == 51);
    CHECK(resumed_record == (void *)50);
    CHECK(seen.reg[MACHINE_SP] == stack);
}

static struct popcorn_jump jump;

static long jump_over(long value) {
    longjmp(&jump, (int)value);
}

static long far_jump(long value) {
    with_live_values(jump_over, value);
    return -1;
}

static long set_and_jump(long value) {
    long result = __popcorn_setjmp(&jump, 1, &jump, stacks);
    if (result == 0) {
        CHECK(jump.mask_saved == 1 && (void *)jump.area == &jump && jump.base == (uintptr_t)stacks);
        far_jump(value);
    }
    return result;
}

static void test_setjmp(void) {
    CHECK(with_live_values(set_and_jump, 77) == 77);
    CHECK(with_live_values(set_and_jump, -5) == -5);
    CHECK(seen.reg[MACHINE_SP] % 16 == 0);
}

static int parent_tid, child_tid, cleared_tid;
static struct machine_block child_block;

static void wait_cleared(int *tid) {
    int now;
    while ((now = __atomic_load_n(tid, __ATOMIC_SEQ_CST)))
        CALL(SYS_futex, tid, 0, now);
}

static int child(void *argument) {
    if (machine_thread_pointer() == argument)
        child_block.data_stack = argument;
    child_tid = (int)CALL(SYS_gettid);
    return 0;
}

static int child_without_stack(void *argument) {
    child_tid = 0;
    machine_unmap_and_exit(argument, 64 << 10);
}

static void test_clone(void) {
    unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                          CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

    child_block.self = &child_block;
    cleared_tid = 1;
    long tid = machine_clone(flags, stacks[1], &parent_tid, &child_block, &cleared_tid, child, &child_block);
    CHECK(tid > 0);
    wait_cleared(&cleared_tid);
    CHECK(parent_tid == tid && child_tid == tid);
    CHECK(child_block.data_stack == &child_block);

    long stack = CALL(SYS_mmap, 0, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack > 0);
    cleared_tid = 1;
    tid = machine_clone(flags, (char *)stack + (64 << 10), &parent_tid, &child_block, &cleared_tid,
                        child_without_stack, (void *)stack);
    CHECK(tid > 0);
    wait_cleared(&cleared_tid);
    CHECK(child_tid == 0);
    CHECK(CALL(SYS_msync, stack, 4096, MS_ASYNC) == -ENOMEM);
}

/* fork by the generic call: clone's arguments have the generic order. */
static void test_fork(void) {
    int status = 0, tid = 0;
    long pid = CALL(SYS_clone, 17 | CLONE_PARENT_SETTID, 0, &tid, 0, 0);
    if (pid == 0)
        for (;;)
            CALL(SYS_exit_group, 9);
    CHECK(pid > 0 && (tid == pid || tid == 0)); /* qemu-user writes it in the child only */
    CHECK(CALL(SYS_wait4, pid, &status, 0, 0) == pid);
    CHECK(status == 9 << 8);
}

struct statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct {
        int64_t seconds;
        uint32_t nanoseconds, pad;
    } atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t reserved[14];
};

static void test_stat(void) {
    struct stat s;
    struct statx x;
    memset(&s, -1, sizeof s);
    long fd = CALL(SYS_memfd_create, "test", 0);
    CHECK(CALL(SYS_ftruncate, fd, 5000) == 0);
    CHECK(CALL(SYS_fstat, fd, &s) == 0);
    CHECK(s.st_size == 5000 && S_ISREG(s.st_mode) && s.st_blksize > 0 && s.st_blksize <= 1 << 30);
    CALL(SYS_close, fd);
    CHECK(CALL(SYS_newfstatat, AT_FDCWD, "/usr/bin", &s, 0) == 0);
    CHECK(CALL(SYS_statx, AT_FDCWD, "/usr/bin", 0, 0x7ff, &x) == 0);
    CHECK(s.st_ino == x.ino && s.st_mode == x.mode && s.st_nlink == x.nlink);
    CHECK(s.st_uid == x.uid && s.st_gid == x.gid && s.st_size == (off_t)x.size);
    CHECK(s.st_blksize == (int)x.blksize && s.st_blocks == (blkcnt_t)x.blocks);
    CHECK(s.st_mtim.tv_sec == x.mtime.seconds && s.st_mtim.tv_nsec == x.mtime.nanoseconds);
    CHECK(s.st_ctim.tv_sec == x.ctime.seconds && s.st_atim.tv_nsec == x.atime.nanoseconds);
    CHECK(s.st_dev >> 8 == x.dev_major && (s.st_dev & 0xff) == x.dev_minor);
    CHECK(CALL(SYS_newfstatat, AT_FDCWD, "/dev/null", &s, 0) == 0);
    CHECK(S_ISCHR(s.st_mode) && s.st_rdev == 0x103);
    CHECK(CALL(SYS_newfstatat, AT_FDCWD, "/no such file", &s, 0) == -ENOENT);
}

static void test_open_flags(void) {
    int pipes[2];
    uint64_t how[3] = {O_PATH | O_DIRECTORY, 0, 0};

    CHECK(CALL(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_DIRECTORY, 0) == -ENOTDIR);
    CHECK(CALL(SYS_openat, AT_FDCWD, "/proc/self/cwd", O_RDONLY | O_NOFOLLOW, 0) == -ELOOP);
    long fd = CALL(SYS_openat, AT_FDCWD, "/usr/bin", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    CHECK(fd >= 0);
    long flags = CALL(SYS_fcntl, fd, F_GETFL, 0);
    CHECK((flags & O_DIRECTORY) && !(flags & (O_DIRECT | O_NOFOLLOW)));
    CALL(SYS_close, fd);
    fd = CALL(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how);
    CHECK(fd == -ENOTDIR || fd == -ENOSYS);
    CHECK(CALL(SYS_pipe2, pipes, O_DIRECT | O_NONBLOCK) == 0);
    flags = CALL(SYS_fcntl, pipes[1], F_GETFL, 0);
    CHECK((flags & (O_DIRECT | O_NONBLOCK)) == (O_DIRECT | O_NONBLOCK) && !(flags & O_DIRECTORY));
    CHECK(CALL(SYS_fcntl, pipes[1], F_SETFL, O_DIRECT) == 0);
    flags = CALL(SYS_fcntl, pipes[1], F_GETFL, 0);
    CHECK((flags & O_DIRECT) && !(flags & O_NONBLOCK));
    CALL(SYS_close, pipes[0]);
    CALL(SYS_close, pipes[1]);
    fd = CALL(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600);
    CHECK(fd >= 0 || fd == -EOPNOTSUPP);
    CALL(SYS_close, fd);
}

static void test_epoll(void) {
    int pipes[3][2];
    struct epoll_event event, events[4];
    long epoll = CALL(SYS_epoll_create1, 0);

    for (int i = 0; i < 3; i++) {
        CHECK(CALL(SYS_pipe2, pipes[i], 0) == 0);
        event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 0x1122334455667788UL + (uint64_t)i};
        CHECK(CALL(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, pipes[i][0], &event) == 0);
        CHECK(CALL(SYS_write, pipes[i][1], "x", 1) == 1);
    }
    memset(events, -1, sizeof events);
    CHECK(CALL(SYS_epoll_pwait, epoll, events, 4, -1, 0, 8) == 3);
    for (int i = 0; i < 3; i++)
        CHECK(events[i].events == EPOLLIN && events[i].data.u64 == 0x1122334455667788UL + (uint64_t)i);
    CHECK(CALL(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, pipes[0][0], 0) == 0);
    CHECK(CALL(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, pipes[0][0], 0) == -ENOENT);
    long timeout[2] = {0, 0};
    long count = CALL(SYS_epoll_pwait2, epoll, events, 1, timeout, 0, 8);
    CHECK(count == -ENOSYS || (count == 1 && events[0].data.u64 > 0x1122334455667788UL));
    CHECK(CALL(SYS_epoll_pwait, -1, events, 4, -1, 0, 8) == -EBADF);
}

static void test_semaphores(void) {
    struct semid_ds s;
    long id = CALL(SYS_semget, IPC_PRIVATE, 5, 0600);

    if (id == -ENOSYS)
        return;
    CHECK(id >= 0);
    memset(&s, -1, sizeof s);
    CHECK(CALL(SYS_semctl, id, 0, IPC_STAT, &s) == 0);
    CHECK(s.sem_nsems == 5 && s.sem_otime == 0 && s.sem_ctime > 0 && (s.sem_perm.mode & 0777) == 0600);
    s.sem_perm.mode = 0640;
    CHECK(CALL(SYS_semctl, id, 0, IPC_SET, &s) == 0);
    CHECK(CALL(SYS_semctl, id, 0, IPC_STAT, &s) == 0 && (s.sem_perm.mode & 0777) == 0640);
    CHECK(CALL(SYS_semctl, id, 2, SETVAL, 7) == 0 && CALL(SYS_semctl, id, 2, GETVAL, 0) == 7);
    CHECK(CALL(SYS_semctl, id, 0, IPC_RMID, 0) == 0);
}

enum { SIGNAL = 10, ALARM = 14 };
static volatile int signals, alarms;
static uint64_t signal_pc, signal_mask;

static void on_signal(int sig, void *info, void *context) {
    (void)info;
    signals += sig == SIGNAL;
    signal_pc = machine_ucontext_pc(context);
    signal_mask = machine_ucontext_mask(context);
    machine_ucontext_set_mask(context, signal_mask | 1UL << (12 - 1));
}

static void test_signals(void) {
    struct generic_sigaction action = {on_signal, SA_SIGINFO | SA_RESTART | SA_NODEFER, 1UL << 20}, old;
    uint64_t mask = 1UL << 11, now = 0;

    CHECK(machine_sigaction(SIGNAL, on_signal, SA_SIGINFO, 0) == 0);
    CHECK(CALL(SYS_kill, CALL(SYS_getpid), SIGNAL) == 0);
    CHECK(signals == 1);
    CHECK(signal_pc == (uintptr_t)machine_point_end);
    CHECK(signal_mask == 0);
    CHECK(CALL(SYS_rt_sigprocmask, 1, &mask, &now, 8) == 0 && now == mask);
    CHECK(CALL(SYS_rt_sigaction, SIGNAL, &action, &old, 8) == 0);
    CHECK(old.handler == on_signal && old.flags == SA_SIGINFO && old.mask == 0);
    CHECK(CALL(SYS_rt_sigaction, SIGNAL, 0, &old, 8) == 0);
    CHECK(old.handler == on_signal && old.flags == action.flags && old.mask == action.mask);
    CHECK(CALL(SYS_kill, CALL(SYS_getpid), SIGNAL) == 0);
    CHECK(signals == 2);
}

static void on_alarm(int sig, void *info, void *context) {
    (void)sig;
    (void)info;
    alarms++;
    ((struct machine_block *)machine_thread_pointer())->cancel = POPCORN_CANCEL_INTERRUPTED;
    machine_end_point(context);
}

bool popcorn_reachable(const void *users, size_t size, bool write) {
    (void)write;
    return users && size;
}

long __cancel(void) {
    return -ECANCELED;
}

static long (*popcorn_syscall_hook)(void);

long __popcorn_syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (popcorn_syscall_hook)
        popcorn_syscall_hook();
    return machine_generic_syscall(number, a, b, c, d, e, f);
}

static long interrupt_before(void) {
    ((struct machine_block *)machine_thread_pointer())->cancel = POPCORN_CANCEL_INTERRUPTED;
    return 0;
}

static void test_cancellation(void) {
    struct machine_block *block = machine_thread_pointer();
    volatile int cancel = 1;
    int pipes[2];
    char byte;
    uint64_t timer[4] = {0, 0, 0, 20000};

    CHECK(CALL(SYS_pipe2, pipes, 0) == 0);
    CHECK(__syscall_cp_asm(&cancel, SYS_read, pipes[0], (long)&byte, 1, 0, 0, 0) == -ECANCELED);
    cancel = 0;
    CALL(SYS_write, pipes[1], "x", 1);
    CHECK(__syscall_cp_asm(&cancel, SYS_read, pipes[0], (long)&byte, 1, 0, 0, 0) == 1);
    CHECK(block->cancel == POPCORN_CANCEL_NONE);

    CHECK(machine_sigaction(ALARM, on_alarm, SA_SIGINFO | SA_RESTART, 0) == 0);
    CHECK(CALL(SYS_setitimer, 0, timer, 0) == 0);
    CHECK(__syscall_cp_asm(&cancel, SYS_read, pipes[0], (long)&byte, 1, 0, 0, 0) == -EINTR);
    CHECK(alarms == 1 && block->cancel == POPCORN_CANCEL_NONE);

    popcorn_syscall_hook = interrupt_before;
    CHECK(__syscall_cp_asm(&cancel, SYS_read, pipes[0], (long)&byte, 1, 0, 0, 0) == -EINTR);
    popcorn_syscall_hook = NULL;
    CHECK(block->cancel == POPCORN_CANCEL_NONE);
}

static void test_refused(void) {
    CHECK(CALL(SYS_io_uring_setup, 1, 0) == -ENOSYS);
    CHECK(CALL(244, 1, 0) == -ENOSYS);
    CHECK(CALL(SYS_rt_sigreturn) == -ENOSYS);
    CHECK(CALL(-1) == -ENOSYS);
    CHECK(CALL(1 << 20) == -ENOSYS);
}

static void test_strings(void) {
    static unsigned char a[700], b[700];
    int right = 1;

    for (size_t n = 0; n < 300; n++) {
        size_t offset = n % 17;
        for (size_t i = 0; i < sizeof a; i++) {
            a[i] = (unsigned char)(i * 7 + n);
            b[i] = 0;
        }
        right &= memcpy(b + offset, a + 3, n) == b + offset && memcmp(b + offset, a + 3, n) == 0;
        right &= b[offset + n] == 0 && (offset == 0 || b[offset - 1] == 0);
        right &= memmove(a + 20, a + 13, n) == a + 20 && memcmp(a + 20, b, 0) == 0;
        for (size_t i = 0; i < n; i++)
            right &= a[20 + i] == (unsigned char)((13 + i) * 7 + n);
        memmove(a + 13, a + 20, n);
        for (size_t i = 0; i < n; i++)
            right &= a[13 + i] == (unsigned char)((13 + i) * 7 + n);
        right &= memset(b + offset, 0x5a, n) == b + offset && b[offset + n] == 0;
        for (size_t i = 0; i < n; i++)
            right &= b[offset + i] == 0x5a;
    }
    CHECK(right);
    CHECK(memcmp("abc", "abd", 3) < 0 && memcmp("b", "a", 1) > 0);
}

extern uint8_t __popcorn_level;

/* At the baseline and at the machine's level, which test/e2e/blocks.c has alone. */
static void test_search(void) {
    static char text[800];
    const uint8_t levels[] = {0, machine_level()};
    int right = 1;
    for (size_t n = 0; n < 300; n++) {
        __popcorn_level = levels[n % 2];
        char *s = text + n % 61;
        memset(text, 'a', sizeof text);
        s[n] = 0;
        if (n)
            s[n - 1] = 'b';
        right &= strlen(s) == n && memchr(s, 0, n + 1) == s + n && strcspn(s, "xb") == (n ? n - 1 : 0);
        right &= strchr(s, 'b') == (n ? s + n - 1 : 0) && strspn(s, "a") == (n ? n - 1 : 0);
        right &= strrchr(s, 'a') == (n > 1 ? s + n - 2 : 0) && strcspn(s, "123456789b") == (n ? n - 1 : 0);
        memcpy(text + 400, s, n + 1);
        right &= strcmp(text + 400, s) == 0 && memcmp(text + 400, s, n + 1) == 0;
        text[400 + n] = 'c';
        right &=
            strcmp(text + 400, s) > 0 && strncmp(text + 400, s, n) == 0 && memcmp(s, text + 400, n + 1) < 0;
    }
    __popcorn_level = 0;
    CHECK(right);
}

/* Each mode with each set of exceptions; then what instructions and arithmetic in software make of a mode. */
static void test_floating(void) {
    static const uint64_t third[4] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555555,
                                      0x3fd5555555555556};
    static const uint64_t wide_third[4] = {0x5555555555555555, 0x5555555555555555, 0x5555555555555555,
                                           0x5555555555555556};
    volatile double one = 1, three = 3, quotient;
    int right = 1;
    for (uint32_t environment = 0; environment < 4u << FP_ROUNDING_SHIFT; environment++) {
        floating_set_environment(environment);
        right &=
            floating_environment() == environment && floating_rounding() == environment >> FP_ROUNDING_SHIFT;
        floating_raise(FP_UNDERFLOW);
        right &= floating_environment() == (environment | FP_UNDERFLOW);
    }
    for (uint32_t mode = FP_TO_NEAREST; mode <= FP_UPWARD; mode++) {
        floating_set_environment(mode << FP_ROUNDING_SHIFT);
        quotient = one / three;
        right &= *(volatile uint64_t *)&quotient == third[mode] &&
                 floating_environment() == (mode << FP_ROUNDING_SHIFT | FP_INEXACT);
        floating_set_environment(mode << FP_ROUNDING_SHIFT);
        volatile quad wide = (quad)one / (quad)three;
        right &= *(volatile uint64_t *)&wide == wide_third[mode] &&
                 floating_environment() == (mode << FP_ROUNDING_SHIFT | FP_INEXACT);
    }
    floating_set_environment(FP_DEFAULT);
    quotient = one / 0;
    CHECK(floating_environment() == FP_DIVISION_BY_ZERO);
    floating_set_environment(FP_DEFAULT);
    CHECK(right);
}

static long run_argument;

static __attribute__((noinline)) long on_fresh_stack(void *argument) {
    CHECK(__builtin_return_address(0) == (void *)machine_base);
    CHECK((uintptr_t)__builtin_frame_address(0) - (uintptr_t)stacks[2] <= sizeof stacks[2]);
    run_argument = (long)argument;
    return 31;
}

_Noreturn void popcorn_thread_returned(long value) {
    CHECK(value == 31 && run_argument == 8);
    finish();
}

_Noreturn void popcorn_start(long *stack) {
    CHECK(stack[0] == 1);
    CHECK(machine_thread_pointer() == &machine_boot_block && machine_boot_block.self == &machine_boot_block);
    static struct machine_block block;
    CHECK(machine_set_thread_pointer(&block) == 0);
    CHECK(machine_thread_pointer() == &block && block.self == &block);
    test_stubs();
    test_setjmp();
    test_clone();
    test_fork();
    test_stat();
    test_open_flags();
    test_epoll();
    test_semaphores();
    test_signals();
    test_cancellation();
    test_refused();
    test_strings();
    test_search();
    test_floating();
    machine_run(stacks[3], on_fresh_stack, (void *)8);
}
