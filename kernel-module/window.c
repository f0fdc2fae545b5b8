// SPDX-License-Identifier: GPL-2.0-only
/* Windows of pages: asked for by one message, taken in from one reply, taken away from the process together. */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "stats.h"
#include "window.h"

/* A thread that has waited for a page may touch it for this long before it is taken away. */
#define GRANT_JIFFIES max(HZ / 50, 1)
/* As long as this, a page may be pinned by a device's transfer. */
#define PIN_POLLS 50
/* So many pages' locks are held at once. (Lockdep follows 48 of a thread; interrupts under them may take twenty.) */
#define LOCKS_MAX 8u

/**
 * popcorn_window_alloc() - make a window without pages
 * @rc: the program
 * @index: its first page
 * @write: for writing
 *
 * Return: the window or NULL.
 */
struct popcorn_window *popcorn_window_alloc(struct remote_context *rc, u64 index, bool write)
{
	struct popcorn_window *window = kzalloc(sizeof(*window), GFP_KERNEL);

	if (!window)
		return NULL;
	window->rc = popcorn_context_hold(rc);
	window->index = index;
	window->write = write;
	return window;
}

void popcorn_window_free(struct popcorn_window *window)
{
	popcorn_context_put(window->rc);
	kfree(window);
}

/**
 * popcorn_window_ask() - post a message about pages
 * @window: the window
 * @peer: to whom
 * @type: REMOTE_PAGE, PAGE_FETCH or PAGE_INVALIDATE
 * @set: which of its pages
 * @notify: see struct pcn_request; its data is @window
 *
 * Return: the request, to be released by pcn_request_put(), or an ERR_PTR.
 */
struct pcn_request *popcorn_window_ask(struct popcorn_window *window, struct pcn_peer *peer,
				       enum pcn_kmsg_type type, unsigned long set,
				       int (*notify)(struct pcn_request *request))
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(type, sizeof(struct pcn_page_request));
	struct pcn_page_request *body;
	struct page **memory = NULL;

	if (!msg)
		return ERR_PTR(-ENOMEM);
	body = (struct pcn_page_request *)msg->body;
	body->context = cpu_to_le64(window->rc->id);
	body->index = cpu_to_le64(window->index);
	body->set = cpu_to_le32(set);
	body->write = cpu_to_le32(window->write);
	if (type != PCN_KMSG_TYPE_PAGE_INVALIDATE) {
		memory = popcorn_memory_alloc(window->rc, set);
		if (!memory) {
			pcn_kmsg_done(msg);
			return ERR_PTR(-ENOMEM);
		}
	}
	return pcn_request_pages(peer, msg, memory, notify, window);
}

static int take_page(struct popcorn_page *page, struct page **memory, bool keep, bool zero)
{
	if (keep)
		return page->page && page->state == POPCORN_PAGE_SHARED ? 0 : -EPROTO;
	if (page->state != POPCORN_PAGE_INVALID)
		return -EPROTO;
	if (zero)
		clear_page(page_address(*memory));
	else
		popcorn_count(POPCORN_STAT_PAGES_RECEIVED);
	popcorn_page_drop(page);
	page->page = *memory;
	*memory = NULL;
	return 0;
}

/**
 * popcorn_window_take() - take in what a reply brings
 * @window: the window
 * @request: what was asked, with its reply
 * @asked: which of its pages were asked for
 * @state: what they are now
 * @came: the pages that came
 *
 * Return: 0, or -EPROTO if no honest peer answers so.
 */
int popcorn_window_take(struct popcorn_window *window, struct pcn_request *request, unsigned long asked,
			enum popcorn_page_state state, unsigned long *came)
{
	struct pcn_page_reply *reply = (struct pcn_page_reply *)request->reply->body;
	u32 keep = le32_to_cpu(reply->keep), zero = le32_to_cpu(reply->zero), data = le32_to_cpu(reply->data);
	struct popcorn_page *page;
	unsigned int bit;
	int err;

	*came = 0;
	if ((keep & zero) | (keep & data) | (zero & data) || (keep | zero | data) & ~asked)
		return -EPROTO;
	for_each_page(bit, asked) {
		if (!((keep | zero | data) & BIT(bit)))
			continue;
		page = window->page[bit];
		mutex_lock(&page->lock);
		err = take_page(page, &request->pages[bit], keep & BIT(bit), zero & BIT(bit));
		if (!err) {
			page->state = state;
			page->granted = (window->waited && !bit) ||
				test_and_clear_bit(POPCORN_PAGE_WAITED, &page->flags);
			*came |= BIT(bit);
		}
		mutex_unlock(&page->lock);
		if (err)
			return err;
	}
	return 0;
}

static bool wait_for_pins(const struct popcorn_page *page, bool wait)
{
	int polls;

	for (polls = 0; page->page && folio_maybe_dma_pinned(page_folio(page->page)); polls++) {
		if (!wait || polls == PIN_POLLS)
			return false;
		usleep_range(1000, 2000);
	}
	return true;
}

/* The thread that it came for has touched it, or had the time to. */
static bool wait_for_touch(struct popcorn_page *page, bool wait)
{
	if (!READ_ONCE(page->granted))
		return true;
	if (!wait)
		return false;
	if (!wait_var_event_timeout(&page->granted, !READ_ONCE(page->granted), GRANT_JIFFIES))
		popcorn_count(POPCORN_STAT_GRANTS_UNTOUCHED);
	return true;
}

/* The page's lock, and that of its memory, which a fault holds while it puts it into a page table. */
static bool lock_both(struct popcorn_page *page, bool wait)
{
	if (wait)
		mutex_lock(&page->lock);
	else if (!mutex_trylock(&page->lock))
		return false;
	if (!page->page)
		return true;
	if (wait)
		lock_page(page->page);
	else if (!trylock_page(page->page)) {
		mutex_unlock(&page->lock);
		return false;
	}
	return true;
}

static void unlock_both(struct popcorn_page *page)
{
	if (page->page)
		unlock_page(page->page);
	mutex_unlock(&page->lock);
}

/* Out of the process's page tables, neighbours together. */
static void unmap(struct popcorn_window *window, unsigned long set)
{
	struct remote_context *rc = window->rc;
	unsigned long first, count;

	while (set && rc->inode) {
		first = __ffs(set);
		count = ffz(set >> first);
		unmap_mapping_range(rc->inode->i_mapping,
				    (loff_t)(rc->page_base + window->index + first) << PAGE_SHIFT,
				    (loff_t)count << PAGE_SHIFT, 1);
		set &= ~(GENMASK(count - 1, 0) << first);
	}
}

/* As popcorn_window_revoke(), for so few pages that all of their locks can be held at once. */
static unsigned long revoke_few(struct popcorn_window *window, unsigned long set, enum popcorn_page_state state,
				bool wait)
{
	unsigned int first = __ffs(set), bit;
	unsigned long held = 0, mapped = 0, done = 0;

	for_each_page(bit, set) {
		struct popcorn_page *page = window->page[bit];
		bool patient = wait && bit == first;

		if (wait_for_touch(page, patient) && lock_both(page, patient)) {
			held |= BIT(bit);
			mapped |= page->state > state && page->page ? BIT(bit) : 0;
		} else if (bit == first) {
			return 0;
		}
	}
	unmap(window, mapped);
	if (wait_for_pins(window->page[first], wait))
		done = held;
	for_each_page(bit, held) {
		struct popcorn_page *page = window->page[bit];

		if (done && (bit == first || wait_for_pins(page, false))) {
			page->granted = false;
			page->state = min_t(u8, page->state, state);
			popcorn_count(POPCORN_STAT_INVALIDATIONS);
		} else {
			done &= ~BIT(bit);
		}
		unlock_both(page);
	}
	return done;
}

/**
 * popcorn_window_revoke() - take pages away from the process, wholly or for writing
 * @window: the window
 * @set: which of its pages; not empty
 * @state: INVALID or SHARED
 * @wait: for the lowest page; if it cannot be had, nothing happens
 *
 * The pages' memory stays, and does not change any more. Also for SHARED they leave the page tables; the next
 * touch brings them back for reading.
 *
 * Return: the pages that were taken away; without the lowest, if somebody has pinned it (or @wait is false and
 * it takes time).
 */
unsigned long popcorn_window_revoke(struct popcorn_window *window, unsigned long set,
				    enum popcorn_page_state state, bool wait)
{
	unsigned long done = 0, few, got;
	unsigned int first;

	for (; set; set &= ~few) {
		first = __ffs(set);
		few = set & GENMASK(first + LOCKS_MAX - 1, first);
		got = revoke_few(window, few, state, wait && !done);
		if (!got && !done)
			return 0;
		done |= got;
	}
	return done;
}

/**
 * popcorn_window_unlock_bit() - release one of the bits of pages
 * @window: the window
 * @set: which of its pages
 * @bit: POPCORN_PAGE_PENDING or POPCORN_PAGE_DIRECTORY
 */
void popcorn_window_unlock_bit(struct popcorn_window *window, unsigned long set, int bit)
{
	unsigned int n;

	for_each_page(n, set)
		popcorn_page_unlock_bit(window->page[n], bit);
}
