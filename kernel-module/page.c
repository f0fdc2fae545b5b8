// SPDX-License-Identifier: GPL-2.0-only
/* This node's copies of pages: made, given memory, freed. */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "page.h"
#include "stats.h"

static struct kmem_cache *cache;

/**
 * popcorn_page_find() - look a page up
 * @rc: the program
 * @index: which page
 *
 * Return: the page, which lives as long as @rc, or NULL if nobody has touched it on this node.
 */
struct popcorn_page *popcorn_page_find(struct remote_context *rc, u64 index)
{
	return index < rc->pages ? xa_load(&rc->page_table, index) : NULL;
}

/* What is noted of a page is paid for by the program's user, too. */
static struct popcorn_page *enter_page(struct remote_context *rc, u64 index, gfp_t gfp)
{
	struct popcorn_page *page = kmem_cache_zalloc(cache, gfp), *old;

	if (!page)
		return ERR_PTR(-ENOMEM);
	mutex_init(&page->lock);
	page->index = index;
	page->owner = POPCORN_NOBODY;
	if (!rc->for_remote) {
		page->state = POPCORN_PAGE_SHARED;
		page->sharers = BIT_ULL(popcorn_nid);
	}
	old = xa_cmpxchg(&rc->page_table, index, NULL, page, gfp);
	if (!old)
		return page;
	kmem_cache_free(cache, page);
	return xa_is_err(old) ? ERR_PTR(xa_err(old)) : old;
}

/**
 * popcorn_page_make() - look a page up, or make it
 * @rc: the program
 * @index: which page
 * @gfp: how long it may take; a peer's receiver must not wait for a user's memory limit
 *
 * Return: the page, which lives as long as @rc, or an ERR_PTR.
 */
struct popcorn_page *popcorn_page_make(struct remote_context *rc, u64 index, gfp_t gfp)
{
	struct popcorn_page *page = popcorn_page_find(rc, index);
	struct mem_cgroup *old;

	if (index >= rc->pages)
		return ERR_PTR(-ERANGE);
	if (page)
		return page;
	old = set_active_memcg(rc->memcg);
	page = enter_page(rc, index, gfp);
	set_active_memcg(old);
	return page;
}

/**
 * popcorn_page_fill() - see that a page has memory, paid for by the program's user; zeros if it is new
 * @rc: the program
 * @page: the page, locked
 *
 * Return: 0 or -ENOMEM.
 */
int popcorn_page_fill(struct remote_context *rc, struct popcorn_page *page)
{
	struct mem_cgroup *old;

	if (page->page)
		return 0;
	old = set_active_memcg(rc->memcg);
	page->page = alloc_page(GFP_USER | __GFP_ZERO | __GFP_ACCOUNT);
	set_active_memcg(old);
	if (!page->page)
		return -ENOMEM;
	popcorn_count(POPCORN_STAT_PAGES);
	return 0;
}

/**
 * popcorn_page_drop() - free a page's memory
 * @page: the page, locked, in no process's page table
 */
void popcorn_page_drop(struct popcorn_page *page)
{
	if (!page->page)
		return;
	put_page(page->page);
	page->page = NULL;
	popcorn_count_add(POPCORN_STAT_PAGES, -1);
}

/**
 * popcorn_memory_alloc() - memory for pages that are to come
 * @rc: the program, whose user pays
 * @set: which pages of a window
 *
 * Return: the memory of each page, for popcorn_memory_free(), or NULL.
 */
struct page **popcorn_memory_alloc(struct remote_context *rc, unsigned long set)
{
	struct page **pages = kcalloc(PCN_WINDOW, sizeof(*pages), GFP_KERNEL);
	struct mem_cgroup *old = set_active_memcg(rc->memcg);
	unsigned int bit;

	for_each_set_bit(bit, &set, PCN_WINDOW) {
		if (!pages)
			break;
		pages[bit] = alloc_page(GFP_USER | __GFP_ACCOUNT);
		if (pages[bit]) {
			popcorn_count(POPCORN_STAT_PAGES);
		} else {
			popcorn_memory_free(pages);
			pages = NULL;
		}
	}
	set_active_memcg(old);
	return pages;
}

/**
 * popcorn_memory_free() - free what nobody has taken
 * @pages: of popcorn_memory_alloc(), or NULL
 */
void popcorn_memory_free(struct page **pages)
{
	int i;

	for (i = 0; pages && i < PCN_WINDOW; i++) {
		if (!pages[i])
			continue;
		put_page(pages[i]);
		popcorn_count_add(POPCORN_STAT_PAGES, -1);
	}
	kfree(pages);
}

/**
 * popcorn_page_unlock_bit() - release one of a page's bits
 * @page: the page
 * @bit: POPCORN_PAGE_PENDING or POPCORN_PAGE_DIRECTORY
 */
void popcorn_page_unlock_bit(struct popcorn_page *page, int bit)
{
	clear_bit_unlock(bit, &page->flags);
	/* As wake_up_var() wants it. */
	smp_mb__after_atomic();
	wake_up_var(&page->flags);
}

/**
 * popcorn_pages_free() - free all pages of a program
 * @rc: the program, which nobody uses any more
 */
void popcorn_pages_free(struct remote_context *rc)
{
	struct popcorn_page *page;
	unsigned long index;

	xa_for_each(&rc->page_table, index, page) {
		popcorn_page_drop(page);
		kmem_cache_free(cache, page);
		cond_resched();
	}
	xa_destroy(&rc->page_table);
}

int popcorn_page_init(void)
{
	cache = KMEM_CACHE(popcorn_page, SLAB_ACCOUNT);
	return cache ? 0 : -ENOMEM;
}

void popcorn_page_exit(void)
{
	kmem_cache_destroy(cache);
}
