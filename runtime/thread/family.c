/* SPDX-License-Identifier: MIT */
#include "thread/family.h"

#include <stdatomic.h>

#define MOST 64 /* CHECKPOINT_MEMBERS */

/* What the program calls it in the upper half, the kernel's id in the lower one; 0: nobody. */
static _Atomic uint64_t relative[MOST];
static _Atomic uint32_t count;

static int32_t seen_of(uint64_t entry) {
    return (int32_t)(entry >> 32);
}

static int32_t kernel_of(uint64_t entry) {
    return (int32_t)entry;
}

bool family_enter(int32_t seen, int32_t kernel) {
    uint32_t at = atomic_load(&count);
    if (at == MOST)
        return false;
    atomic_store(&relative[at], (uint64_t)(uint32_t)seen << 32 | (uint32_t)kernel);
    atomic_store(&count, at + 1);
    return true;
}

bool family_is_there(void) {
    return atomic_load(&count);
}

int32_t family_kernel(int32_t seen) {
    for (uint32_t i = 0; i < atomic_load(&count); i++) {
        uint64_t entry = atomic_load(&relative[i]);
        if (entry && seen_of(entry) == seen)
            return kernel_of(entry);
    }
    return seen;
}

int32_t family_seen(int32_t kernel) {
    for (uint32_t i = 0; i < atomic_load(&count); i++) {
        uint64_t entry = atomic_load(&relative[i]);
        if (entry && kernel_of(entry) == kernel)
            return seen_of(entry);
    }
    return kernel;
}

bool family_has(int32_t kernel) {
    return family_kernel(kernel) != kernel;
}

void family_forget(int32_t kernel) {
    for (uint32_t i = 0; i < atomic_load(&count); i++)
        if (kernel_of(atomic_load(&relative[i])) == kernel)
            atomic_store(&relative[i], 0);
}

/* kill(), sigqueue() and tgkill() name a process in the same place as the kernel does of a child. */
void family_translate_info(int32_t *info) {
    enum { NUMBER = 0, CODE = 2, PROCESS = 4, CHILD = 17, BY_TGKILL = -6, QUEUED = -1, BY_KILL = 0 };
    int32_t code = info[CODE];
    if ((info[NUMBER] == CHILD && code > 0) || code == BY_KILL || code == QUEUED || code == BY_TGKILL)
        info[PROCESS] = family_seen(info[PROCESS]);
}
