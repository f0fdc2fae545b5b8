// SPDX-License-Identifier: GPL-2.0-only
/* The table of programs on this node, and how long they and their threads live. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "context.h"
#include "page.h"
#include "process_server.h"
#include "remote.h"
#include "request.h"
#include "stats.h"

struct workqueue_struct *popcorn_wq;

static DEFINE_HASHTABLE(contexts, 8);
static DEFINE_SPINLOCK(contexts_lock);
static atomic_t page_bases = ATOMIC_INIT(0);

/**
 * popcorn_context_alloc() - make a program
 * @nid: its origin
 * @id: names it there
 * @pages: pages of its portable memory
 *
 * Return: the context with one reference, in no table yet, or NULL.
 */
struct remote_context *popcorn_context_alloc(u32 nid, u64 id, u64 pages)
{
	struct remote_context *rc = kvzalloc(sizeof(*rc), GFP_KERNEL_ACCOUNT);

	if (!rc)
		return NULL;
	kref_init(&rc->ref);
	INIT_HLIST_NODE(&rc->node);
	rc->nid = nid;
	rc->id = id;
	rc->pages = pages;
	spin_lock_init(&rc->lock);
	INIT_LIST_HEAD(&rc->tasks);
	init_waitqueue_head(&rc->worker_wait);
	INIT_LIST_HEAD(&rc->tells);
	INIT_LIST_HEAD(&rc->told);
	INIT_LIST_HEAD(&rc->parked);
	INIT_LIST_HEAD(&rc->agent_link);
	xa_init_flags(&rc->page_table, XA_FLAGS_ACCOUNT);
	/* All programs share one inode's mapping; each has its own range of 2^26 pages in it. */
	rc->page_base = (unsigned long)(atomic_inc_return(&page_bases) & 0xffffff) << 26;
	popcorn_count_live(1);
	return rc;
}

static struct remote_context *find(u32 nid, u64 id)
{
	struct remote_context *rc;

	hash_for_each_possible(contexts, rc, node, id)
		if (rc->nid == nid && rc->id == id)
			return rc;
	return NULL;
}

/**
 * popcorn_context_enter() - put a program in the table, which takes a reference
 * @rc: the program
 *
 * Return: 0 or -EEXIST.
 */
int popcorn_context_enter(struct remote_context *rc)
{
	int err = 0;

	spin_lock(&contexts_lock);
	if (find(rc->nid, rc->id))
		err = -EEXIST;
	else
		hash_add(contexts, &popcorn_context_hold(rc)->node, rc->id);
	spin_unlock(&contexts_lock);
	return err;
}

/**
 * popcorn_context_remove() - take a program out of the table: no message finds it any more
 * @rc: the program
 */
void popcorn_context_remove(struct remote_context *rc)
{
	bool there;

	spin_lock(&contexts_lock);
	there = !hlist_unhashed(&rc->node);
	if (there)
		hash_del(&rc->node);
	spin_unlock(&contexts_lock);
	if (there)
		popcorn_context_put(rc);
}

/**
 * popcorn_context_find() - find a program
 * @nid: its origin
 * @id: names it there
 *
 * Return: the program with a reference, or NULL.
 */
struct remote_context *popcorn_context_find(u32 nid, u64 id)
{
	struct remote_context *rc;

	spin_lock(&contexts_lock);
	rc = find(nid, id);
	if (rc)
		popcorn_context_hold(rc);
	spin_unlock(&contexts_lock);
	return rc;
}

struct remote_context *popcorn_context_hold(struct remote_context *rc)
{
	kref_get(&rc->ref);
	return rc;
}

static void context_free(struct kref *ref)
{
	struct remote_context *rc = container_of(ref, struct remote_context, ref);
	int nid;

	popcorn_pages_free(rc);
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++)
		if (rc->places[nid].peer)
			pcn_peer_put(rc->places[nid].peer);
	if (rc->peer)
		pcn_peer_put(rc->peer);
	put_pid(rc->pid);
	if (rc->mm)
		mmdrop(rc->mm);
	if (rc->inode)
		iput(rc->inode);
	mem_cgroup_put(rc->memcg);
	kvfree(rc);
	popcorn_count_live(-1);
}

void popcorn_context_put(struct remote_context *rc)
{
	kref_put(&rc->ref, context_free);
}

/**
 * popcorn_context_own() - the calling process is this program's process here
 * @rc: the program, which has none yet; the caller holds its lock or the only reference
 * @inode: of its device file
 */
void popcorn_context_own(struct remote_context *rc, struct inode *inode)
{
	rc->pid = get_pid(task_tgid(current));
	mmgrab(current->mm);
	rc->mm = current->mm;
	ihold(inode);
	rc->inode = inode;
	rc->memcg = get_mem_cgroup_from_mm(current->mm);
}

/**
 * popcorn_context_mine() - does this program's process ask? (A child that inherited the file does not.)
 * @rc: the program
 *
 * Return: whether it does.
 */
bool popcorn_context_mine(const struct remote_context *rc)
{
	return rc->mm && rc->mm == current->mm;
}

/**
 * popcorn_context_next() - go through all programs
 * @rc: the last one, whose reference is released, or NULL to begin
 *
 * The walk may miss programs that enter meanwhile.
 *
 * Return: the next one with a reference, or NULL.
 */
struct remote_context *popcorn_context_next(struct remote_context *rc)
{
	struct remote_context *next = NULL, *candidate;
	bool passed = !rc;
	int bucket;

	/* Ordered by address, so that the walk ends whatever comes and goes. */
	spin_lock(&contexts_lock);
	hash_for_each(contexts, bucket, candidate, node)
		if ((passed || candidate > rc) && (!next || candidate < next))
			next = candidate;
	if (next)
		popcorn_context_hold(next);
	spin_unlock(&contexts_lock);
	if (rc)
		popcorn_context_put(rc);
	return next;
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

static void task_free(struct kref *ref)
{
	struct popcorn_task *task = container_of(ref, struct popcorn_task, ref);

	process_server_drop_events(task);
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

/**
 * popcorn_peer_lost() - a node is gone: tell every program that has to do with it
 * @peer: the node
 */
void popcorn_peer_lost(struct pcn_peer *peer)
{
	struct remote_context *rc = NULL;

	while ((rc = popcorn_context_next(rc))) {
		if (rc->for_remote)
			remote_peer_lost(rc, peer);
		else
			process_server_peer_lost(rc, peer);
	}
}
