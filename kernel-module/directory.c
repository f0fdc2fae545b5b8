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
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "directory.h"
#include "process_server.h"
#include "stats.h"

/* A step that the receiver cannot take, since it would have to wait. */
#define MUST_WAIT (-EINPROGRESS)

static struct workqueue_struct *directory_wq;
static struct workqueue_struct *discard_wq;

/* What a node gets: as in struct pcn_page_reply. */
struct grant {
	unsigned long keep, zero, data;
};

static u64 nobody_else(void)
{
	return BIT_ULL(popcorn_nid);
}

static int lost(struct popcorn_window *window, unsigned long set)
{
	unsigned int bit;

	for_each_page(bit, set)
		if (!test_and_set_bit(POPCORN_PAGE_LOST, &window->page[bit]->flags))
			popcorn_count(POPCORN_STAT_PAGES_LOST);
	return -EIO;
}

/* The pages of a set that a node owns. */
static unsigned long owned_by(const struct popcorn_window *window, unsigned long set, int nid)
{
	unsigned long owned = 0;
	unsigned int bit;

	for_each_page(bit, set)
		owned |= window->page[bit]->owner == nid ? BIT(bit) : 0;
	return owned;
}

/* The pages of a set that a node of these has a copy of. */
static unsigned long shared_by(const struct popcorn_window *window, unsigned long set, u64 nodes)
{
	unsigned long shared = 0;
	unsigned int bit;

	for_each_page(bit, set)
		shared |= window->page[bit]->sharers & nodes ? BIT(bit) : 0;
	return shared;
}

/*
 * The pages' owner has answered. A page that came and cannot be kept is lost with its node; so is one that did
 * not come.
 */
static int fetched(struct popcorn_window *window, struct pcn_peer *peer, struct pcn_request *request,
		   unsigned long set, unsigned long *came)
{
	int err = pcn_request_wait(request, PCN_WAIT_ALWAYS, popcorn_timeout_ms);

	if (!err)
		err = popcorn_window_take(window, request, set, POPCORN_PAGE_SHARED, came);
	if (err == -ETIMEDOUT || err == -EPROTO)
		pcn_peer_close(peer, err);
	if (err && err != -EAGAIN)
		return lost(window, set & ~*came);
	return err;
}

/* Gets pages back from their owner, who keeps copies for reading unless they are to be given up. */
static int fetch(struct popcorn_window *window, unsigned long set, unsigned long *came)
{
	int owner = window->page[__ffs(set)]->owner;
	struct pcn_peer *peer = process_server_place(window->rc, owner);
	struct pcn_request *request;
	unsigned int bit;
	int err;

	*came = 0;
	if (!peer)
		return lost(window, set);
	request = popcorn_window_ask(window, peer, PCN_KMSG_TYPE_PAGE_FETCH, set, NULL);
	err = PTR_ERR_OR_ZERO(request);
	if (!err) {
		err = fetched(window, peer, request, set, came);
		pcn_request_put(request);
	} else if (err != -ENOMEM) {
		err = lost(window, set);
	}
	for_each_page(bit, *came) {
		window->page[bit]->sharers = nobody_else() | (window->write ? 0 : BIT_ULL(owner));
		window->page[bit]->owner = POPCORN_NOBODY;
	}
	pcn_peer_put(peer);
	return err;
}

/* The pages of which a node's copy is gone now, or the node is. */
static unsigned long invalidated(struct pcn_peer *peer, struct pcn_request *request, unsigned long set)
{
	int err = PTR_ERR_OR_ZERO(request);

	if (err)
		return err == -ECONNRESET ? set : 0;
	err = pcn_request_wait(request, PCN_WAIT_ALWAYS, popcorn_timeout_ms);
	if (err == -ETIMEDOUT)
		pcn_peer_close(peer, err);
	if (!err)
		set &= le32_to_cpu(((struct pcn_page_reply *)request->reply->body)->keep);
	pcn_request_put(request);
	return err == -EAGAIN ? 0 : set;
}

static void no_sharers(struct popcorn_window *window, unsigned long set, int nid)
{
	unsigned int bit;

	for_each_page(bit, set)
		window->page[bit]->sharers &= ~BIT_ULL(nid);
}

/* Takes pages away from all of these nodes, at the same time. Those that did it are no sharers any more. */
static int invalidate(struct popcorn_window *window, unsigned long set, u64 nodes)
{
	struct {
		struct pcn_peer *peer;
		struct pcn_request *request;
		unsigned long set;
	} *asked;
	int nid;

	asked = kcalloc(POPCORN_NODES_MAX, sizeof(*asked), GFP_KERNEL);
	if (!asked)
		return -ENOMEM;
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++) {
		asked[nid].set = nodes & BIT_ULL(nid) ? shared_by(window, set, BIT_ULL(nid)) : 0;
		if (!asked[nid].set)
			continue;
		asked[nid].peer = process_server_place(window->rc, nid);
		if (asked[nid].peer)
			asked[nid].request = popcorn_window_ask(window, asked[nid].peer,
								PCN_KMSG_TYPE_PAGE_INVALIDATE,
								asked[nid].set, NULL);
	}
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++) {
		if (asked[nid].peer) {
			asked[nid].set = invalidated(asked[nid].peer, asked[nid].request, asked[nid].set);
			pcn_peer_put(asked[nid].peer);
		}
		no_sharers(window, asked[nid].set, nid);
	}
	kfree(asked);
	return 0;
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
	err = fetch(window, wanted, &came);
	*set |= came;
	return *set & 1 ? 0 : err ? err : -EAGAIN;
}

/* Takes copies away from the other nodes that have some. */
static int no_readers(struct popcorn_window *window, int nid, bool wait, unsigned long *set)
{
	u64 others = ~(BIT_ULL(nid) | nobody_else());
	unsigned long read = shared_by(window, *set, others);
	int err;

	if (read & 1 && !wait)
		return MUST_WAIT;
	if (!read || !wait) {
		*set &= ~read;
		return 0;
	}
	err = invalidate(window, read, others);
	if (err)
		return err;
	*set &= ~shared_by(window, read, others);
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

/*
 * Holds the pages' DIRECTORY bits. Pages of which somebody else does are left out, but for the first. That is waited
 * for, but not for ever: a worker has other programs' pages to see to.
 */
static int directory_lock(struct popcorn_window *window, bool wait)
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
	err = directory_lock(window, wait);
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

/* Whether the program is at home here and has been to the node that the message comes from. */
static bool has_been_to(struct remote_context *rc, struct pcn_peer *peer)
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

	if (rc && has_been_to(rc, msg->peer))
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

	err = directory_lock(window, true);
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

/*
 * The page of the window reads as zeros from now on, on every node. Its DIRECTORY bit is held. -EAGAIN: somebody has
 * pinned a copy, which cannot be taken away now.
 */
static int discard(struct popcorn_window *window)
{
	struct popcorn_page *page = window->page[0];
	int err;

	if (page->owner != POPCORN_NOBODY)
		page->sharers = BIT_ULL(page->owner);
	err = invalidate(window, 1, ~nobody_else());
	if (err)
		return err;
	if (page->sharers & ~nobody_else() || !popcorn_window_revoke(window, 1, POPCORN_PAGE_INVALID, true))
		return -EAGAIN;
	mutex_lock(&page->lock);
	popcorn_page_drop(page);
	page->state = POPCORN_PAGE_SHARED;
	page->owner = POPCORN_NOBODY;
	page->sharers = nobody_else();
	clear_bit(POPCORN_PAGE_LOST, &page->flags);
	mutex_unlock(&page->lock);
	return 0;
}

static int discard_page(struct popcorn_window *window)
{
	int err = directory_lock(window, true);

	if (err)
		return err;
	err = discard(window);
	popcorn_window_unlock_bit(window, 1, POPCORN_PAGE_DIRECTORY);
	return err;
}

static int discard_range(struct remote_context *rc, u64 index, u64 count)
{
	struct popcorn_window *window;
	unsigned long at;
	int err = 0;

	if (index >= rc->pages || count > rc->pages - index)
		return -ERANGE;
	if (!count)
		return 0;
	window = popcorn_window_alloc(rc, index, true);
	if (!window)
		return -ENOMEM;
	window->set = 1;
	xa_for_each_range(&rc->page_table, at, window->page[0], index, index + count - 1) {
		window->index = at;
		err = discard_page(window);
		if (err)
			break;
	}
	popcorn_window_free(window);
	return err;
}

static int handle_page_discard(struct pcn_kmsg_message *msg)
{
	struct pcn_page_discard *body = (struct pcn_page_discard *)msg->body;
	struct remote_context *rc = popcorn_context_find(popcorn_nid, le64_to_cpu(body->context));
	u64 id = le64_to_cpu(msg->hdr.id);
	int err = -ESRCH;

	if (rc && has_been_to(rc, msg->peer))
		err = discard_range(rc, le64_to_cpu(body->index), le64_to_cpu(body->count));
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

static int ask_discard(struct remote_context *rc, const struct popcorn_range *range)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_PAGE_DISCARD, sizeof(struct pcn_page_discard));
	struct pcn_page_discard *body;
	struct pcn_request *request;
	int err;

	if (!msg)
		return -ENOMEM;
	body = (struct pcn_page_discard *)msg->body;
	body->context = cpu_to_le64(rc->id);
	body->index = cpu_to_le64(range->index);
	body->count = cpu_to_le64(range->count);
	request = pcn_request_start(rc->peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 0);
	pcn_request_put(request);
	return err;
}

/**
 * popcorn_page_discard() - pages read as zeros from now on, on every node
 * @rc: the program
 * @range: which
 *
 * Return: 0 or a negative errno.
 */
int popcorn_page_discard(struct remote_context *rc, const struct popcorn_range *range)
{
	int err;

	for (;;) {
		err = rc->for_remote ? ask_discard(rc, range) : discard_range(rc, range->index, range->count);
		if (err != -EAGAIN)
			return err;
		/* Somebody has pinned a page. */
		if (fatal_signal_pending(current))
			return -EINTR;
		msleep(20);
	}
}

int popcorn_directory_init(void)
{
	directory_wq = alloc_workqueue("popcorn_directory", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!directory_wq)
		return -ENOMEM;
	/* A range may be large: page faults do not wait behind it. */
	discard_wq = alloc_workqueue("popcorn_discard", WQ_UNBOUND, 0);
	if (!discard_wq) {
		destroy_workqueue(directory_wq);
		return -ENOMEM;
	}
	REGISTER_KMSG_HANDLER(REMOTE_PAGE, handle_remote_page);
	REGISTER_KMSG_WQ_HANDLER(PAGE_DISCARD, handle_page_discard, discard_wq);
	return 0;
}

void popcorn_directory_exit(void)
{
	destroy_workqueue(discard_wq);
	destroy_workqueue(directory_wq);
}
