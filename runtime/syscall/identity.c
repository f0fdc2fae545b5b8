/* SPDX-License-Identifier: MIT */
#include "syscall/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kernel.h"
#include "popcorn/control.h"
#include "thread/threads.h"

/* Which arguments of a call are ids: of processes or threads, by bit. */
static const struct {
    uint16_t number;
    uint8_t ids;
} calls[] = {
    {118, 1}, {119, 1}, {120, 1}, {121, 1}, {122, 1}, {123, 1}, {127, 1}, /* sched_… */
    {129, 1}, {130, 1}, {131, 3},                                         /* kill, tkill, tgkill */
    {138, 1}, {240, 3},                     /* rt_sigqueueinfo, rt_tgsigqueueinfo */
    {140, 2}, {141, 2},                     /* setpriority, getpriority */
    {154, 3}, {155, 1}, {156, 1},           /* setpgid, getpgid, getsid */
    {261, 1}, {270, 1}, {271, 1}, {272, 3}, /* prlimit64, process_vm_readv, process_vm_writev, kcmp */
    {274, 1}, {275, 1}, {434, 1},           /* sched_setattr, sched_getattr, pidfd_open */
};

static long kernel_id(long seen) {
    const struct popcorn_control *control = popcorn_control();
    long id = (int32_t)seen == control->seen_pid ? control->pid : seen;
    if (id != seen)
        return id;
    threads_lock();
    for (const struct popcorn_thread *t = control->threads; t; t = t->next)
        if (t->tid == (int32_t)seen)
            id = t->kernel_tid;
    threads_unlock();
    return id;
}

void identity_translate(long number, long argument[6]) {
    const struct popcorn_control *control = popcorn_control();
    if (control->pid == control->seen_pid)
        return;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int k = 0; calls[i].number == number && k < 2; k++)
            if (calls[i].ids >> k & 1 && (int32_t)argument[k] > 0)
                argument[k] = kernel_id(argument[k]);
}
