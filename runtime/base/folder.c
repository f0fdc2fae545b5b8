/* SPDX-License-Identifier: MIT */
#include "base/folder.h"
#include "base/kernel.h"

/* struct linux_dirent64: getdents64(2). */
struct entry {
    uint64_t inode, offset;
    uint16_t size;
    uint8_t type;
    char name[];
} __attribute__((packed));

long folder_each(int folder, void (*visit)(const char *name, void *state), void *state) {
    char entries[4096];
    long n = KERNEL(NR_lseek, folder, 0, SEEK_FROM_START);
    while (n >= 0 && (n = KERNEL(NR_getdents64, folder, entries, sizeof entries)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(entries + at);
            visit(entry->name, state);
            at += entry->size;
        }
    return n;
}
