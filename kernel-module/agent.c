// SPDX-License-Identifier: GPL-2.0-only
/* On a remote node: programs that come are offered to the node's agent, which makes their processes. */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/slab.h>
#include "page.h"
#include "remote_internal.h"

/* A program has no more threads here than this, and no more programs, nor a user's, wait for the agent. */
#define THREADS_MAX 32768
#define PROGRAMS_WAITING_MAX 256
#define USERS_PROGRAMS_WAITING_MAX 64

static bool allow_root;
module_param(allow_root, bool, 0644);
MODULE_PARM_DESC(allow_root, "run programs that root has started on another node");

/**
 * struct popcorn_agent - the node's agent, and what it has to do
 * @mutex: protects all of it, and the fate of programs without a process
 * @present: whether there is one
 * @waiting: programs in @requests and @offered
 * @requests: programs that it has not seen yet
 * @offered: programs that it has seen, which have no process yet
 * @wait: it waits here
 */
struct popcorn_agent {
	struct mutex mutex;
	bool present;
	unsigned int waiting;
	struct list_head requests;
	struct list_head offered;
	wait_queue_head_t wait;
};
static struct popcorn_agent agent = {
	.mutex = __MUTEX_INITIALIZER(agent.mutex),
	.requests = LIST_HEAD_INIT(agent.requests),
	.offered = LIST_HEAD_INIT(agent.offered),
	.wait = __WAIT_QUEUE_HEAD_INITIALIZER(agent.wait),
};

/**
 * agent_lock() - hold what is decided about programs without a process
 */
void agent_lock(void)
{
	mutex_lock(&agent.mutex);
}

void agent_unlock(void)
{
	mutex_unlock(&agent.mutex);
}

/* A program without a process will not get one. The agent's mutex is held. */
void agent_refuse_context(struct remote_context *rc, int error)
{
	struct popcorn_task *task, *next;
	struct pcn_task_key key;
	LIST_HEAD(tasks);

	list_del_init(&rc->agent_link);
	agent.waiting--;
	popcorn_context_remove(rc);
	remote_take_tasks(rc, &tasks);
	list_for_each_entry_safe(task, next, &tasks, link) {
		popcorn_task_key(rc, task, &key);
		remote_post_nack(rc->peer, &key, error);
		popcorn_task_drop(task);
	}
	popcorn_context_put(rc);	/* the agent's list's */
}

/**
 * remote_agent_enter() - somebody wants to be this node's agent
 *
 * Return: 0 or -EBUSY.
 */
int remote_agent_enter(void)
{
	int err = 0;

	mutex_lock(&agent.mutex);
	if (agent.present)
		err = -EBUSY;
	agent.present = true;
	mutex_unlock(&agent.mutex);
	return err;
}

/**
 * remote_agent_leave() - the agent has gone: what waits for it is refused
 */
void remote_agent_leave(void)
{
	struct remote_context *rc, *next;

	mutex_lock(&agent.mutex);
	agent.present = false;
	list_splice_init(&agent.offered, &agent.requests);
	list_for_each_entry_safe(rc, next, &agent.requests, agent_link)
		agent_refuse_context(rc, -EHOSTDOWN);
	mutex_unlock(&agent.mutex);
}

bool remote_agent_ready(struct file *file, struct poll_table_struct *table)
{
	poll_wait(file, &agent.wait, table);
	return !list_empty_careful(&agent.requests);
}

static bool agent_next(struct popcorn_clone_request *request)
{
	struct remote_context *rc;

	mutex_lock(&agent.mutex);
	rc = list_first_entry_or_null(&agent.requests, struct remote_context, agent_link);
	if (rc) {
		list_move_tail(&rc->agent_link, &agent.offered);
		request->cookie = rc->cookie;
		request->pages = rc->pages;
		request->nid = rc->nid;
		request->tgid = lower_32_bits(rc->id);
		request->uid = from_kuid(&init_user_ns, rc->uid);
		request->gid = from_kgid(&init_user_ns, rc->gid);
		memcpy(request->hash, rc->hash, sizeof(request->hash));
		memcpy(request->comm, rc->comm, sizeof(request->comm));
		memcpy(request->limits, rc->limits, sizeof(request->limits));
	}
	mutex_unlock(&agent.mutex);
	return rc;
}

/**
 * remote_agent_read() - the next clone request
 * @request: where to
 * @wait: until there is one
 *
 * Return: 0, -EAGAIN or -EINTR.
 */
ssize_t remote_agent_read(struct popcorn_clone_request *request, bool wait)
{
	memset(request, 0, sizeof(*request));
	while (!agent_next(request)) {
		if (!wait)
			return -EAGAIN;
		if (wait_event_interruptible(agent.wait, !list_empty_careful(&agent.requests)))
			return -EINTR;
	}
	return 0;
}

/* The agent's mutex is held. */
static struct remote_context *find_offered(u64 cookie)
{
	struct remote_context *rc;

	list_for_each_entry(rc, &agent.offered, agent_link)
		if (rc->cookie == cookie)
			return rc;
	return NULL;
}

/**
 * remote_agent_refuse() - the agent cannot make a process for this program
 * @arg: see the uapi header
 *
 * Return: 0, -EINVAL or -ENOENT.
 */
int remote_agent_refuse(const struct popcorn_refuse *arg)
{
	struct remote_context *rc;

	if (!pcn_kmsg_error(arg->error) || arg->reserved)
		return -EINVAL;
	mutex_lock(&agent.mutex);
	rc = find_offered(arg->cookie);
	if (rc)
		agent_refuse_context(rc, -(int)arg->error);
	mutex_unlock(&agent.mutex);
	return rc ? 0 : -ENOENT;
}

static void take_limits(struct remote_context *rc, const struct pcn_limit *limits)
{
	int i;

	for (i = 0; i < POPCORN_LIMITS; i++) {
		rc->limits[i].soft = le64_to_cpu(limits[i].soft);
		rc->limits[i].hard = le64_to_cpu(limits[i].hard);
	}
}

static struct remote_context *context_from(struct pcn_peer *peer, const struct pcn_task_migrate *migrate)
{
	struct remote_context *rc;

	rc = popcorn_context_alloc(peer->nid, le64_to_cpu(migrate->key.context), le64_to_cpu(migrate->pages));
	if (!rc)
		return NULL;
	rc->for_remote = true;
	rc->peer = pcn_peer_hold(peer);
	rc->uid = make_kuid(&init_user_ns, le32_to_cpu(migrate->uid));
	rc->gid = make_kgid(&init_user_ns, le32_to_cpu(migrate->gid));
	memcpy(rc->hash, migrate->hash, sizeof(rc->hash));
	strscpy(rc->comm, migrate->comm, sizeof(rc->comm));
	take_limits(rc, migrate->limits);
	rc->cookie = get_random_u64();
	return rc;
}

/* Is there room in the agent's lists for one more program of this user? The agent's mutex is held. */
static bool may_wait(kuid_t uid)
{
	unsigned int count = 0;
	struct remote_context *rc;

	list_for_each_entry(rc, &agent.requests, agent_link)
		count += uid_eq(rc->uid, uid);
	list_for_each_entry(rc, &agent.offered, agent_link)
		count += uid_eq(rc->uid, uid);
	return agent.waiting < PROGRAMS_WAITING_MAX && count < USERS_PROGRAMS_WAITING_MAX;
}

/* The program's context on this node; made, and offered to the agent, at its first thread. */
static struct remote_context *context_for(struct pcn_peer *peer, const struct pcn_task_migrate *migrate,
					  bool *made)
{
	struct remote_context *rc = popcorn_context_find(peer->nid, le64_to_cpu(migrate->key.context));

	*made = !rc;
	if (rc && (rc->peer != peer || rc->stop_remote_worker)) {
		popcorn_context_put(rc);
		return ERR_PTR(-ESTALE);
	}
	if (rc)
		return rc;
	/* Lost peers are told of in this workqueue too: before, and it finds the program, or it is known by now. */
	if (!pcn_peer_up(peer))
		return ERR_PTR(-ECONNRESET);
	if (!agent.present)
		return ERR_PTR(-EHOSTDOWN);
	if (!may_wait(make_kuid(&init_user_ns, le32_to_cpu(migrate->uid))))
		return ERR_PTR(-EAGAIN);
	rc = context_from(peer, migrate);
	if (!rc)
		return ERR_PTR(-ENOMEM);
	popcorn_context_enter(rc);
	return rc;
}

static struct popcorn_task *task_from(const struct pcn_task_migrate *migrate)
{
	struct popcorn_task *task = popcorn_task_alloc(le32_to_cpu(migrate->key.pid));

	if (!task)
		return NULL;
	task->hop = le32_to_cpu(migrate->key.hop);
	task->state = POPCORN_TASK_ARRIVED;
	task->waits = le32_to_cpu(migrate->flags) & PCN_MIGRATE_WAIT;
	task->blob_len = le32_to_cpu(migrate->blob_len);
	task->blob = kvmalloc(task->blob_len, GFP_KERNEL);
	if (!task->blob) {
		popcorn_task_put(task);
		return NULL;
	}
	memcpy(task->blob, migrate->blob, task->blob_len);
	return task;
}

/* Step 2 at the remote: the thread's state waits for the worker, the program's first one for the agent. */
static int clone_remote_thread(struct pcn_peer *peer, const struct pcn_task_migrate *migrate)
{
	struct remote_context *rc;
	struct popcorn_task *task;
	bool full, made, parked = false;

	if (!le32_to_cpu(migrate->uid) && !allow_root)
		return -EPERM;
	task = task_from(migrate);
	if (!task)
		return -ENOMEM;
	mutex_lock(&agent.mutex);
	rc = context_for(peer, migrate, &made);
	if (IS_ERR(rc)) {
		mutex_unlock(&agent.mutex);
		popcorn_task_put(task);
		return PTR_ERR(rc);
	}
	spin_lock(&rc->lock);
	full = rc->threads == THREADS_MAX;
	if (!full) {
		rc->threads++;
		list_add_tail(&task->link, &rc->tasks);
		parked = parked_take(rc, task);
	}
	spin_unlock(&rc->lock);
	if (full) {
		mutex_unlock(&agent.mutex);
		popcorn_task_put(task);
		popcorn_context_put(rc);
		return -EAGAIN;
	}
	if (made) {
		list_add_tail(&popcorn_context_hold(rc)->agent_link, &agent.requests);
		agent.waiting++;
		wake_up(&agent.wait);
	}
	if (!parked)
		wake_up(&rc->worker_wait);
	mutex_unlock(&agent.mutex);
	popcorn_context_put(rc);
	return 0;
}

/* While the thread gets a native thread, its pages come. */
static void ask_early(const struct pcn_kmsg_message *msg)
{
	struct pcn_task_migrate *migrate = (struct pcn_task_migrate *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(migrate->key.context));

	if (rc && rc->peer == msg->peer)
		popcorn_arrival_ask(rc, le32_to_cpu(migrate->key.pid));
	if (rc)
		popcorn_context_put(rc);
}

/* Step 1 at the remote: TASK_MIGRATE has come. */
static int clone_request(struct pcn_kmsg_message *msg)
{
	struct pcn_task_migrate *migrate = (struct pcn_task_migrate *)msg->body;
	u64 pages = le64_to_cpu(migrate->pages);
	int err;

	if (msg->length != sizeof(*migrate) + le32_to_cpu(migrate->blob_len) || !migrate->blob_len || !pages ||
	    pages > POPCORN_PAGES_MAX || le32_to_cpu(migrate->flags) & ~PCN_MIGRATE_WAIT ||
	    !uid_valid(make_kuid(&init_user_ns, le32_to_cpu(migrate->uid))) ||
	    !gid_valid(make_kgid(&init_user_ns, le32_to_cpu(migrate->gid)))) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	ask_early(msg);
	err = clone_remote_thread(msg->peer, migrate);
	if (err)
		remote_post_nack(msg->peer, &migrate->key, err);
	pcn_kmsg_done(msg);
	return 0;
}

/**
 * __construct_mm() - the calling process is a program's process on this node
 * @arg: see the uapi header
 * @inode: of its device file
 *
 * Return: the program with a reference, or an ERR_PTR.
 */
struct remote_context *__construct_mm(struct popcorn_adopt *arg, struct inode *inode)
{
	struct remote_context *rc;

	mutex_lock(&agent.mutex);
	rc = find_offered(arg->cookie);
	if (!rc) {
		rc = ERR_PTR(-ENOENT);
	} else if (!uid_eq(rc->uid, current_euid()) || !gid_eq(rc->gid, current_egid())) {
		rc = ERR_PTR(-EPERM);
	} else {
		agent.waiting--;
		list_del_init(&rc->agent_link);	/* whose reference is the caller's now */
		popcorn_context_own(rc, inode);
		arg->pages = rc->pages;
		arg->nid = rc->nid;
		arg->tgid = lower_32_bits(rc->id);
	}
	mutex_unlock(&agent.mutex);
	return rc;
}

void agent_init(void)
{
	REGISTER_KMSG_WQ_HANDLER(TASK_MIGRATE, clone_request, popcorn_wq);
}
