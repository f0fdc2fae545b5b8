/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page of a program's portable memory, on this node. Its lock is held for moments only, never while a message
 * is waited for; its bits are the long locks.
 */
#ifndef _POPCORN_PAGE_H
#define _POPCORN_PAGE_H

#include <linux/mutex.h>
#include "context.h"

enum popcorn_page_state {
	POPCORN_PAGE_INVALID,	/* the copy here, if any, is old */
	POPCORN_PAGE_SHARED,	/* good for reading; at the origin, @page may be NULL: zeros */
	POPCORN_PAGE_OWNED,	/* the only copy there is */
};

enum {
	POPCORN_PAGE_PENDING,	/* somebody here is fetching it */
	POPCORN_PAGE_WAITED,	/* another thread here waits for that, too */
	POPCORN_PAGE_DIRECTORY,	/* (origin) somebody is changing who has it */
	POPCORN_PAGE_LOST,	/* (origin) the only copy was on a node that is gone */
};

#define POPCORN_NOBODY (-1)

/**
 * struct popcorn_page - a page of a program's portable memory, on this node
 * @lock: protects @page, @state
 * @page: this node's copy
 * @state: what the copy is worth
 * @granted: it has come for a thread that has not touched it yet: do not take it away at once
 * @flags: PENDING, WAITED, DIRECTORY, LOST
 * @index: which page
 * @owner: origin, under DIRECTORY: node that owns it, or POPCORN_NOBODY
 * @sharers: origin, under DIRECTORY: nodes with a copy if nobody owns it; the origin always is one then
 */
struct popcorn_page {
	struct mutex lock;
	struct page *page;
	u8 state;
	bool granted;
	unsigned long flags;
	u64 index;
	int owner;
	u64 sharers;
};

struct popcorn_page *popcorn_page_find(struct remote_context *rc, u64 index);
struct popcorn_page *popcorn_page_make(struct remote_context *rc, u64 index, gfp_t gfp);
int popcorn_page_fill(struct remote_context *rc, struct popcorn_page *page);
void popcorn_page_drop(struct popcorn_page *page);
struct page **popcorn_memory_alloc(struct remote_context *rc, unsigned long set);
void popcorn_memory_free(struct page **pages);
void popcorn_page_unlock_bit(struct popcorn_page *page, int bit);
void popcorn_pages_free(struct remote_context *rc);
int popcorn_page_init(void);
void popcorn_page_exit(void);

static inline bool popcorn_page_good(const struct popcorn_page *page, bool write)
{
	return page->state == POPCORN_PAGE_OWNED || (page->state == POPCORN_PAGE_SHARED && !write);
}

/* want.c */
void popcorn_page_want(struct remote_context *rc, u64 index, unsigned long set, bool write);

/* fault.c */
struct popcorn_page *popcorn_page_access(struct remote_context *rc, u64 index, bool write);

/* arrival.c */
void popcorn_arrival_ask(struct remote_context *rc, u32 pid);
void popcorn_arrive(struct remote_context *rc, u32 pid);
void popcorn_arrival_note(struct remote_context *rc, u64 index, bool write);

/* discard.c */
int popcorn_page_discard(struct remote_context *rc, const struct popcorn_range *range);
int popcorn_discard_init(void);
void popcorn_discard_exit(void);

/* directory.c */
int popcorn_directory_init(void);
void popcorn_directory_exit(void);

/* owner.c */
int popcorn_owner_init(void);
void popcorn_owner_exit(void);

/* present.c */
int popcorn_page_present(struct remote_context *rc, struct popcorn_range *range);

/* mapping.c */
int popcorn_mmap(struct remote_context *rc, struct vm_area_struct *vma);

#endif
