/* SPDX-License-Identifier: MIT */
/*
 * Processes that went along when this one's tree was restarted from a checkpoint: what the program calls
 * them, and what the kernel does. A process that is not among them has one id. Async-signal-safe, at the
 * origin.
 */
#ifndef THREAD_FAMILY_H
#define THREAD_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

/* One more, before threads of the program run. False if there are too many. */
bool family_enter(int32_t seen, int32_t kernel);

/* Has anybody been entered? */
bool family_is_there(void);

/* A process's id for the kernel, and as the program sees it: the same if it is none of these. */
int32_t family_kernel(int32_t seen);
int32_t family_seen(int32_t kernel);

/* Would a new process of this id be taken for another one? */
bool family_has(int32_t kernel);

/* A new process has this id now: who had it is gone. */
void family_forget(int32_t kernel);

/* A signal's siginfo: who sent it, or which child it is about, as the program sees it. */
void family_translate_info(int32_t *info);

#endif
