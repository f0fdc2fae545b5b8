// SPDX-License-Identifier: GPL-2.0-only
/* Threads of programs: how long they live, and what waits for their shadows. */
#include <linux/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "context.h"
#include "request.h"
#include "stats.h"

/**
 * popcorn_work_free() - free what a shadow has seen
 * @work: in no list
 */
void popcorn_work_free(struct popcorn_work *work)
{
	if (work->msg)
		pcn_kmsg_done(work->msg);
	kfree(work);
}

/**
 * shadow_work() - make something that the shadow has to see
 * @event: what
 * @result: exit code
 * @msg: SYSCALL, BACK: the message; taken over once the shadow has the work
 *
 * Return: the work, or NULL.
 */
struct popcorn_work *shadow_work(enum popcorn_event event, s64 result, struct pcn_kmsg_message *msg)
{
	struct popcorn_work *work = kzalloc(sizeof(*work), GFP_KERNEL);

	if (work) {
		work->event = event;
		work->result = result;
		work->msg = msg;
	}
	return work;
}

/* Gives the shadow something to do. The program's lock is held; takes over @work. */
void request_remote_work(struct popcorn_task *task, struct popcorn_work *work)
{
	list_add_tail(&work->link, &task->events);
	wake_up_all(&task->wait);
}

/**
 * popcorn_task_alloc() - make a thread
 * @pid: its id at its origin
 *
 * Return: the task with one reference, or NULL.
 */
struct popcorn_task *popcorn_task_alloc(u32 pid)
{
	struct popcorn_task *task = kzalloc(sizeof(*task), GFP_KERNEL_ACCOUNT);

	if (!task)
		return NULL;
	kref_init(&task->ref);
	INIT_LIST_HEAD(&task->link);
	INIT_LIST_HEAD(&task->events);
	INIT_LIST_HEAD(&task->calls);
	init_waitqueue_head(&task->wait);
	task->pid = pid;
	popcorn_count_live(1);
	return task;
}

/**
 * popcorn_task_find() - find a thread; the program's lock is held
 * @rc: the program
 * @pid: the thread's id at its origin
 * @hop: which of its hops; 0 if any will do. (A thread that has just left a remote node may be back at once:
 *	for a moment it is there twice.)
 *
 * Return: the task, without a reference, or NULL.
 */
struct popcorn_task *popcorn_task_find(struct remote_context *rc, u32 pid, u32 hop)
{
	struct popcorn_task *task;

	lockdep_assert_held(&rc->lock);
	list_for_each_entry(task, &rc->tasks, link)
		if (task->pid == pid && (!hop || task->hop == hop))
			return task;
	return NULL;
}

struct popcorn_task *popcorn_task_hold(struct popcorn_task *task)
{
	kref_get(&task->ref);
	return task;
}

/* The shadow is gone: refuse the calls that wait for it. */
static void drop_events(struct popcorn_task *task)
{
	struct popcorn_work *work, *next;

	list_splice_init(&task->calls, &task->events);
	list_for_each_entry_safe(work, next, &task->events, link) {
		if (work->event == POPCORN_EVENT_SYSCALL)
			pcn_kmsg_nack(work->msg->peer, work->msg->hdr.type, le64_to_cpu(work->msg->hdr.id),
				      -ESRCH);
		popcorn_work_free(work);
	}
	INIT_LIST_HEAD(&task->events);
	if (task->back) {
		pcn_kmsg_nack(task->back->peer, task->back->hdr.type, le64_to_cpu(task->back->hdr.id), -ESRCH);
		pcn_kmsg_done(task->back);
		task->back = NULL;
	}
}

static void task_free(struct kref *ref)
{
	struct popcorn_task *task = container_of(ref, struct popcorn_task, ref);

	drop_events(task);
	if (task->peer)
		pcn_peer_put(task->peer);
	if (task->thread)
		put_task_struct(task->thread);
	while (task->depth)
		pcn_request_put(task->syscalls[--task->depth]);
	kvfree(task->blob);
	kfree(task);
	popcorn_count_live(-1);
}

void popcorn_task_put(struct popcorn_task *task)
{
	kref_put(&task->ref, task_free);
}

/**
 * popcorn_task_drop() - take a thread out of its program and release the program's reference
 * @task: the thread, which the caller has unlinked from the list under the program's lock
 */
void popcorn_task_drop(struct popcorn_task *task)
{
	wake_up_all(&task->wait);
	popcorn_task_put(task);
}

/**
 * popcorn_task_key() - name a thread on the wire
 * @rc: the program
 * @task: the thread
 * @key: where to
 */
void popcorn_task_key(const struct remote_context *rc, const struct popcorn_task *task,
		      struct pcn_task_key *key)
{
	key->context = cpu_to_le64(rc->id);
	key->pid = cpu_to_le32(task->pid);
	key->hop = cpu_to_le32(task->hop);
}
