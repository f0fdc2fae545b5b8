// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread wants a page: it is here, or it is asked for (the PENDING bit), together with the next ones if the
 * thread goes through memory page by page.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>
#include "directory.h"
#include "stats.h"
#include "trace.h"

/* How many pages are on their way to a thread that goes through memory: at first, and at most. */
#define WINDOW_MIN 4u
#define AHEAD_MAX 256u

/*
 * What a thread has touched last. ->next is the first page that has not been asked for. Threads that share a
 * slot, or race in it, only cost a guess.
 */
static struct popcorn_ahead *ahead_of(struct remote_context *rc)
{
	return &rc->ahead[task_pid_nr(current) % ARRAY_SIZE(rc->ahead)];
}

/* A page is not here: how many, from it on, are to be asked for by one message. */
static u32 look_ahead(struct remote_context *rc, u64 index)
{
	struct popcorn_ahead *ahead = ahead_of(rc);
	u64 next = READ_ONCE(ahead->next);
	u32 window = 1;

	if (index < next && next - index <= 2 * AHEAD_MAX)
		return 1;
	if (index && index == next)
		window = clamp(READ_ONCE(ahead->window) * 2, WINDOW_MIN, (u32)PCN_WINDOW);
	WRITE_ONCE(ahead->window, window > 1 ? window : 0);
	WRITE_ONCE(ahead->next, min(index + window, rc->pages));
	return min_t(u64, window, rc->pages - index);
}

/*
 * A thread that goes through memory page by page gets the next ones before it asks; the longer it does, the
 * more, so that the network has something to do while either node does not.
 */
static void run_ahead(struct remote_context *rc, u64 index, bool write)
{
	struct popcorn_ahead *ahead = ahead_of(rc);
	u32 window = READ_ONCE(ahead->window), count;
	u64 next = READ_ONCE(ahead->next);

	if (!window || index >= next || next == rc->pages || next - index > window)
		return;
	do {
		count = min3((u64)window, (u64)PCN_WINDOW, rc->pages - next);
		WRITE_ONCE(ahead->next, next + count);
		popcorn_page_want(rc, next, GENMASK(count - 1, 0), write);
		next += count;
	} while (next < rc->pages && next - index <= window);
	WRITE_ONCE(ahead->window, min(window * 2, AHEAD_MAX));
}

static int acquire_remote(struct popcorn_window *window)
{
	struct remote_context *rc = window->rc;
	u64 index = window->index;
	bool write = window->write;
	struct pcn_request *request = popcorn_page_ask(window);
	int err;

	if (IS_ERR(request))
		return PTR_ERR(request);
	popcorn_count(POPCORN_STAT_FAULTS_REMOTE);
	run_ahead(rc, index, write);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 0);
	pcn_request_put(request);
	return err;
}

static int acquire_home(struct popcorn_window *window)
{
	int err;

	run_ahead(window->rc, window->index, window->write);
	err = popcorn_directory_home(window);
	popcorn_window_free(window);
	return err;
}

/* Somebody else has asked for the page. */
static int wait_pending(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	int err;

	run_ahead(rc, page->index, write);
	set_bit(POPCORN_PAGE_WAITED, &page->flags);
	err = wait_var_event_killable(&page->flags, !test_bit(POPCORN_PAGE_PENDING, &page->flags));
	clear_bit(POPCORN_PAGE_WAITED, &page->flags);
	return err ? -EINTR : 0;
}

/* Gets a page that is not good, and perhaps the next ones. */
static int acquire(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	struct popcorn_window *window;
	u32 count, bit;
	bool good;

	if (test_and_set_bit_lock(POPCORN_PAGE_PENDING, &page->flags))
		return wait_pending(rc, page, write);
	/* Somebody else's page may have come between the look at it and the bit: who owns it must not ask for it. */
	mutex_lock(&page->lock);
	good = popcorn_page_good(page, write);
	mutex_unlock(&page->lock);
	window = good ? NULL : popcorn_window_alloc(rc, page->index, write);
	if (!window) {
		popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
		return good ? 0 : -ENOMEM;
	}
	window->page[0] = page;
	window->set = 1;
	window->waited = true;
	count = look_ahead(rc, page->index);
	for (bit = 1; bit < count; bit++)
		popcorn_page_add(window, bit);
	return rc->for_remote ? acquire_remote(window) : acquire_home(window);
}

/* The page, locked, if it is good. */
static int lock_good(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	int err = -ENODATA;

	mutex_lock(&page->lock);
	if (test_bit(POPCORN_PAGE_LOST, &page->flags))
		err = -EIO;
	else if (popcorn_page_good(page, write))
		err = popcorn_page_fill(rc, page);
	if (err)
		mutex_unlock(&page->lock);
	return err;
}

static int acquire_good(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	int err;

	while ((err = lock_good(rc, page, write)) == -ENODATA) {
		err = acquire(rc, page, write);
		if (err && !pcn_request_again(err))
			break;
	}
	return err;
}

/**
 * popcorn_page_access() - get a page for the calling thread
 * @rc: its program
 * @index: which page
 * @write: for writing
 *
 * Return: the page, locked, good for what is asked and with memory; or an ERR_PTR.
 */
struct popcorn_page *popcorn_page_access(struct remote_context *rc, u64 index, bool write)
{
	struct popcorn_page *page = popcorn_page_make(rc, index, GFP_KERNEL);
	u64 begin;
	int err;

	if (IS_ERR(page))
		return page;
	popcorn_count(POPCORN_STAT_FAULTS);
	popcorn_arrival_note(rc, index, write);
	if (popcorn_page_good(page, write))
		run_ahead(rc, index, write);
	err = lock_good(rc, page, write);
	if (err != -ENODATA)
		return err ? ERR_PTR(err) : page;
	begin = ktime_get_ns();
	err = acquire_good(rc, page, write);
	begin = ktime_get_ns() - begin;
	popcorn_count_add(POPCORN_STAT_FAULT_NS, begin);
	trace_popcorn_fault(rc->id, index, write, begin, err);
	return err ? ERR_PTR(err) : page;
}
