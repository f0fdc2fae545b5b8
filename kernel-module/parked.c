// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a remote node: native threads whose thread of the program has left, and that wait for it to come again; it
 * then starts at once, as nobody has to make a native thread for it.
 */
#include <linux/sched.h>
#include "remote_internal.h"

/* Who parks when there are so many already takes the place of the one that has waited for longest. */
#define PARKED_MAX 16

/**
 * struct popcorn_parked - a native thread that waits; on its stack
 * @link: in remote_context.parked; whoever takes it out ends the wait
 * @pid: the id, at its origin, of the thread that it waits for
 * @hop: its hop when it has come, or 0
 * @wait: it waits here
 */
struct popcorn_parked {
	struct list_head link;
	u32 pid;
	u32 hop;
	wait_queue_head_t wait;
};

static void take_out(struct remote_context *rc, struct popcorn_parked *parked)
{
	list_del_init(&parked->link);
	rc->parked_count--;
	wake_up(&parked->wait);
}

static struct popcorn_parked *find_parked(struct remote_context *rc, u32 pid)
{
	struct popcorn_parked *parked;

	list_for_each_entry(parked, &rc->parked, link)
		if (parked->pid == pid)
			return parked;
	return NULL;
}

/**
 * parked_take() - a thread has come: tell the native thread that waits for it
 * @rc: the program, whose lock is held
 * @task: the thread; as if the worker had been told of it if somebody waits, so a hop may still be given up
 *
 * Return: whether there is one.
 */
bool parked_take(struct remote_context *rc, struct popcorn_task *task)
{
	struct popcorn_parked *parked = find_parked(rc, task->pid);

	if (!parked)
		return false;
	parked->hop = task->hop;
	task->state = POPCORN_TASK_FORKED;
	take_out(rc, parked);
	return true;
}

static bool park(struct remote_context *rc, struct popcorn_parked *parked)
{
	bool alone;

	spin_lock(&rc->lock);
	alone = !find_parked(rc, parked->pid);
	if (alone) {
		if (rc->parked_count == PARKED_MAX)
			take_out(rc, list_first_entry(&rc->parked, struct popcorn_parked, link));
		list_add_tail(&parked->link, &rc->parked);
		rc->parked_count++;
	}
	spin_unlock(&rc->lock);
	return alone;
}

/**
 * parked_wait() - the calling native thread waits for a thread to come again
 * @rc: the program
 * @key: which thread; then also which of its hops
 *
 * Return: 0, -EINTR, or -ESRCH if others wait.
 */
int parked_wait(struct remote_context *rc, struct popcorn_key *key)
{
	struct popcorn_parked parked = { .pid = key->pid };
	int err;

	init_waitqueue_head(&parked.wait);
	if (!park(rc, &parked))
		return -ESRCH;
	err = wait_event_interruptible(parked.wait, list_empty_careful(&parked.link));
	spin_lock(&rc->lock);
	if (!list_empty(&parked.link))
		take_out(rc, &parked);
	spin_unlock(&rc->lock);
	key->hop = parked.hop;
	if (parked.hop)
		return 0;
	return err ? -EINTR : -ESRCH;
}
