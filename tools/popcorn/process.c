/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

static bool read_memory(pid_t pid, uint64_t address, void *buffer, size_t size) {
    struct iovec here = {buffer, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool process_read(pid_t pid, struct popcorn_control *control) {
    if (!read_memory(pid, POPCORN_ARENA_BASE, control, sizeof *control))
        return false;
    control->program[sizeof control->program - 1] = 0;
    for (int i = 0; i < POPCORN_CONTROL_NODES; i++) {
        struct popcorn_node_entry *node = &control->node[i];
        node->isa[sizeof node->isa - 1] = 0;
        node->name[sizeof node->name - 1] = 0;
    }
    return memcmp(control->magic, POPCORN_CONTROL_MAGIC, sizeof control->magic) == 0 &&
           control->version == POPCORN_CONTROL_VERSION && control->pid == pid &&
           control->nnodes <= POPCORN_CONTROL_NODES;
}

void process_each_thread(const struct popcorn_control *control,
                         void (*visit)(const struct popcorn_thread *, void *data), void *data) {
    uint64_t at = (uintptr_t)control->threads;
    /* The list changes while it is read: so many threads and no more. */
    for (uint32_t i = 0; at && i < control->nthreads + 1; i++) {
        struct popcorn_thread thread;
        if (!read_memory(control->pid, at, &thread, sizeof thread))
            return;
        visit(&thread, data);
        at = (uintptr_t)thread.next;
    }
}

const char *process_node_name(const struct popcorn_control *control, int node) {
    if (node < 0 || (uint32_t)node >= control->nnodes)
        return "?";
    const struct popcorn_node_entry *entry = &control->node[node];
    return entry->name[0] ? entry->name : entry->isa;
}
