// SPDX-License-Identifier: GPL-2.0-only
/* At the origin: the nodes where a program is. */
#include "place.h"

/**
 * process_server_place() - the connection to a node where a program is
 * @rc: the program, at its origin
 * @nid: the node
 *
 * Return: the peer with a reference; NULL if the program is not there, or what was there is lost.
 */
struct pcn_peer *process_server_place(struct remote_context *rc, u32 nid)
{
	struct pcn_peer *peer = NULL;

	spin_lock(&rc->lock);
	if (nid < POPCORN_NODES_MAX && rc->places[nid].peer && !rc->places[nid].lost)
		peer = pcn_peer_hold(rc->places[nid].peer);
	spin_unlock(&rc->lock);
	return peer;
}

/**
 * place_bind() - the connection to a node where a thread wants to go
 * @rc: its program, at its origin; the node is one of its places from now on
 * @nid: the node
 *
 * A program that has lost a node's process does not go there again: its pages there are lost.
 *
 * Return: the peer with a reference, or an ERR_PTR: -EHOSTUNREACH or -ECONNRESET.
 */
struct pcn_peer *place_bind(struct remote_context *rc, u32 nid)
{
	struct pcn_peer *peer = pcn_peer_get(nid);
	struct popcorn_place *place;
	int err = 0;

	if (!peer)
		return ERR_PTR(-EHOSTUNREACH);
	place = &rc->places[nid];
	spin_lock(&rc->lock);
	/* A peer that is up now finds the place when it is lost. */
	if (!pcn_peer_up(peer))
		err = -EHOSTUNREACH;
	else if (place->lost || (place->peer && place->peer != peer))
		err = -ECONNRESET;
	else if (!place->peer)
		place->peer = pcn_peer_hold(peer);
	spin_unlock(&rc->lock);
	if (!err)
		return peer;
	pcn_peer_put(peer);
	return ERR_PTR(err);
}
