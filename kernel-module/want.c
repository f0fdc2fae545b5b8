// SPDX-License-Identifier: GPL-2.0-only
/* Pages are asked for, by who waits for them or before anybody does (the PENDING bit). */
#include <linux/mm.h>
#include "directory.h"
#include "stats.h"

/* The answer. In the receiver: before any later message about these pages is looked at. */
static int pages_arrived(struct pcn_request *request)
{
	struct popcorn_window *window = request->data;
	unsigned long came;
	int err = 0;

	if (!request->status)
		err = popcorn_window_take(window, request, window->set,
					  window->write ? POPCORN_PAGE_OWNED : POPCORN_PAGE_SHARED, &came);
	popcorn_window_unlock_bit(window, window->set, POPCORN_PAGE_PENDING);
	popcorn_window_free(window);
	return err;
}

/**
 * popcorn_page_ask() - ask the origin for pages
 * @window: the pages, whose PENDING bits are held; it, and they, are the answer's
 *
 * Return: the request, to be released by pcn_request_put(), or an ERR_PTR.
 */
struct pcn_request *popcorn_page_ask(struct popcorn_window *window)
{
	struct pcn_request *request = popcorn_window_ask(window, window->rc->peer, PCN_KMSG_TYPE_REMOTE_PAGE,
							 window->set, pages_arrived);

	if (IS_ERR(request)) {
		popcorn_window_unlock_bit(window, window->set, POPCORN_PAGE_PENDING);
		popcorn_window_free(window);
	}
	return request;
}

/**
 * popcorn_page_add() - add a page to those that are asked for, if it is neither here nor coming
 * @window: the others
 * @bit: which page of the window
 */
void popcorn_page_add(struct popcorn_window *window, unsigned int bit)
{
	struct popcorn_page *page = popcorn_page_make(window->rc, window->index + bit, GFP_KERNEL);
	bool good;

	if (IS_ERR(page) || test_and_set_bit_lock(POPCORN_PAGE_PENDING, &page->flags))
		return;
	mutex_lock(&page->lock);
	good = popcorn_page_good(page, window->write);
	mutex_unlock(&page->lock);
	if (good) {
		popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
		return;
	}
	window->page[bit] = page;
	window->set |= BIT(bit);
	popcorn_count(POPCORN_STAT_PREFETCHES);
}

/* The pages come nearer by so many that the first one is at bit 0. */
static void shift(struct popcorn_window *window)
{
	unsigned int first = __ffs(window->set), bit;

	window->index += first;
	window->set >>= first;
	for_each_page(bit, window->set)
		window->page[bit] = window->page[bit + first];
}

/**
 * popcorn_page_want() - ask for pages that no thread waits for yet
 * @rc: the program
 * @index: the page at bit 0
 * @set: which pages; those that are here, or on their way, are left out
 * @write: for writing
 */
void popcorn_page_want(struct remote_context *rc, u64 index, unsigned long set, bool write)
{
	struct popcorn_window *window = popcorn_window_alloc(rc, index, write);
	struct pcn_request *request;
	unsigned int bit;

	if (!window)
		return;
	for_each_page(bit, set)
		popcorn_page_add(window, bit);
	if (!window->set) {
		popcorn_window_free(window);
		return;
	}
	shift(window);
	if (!rc->for_remote) {
		popcorn_directory_home_later(window);
		return;
	}
	request = popcorn_page_ask(window);
	if (!IS_ERR(request))
		pcn_request_put(request);
}
