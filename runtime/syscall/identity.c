/* SPDX-License-Identifier: MIT */
#include "syscall/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kernel.h"
#include "popcorn/control.h"
#include "thread/family.h"
#include "thread/threads.h"

enum { NR_getpgid = 155, NR_getsid = 156 };

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
    {260, 1},                               /* wait4 */
};

static long kernel_id(long seen) {
    const struct popcorn_control *control = popcorn_control();
    long id = (int32_t)seen == control->seen_pid ? control->pid : seen;
    if (id != seen || (id = family_kernel((int32_t)seen)) != seen)
        return id;
    threads_lock();
    for (const struct popcorn_thread *t = control->threads; t; t = t->next)
        if (t->tid == (int32_t)seen)
            id = t->kernel_tid;
    threads_unlock();
    return id;
}

/* A process group: that of who led it. */
static long kernel_group(long seen) {
    long leader = kernel_id(seen), group = leader == seen ? seen : KERNEL(NR_getpgid, leader);
    return group > 0 ? group : seen;
}

static bool is_renamed(void) {
    const struct popcorn_control *control = popcorn_control();
    return control->pid != control->seen_pid || family_is_there();
}

static void translate_waitid(long argument[6]) {
    enum { PROCESS = 1, GROUP = 2 };
    if (argument[0] == PROCESS)
        argument[1] = kernel_id(argument[1]);
    else if (argument[0] == GROUP && argument[1])
        argument[1] = kernel_group(argument[1]);
}

void identity_translate(long number, long argument[6]) {
    bool names_group = number == NR_kill || number == NR_wait4;
    if (!is_renamed())
        return;
    if (number == NR_waitid)
        translate_waitid(argument);
    else if (names_group && (int32_t)argument[0] < -1)
        argument[0] = -kernel_group(-(long)(int32_t)argument[0]);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int k = 0; calls[i].number == number && k < 2; k++)
            if (calls[i].ids >> k & 1 && (int32_t)argument[k] > 0)
                argument[k] = kernel_id(argument[k]);
}

static long seen_id(long kernel) {
    const struct popcorn_control *control = popcorn_control();
    return kernel == control->pid ? control->seen_pid : family_seen((int32_t)kernel);
}

long identity_translate_info(void *users, long result) {
    int32_t info[32];
    if (!users || !family_is_there() || machine_from_user(info, users, sizeof info))
        return result;
    family_translate_info(info);
    return machine_to_user(users, info, sizeof info) ? -E_FAULT : result;
}

long identity_answer(long number, const long argument[6], long result) {
    if (result < 0 || !is_renamed())
        return result;
    switch (number) {
    case NR_wait4:
    case NR_getppid:
    case NR_getpgid:
    case NR_getsid:
        return seen_id(result);
    case NR_waitid:
        return identity_translate_info((void *)argument[2], result);
    }
    return result;
}
