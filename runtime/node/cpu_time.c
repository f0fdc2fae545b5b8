/* SPDX-License-Identifier: MIT */
/* The program's processor time is that of all its processes: the kernel answers for each by its id. */
#include "base/text.h"
#include "node/internal.h"
#include "thread/native.h"

/* Linux's ids of the CPU clocks of processes. */
static long clock_of(int pid, enum cpu_time kind) {
    return (long)(int)(~(unsigned)pid << 3 | (unsigned)kind);
}

static int64_t process_time(int pid, enum cpu_time kind) {
    struct kernel_time t;
    return KERNEL(NR_clock_gettime, clock_of(pid, kind), &t) ? 0 : t.seconds * 1000000000 + t.nanoseconds;
}

/* What other machines' processes have used nobody here knows. */
int64_t nodes_cpu_time(enum cpu_time kind, bool with_origin) {
    const struct popcorn_control *control = popcorn_control();
    int64_t sum = 0;
    if (home_machines)
        return with_origin ? process_time(control->pid, kind) : 0;
    for (int i = 0; i < (int)control->nnodes; i++)
        if (node_runs(i) && (i != control->origin || with_origin))
            sum += process_time(control->node[i].pid, kind);
    return sum;
}

static int64_t read_number(const char *path) {
    char digits[64];
    int64_t value = 0;
    long fd = KERNEL(NR_openat, AT_CWD, path, OPEN_RDONLY | OPEN_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    long n = KERNEL(NR_read, fd, digits, sizeof digits);
    KERNEL(NR_close, fd);
    for (long i = 0; i < n && digits[i] >= '0' && digits[i] <= '9'; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* The clock of another process's thread cannot be read; the scheduler's own count can. */
static int64_t task_time(int pid, int tid) {
    char path[64];
    struct text text = text_begin(path, sizeof path);
    text_string(&text, "/proc/");
    text_signed(&text, pid);
    text_string(&text, "/task/");
    text_signed(&text, tid);
    text_string(&text, "/schedstat");
    return read_number(path);
}

int64_t nodes_thread_cpu_time(const struct popcorn_thread *thread, bool with_origin) {
    const struct popcorn_control *control = popcorn_control();
    int64_t sum = with_origin ? task_time(control->pid, thread->kernel_tid) : 0;
    for (int i = 0; i < (int)control->nnodes && !home_machines; i++)
        if (i != control->origin && node_runs(i) && thread->mailbox->worker[i])
            sum += task_time(control->node[i].pid, thread->mailbox->worker[i]);
    return sum;
}
