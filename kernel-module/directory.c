// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory. At a program's origin it says for each page who owns it or who shares it. Whoever wants a page
 * asks the origin, which takes it away from others first; it changes one page's entry at a time (the DIRECTORY
 * bit), so a page has one owner or only readers at any moment.
 *
 * The origin's requests to other nodes (PAGE_FETCH, PAGE_INVALIDATE) are answered there without waiting for
 * any message, and replies are taken in by the receiver: nothing waits in a circle. Of several pages the
 * DIRECTORY bit of the first alone is waited for.
 *
 * What needs no other node, nor a wait, is answered by the receiver itself, and the rest by a workqueue.
 */
#include <linux/mm.h>
#include <linux/wait_bit.h>
#include "directory.h"
#include "place.h"
#include "stats.h"

/* A step that the receiver cannot take, since it would have to wait. */
#define MUST_WAIT (-EINPROGRESS)

static struct workqueue_struct *directory_wq;

/* What a node gets: as in struct pcn_page_reply. */
struct grant {
	unsigned long keep, zero, data;
};

/* The pages of a set that a node owns. */
static unsigned long owned_by(const struct popcorn_window *window, unsigned long set, int nid)
{
	unsigned long owned = 0;
	unsigned int bit;

	for_each_page(bit, set)
		owned |= window->page[bit]->owner == nid ? BIT(bit) : 0;
	return owned;
}

/* Leaves out what is lost, and what the node has said that it does not have. */
static int grantable(const struct popcorn_window *window, int nid, unsigned long *set)
{
	unsigned int bit;

	for_each_page(bit, window->set)
		if (test_bit(POPCORN_PAGE_LOST, &window->page[bit]->flags))
			*set &= ~BIT(bit);
	if (!(*set & 1))
		return -EIO;
	if (nid != popcorn_nid)
		*set &= ~owned_by(window, *set, nid);
	return *set & 1 ? 0 : -EINVAL;
}

/* Gets home what other nodes own. It waits for one of them, that of the first page if it has that. */
static int bring_home(struct popcorn_window *window, bool wait, unsigned long *set)
{
	unsigned long away = *set & ~owned_by(window, *set, POPCORN_NOBODY) & ~owned_by(window, *set, popcorn_nid);
	unsigned long wanted, came;
	int err;

	if (away & 1 && !wait)
		return MUST_WAIT;
	*set &= ~away;
	if (!away || !wait)
		return 0;
	wanted = owned_by(window, away, window->page[__ffs(away)]->owner);
	err = recall_pages(window, wanted, &came);
	*set |= came;
	return *set & 1 ? 0 : err ? err : -EAGAIN;
}

/* Takes copies away from the other nodes that have some. */
static int no_readers(struct popcorn_window *window, int nid, bool wait, unsigned long *set)
{
	u64 others = ~(BIT_ULL(nid) | nobody_else());
	unsigned long read = recall_shared(window, *set, others);
	int err;

	if (read & 1 && !wait)
		return MUST_WAIT;
	if (!read || !wait) {
		*set &= ~read;
		return 0;
	}
	err = recall_copies(window, read, others);
	if (err)
		return err;
	*set &= ~recall_shared(window, read, others);
	return *set & 1 ? 0 : -EAGAIN;
}

/* Another node gets them: what this node may still do with them. */
static int leave_home(struct popcorn_window *window, bool wait, unsigned long *set)
{
	unsigned long here = window->write ? *set : owned_by(window, *set, popcorn_nid);
	enum popcorn_page_state state = window->write ? POPCORN_PAGE_INVALID : POPCORN_PAGE_SHARED;

	if (!here)
		return 0;
	*set &= ~here | popcorn_window_revoke(window, here, state, wait);
	return *set & 1 ? 0 : wait ? -EAGAIN : MUST_WAIT;
}

static void grant_page(struct popcorn_page *page, int nid, bool write, unsigned long bit, struct grant *grant)
{
	if (page->owner == nid || page->sharers & BIT_ULL(nid))
		grant->keep |= bit;
	else if (page->page)
		grant->data |= bit;
	else
		grant->zero |= bit;
	if (write) {
		page->owner = nid;
		page->sharers = 0;
	} else if (page->owner != nid) {
		page->sharers |= BIT_ULL(nid) | nobody_else();
		page->owner = POPCORN_NOBODY;
	}
}

/*
 * Gives pages, whose DIRECTORY bits are held, to a node. @wait is for the first page, which the node needs. If
 * this fails half-way, this node may have less than the directory says, which its next touch repairs.
 */
static int directory_grant(struct popcorn_window *window, int nid, bool wait, struct grant *grant)
{
	unsigned long set = window->set;
	unsigned int bit;
	int err;

	err = grantable(window, nid, &set);
	if (!err)
		err = bring_home(window, wait, &set);
	if (!err && window->write)
		err = no_readers(window, nid, wait, &set);
	if (!err && nid != popcorn_nid)
		err = leave_home(window, wait, &set);
	if (err)
		return err;
	for_each_page(bit, set)
		grant_page(window->page[bit], nid, window->write, BIT(bit), grant);
	return 0;
}

/**
 * popcorn_directory_lock() - hold pages' DIRECTORY bits
 * @window: the pages; those whose bits somebody else holds are left out, but for the first
 * @wait: for the first one; not for ever, as a worker has other programs' pages to see to
 *
 * Return: 0, -EAGAIN (try later), or MUST_WAIT if it may not.
 */
int popcorn_directory_lock(struct popcorn_window *window, bool wait)
{
	struct popcorn_page *page = window->page[0];
	unsigned int bit;

	if (!wait && test_and_set_bit_lock(POPCORN_PAGE_DIRECTORY, &page->flags))
		return MUST_WAIT;
	if (wait && !wait_var_event_timeout(&page->flags,
					    !test_and_set_bit_lock(POPCORN_PAGE_DIRECTORY, &page->flags), HZ / 5))
		return -EAGAIN;
	for (bit = 1; bit < PCN_WINDOW; bit++)
		if (window->set & BIT(bit) &&
		    test_and_set_bit_lock(POPCORN_PAGE_DIRECTORY, &window->page[bit]->flags))
			window->set &= ~BIT(bit);
	return 0;
}

/* The pages that a message speaks of. */
static struct popcorn_window *asked_window(struct remote_context *rc, const struct pcn_page_request *ask, gfp_t gfp)
{
	struct popcorn_window *window = popcorn_window_alloc(rc, le64_to_cpu(ask->index), ask->write);
	unsigned long set = le32_to_cpu(ask->set);
	struct popcorn_page *page;
	unsigned int bit;
	int err = 0;

	if (!window)
		return ERR_PTR(-ENOMEM);
	for_each_page(bit, set) {
		page = popcorn_page_make(rc, window->index + bit, gfp);
		if (!IS_ERR(page)) {
			window->page[bit] = page;
			window->set |= BIT(bit);
		} else if (!bit) {
			err = PTR_ERR(page);
			break;
		}
	}
	if (!(set & 1))
		err = -EINVAL;
	if (!err)
		return window;
	popcorn_window_free(window);
	return ERR_PTR(err);
}

static void reply_grant(const struct pcn_kmsg_message *msg, const struct popcorn_window *window,
			const struct grant *grant)
{
	struct pcn_page_reply reply = {
		.keep = cpu_to_le32(grant->keep),
		.zero = cpu_to_le32(grant->zero),
		.data = cpu_to_le32(grant->data),
	};
	struct page *pages[PCN_WINDOW];
	unsigned int bit, count = 0;

	for_each_page(bit, grant->data)
		pages[count++] = window->page[bit]->page;
	popcorn_count_add(POPCORN_STAT_PAGES_SENT, count);
	pcn_kmsg_reply_pages(msg, &reply, pages);
}

/* What another node owns is of no worth here, and comes back with its memory. */
static void drop_home(const struct popcorn_window *window, unsigned long set)
{
	struct popcorn_page *page;
	unsigned int bit;

	for_each_page(bit, set) {
		page = window->page[bit];
		mutex_lock(&page->lock);
		if (page->state == POPCORN_PAGE_INVALID)
			popcorn_page_drop(page);
		mutex_unlock(&page->lock);
	}
}

static int grant_asked(struct remote_context *rc, const struct pcn_kmsg_message *msg, bool wait)
{
	struct popcorn_window *window = asked_window(rc, (struct pcn_page_request *)msg->body,
						     wait ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN);
	struct grant grant = { };
	int err;

	if (IS_ERR(window))
		return !wait && PTR_ERR(window) == -ENOMEM ? MUST_WAIT : PTR_ERR(window);
	err = popcorn_directory_lock(window, wait);
	if (!err) {
		err = directory_grant(window, msg->peer->nid, wait, &grant);
		if (!err)
			reply_grant(msg, window, &grant);
		if (!err && window->write)
			drop_home(window, grant.keep | grant.zero | grant.data);
		popcorn_window_unlock_bit(window, window->set, POPCORN_PAGE_DIRECTORY);
	}
	popcorn_window_free(window);
	return err;
}

/**
 * popcorn_directory_serves() - may a node ask for pages?
 * @rc: a program that is at home here
 * @peer: the node
 *
 * Return: whether the program has been there.
 */
bool popcorn_directory_serves(struct remote_context *rc, struct pcn_peer *peer)
{
	struct pcn_peer *place = process_server_place(rc, peer->nid);

	if (place)
		pcn_peer_put(place);
	return place == peer;
}

static int remote_page(struct pcn_kmsg_message *msg, bool wait)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	struct remote_context *rc = popcorn_context_find(popcorn_nid, le64_to_cpu(ask->context));
	int err = -ESRCH;

	if (rc && popcorn_directory_serves(rc, msg->peer))
		err = grant_asked(rc, msg, wait);
	if (rc)
		popcorn_context_put(rc);
	if (err == MUST_WAIT)
		return err;
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), err);
	pcn_kmsg_done(msg);
	return 0;
}

static int handle_remote_page_later(struct pcn_kmsg_message *msg)
{
	return remote_page(msg, true);
}

/* A node wants pages. */
static int handle_remote_page(struct pcn_kmsg_message *msg)
{
	int err = remote_page(msg, false);

	return err == MUST_WAIT ? pcn_kmsg_defer(msg, handle_remote_page_later, directory_wq) : err;
}

/**
 * popcorn_directory_home() - a thread here, at the origin, wants pages
 * @window: the pages, whose PENDING bits are held and released
 *
 * Return: 0, -EAGAIN (try later), or a negative errno.
 */
int popcorn_directory_home(struct popcorn_window *window)
{
	unsigned long pending = window->set;
	struct grant grant = { };
	struct popcorn_page *page;
	unsigned int bit;
	int err;

	err = popcorn_directory_lock(window, true);
	if (err)
		goto unlock;
	err = directory_grant(window, popcorn_nid, true, &grant);
	for_each_page(bit, grant.keep) {
		page = window->page[bit];
		mutex_lock(&page->lock);
		page->state = page->owner == popcorn_nid ? POPCORN_PAGE_OWNED : POPCORN_PAGE_SHARED;
		page->granted = (window->waited && !bit) ||
			test_and_clear_bit(POPCORN_PAGE_WAITED, &page->flags);
		mutex_unlock(&page->lock);
	}
	popcorn_window_unlock_bit(window, window->set, POPCORN_PAGE_DIRECTORY);
unlock:
	popcorn_window_unlock_bit(window, pending, POPCORN_PAGE_PENDING);
	return err;
}

static void home_later(struct work_struct *work)
{
	struct popcorn_window *window = container_of(work, struct popcorn_window, work);

	popcorn_directory_home(window);
	popcorn_window_free(window);
}

/**
 * popcorn_directory_home_later() - get pages that no thread waits for
 * @window: as for popcorn_directory_home(); taken over
 */
void popcorn_directory_home_later(struct popcorn_window *window)
{
	INIT_WORK(&window->work, home_later);
	queue_work(directory_wq, &window->work);
}

int popcorn_directory_init(void)
{
	directory_wq = alloc_workqueue("popcorn_directory", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!directory_wq)
		return -ENOMEM;
	REGISTER_KMSG_HANDLER(REMOTE_PAGE, handle_remote_page);
	return 0;
}

void popcorn_directory_exit(void)
{
	destroy_workqueue(directory_wq);
}
