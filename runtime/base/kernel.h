/* SPDX-License-Identifier: MIT */
/*
 * System calls as the run time itself makes them: numbers, flags and structs of the common ABI, carried out
 * in this process. Nothing here is routed anywhere.
 */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "machine.h"

/* KERNEL(number, up to six arguments): the kernel's result, -4095..-1 for an error. */
#define KERNEL_CALL(n, a, b, c, d, e, f, ...)                                                                \
    machine_generic_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define KERNEL(...) KERNEL_CALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

enum kernel_number {
    NR_epoll_pwait = 22,
    NR_getcwd = 17,
    NR_eventfd2 = 19,
    NR_epoll_create1 = 20,
    NR_epoll_ctl = 21,
    NR_dup3 = 24,
    NR_fcntl = 25,
    NR_inotify_init1 = 26,
    NR_inotify_add_watch = 27,
    NR_inotify_rm_watch = 28,
    NR_ioctl = 29,
    NR_flock = 32,
    NR_unlinkat = 35,
    NR_fallocate = 47,
    NR_ftruncate = 46,
    NR_faccessat = 48,
    NR_chdir = 49,
    NR_openat = 56,
    NR_close = 57,
    NR_pipe2 = 59,
    NR_getdents64 = 61,
    NR_lseek = 62,
    NR_read = 63,
    NR_write = 64,
    NR_writev = 66,
    NR_pread64 = 67,
    NR_pwrite64 = 68,
    NR_pselect6 = 72,
    NR_ppoll = 73,
    NR_signalfd4 = 74,
    NR_tee = 77,
    NR_readlinkat = 78,
    NR_fstat = 80,
    NR_fsync = 82,
    NR_timerfd_create = 85,
    NR_timerfd_settime = 86,
    NR_exit = 93,
    NR_exit_group = 94,
    NR_waitid = 95,
    NR_set_tid_address = 96,
    NR_futex = 98,
    NR_set_robust_list = 99,
    NR_nanosleep = 101,
    NR_getitimer = 102,
    NR_setitimer = 103,
    NR_timer_create = 107,
    NR_timer_gettime = 108,
    NR_timer_getoverrun = 109,
    NR_timer_settime = 110,
    NR_timer_delete = 111,
    NR_clock_gettime = 113,
    NR_clock_getres = 114,
    NR_clock_nanosleep = 115,
    NR_sched_yield = 124,
    NR_kill = 129,
    NR_tkill = 130,
    NR_tgkill = 131,
    NR_sigaltstack = 132,
    NR_rt_sigsuspend = 133,
    NR_rt_sigaction = 134,
    NR_rt_sigprocmask = 135,
    NR_rt_sigpending = 136,
    NR_rt_sigtimedwait = 137,
    NR_rt_sigqueueinfo = 138,
    NR_rt_sigreturn = 139,
    NR_times = 153,
    NR_setsid = 157,
    NR_getrusage = 165,
    NR_umask = 166,
    NR_prctl = 167,
    NR_getcpu = 168,
    NR_gettimeofday = 169,
    NR_getpid = 172,
    NR_getppid = 173,
    NR_geteuid = 175,
    NR_gettid = 178,
    NR_msgrcv = 188,
    NR_msgsnd = 189,
    NR_semtimedop = 192,
    NR_semop = 193,
    NR_shmctl = 195,
    NR_shmat = 196,
    NR_shmdt = 197,
    NR_socket = 198,
    NR_socketpair = 199,
    NR_bind = 200,
    NR_listen = 201,
    NR_connect = 203,
    NR_getsockname = 204,
    NR_getpeername = 205,
    NR_sendto = 206,
    NR_recvfrom = 207,
    NR_setsockopt = 208,
    NR_getsockopt = 209,
    NR_shutdown = 210,
    NR_sendmsg = 211,
    NR_recvmsg = 212,
    NR_brk = 214,
    NR_munmap = 215,
    NR_mremap = 216,
    NR_clone = 220,
    NR_execve = 221,
    NR_mmap = 222,
    NR_mprotect = 226,
    NR_msync = 227,
    NR_mlockall = 230,
    NR_mincore = 232,
    NR_madvise = 233,
    NR_remap_file_pages = 234,
    NR_rt_tgsigqueueinfo = 240,
    NR_wait4 = 260,
    NR_prlimit64 = 261,
    NR_process_vm_readv = 270,
    NR_kcmp = 272,
    NR_renameat2 = 276,
    NR_getrandom = 278,
    NR_memfd_create = 279,
    NR_execveat = 281,
    NR_userfaultfd = 282,
    NR_membarrier = 283,
    NR_pkey_mprotect = 288,
    NR_rseq = 293,
    NR_clone3 = 435,
    NR_close_range = 436,
    NR_epoll_pwait2 = 441,
};

enum {
    E_PERM = 1,
    E_NOENT = 2,
    E_SRCH = 3,
    E_INTR = 4,
    E_NXIO = 6,
    E_BADF = 9,
    E_CHILD = 10,
    E_AGAIN = 11,
    E_NOMEM = 12,
    E_ACCES = 13,
    E_FAULT = 14,
    E_BUSY = 16,
    E_EXIST = 17,
    E_NODEV = 19,
    E_NOTDIR = 20,
    E_ISDIR = 21,
    E_INVAL = 22,
    E_NAMETOOLONG = 36,
    E_MFILE = 24,
    E_NOEXEC = 8,
    E_NOSYS = 38,
    E_NOTSUP = 95,
    E_TIMEDOUT = 110,
    E_PROTO = 71,
    E_ADDRINUSE = 98,
    E_CONNRESET = 104,
    E_CONNREFUSED = 111,
    E_HOSTDOWN = 112,
    E_HOSTUNREACH = 113,
    E_DQUOT = 122,
    E_NOTTY = 25,
    E_NOSPC = 28,
    E_FBIG = 27,
    E_PIPE = 32,
    E_ROFS = 30,
    E_IO = 5,
    E_NONET = 64,
};

enum {
    AT_CWD = -100,
    OPEN_RDONLY = 0,
    OPEN_WRONLY = 1,
    OPEN_RDWR = 2,
    OPEN_CREATE = 0100,
    OPEN_EXCLUSIVE = 0200,
    OPEN_NONBLOCK = 04000,
    OPEN_CLOEXEC = 02000000,
    OPEN_PATH = 010000000,
    FCNTL_DUPFD = 0,
    FCNTL_GETFD = 1,
    FCNTL_SETFD = 2,
    FCNTL_GETFL = 3,
    FCNTL_SETFL = 4,
    FCNTL_SETOWN = 8,
    FCNTL_SETSIG = 10,
    FCNTL_DUPFD_CLOEXEC = 1030,
    FCNTL_SETPIPE_SZ = 1031,
    FCNTL_GETPIPE_SZ = 1032,
};

enum {
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,
    PROT_EXEC = 4,
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_SHARED_VALIDATE = 3,
    MAP_TYPE = 0xf,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_GROWSDOWN = 0x100,
    MAP_LOCKED = 0x2000,
    MAP_NORESERVE = 0x4000,
    MAP_POPULATE = 0x8000,
    MAP_STACK = 0x20000,
    MAP_HUGETLB = 0x40000,
    MAP_FIXED_NOREPLACE = 0x100000,
    MREMAP_MAYMOVE = 1,
    MREMAP_FIXED = 2,
    MREMAP_DONTUNMAP = 4,
    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE = 9,
    MADV_DONTFORK = 10,
    MADV_MERGEABLE = 12,
    MADV_WIPEONFORK = 18,
    FALLOC_KEEP_SIZE = 1,
    FALLOC_PUNCH_HOLE = 2,
    SEEK_FROM_START = 0,
    SEEK_FROM_HERE = 1,
    SEEK_FROM_END = 2,
    SEEK_TO_DATA = 3,
    SEEK_TO_HOLE = 4,
    MFD_CLOEXEC = 1,
};

enum {
    FUTEX_WAIT = 0,
    FUTEX_WAKE = 1,
    FUTEX_WAIT_BITSET = 9,
    FUTEX_PRIVATE = 128,
    FUTEX_CLOCK_REALTIME = 256,
    FUTEX_COMMAND = ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME),
};

enum {
    MCL_ON_FAULT = 4,
    BARRIER_GLOBAL = 1,
    BARRIER_PRIVATE_EXPEDITED = 8,
    CLOCK_REALTIME = 0,
    CLOCK_MONOTONIC = 1,
    CLOCK_REALTIME_COARSE = 5,
    CLOCK_MONOTONIC_COARSE = 6,
    TIMER_ABSTIME = 1,
};

enum {
    MASK_BLOCK = 0,
    MASK_UNBLOCK = 1,
    MASK_SET = 2,
};

enum {
    CLONE_VM = 0x100,
    CLONE_VFORK = 0x4000,
    CLONE_THREAD = 0x10000,
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
};

#define KERNEL_PAGE 4096UL

struct kernel_time {
    int64_t seconds, nanoseconds;
};

/* RLIMIT_ */
enum { LIMIT_STACK = 3, LIMIT_PROCESSES = 6, LIMIT_ADDRESSES = 9 };

enum { IPC_STAT = 2, SHM_STAT = 13, SHM_STAT_ANY = 15 };

/* struct shmid64_ds, the same on every ISA here. */
struct kernel_segment {
    uint64_t permission[6];
    uint64_t size;
    int64_t attached_at, detached_at, changed_at;
    int32_t creator, last;
    uint64_t attached, reserved[2];
};
_Static_assert(sizeof(struct kernel_segment) == 112, "kernel ABI");

struct kernel_vector {
    const void *base;
    size_t length;
};

/* struct msghdr */
struct kernel_message {
    void *name;
    uint64_t name_size;
    struct kernel_vector *vector;
    uint64_t vectors;
    void *control;
    uint64_t control_size;
    int32_t flags, reserved;
};
_Static_assert(sizeof(struct kernel_message) == 56, "kernel ABI");

/* Blocks all signals for the calling native thread. */
static inline void kernel_block_signals(void) {
    uint64_t all = ~0ULL;
    KERNEL(NR_rt_sigprocmask, MASK_SET, &all, 0, 8);
}

/* SIGILL, SIGBUS, SIGFPE, SIGSEGV and __builtin_trap()'s: what may be the run time's own fault. It handles
 * them whatever the program does, and while it has all others blocked. */
#define KERNEL_FAULTS (1UL << 3 | 1UL << 6 | 1UL << 7 | 1UL << 10 | 1UL << (MACHINE_TRAP_SIGNAL - 1))

static inline int64_t kernel_nanoseconds(void) {
    struct kernel_time now;
    KERNEL(NR_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.seconds * 1000000000 + now.nanoseconds;
}

#endif
