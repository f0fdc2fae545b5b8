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
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "page.h"
#include "remote.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

/* More threads of a program than this do not wait for the worker, nor more programs for the agent. */
#define THREADS_WAITING_MAX 4096
#define PROGRAMS_WAITING_MAX 256

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

static void post_migrate_nack(struct pcn_peer *peer, const struct pcn_task_key *key, int error)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_MIGRATE_NACK,
						      sizeof(struct pcn_task_nack));
	struct pcn_task_nack *nack;

	/* Without memory the origin's time limit says no. */
	if (!msg)
		return;
	nack = (struct pcn_task_nack *)msg->body;
	nack->key = *key;
	nack->error = cpu_to_le32(-error);
	popcorn_count(POPCORN_STAT_NACKS);
	pcn_kmsg_post(peer, msg);
}

static void post_exit_remote(struct pcn_peer *peer, const struct pcn_task_key *key, s32 code)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_EXIT_REMOTE,
						      sizeof(struct pcn_task_exit));
	struct pcn_task_exit *end;

	if (!msg) {
		pcn_peer_close(peer, -ENOMEM);
		return;
	}
	end = (struct pcn_task_exit *)msg->body;
	end->key = *key;
	end->code = cpu_to_le32(code);
	pcn_kmsg_post(peer, msg);
}

/* Takes all threads out of a program; they cannot be found any more. */
static void take_tasks(struct remote_context *rc, struct list_head *tasks)
{
	struct popcorn_task *task;

	spin_lock(&rc->lock);
	list_for_each_entry(task, &rc->tasks, link)
		task->state = POPCORN_TASK_GONE;
	list_splice_init(&rc->tasks, tasks);
	spin_unlock(&rc->lock);
}

/* A program without a process will not get one. The agent's mutex is held. */
static void refuse_context(struct remote_context *rc, int error)
{
	struct popcorn_task *task, *next;
	struct pcn_task_key key;
	LIST_HEAD(tasks);

	list_del_init(&rc->agent_link);
	agent.waiting--;
	popcorn_context_remove(rc);
	take_tasks(rc, &tasks);
	list_for_each_entry_safe(task, next, &tasks, link) {
		popcorn_task_key(rc, task, &key);
		post_migrate_nack(rc->peer, &key, error);
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
		refuse_context(rc, -EHOSTDOWN);
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

	if (!arg->error || arg->error > MAX_ERRNO || arg->reserved)
		return -EINVAL;
	mutex_lock(&agent.mutex);
	rc = find_offered(arg->cookie);
	if (rc)
		refuse_context(rc, -(int)arg->error);
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
	if (!agent.present)
		return ERR_PTR(-EHOSTDOWN);
	if (agent.waiting == PROGRAMS_WAITING_MAX)
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
	bool full, made;

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
	full = rc->waiting == THREADS_WAITING_MAX;
	if (!full) {
		rc->waiting++;
		list_add_tail(&task->link, &rc->tasks);
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
	wake_up(&rc->worker_wait);
	mutex_unlock(&agent.mutex);
	popcorn_context_put(rc);
	return 0;
}

/* Step 1 at the remote: TASK_MIGRATE has come. */
static int clone_request(struct pcn_kmsg_message *msg)
{
	struct pcn_task_migrate *migrate = (struct pcn_task_migrate *)msg->body;
	u64 pages = le64_to_cpu(migrate->pages);
	int err;

	if (msg->length != sizeof(*migrate) + le32_to_cpu(migrate->blob_len) || !migrate->blob_len || !pages ||
	    le32_to_cpu(migrate->flags) & ~PCN_MIGRATE_WAIT || pages > POPCORN_PAGES_MAX || !uid_valid(make_kuid(&init_user_ns, le32_to_cpu(migrate->uid))) ||
	    !gid_valid(make_kgid(&init_user_ns, le32_to_cpu(migrate->gid)))) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	err = clone_remote_thread(msg->peer, migrate);
	if (err)
		post_migrate_nack(msg->peer, &migrate->key, err);
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

/* Answers what the worker has been told of, or (the program ends) refuses all that it should have been. */
static void answer_tells(struct remote_context *rc, int err)
{
	struct pcn_kmsg_message *msg, *next;
	LIST_HEAD(done);

	spin_lock(&rc->lock);
	list_splice_init(&rc->told, &done);
	if (err)
		list_splice_init(&rc->tells, &done);
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
	bool there = false;

	if (rc) {
		spin_lock(&rc->lock);
		there = rc->peer == msg->peer && rc->pid && !rc->stop_remote_worker;
		if (there)
			list_add_tail(&msg->link, &rc->tells);
		spin_unlock(&rc->lock);
		wake_up(&rc->worker_wait);
		popcorn_context_put(rc);
	}
	if (!there) {
		pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), -ESRCH);
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
	answer_tells(rc, 0);
	return __run_remote_worker(rc, key);
}

static int restore_thread_info(const struct popcorn_task *task, struct popcorn_start __user *start, size_t size)
{
	if (size < sizeof(*start) + task->blob_len)
		return -EMSGSIZE;
	if (put_user(task->blob_len, &start->blob_len) ||
	    copy_to_user(start->blob, task->blob, task->blob_len))
		return -EFAULT;
	return 0;
}

/*
 * Step 3 at the remote: tell the origin. Nothing that the thread does overtakes this message, so it need not wait
 * for the answer: an origin that has not seen the one has not seen the other.
 */
static int pair(struct remote_context *rc, struct popcorn_task *task)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_PAIRING,
						      sizeof(struct pcn_task_pairing));
	struct pcn_task_pairing *pairing;
	struct pcn_request *request;
	int err;

	if (!msg)
		return -ENOMEM;
	pairing = (struct pcn_task_pairing *)msg->body;
	popcorn_task_key(rc, task, &pairing->key);
	pairing->remote_tgid = cpu_to_le32(task_tgid_nr(current));
	pairing->remote_pid = cpu_to_le32(task_pid_nr(current));
	request = pcn_request_start(rc->peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = task->waits ? pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms) : 0;
	pcn_request_put(request);
	/* The origin answers at once; one that does not may have said yes. */
	if (err == -ETIMEDOUT)
		pcn_peer_close(rc->peer, err);
	return err;
}

static void task_end(struct remote_context *rc, struct popcorn_task *task)
{
	bool there;

	spin_lock(&rc->lock);
	there = task->state != POPCORN_TASK_GONE;
	if (there) {
		if (task->state == POPCORN_TASK_ARRIVED || task->state == POPCORN_TASK_FORKED)
			rc->waiting--;
		task->state = POPCORN_TASK_GONE;
		list_del_init(&task->link);
	}
	spin_unlock(&rc->lock);
	if (there)
		popcorn_task_drop(task);
}

static struct popcorn_task *claim_task(struct remote_context *rc, const struct popcorn_key *key)
{
	struct popcorn_task *task;

	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, key->pid, key->hop);
	if (task && task->state == POPCORN_TASK_FORKED) {
		rc->waiting--;
		task->state = POPCORN_TASK_PAIRING;
		task->thread = current;
		get_task_struct(current);
		popcorn_task_hold(task);
	} else {
		task = NULL;
	}
	spin_unlock(&rc->lock);
	return task;
}

/**
 * remote_thread_main() - a new thread becomes the program's thread
 * @rc: the program
 * @start: see the uapi header
 * @size: bytes there
 *
 * Return: bytes filled, or a negative errno.
 */
ssize_t remote_thread_main(struct remote_context *rc, struct popcorn_start __user *start, size_t size)
{
	struct popcorn_task *task;
	struct popcorn_key key;
	ssize_t result;
	int err;

	if (size < sizeof(*start))
		return -EINVAL;
	if (copy_from_user(&key, &start->key, sizeof(key)))
		return -EFAULT;
	task = claim_task(rc, &key);
	if (!task)
		return -ESRCH;
	result = sizeof(*start) + task->blob_len;
	err = restore_thread_info(task, start, size);
	if (err) {
		struct pcn_task_key wire;

		popcorn_task_key(rc, task, &wire);
		post_migrate_nack(rc->peer, &wire, err);
	} else {
		err = pair(rc, task);
	}
	if (!err) {
		spin_lock(&rc->lock);
		if (task->state == POPCORN_TASK_PAIRING)
			task->state = POPCORN_TASK_RUNNING;
		else
			err = -ECONNRESET;
		spin_unlock(&rc->lock);
	}
	trace_popcorn_hop(rc->id, task->pid, rc->nid, popcorn_nid, err);
	if (err) {
		task_end(rc, task);
	} else {
		popcorn_count(POPCORN_STAT_HOPS_IN);
		popcorn_arrive(rc, task->pid);
	}
	popcorn_task_put(task);
	return err ? err : result;
}

/* The calling thread's task, with a reference. */
static struct popcorn_task *running_task(struct remote_context *rc)
{
	struct popcorn_task *task, *found = NULL;

	spin_lock(&rc->lock);
	list_for_each_entry(task, &rc->tasks, link)
		if (task->thread == current && task->state == POPCORN_TASK_RUNNING)
			found = popcorn_task_hold(task);
	spin_unlock(&rc->lock);
	return found;
}

/**
 * remote_do_back_migration() - the calling thread leaves this node, for its origin or a third node
 * @rc: the program
 * @nid: where to
 * @blob: its state
 * @blob_len: bytes of @blob
 *
 * Return: 0 once it is there, or a negative errno: it goes on here.
 */
long remote_do_back_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len)
{
	struct popcorn_task *task;
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	struct pcn_task_back *back;
	int err;

	if (nid >= POPCORN_NODES_MAX || nid == popcorn_nid)
		return -EINVAL;
	task = running_task(rc);
	if (!task)
		return -ESRCH;
	err = -EBUSY;
	if (task->depth)
		goto put_task;
	err = -ENOMEM;
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_MIGRATE_BACK, sizeof(*back) + blob_len);
	if (!msg)
		goto put_task;
	back = (struct pcn_task_back *)msg->body;
	popcorn_task_key(rc, task, &back->key);
	back->nid = cpu_to_le32(nid);
	back->blob_len = cpu_to_le32(blob_len);
	memcpy(back->blob, blob, blob_len);
	request = pcn_request_start(rc->peer, msg, NULL, NULL);
	err = PTR_ERR_OR_ZERO(request);
	if (err)
		goto put_task;
	/* No time limit of its own: the origin has one, and answers or dies. */
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 0);
	pcn_request_put(request);
	trace_popcorn_hop(rc->id, task->pid, popcorn_nid, nid, err);
	popcorn_count(err ? POPCORN_STAT_HOPS_REFUSED : POPCORN_STAT_HOPS_OUT);
	if (!err)
		task_end(rc, task);
put_task:
	popcorn_task_put(task);
	return err;
}

static int syscall_start(struct remote_context *rc, struct popcorn_task *task, const struct popcorn_syscall *arg)
{
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	struct pcn_syscall *call;
	int i;

	if (task->depth == POPCORN_SYSCALL_DEPTH)
		return -EBUSY;
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_SYSCALL_FWD, sizeof(*call));
	if (!msg)
		return -ENOMEM;
	call = (struct pcn_syscall *)msg->body;
	popcorn_task_key(rc, task, &call->key);
	call->nr = cpu_to_le64(arg->nr);
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = cpu_to_le64(arg->args[i]);
	request = pcn_request_start(rc->peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	task->syscalls[task->depth++] = request;
	popcorn_count(POPCORN_STAT_SYSCALLS);
	return 0;
}

static int syscall_finish(struct popcorn_task *task, s64 *result)
{
	struct pcn_request *request;
	int err;

	if (!task->depth)
		return -EINVAL;
	request = task->syscalls[task->depth - 1];
	err = pcn_request_wait(request, PCN_WAIT_INTERRUPTIBLE, 0);
	if (err == -EINTR && !completion_done(&request->done))
		return err;
	err = request->status;
	if (!err)
		*result = le64_to_cpu(((struct pcn_syscall_reply *)request->reply->body)->result);
	task->depth--;
	pcn_request_put(request);
	return err;
}

/* A signal handler was left by longjmp: late replies find nobody. */
static void syscalls_forget(struct popcorn_task *task, u64 keep)
{
	while (task->depth > keep)
		pcn_request_put(task->syscalls[--task->depth]);
}

/**
 * remote_syscall() - the calling thread's shadow performs a system call
 * @rc: the program
 * @arg: see the uapi header
 *
 * Return: 0 with the call's result, or a negative errno.
 */
long remote_syscall(struct remote_context *rc, struct popcorn_syscall *arg)
{
	struct popcorn_task *task;
	int err = 0;

	if (arg->reserved || (arg->flags & ~POPCORN_SYSCALL_WAIT && arg->flags != POPCORN_SYSCALL_FORGET))
		return -EINVAL;
	task = running_task(rc);
	if (!task)
		return -ESRCH;
	if (arg->flags & POPCORN_SYSCALL_FORGET) {
		syscalls_forget(task, arg->args[0]);
		goto put_task;
	}
	if (!(arg->flags & POPCORN_SYSCALL_WAIT))
		err = syscall_start(rc, task, arg);
	if (!err)
		arg->flags |= POPCORN_SYSCALL_WAIT;
	if (!err)
		err = syscall_finish(task, &arg->result);
put_task:
	popcorn_task_put(task);
	return err;
}

/**
 * remote_exit() - the calling thread has ended
 * @rc: the program
 * @code: its exit code
 *
 * Return: 0 or -ESRCH.
 */
long remote_exit(struct remote_context *rc, s32 code)
{
	struct popcorn_task *task = running_task(rc);
	struct pcn_task_key key;

	if (!task)
		return -ESRCH;
	popcorn_task_key(rc, task, &key);
	post_exit_remote(rc->peer, &key, code);
	task_end(rc, task);
	popcorn_task_put(task);
	return 0;
}

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
	take_tasks(rc, &tasks);
	list_for_each_entry_safe(task, next, &tasks, link)
		popcorn_task_drop(task);
	spin_lock(&rc->lock);
	stopped = rc->stop_remote_worker;
	rc->stop_remote_worker = true;
	spin_unlock(&rc->lock);
	answer_tells(rc, -ESRCH);
	if (!stopped)
		post_exit_remote(rc->peer, &key, code);
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
		refuse_context(rc, -ECANCELED);
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
		rc->waiting--;
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
		refuse_context(rc, -ECANCELED);
}

/* The origin has waited for long enough: a thread that has not paired does not run. */
static int handle_task_cancel(struct pcn_kmsg_message *msg)
{
	struct pcn_task_key *key = (struct pcn_task_key *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(key->context));
	u64 id = le64_to_cpu(msg->hdr.id);
	bool pairing = false;

	if (rc && rc->peer == msg->peer) {
		mutex_lock(&agent.mutex);
		cancel_task(rc, key);
		mutex_unlock(&agent.mutex);
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
		mutex_lock(&agent.mutex);
		if (rc->peer != msg->peer)
			pr_debug("popcorn: node %d ends what is not its own\n", msg->peer->nid);
		else if (end->key.pid)
			cancel_task(rc, &end->key);
		else
			stop_remote_worker(rc, false);
		mutex_unlock(&agent.mutex);
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
	mutex_lock(&agent.mutex);
	stop_remote_worker(rc, true);
	mutex_unlock(&agent.mutex);
}

/* A signal that hit the shadow hits the thread. */
static int handle_signal_fwd(struct pcn_kmsg_message *msg)
{
	struct pcn_signal *signal = (struct pcn_signal *)msg->body;
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, le64_to_cpu(signal->key.context));
	struct task_struct *thread = NULL;
	struct kernel_siginfo info;
	struct popcorn_task *task;
	int err = -ESRCH;

	clear_siginfo(&info);
	info.si_signo = le32_to_cpu(signal->signo);
	info.si_code = le32_to_cpu(signal->code);
	info.si_pid = le32_to_cpu(signal->pid);
	info.si_uid = le32_to_cpu(signal->uid);
	info.si_value.sival_ptr = u64_to_user_ptr(le64_to_cpu(signal->value));
	if (rc && rc->peer == msg->peer) {
		spin_lock(&rc->lock);
		task = popcorn_task_find(rc, le32_to_cpu(signal->key.pid), le32_to_cpu(signal->key.hop));
		if (task && task->state == POPCORN_TASK_RUNNING) {
			thread = task->thread;
			get_task_struct(thread);
		}
		spin_unlock(&rc->lock);
	}
	if (thread) {
		err = info.si_signo > 0 && valid_signal(info.si_signo) ?
			send_sig_info(info.si_signo, &info, thread) : -EINVAL;
		put_task_struct(thread);
	}
	if (rc)
		popcorn_context_put(rc);
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), NULL, 0);
	pcn_kmsg_done(msg);
	return 0;
}

void remote_init(void)
{
	REGISTER_KMSG_WQ_HANDLER(TASK_MIGRATE, clone_request, popcorn_wq);
	REGISTER_KMSG_WQ_HANDLER(TASK_CANCEL, handle_task_cancel, popcorn_wq);
	REGISTER_KMSG_WQ_HANDLER(TASK_EXIT_ORIGIN, handle_task_exit_origin, popcorn_wq);
	REGISTER_KMSG_HANDLER(SIGNAL_FWD, handle_signal_fwd);
	REGISTER_KMSG_HANDLER(WORKER_TELL, handle_worker_tell);
}
