/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "popcorn.h"

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

bool process_has_ended(pid_t pid) {
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof line, file))
        line[0] = 0;
    if (file)
        fclose(file);
    const char *name = strrchr(line, ')'); /* the state stands behind it, and a blank */
    return !name || name[1] != ' ' || strchr("ZXx", name[2]);
}

/* Does it handle the run time's own signal? */
static bool handles_signal(pid_t pid) {
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "SigCgt: %llx", &caught);
    if (status)
        fclose(status);
    return caught >> (POPCORN_MIGRATE_SIGNAL - 1) & 1;
}

/* Does a mapping begin where the control block is? */
static bool has_arena(pid_t pid) {
    char path[64], line[512];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    while (maps && !found && fgets(line, sizeof line, maps)) {
        unsigned long long start;
        found = sscanf(line, "%llx-", &start) == 1 && start == POPCORN_ARENA_BASE;
    }
    if (maps)
        fclose(maps);
    return found;
}

bool process_is_program(pid_t pid) {
    struct popcorn_control control;
    if (!handles_signal(pid))
        return false;
    errno = 0;
    return process_read(pid, &control) || (errno == EPERM && has_arena(pid));
}

void process_refuse(pid_t pid) {
    struct popcorn_control control;
    size_t head = offsetof(struct popcorn_control, version) + sizeof control.version;
    if (read_memory(pid, POPCORN_ARENA_BASE, &control, head) &&
        memcmp(control.magic, POPCORN_CONTROL_MAGIC, sizeof control.magic) == 0 &&
        control.version != POPCORN_CONTROL_VERSION)
        die("the program of process %d was linked by another version of popcorn: link it again", pid);
    die("process %d is no popcorn program, or not one of yours", pid);
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
