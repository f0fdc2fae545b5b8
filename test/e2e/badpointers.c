/* SPDX-License-Identifier: MIT */
/* e2e: hop=random:3:7 */
/* Wrong pointers in system calls are EFAULT, whatever the run time does with what they point to. */
#include "e2e.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char *closed, *edge, *constant; /* out of bounds; the last 4 bytes before it; cannot be written */

static void show(const char *what, const char *where, long result) {
    printf("%s, %s: %s\n", what, where, result < 0 ? strerror(errno) : "good");
    point();
}

static void each(const char *where, char *bad, int epoll) {
    struct timespec soon = {0, 1000}, *bad_time = (struct timespec *)bad;
    int pipes[2];
    require(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
    show("fstat", where, syscall(SYS_fstat, 1, bad));
    show("newfstatat", where, syscall(SYS_newfstatat, AT_FDCWD, "/", bad, 0));
    show("newfstatat of nothing", where, syscall(SYS_newfstatat, AT_FDCWD, "/does/not/exist", bad, 0));
    show("newfstatat by name", where, bad == constant ? 0 : stat(bad, &(struct stat){0}));
    show("read", where, read(pipes[0], bad, 8));
    show("write", where, bad == constant ? 0 : write(pipes[1], bad, 8));
    show("epoll_ctl", where,
         bad == constant ? 0 : syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, pipes[1], bad));
    show("epoll_pwait", where, syscall(SYS_epoll_pwait, epoll, bad, 1, 0, NULL, 8));
    show("rt_sigprocmask", where, bad == constant ? 0 : syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, NULL, 8));
    show("rt_sigprocmask to", where, syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad, 8));
    show("rt_sigaction", where, bad == constant ? 0 : syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8));
    show("rt_sigaction to", where, syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad, 8));
    show("sigaltstack to", where, syscall(SYS_sigaltstack, NULL, bad));
    show("ppoll", where, bad == constant ? 0 : syscall(SYS_ppoll, NULL, 0, &soon, bad, 8));
    show("pselect6", where, bad == constant ? 0 : syscall(SYS_pselect6, 0, NULL, NULL, NULL, &soon, bad));
    show("futex", where,
         bad == constant ? 0 : syscall(SYS_futex, &(int){1}, 0 /* FUTEX_WAIT */, 1, bad_time, NULL, 0));
    show("semctl", where, syscall(SYS_semctl, 0x7ffffff0, 0, IPC_STAT, bad));
    close(pipes[0]);
    close(pipes[1]);
}

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED);
    require(mprotect(memory, page, PROT_READ) == 0 && mprotect(memory + 2 * page, page, PROT_NONE) == 0);
    constant = memory;
    edge = memory + 2 * page - 4;
    closed = memory + 2 * page;
    memset(memory + page, 'a', page);
    int epoll = epoll_create1(0), pipes[2];
    struct epoll_event event = {EPOLLIN, {.u64 = 1}};
    require(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
    require(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
    for (int round = 0; round < 3; round++) {
        each("out of bounds", closed, epoll);
        each("near nothing", (char *)8, epoll);
        each("half of it", edge, epoll);
        each("a constant", constant, epoll);
    }
    return 0;
}
