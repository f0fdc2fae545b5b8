// SPDX-License-Identifier: GPL-2.0-only
/* The directory at a program's origin: how it gets pages back from their owner, and copies away from readers. */
#include <linux/slab.h>
#include "directory.h"
#include "place.h"
#include "stats.h"

static int lost(struct popcorn_window *window, unsigned long set)
{
	unsigned int bit;

	for_each_page(bit, set)
		if (!test_and_set_bit(POPCORN_PAGE_LOST, &window->page[bit]->flags))
			popcorn_count(POPCORN_STAT_PAGES_LOST);
	return -EIO;
}

/**
 * recall_shared() - which pages others have copies of
 * @window: the pages, whose DIRECTORY bits are held
 * @set: which of them
 * @nodes: the others
 *
 * Return: those of which one of these nodes has a copy.
 */
unsigned long recall_shared(const struct popcorn_window *window, unsigned long set, u64 nodes)
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
	/* An owner that had no memory for its answer has the pages still. */
	if (err && err != -EAGAIN && err != -ENOMEM)
		return lost(window, set & ~*came);
	return err;
}

/**
 * recall_pages() - get pages back from their owner
 * @window: the pages, whose DIRECTORY bits are held
 * @set: which of them; one node owns them all
 * @came: which came; the owner keeps copies of them for reading, unless the window is for writing
 *
 * Return: 0, -EAGAIN (try later), or a negative errno.
 */
int recall_pages(struct popcorn_window *window, unsigned long set, unsigned long *came)
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
	/* Who could not do it, whatever the reason, may still read its copy; who does not know the program has none. */
	return !err || err == -ECONNRESET || err == -ETIMEDOUT || err == -ESRCH ? set : 0;
}

static void no_sharers(struct popcorn_window *window, unsigned long set, int nid)
{
	unsigned int bit;

	for_each_page(bit, set)
		window->page[bit]->sharers &= ~BIT_ULL(nid);
}

/**
 * recall_copies() - take copies away from nodes, from all at the same time
 * @window: the pages, whose DIRECTORY bits are held
 * @set: which of them
 * @nodes: from whom; who did it is no sharer any more
 *
 * Return: 0 or -ENOMEM.
 */
int recall_copies(struct popcorn_window *window, unsigned long set, u64 nodes)
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
		asked[nid].set = nodes & BIT_ULL(nid) ? recall_shared(window, set, BIT_ULL(nid)) : 0;
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
