// SPDX-License-Identifier: GPL-2.0-only
/* On a remote node: the worker of a program's process, which makes its threads and looks after its mappings. */
#include <linux/sched/signal.h>
#include "remote_internal.h"

/* Whoever tells a program's worker more than this at once is asked to do it again. */
#define TELLS_MAX 1024

/* Answers what the worker has been told of, or (the program ends) refuses all that it should have been. */
void worker_answer_tells(struct remote_context *rc, int err)
{
	struct pcn_kmsg_message *msg, *next;
	LIST_HEAD(done);

	spin_lock(&rc->lock);
	list_splice_init(&rc->told, &done);
	if (err)
		list_splice_init(&rc->tells, &done);
	list_for_each_entry(msg, &done, link)
		rc->tell_count--;
	spin_unlock(&rc->lock);
	list_for_each_entry_safe(msg, next, &done, link) {
		u64 id = le64_to_cpu(msg->hdr.id);

		if (err)
			pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
		else
			pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
		pcn_kmsg_done(msg);
	}
}

static int handle_worker_tell(struct pcn_kmsg_message *msg)
{
	struct pcn_worker_tell *tell = (struct pcn_worker_tell *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(tell->context));
	int err = -ESRCH;

	if (rc) {
		spin_lock(&rc->lock);
		if (rc->peer == msg->peer && rc->pid && !rc->stop_remote_worker)
			err = rc->tell_count < TELLS_MAX ? 0 : -EAGAIN;
		if (!err) {
			list_add_tail(&msg->link, &rc->tells);
			rc->tell_count++;
		}
		spin_unlock(&rc->lock);
		wake_up(&rc->worker_wait);
		popcorn_context_put(rc);
	}
	if (err) {
		pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), err);
		pcn_kmsg_done(msg);
	}
	return 0;
}

/* Picks something for the worker to do: a thread to make, if there is nothing to look at. */
static bool __fork_remote_thread(struct remote_context *rc, struct popcorn_key *key)
{
	struct popcorn_task *task;
	bool found;

	spin_lock(&rc->lock);
	found = !list_empty(&rc->tells);
	if (found) {
		list_splice_tail_init(&rc->tells, &rc->told);
		key->event = POPCORN_EVENT_TOLD;
		spin_unlock(&rc->lock);
		return true;
	}
	list_for_each_entry(task, &rc->tasks, link) {
		if (task->state != POPCORN_TASK_ARRIVED)
			continue;
		task->state = POPCORN_TASK_FORKED;
		key->event = POPCORN_EVENT_FORK;
		key->pid = task->pid;
		key->hop = task->hop;
		found = true;
		break;
	}
	if (!found && rc->stop_remote_worker) {
		key->event = POPCORN_EVENT_STOP;
		found = true;
	}
	rc->worker_waits = !found;
	spin_unlock(&rc->lock);
	return found;
}

static long __run_remote_worker(struct remote_context *rc, struct popcorn_key *key)
{
	int err = wait_event_interruptible(rc->worker_wait, __fork_remote_thread(rc, key));

	spin_lock(&rc->lock);
	rc->worker_waits = false;
	spin_unlock(&rc->lock);
	return err ? -EINTR : 0;
}

/**
 * remote_worker_main() - the worker waits for something to do
 * @rc: its program
 * @key: what to do
 *
 * Return: 0 or -EINTR.
 */
long remote_worker_main(struct remote_context *rc, struct popcorn_key *key)
{
	memset(key, 0, sizeof(*key));
	worker_answer_tells(rc, 0);
	return __run_remote_worker(rc, key);
}

void worker_init(void)
{
	REGISTER_KMSG_HANDLER(WORKER_TELL, handle_worker_tell);
}
