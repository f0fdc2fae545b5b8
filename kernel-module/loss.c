// SPDX-License-Identifier: GPL-2.0-only
/*
 * At the origin: the loss of a node, and what it means for a program's threads there, and for those that were under way from it
 * to a third node or from another one to it.
 */
#include <linux/slab.h>
#include "process_server_internal.h"

/*
 * An onward hop has ended, well or not: the node that the thread left gets its answer. The program's lock is
 * held; returns that node's message, to be answered and freed without the lock.
 */
struct pcn_kmsg_message *onward_done(struct popcorn_task *task, int err, struct pcn_peer **drop)
{
	struct pcn_kmsg_message *back = task->back;

	task->back = NULL;
	task->state = POPCORN_TASK_AWAY;
	if (err) {
		struct pcn_task_back *body = (struct pcn_task_back *)back->body;

		*drop = task->peer;
		task->peer = pcn_peer_hold(back->peer);
		task->hop = le32_to_cpu(body->key.hop);
	}
	return back;
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
static void place_lost_again(struct remote_context *rc, struct pcn_peer *peer)
{
	struct popcorn_place *place = &rc->places[peer->nid];
	bool lost;

	spin_lock(&rc->lock);
	lost = place->peer == peer && place->lost;
	spin_unlock(&rc->lock);
	if (lost)
		place_lost(rc, peer, 0);
}

/* Without the lock. A thread that goes on where it was may have lost that node meanwhile. */
void onward_answer(struct remote_context *rc, struct pcn_kmsg_message *back, struct pcn_peer *drop, int err)
{
	if (drop)
		pcn_peer_put(drop);
	if (!back)
		return;
	origin_reply(back, err);
	if (err)
		place_lost_again(rc, back->peer);
	pcn_kmsg_done(back);
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
