// SPDX-License-Identifier: GPL-2.0-only
/* The table of peers, and how long they live. Whatever the reason, pcn_peer_close() is the one way out. */
#include <linux/module.h>
#include <linux/slab.h>
#include "peer.h"
#include "stats.h"
#include "trace.h"

unsigned int popcorn_timeout_ms = 10000;
module_param_named(timeout_ms, popcorn_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "a peer silent for this long is lost; also the limit for each step of a hop");

int popcorn_nid = -1;
struct workqueue_struct *popcorn_wq;

static DEFINE_SPINLOCK(peers_lock);	/* the table */
static struct pcn_peer *peers[POPCORN_NODES_MAX];

static void peer_free(struct kref *ref)
{
	struct pcn_peer *peer = container_of(ref, struct pcn_peer, ref);

	xa_destroy(&peer->requests);
	kfree(peer);
	popcorn_count_live(-1);
}

struct pcn_peer *pcn_peer_hold(struct pcn_peer *peer)
{
	kref_get(&peer->ref);
	return peer;
}

void pcn_peer_put(struct pcn_peer *peer)
{
	kref_put(&peer->ref, peer_free);
}

/**
 * pcn_peer_get() - find a node's peer
 * @nid: the node
 *
 * Return: the peer with a reference, up or not, or NULL.
 */
struct pcn_peer *pcn_peer_get(u32 nid)
{
	struct pcn_peer *peer = NULL;

	if (nid >= POPCORN_NODES_MAX)
		return NULL;
	spin_lock(&peers_lock);
	if (peers[nid])
		peer = pcn_peer_hold(peers[nid]);
	spin_unlock(&peers_lock);
	return peer;
}

/**
 * pcn_peer_close() - give a peer up
 * @peer: the peer
 * @reason: negative errno, for the log and the counters
 *
 * From any context that may take a spinlock; returns at once, all else happens in popcorn_wq.
 */
void pcn_peer_close(struct pcn_peer *peer, int reason)
{
	bool first;

	spin_lock(&peer->lock);
	first = !test_and_set_bit(PCN_PEER_DEAD, &peer->flags);
	if (first)
		peer->reason = reason;
	spin_unlock(&peer->lock);
	if (!first)
		return;
	popcorn_count(reason == -EPROTO ? POPCORN_STAT_PEERS_MALFORMED : POPCORN_STAT_PEERS_LOST);
	trace_popcorn_peer_close(peer->nid, reason);
	kref_get(&peer->ref);
	queue_work(popcorn_wq, &peer->close);
}

/**
 * pcn_peer_entered() - has a node a peer in the table, dead or not?
 * @nid: the node
 *
 * Return: whether it has.
 */
bool pcn_peer_entered(u32 nid)
{
	bool entered;

	spin_lock(&peers_lock);
	entered = peers[nid];
	spin_unlock(&peers_lock);
	return entered;
}

/**
 * pcn_peer_enter() - put a peer in the table, with the caller's reference
 * @peer: the peer of a node that has none there
 */
void pcn_peer_enter(struct pcn_peer *peer)
{
	spin_lock(&peers_lock);
	peers[peer->nid] = peer;
	spin_unlock(&peers_lock);
}

/**
 * pcn_peer_leave() - take a peer out of the table; its reference is the caller's
 * @peer: the peer, which is in it
 */
void pcn_peer_leave(struct pcn_peer *peer)
{
	spin_lock(&peers_lock);
	peers[peer->nid] = NULL;
	spin_unlock(&peers_lock);
}
