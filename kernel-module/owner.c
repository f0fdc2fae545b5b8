// SPDX-License-Identifier: GPL-2.0-only
/*
 * A node that has pages of a program that is at home elsewhere: what the origin takes back. The receiver does
 * it if it need not wait for a thread that has just got its page; nothing here waits for any message.
 */
#include <linux/mm.h>
#include "stats.h"
#include "window.h"

static struct workqueue_struct *owner_wq;

/* The program, if it is at home where the message comes from. */
static struct remote_context *remote_of(const struct pcn_kmsg_message *msg)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(ask->context));

	if (rc && rc->peer == msg->peer)
		return rc;
	if (rc)
		popcorn_context_put(rc);
	return NULL;
}

/* The pages that a message speaks of and that anybody has touched here. */
static struct popcorn_window *named_window(struct remote_context *rc, const struct pcn_page_request *ask)
{
	struct popcorn_window *window = popcorn_window_alloc(rc, le64_to_cpu(ask->index), ask->write);
	unsigned long set = le32_to_cpu(ask->set);
	unsigned int bit;

	if (!window)
		return NULL;
	for_each_page(bit, set) {
		window->page[bit] = popcorn_page_find(rc, window->index + bit);
		window->set |= window->page[bit] ? BIT(bit) : 0;
	}
	return window;
}

static void drop(struct popcorn_window *window, unsigned long set)
{
	struct popcorn_page *page;
	unsigned int bit;

	for_each_page(bit, set) {
		page = window->page[bit];
		mutex_lock(&page->lock);
		popcorn_page_drop(page);
		mutex_unlock(&page->lock);
	}
}

static void reply_data(const struct pcn_kmsg_message *msg, const struct popcorn_window *window,
		       unsigned long data)
{
	struct pcn_page_reply reply = { .data = cpu_to_le32(data) };
	struct page *pages[PCN_WINDOW];
	unsigned int bit, count = 0;

	for_each_page(bit, data)
		pages[count++] = window->page[bit]->page;
	popcorn_count_add(POPCORN_STAT_PAGES_SENT, count);
	pcn_kmsg_reply_pages(msg, &reply, pages);
}

static bool all_owned(const struct popcorn_window *window)
{
	unsigned int bit;

	for_each_page(bit, window->set)
		if (READ_ONCE(window->page[bit]->state) != POPCORN_PAGE_OWNED)
			return false;
	return window->set;
}

static int give_up(const struct pcn_kmsg_message *msg, struct popcorn_window *window, bool wait)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	unsigned long given;

	if (window->set != le32_to_cpu(ask->set) || !all_owned(window))
		return -ESRCH;
	given = popcorn_window_revoke(window, window->set,
				      window->write ? POPCORN_PAGE_INVALID : POPCORN_PAGE_SHARED, wait);
	if (!given)
		return -EAGAIN;
	reply_data(msg, window, given);
	if (window->write)
		drop(window, given);
	return 0;
}

/* The origin says that copies are old. What is not here need not be taken away. */
static int forget(const struct pcn_kmsg_message *msg, struct popcorn_window *window, bool wait)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	u32 absent = le32_to_cpu(ask->set) & ~window->set;
	struct pcn_page_reply reply = { };
	unsigned long done = 0;

	if (window->set) {
		done = popcorn_window_revoke(window, window->set, POPCORN_PAGE_INVALID, wait);
		if (!done)
			return -EAGAIN;
		drop(window, done);
	}
	reply.keep = cpu_to_le32(done | absent);
	pcn_kmsg_reply_pages(msg, &reply, NULL);
	return 0;
}

static int take_away(struct pcn_kmsg_message *msg, bool wait)
{
	bool fetch = msg->hdr.type == PCN_KMSG_TYPE_PAGE_FETCH;
	struct remote_context *rc = remote_of(msg);
	struct popcorn_window *window;
	int err = -ESRCH;

	if (rc) {
		window = named_window(rc, (struct pcn_page_request *)msg->body);
		err = !window ? -ENOMEM : fetch ? give_up(msg, window, wait) : forget(msg, window, wait);
		if (window)
			popcorn_window_free(window);
		popcorn_context_put(rc);
	}
	if (err == -EAGAIN && !wait)
		return err;
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), err);
	pcn_kmsg_done(msg);
	return 0;
}

static int take_away_later(struct pcn_kmsg_message *msg)
{
	return take_away(msg, true);
}

/* PAGE_FETCH, PAGE_INVALIDATE. */
static int handle_take_away(struct pcn_kmsg_message *msg)
{
	int err = take_away(msg, false);

	return err == -EAGAIN ? pcn_kmsg_defer(msg, take_away_later, owner_wq) : err;
}

int popcorn_owner_init(void)
{
	owner_wq = alloc_workqueue("popcorn_owner", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!owner_wq)
		return -ENOMEM;
	REGISTER_KMSG_HANDLER(PAGE_FETCH, handle_take_away);
	REGISTER_KMSG_HANDLER(PAGE_INVALIDATE, handle_take_away);
	return 0;
}

void popcorn_owner_exit(void)
{
	destroy_workqueue(owner_wq);
}
