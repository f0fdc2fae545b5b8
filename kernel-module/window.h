/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A window: up to PCN_WINDOW neighbouring pages of a program that one message speaks of. The lowest page of a
 * set is needed; the others come along if they can be had at once, and else are left out.
 */
#ifndef _POPCORN_WINDOW_H
#define _POPCORN_WINDOW_H

#include <linux/bitops.h>
#include <linux/workqueue.h>
#include "page.h"
#include "request.h"

/**
 * struct popcorn_window - neighbouring pages
 * @rc: the program, with a reference
 * @index: of the page at bit 0
 * @set: which pages
 * @write: for writing
 * @waited: a thread waits for the page at bit 0
 * @work: for windows that nobody waits for
 * @page: the pages of @set
 */
struct popcorn_window {
	struct remote_context *rc;
	u64 index;
	unsigned long set;
	bool write;
	bool waited;
	struct work_struct work;
	struct popcorn_page *page[PCN_WINDOW];
};

#define for_each_page(bit, set) for_each_set_bit(bit, &(set), PCN_WINDOW)

struct popcorn_window *popcorn_window_alloc(struct remote_context *rc, u64 index, bool write);
void popcorn_window_free(struct popcorn_window *window);
struct pcn_request *popcorn_window_ask(struct popcorn_window *window, struct pcn_peer *peer,
				       enum pcn_kmsg_type type, unsigned long set,
				       int (*notify)(struct pcn_request *request));
int popcorn_window_take(struct popcorn_window *window, struct pcn_request *request, unsigned long asked,
			enum popcorn_page_state state, unsigned long *came);
unsigned long popcorn_window_revoke(struct popcorn_window *window, unsigned long set,
				    enum popcorn_page_state state, bool wait);
void popcorn_window_unlock_bit(struct popcorn_window *window, unsigned long set, int bit);

/* want.c */
struct pcn_request *popcorn_page_ask(struct popcorn_window *window);
void popcorn_page_add(struct popcorn_window *window, unsigned int bit);

#endif
