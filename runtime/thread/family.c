/* SPDX-License-Identifier: MIT */
#include "thread/family.h"

#include <stdatomic.h>

#include "popcorn/checkpoint.h"

/* What the program calls it in the upper half, the kernel's id in the lower one; 0: nobody. */
static _Atomic uint64_t relative[CHECKPOINT_MEMBERS];
static _Atomic uint32_t count;

static int32_t seen_of(uint64_t entry) {
    return (int32_t)(entry >> 32);
}

static int32_t kernel_of(uint64_t entry) {
    return (int32_t)entry;
}

bool family_enter(int32_t seen, int32_t kernel) {
    uint32_t at = atomic_load(&count);
    if (at == CHECKPOINT_MEMBERS)
        return false;
    atomic_store(&relative[at], (uint64_t)(uint32_t)seen << 32 | (uint32_t)kernel);
    atomic_store(&count, at + 1);
    return true;
}

bool family_is_there(void) {
    return atomic_load(&count);
}

/* The entry that has this id in the half that `of` takes, or 0. */
static uint64_t find(int32_t (*of)(uint64_t entry), int32_t id) {
    for (uint32_t i = 0; i < atomic_load(&count); i++) {
        uint64_t entry = atomic_load(&relative[i]);
        if (entry && of(entry) == id)
            return entry;
    }
    return 0;
}

int32_t family_kernel(int32_t seen) {
    uint64_t entry = find(seen_of, seen);
    return entry ? kernel_of(entry) : seen;
}

int32_t family_seen(int32_t kernel) {
    uint64_t entry = find(kernel_of, kernel);
    return entry ? seen_of(entry) : kernel;
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
