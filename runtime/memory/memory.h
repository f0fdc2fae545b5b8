/* SPDX-License-Identifier: MIT */
/*
 * Portable memory: the arena, and the memory calls of the common ABI within it. At first it is private to the
 * process and as fast as any. From memory_share() on, one memory file backs it in every process of the
 * program. All changes are made in the origin's process, where every region is really mapped with its
 * protection; a node maps what it touches when it touches it (memory_touch).
 *
 * The functions named like system calls take their arguments and return their results, at the origin, in any
 * thread.
 */
#ifndef MEMORY_MEMORY_H
#define MEMORY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sets up the arena with its control block, in the origin's process. 0 or a negative errno. */
int memory_start(void);

long memory_mmap(uint64_t address, size_t size, int protection, int flags, int fd, uint64_t offset);
long memory_munmap(uint64_t address, size_t size);
long memory_mprotect(uint64_t address, size_t size, int protection);
long memory_mremap(uint64_t address, size_t old_size, size_t new_size, int flags, uint64_t new_address);
long memory_madvise(uint64_t address, size_t size, int advice);
long memory_shmat(int id, uint64_t address, int flags);
long memory_shmdt(uint64_t address);

/* Anonymous memory for the run time itself, whole pages, zeroed. 0 if there is none. */
uint64_t memory_reserve(size_t size);
void memory_release(uint64_t address, size_t size);

/*
 * Moves portable memory to a memory file, so that other processes can have it too. No other thread of the
 * program may be running meanwhile. 0 if it is shared now, or a negative errno; then all is as before.
 */
int memory_share(void);

/* The memory file's descriptor in this process, or -1. */
int memory_file(void);

/* Does a child process inherit the memory file's mappings? */
bool memory_inherited(void);

/*
 * Before a fork: a memory file with a copy of all that the present one has, which the child joins
 * (memory_join) or moves to (memory_move) before it does anything else. A descriptor, or -E_NOMEM. Nothing
 * else may change the memory meanwhile.
 */
int memory_snapshot(void);

/* In the child of a fork: uses this copy in place of the memory file, which is the parent's. 0, or a negative
 * errno; then the child cannot live on. */
int memory_move(int file);

/*
 * In the child of a fork: gives it memory of its own, with the contents that the memory file has now. 0 or a
 * negative errno; then the child cannot live on.
 */
int memory_unshare(void);

/* In a node's process, or with a snapshot in a child: uses this memory file; maps the run time's part of the
 * arena and the portable data. */
int memory_join(int file);

/* In a process that a node's process has forked: maps this copy in place of all that is mapped of the memory
 * file. 0, or a negative errno; then the process cannot live on. */
int memory_rejoin(int file);

/* Where a native thread notes the last access that it tried again; zeros at first. */
struct memory_try {
    uint64_t address;   /* 0: none */
    uint32_t sequence;  /* of the table of regions before */
    uint32_t forgotten; /* how often this process had forgotten something */
};

/* In a node's process: maps what the program has at this address, if it has not been touched here yet. True
 * if an access is worth trying (again). */
bool memory_touch(uint64_t address, struct memory_try *last);

/* Where the mapping at an address begins; 0 if there is none. In any process. */
uint64_t memory_begin_of(uint64_t address);

/* Is there a shared mapping of a file or segment at the address; is there any? In any process. */
bool memory_of_file(uint64_t address);
bool memory_has_files(void);

/* In a node's process: forgets what is mapped in a range that the origin has changed. */
void memory_forget(uint64_t address, size_t size);

#endif
