/* SPDX-License-Identifier: MIT */
#ifndef BASE_OWN_SIGNAL_H
#define BASE_OWN_SIGNAL_H

/*
 * The run time's own signal, by the number that this process knows it by: POPCORN_MIGRATE_SIGNAL, but under
 * qemu-user, which lets its programs have fewer signals and numbers those from the first real-time one on
 * anew.
 */
extern int own_signal;

/* At the start of a process. */
void own_signal_start(void);

#endif
