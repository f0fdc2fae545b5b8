// SPDX-License-Identifier: GPL-2.0-only
/* The table of programs on this node, and how long they live. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "context.h"
#include "page.h"
#include "stats.h"

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
