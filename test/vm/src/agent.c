/* SPDX-License-Identifier: MIT */
/*
 * The agent of the tests, the process that it makes for a program, and what a thread does there. There is no
 * real program: a thread's state is a struct job that says what to do.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile uint64_t signal_value;

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    signal_value = (uintptr_t)info->si_value.sival_ptr;
}

static int64_t forward(int fd, uint64_t nr, uint64_t seed) {
    struct popcorn_syscall call = {.nr = nr};
    for (unsigned i = 0; i < 6; i++)
        call.args[i] = seed + i;
    while (ioctl(fd, POPCORN_IOC_SYSCALL, &call)) {
        if (errno != EINTR)
            return INT64_MIN;
        call.flags = POPCORN_SYSCALL_WAIT;
    }
    return call.result;
}

static int64_t expected(uint64_t nr, uint64_t seed) {
    int64_t sum = (int64_t)nr;
    for (unsigned i = 0; i < 6; i++)
        sum += (int64_t)(seed + i) * (i + 1);
    return sum;
}

static void add(const struct job *job) {
    for (uint32_t i = 0; i < job->n; i++) {
        __atomic_fetch_add(word(job->a, 0), 1, __ATOMIC_SEQ_CST);
        if (i % 64)
            continue;
        lock_word(word(job->c, 0));
        *word(job->b, 0) += 1;
        *word(job->b, 7) += *word(job->b, 0);
        unlock_word(word(job->c, 0));
    }
}

static void take_turns(const struct job *job) {
    for (uint32_t i = 0; i < job->n; i++) {
        while (!(__atomic_load_n(word(job->a, 0), __ATOMIC_ACQUIRE) & 1))
            usleep(20);
        __atomic_fetch_add(word(job->a, 0), 1, __ATOMIC_RELEASE);
    }
}

static void wait_for_signal(int fd, struct job *job) {
    signal_value = 0;
    forward(fd, 2000, 0);
    for (int i = 0; !signal_value && i < 5000; i++)
        usleep(1000);
    job->b = signal_value;
}

/* Returns whether the thread comes back. */
static bool do_job(int fd, struct job *job) {
    uint64_t begin;
    int32_t code = (int32_t)job->n;
    struct bench_job bench;
    int error;
    memcpy(&bench, job->pad, sizeof bench);
    switch (job->kind) {
    case JOB_ECHO:
        job->check = ~job->check;
        break;
    case JOB_SYSCALL:
        for (uint32_t i = 0; i < job->n; i++)
            job->result += forward(fd, 1000, i) != expected(1000, i);
        break;
    case JOB_VERIFY:
        job->result = (uint32_t)wrong_words(job->a, job->n, job->b);
        fill_pages(job->a, job->n, job->c);
        break;
    case JOB_ADD:
        add(job);
        break;
    case JOB_SUM:
        begin = now_ns();
        job->b = 0;
        for (uint64_t i = 0; i < job->n; i++)
            job->b += *word(job->a + i, 5);
        job->c = now_ns() - begin;
        break;
    case JOB_FILL:
        begin = now_ns();
        fill_pages(job->a, job->n, job->b);
        job->c = now_ns() - begin;
        break;
    case JOB_EXIT:
        if (ioctl(fd, POPCORN_IOC_EXIT, &code))
            abort();
        return false;
    case JOB_CRASH:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        return false;
    case JOB_SIGNAL:
        wait_for_signal(fd, job);
        break;
    case JOB_SLEEP:
        *word(job->a, 0) = 0x5a5a;
        forward(fd, 2000, 0);
        for (;;)
            pause();
    case JOB_HOP:
        job->kind = JOB_VERIFY;
        error = hop(fd, job->check, job);
        if (!error)
            return false;
        job->kind = JOB_HOP;
        job->result = (uint32_t)error;
        break;
    case JOB_ROUND:
        take_turns(job);
        break;
    case JOB_SCATTER:
        job->result = (uint32_t)scatter(job->n, job->b, job->c);
        break;
    case JOB_BENCH_FAULTS:
        bench_faults(&bench);
        break;
    case JOB_BENCH_BULK:
        bench_bulk(&bench);
        break;
    }
    return true;
}

void *job_thread(void *data) {
    struct remote_start *remote = data;
    struct {
        struct popcorn_start start;
        struct job job;
    } state = {.start.key = remote->key};
    int fd = remote->fd;
    unsigned home = remote->home;
    bool late = remote->late;
    struct job job;
    ssize_t got;
    int error;

    if (late)
        usleep((timeout_ms() - 40 + remote->key.pid % 16 * 8) * 1000);
    free(remote);
    for (;;) {
        do
            got = read(fd, &state, sizeof state);
        while (got < 0 && errno == EINTR && !state.start.key.hop);
        /* The origin may have given up meanwhile; or enough of us wait. */
        if (got != (ssize_t)sizeof state || state.start.blob_len != sizeof job)
            return NULL;
        job = state.job;
        if (!do_job(fd, &job))
            return NULL;
        do
            error = hop(fd, home, &job);
        while (error == ENOMEM);
        if (error)
            abort();
        if (late)
            return NULL;
        state.start.key.hop = 0; /* the next time that the thread comes */
    }
}

static _Noreturn void process(int agent, const struct popcorn_clone_request *request) {
    struct popcorn_refuse refuse = {.cookie = request->cookie, .error = ENOMEM};
    struct popcorn_adopt adopt = {.cookie = request->cookie};
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct popcorn_key key;
    pthread_t thread;
    int fd;

    if (setgroups(0, NULL) || setgid(request->gid) || setuid(request->uid))
        _exit(2);
    fd = open(DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, POPCORN_IOC_ADOPT, &adopt)) {
        ioctl(agent, POPCORN_IOC_REFUSE, &refuse);
        _exit(3);
    }
    close(agent);
    sigaction(SIGUSR1, &action, NULL);
    if (request->hash[0] == AGENT_WALK)
        walk_remote(fd, adopt.nid);
    if (mmap(ARENA, adopt.pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) !=
        ARENA)
        _exit(4);
    if (request->hash[0] == AGENT_DIE)
        _exit(0);
    for (;;) {
        struct remote_start *start;
        if (ioctl(fd, POPCORN_IOC_WORKER, &key)) {
            if (errno == EINTR)
                continue;
            _exit(5);
        }
        if (key.event == POPCORN_EVENT_STOP)
            _exit(0);
        if (key.event == POPCORN_EVENT_TOLD)
            continue;
        start = malloc(sizeof *start);
        if (!start)
            _exit(6);
        *start = (struct remote_start){
            .fd = fd, .home = adopt.nid, .key = key, .late = request->hash[0] == AGENT_LATE};
        if (pthread_create(&thread, NULL, job_thread, start))
            _exit(7);
        pthread_detach(thread);
    }
}

int agent_main(void) {
    struct popcorn_clone_request request;
    int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

    signal(SIGCHLD, SIG_IGN);
    check(fd >= 0 && !ioctl(fd, POPCORN_IOC_AGENT), "AGENT");
    while (read(fd, &request, sizeof request) == (ssize_t)sizeof request) {
        struct popcorn_refuse refuse = {.cookie = request.cookie, .error = ENOEXEC};
        if (request.hash[0] == AGENT_SLEEP)
            continue;
        if (request.hash[0] == AGENT_REFUSE) {
            check(!ioctl(fd, POPCORN_IOC_REFUSE, &refuse), "REFUSE");
            continue;
        }
        pid_t pid = fork();
        check(pid >= 0, "fork");
        if (!pid)
            process(fd, &request);
    }
    fail("the agent's read()");
}
