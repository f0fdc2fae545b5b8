/* SPDX-License-Identifier: MIT */
#ifndef SYSCALL_IDENTITY_H
#define SYSCALL_IDENTITY_H

/*
 * After a restart from a checkpoint the program sees other process and thread ids than the kernel has: makes
 * the kernel's of those in a system call's arguments. At the origin.
 */
void identity_translate(long number, long argument[6]);

#endif
