/* SPDX-License-Identifier: MIT */
/* What the files of signal/ share. */
#ifndef SIGNAL_INTERNAL_H
#define SIGNAL_INTERNAL_H

#include "signal/signals.h"

/* actions.c: in the child of a fork, no other thread holds the table's lock. */
void signals_forked(struct popcorn_thread *);

#endif
