// SPDX-License-Identifier: GPL-2.0-only
/*
 * The remote's half of the handshake. A module cannot make user threads, so each step is taken by a process
 * or thread that asks for it:
 *
 *   clone_request -> clone_remote_thread	by message, in popcorn_wq
 *   __construct_mm				the process that the agent has made adopts the program
 *   remote_worker_main -> __run_remote_worker -> __fork_remote_thread
 *						its worker is told to make a thread
 *   remote_thread_main -> restore_thread_info	that thread's read(): it gets its state and pairs
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "remote_internal.h"
#include "stats.h"

/**
 * remote_end() - a program's process on this node has ended
 * @rc: the program
 * @code: its wait status
 */
void remote_end(struct remote_context *rc, s32 code)
{
	struct pcn_task_key key = { .context = cpu_to_le64(rc->id) };
	struct popcorn_task *task, *next;
	LIST_HEAD(tasks);
	bool stopped;

	popcorn_context_remove(rc);
	remote_take_tasks(rc, &tasks);
	list_for_each_entry_safe(task, next, &tasks, link)
		popcorn_task_drop(task);
	spin_lock(&rc->lock);
	stopped = rc->stop_remote_worker;
	rc->stop_remote_worker = true;
	spin_unlock(&rc->lock);
	worker_answer_tells(rc, -ESRCH);
	if (!stopped)
		remote_post_exit(rc->peer, &key, code);
}

/*
 * The program has ended elsewhere: nothing of it stays here. Its worker is asked if it listens; a process
 * that does not is killed. The agent's mutex is held.
 */
static void stop_remote_worker(struct remote_context *rc, bool kill)
{
	bool adopted;

	spin_lock(&rc->lock);
	adopted = rc->pid;
	rc->stop_remote_worker = true;
	kill |= !rc->worker_waits;
	spin_unlock(&rc->lock);
	wake_up(&rc->worker_wait);
	if (adopted && kill)
		kill_pid(rc->pid, SIGKILL, 1);
	else if (!adopted && !list_empty(&rc->agent_link))
		agent_refuse_context(rc, -ECANCELED);
}

static bool task_pairing(struct remote_context *rc, const struct pcn_task_key *key)
{
	struct popcorn_task *task;
	bool pairing;

	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, le32_to_cpu(key->pid), le32_to_cpu(key->hop));
	pairing = task && task->state == POPCORN_TASK_PAIRING;
	spin_unlock(&rc->lock);
	return pairing;
}

/* The origin has given up a hop: the thread, if nobody has claimed it yet, is forgotten. */
static void cancel_task(struct remote_context *rc, const struct pcn_task_key *key)
{
	struct popcorn_task *task;

	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, le32_to_cpu(key->pid), le32_to_cpu(key->hop));
	if (task && (task->state == POPCORN_TASK_ARRIVED || task->state == POPCORN_TASK_FORKED)) {
		rc->threads--;
		task->state = POPCORN_TASK_GONE;
		list_del_init(&task->link);
	} else {
		task = NULL;
	}
	spin_unlock(&rc->lock);
	if (!task)
		return;
	popcorn_task_drop(task);
	if (list_empty(&rc->tasks) && !list_empty(&rc->agent_link))
		agent_refuse_context(rc, -ECANCELED);
}

/* The origin has waited for long enough: a thread that has not paired does not run. */
static int handle_task_cancel(struct pcn_kmsg_message *msg)
{
	struct pcn_task_key *key = (struct pcn_task_key *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(key->context));
	u64 id = le64_to_cpu(msg->hdr.id);
	bool pairing = false;

	if (rc && rc->peer == msg->peer) {
		agent_lock();
		cancel_task(rc, key);
		agent_unlock();
		pairing = task_pairing(rc, key);
	}
	if (rc)
		popcorn_context_put(rc);
	/* TASK_PAIRING comes before the answer, or not at all. */
	if (pairing)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, -EAGAIN);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
	pcn_kmsg_done(msg);
	return 0;
}

static int handle_task_exit_origin(struct pcn_kmsg_message *msg)
{
	struct pcn_task_exit *end = (struct pcn_task_exit *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(end->key.context));

	if (rc) {
		agent_lock();
		if (rc->peer != msg->peer)
			pr_debug("popcorn: node %d ends what is not its own\n", msg->peer->nid);
		else if (end->key.pid)
			cancel_task(rc, &end->key);
		else
			stop_remote_worker(rc, false);
		agent_unlock();
		popcorn_context_put(rc);
	}
	pcn_kmsg_done(msg);
	return 0;
}

/**
 * remote_peer_lost() - a node is gone: programs at home there end here
 * @rc: a program that is at home elsewhere
 * @peer: the node
 */
void remote_peer_lost(struct remote_context *rc, struct pcn_peer *peer)
{
	if (rc->peer != peer)
		return;
	agent_lock();
	stop_remote_worker(rc, true);
	agent_unlock();
}

void remote_init(void)
{
	REGISTER_KMSG_WQ_HANDLER(TASK_CANCEL, handle_task_cancel, popcorn_wq);
	REGISTER_KMSG_WQ_HANDLER(TASK_EXIT_ORIGIN, handle_task_exit_origin, popcorn_wq);
	agent_init();
	worker_init();
	remote_thread_init();
}
