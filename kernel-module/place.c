// SPDX-License-Identifier: GPL-2.0-only
/* At the origin: the nodes where a program is, and what their loss means for its threads there. */
#include <linux/slab.h>
#include "process_server_internal.h"

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

/* A program that has lost a node's process does not go there again: its pages there are lost. */
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

/*
 * The node that a task is on, or goes to, has lost it: what that means for the task. The program's lock is
 * held; @work is a spare event, taken over and set to NULL if it is used.
 */
static struct pcn_kmsg_message *task_lost(struct popcorn_task *task, struct popcorn_work **work,
					  struct pcn_peer **drop)
{
	switch (task->state) {
	case POPCORN_TASK_LEAVING:
		task->state = POPCORN_TASK_HOME;
		task->error = -ECONNRESET;
		wake_up_all(&task->wait);
		return NULL;
	case POPCORN_TASK_ONWARD:
		return onward_done(task, -ECONNRESET, drop);
	case POPCORN_TASK_AWAY:
		task->state = POPCORN_TASK_HOME;
		request_remote_work(task, *work);
		*work = NULL;
		return NULL;
	default:
		return NULL;
	}
}

static struct popcorn_task *task_on(struct remote_context *rc, const struct pcn_peer *peer)
{
	struct popcorn_task *task;

	list_for_each_entry(task, &rc->tasks, link)
		if (task->peer == peer && (task->state == POPCORN_TASK_LEAVING ||
					   task->state == POPCORN_TASK_ONWARD ||
					   task->state == POPCORN_TASK_AWAY))
			return task;
	return NULL;
}

/* The program's process at a peer is gone. */
void place_lost(struct remote_context *rc, struct pcn_peer *peer, s64 result)
{
	struct pcn_kmsg_message *back;
	struct popcorn_task *task;
	struct popcorn_work *work;
	struct pcn_peer *drop;

	spin_lock(&rc->lock);
	if (rc->places[peer->nid].peer != peer) {
		spin_unlock(&rc->lock);
		return;
	}
	rc->places[peer->nid].lost = true;
	spin_unlock(&rc->lock);
	do {
		back = NULL;
		drop = NULL;
		/* A thread must not wait for ever because there is no memory to tell it. */
		work = kzalloc(sizeof(*work), GFP_KERNEL | __GFP_NOFAIL);
		work->event = POPCORN_EVENT_LOST;
		work->result = result;
		work->nid = peer->nid;
		spin_lock(&rc->lock);
		task = task_on(rc, peer);
		if (task)
			back = task_lost(task, &work, &drop);
		spin_unlock(&rc->lock);
		kfree(work);
		onward_answer(rc, back, drop, -ECONNRESET);
	} while (task);
}

/* A thread has been given back to this peer: if the program's process there was gone already, the thread is. */
void place_lost_again(struct remote_context *rc, struct pcn_peer *peer)
{
	struct popcorn_place *place = &rc->places[peer->nid];
	bool lost;

	spin_lock(&rc->lock);
	lost = place->peer == peer && place->lost;
	spin_unlock(&rc->lock);
	if (lost)
		place_lost(rc, peer, 0);
}

/**
 * process_server_peer_lost() - a node is gone
 * @rc: a program at home here
 * @peer: the node
 */
void process_server_peer_lost(struct remote_context *rc, struct pcn_peer *peer)
{
	place_lost(rc, peer, 0);
}
