/* SPDX-License-Identifier: GPL-2.0-only */
/* The directory: at a program's origin, who has which page. */
#ifndef _POPCORN_DIRECTORY_H
#define _POPCORN_DIRECTORY_H

#include "window.h"

/* The node that always has a copy of what nobody owns. */
static inline u64 nobody_else(void)
{
	return BIT_ULL(popcorn_nid);
}

int popcorn_directory_lock(struct popcorn_window *window, bool wait);
bool popcorn_directory_serves(struct remote_context *rc, struct pcn_peer *peer);
int popcorn_directory_home(struct popcorn_window *window);
void popcorn_directory_home_later(struct popcorn_window *window);

/* recall.c */
unsigned long recall_shared(const struct popcorn_window *window, unsigned long set, u64 nodes);
int recall_pages(struct popcorn_window *window, unsigned long set, unsigned long *came);
int recall_copies(struct popcorn_window *window, unsigned long set, u64 nodes);

#endif
