/* SPDX-License-Identifier: MIT */
/* /dev/popcorn, as the kernel carrier's two sides use it (uapi/popcorn.h says what it offers). */
#ifndef NODE_DEVICE_H
#define NODE_DEVICE_H

#include <uapi/popcorn.h>

#include "memory/layout.h"
#include "node/internal.h"

#define DEVICE "/dev/popcorn"
#define DEVICE_PAGES (LAYOUT_FILE_SIZE / KERNEL_PAGE)
#define MILLISECOND 1000000L
#define DEVICE_ARRIVING SIGNAL_BIT(SIGNAL_USER1) /* blocked while a native thread is nobody's yet */

extern int device_file; /* of this process, or -1 */

/* Its ioctl: the kernel's result. */
static inline long device_ioctl(unsigned command, void *argument) {
    return KERNEL(NR_ioctl, device_file, command, argument);
}

/*
 * kernel.c: sends the calling thread, captured, to another machine. `native`: its native thread here. 0 if it
 * is gone: at the origin its shadow goes on, with a block of its own; elsewhere the thread pointer is the
 * native thread's own and nothing in portable memory may be touched. Else a refusal with a reason.
 */
int device_send(struct popcorn_thread *, struct native *native, int nid, char reason[POPCORN_REASON_SIZE]);

/* kernel_list.c: the carrier's nodes (popcorn/backend.h), and whether one can be gone to now. */
int kernel_count(void);
int kernel_info(int nid, struct popcorn_node *out);
bool kernel_connected(int nid);
int kernel_node_of(const struct popcorn_node_list *, int machine);

/* kernel_memory.c: makes the device the program's memory; whether what has no page there is lost (struct
 * home). */
void kernel_memory_start(void);
bool kernel_lost(uint64_t address);
extern bool kernel_moved; /* a thread has left, or tried to: pages may be elsewhere */

/* kernel_shadow.c: a shadow's life, and its taking of one event while a handler runs (node/carrier.h). */
_Noreturn void kernel_shadow(struct popcorn_thread *);
_Noreturn void kernel_follow(struct popcorn_thread *, struct native *); /* as kernel_shadow() */
void kernel_attend(struct popcorn_thread *, struct mailbox_signal *, uint32_t seen, int64_t nanoseconds);

/* kernel_node.c: the parts of the carrier that run on a node. */
long kernel_call(struct popcorn_thread *, long number, const long argument[6]);
void kernel_settle(void);
void kernel_tell_shadow(struct popcorn_thread *);
void kernel_forget_calls(struct popcorn_thread *, uint32_t keep);
_Noreturn void kernel_leave(struct native *);
_Noreturn void kernel_rest(struct native *);

#endif
