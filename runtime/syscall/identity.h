/* SPDX-License-Identifier: MIT */
#ifndef SYSCALL_IDENTITY_H
#define SYSCALL_IDENTITY_H

/*
 * After a restart from a checkpoint the program sees other process and thread ids than the kernel has: makes
 * the kernel's of those in a system call's arguments. At the origin.
 */
void identity_translate(long number, long argument[6]);

/* The other way round: the result of a call with these arguments, and what it has stored. */
long identity_answer(long number, const long argument[6], long result);

/* A siginfo that the kernel has stored in the program's memory, if any. -EFAULT, or `result`. */
long identity_translate_info(void *users, long result);

#endif
