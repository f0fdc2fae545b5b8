// SPDX-License-Identifier: GPL-2.0-only
/*
 * The origin's half of the handshake. A thread that leaves becomes its own shadow:
 *
 *   popcorn_migrate -> process_server_do_migration -> __do_migration -> __request_clone_remote
 *	TASK_MIGRATE goes out; the remote answers TASK_PAIRING (or TASK_MIGRATE_NACK, or nothing in time)
 *   __process_remote_works
 *	the shadow serves: system calls, the thread's return, its exit, the loss of its node
 *
 * Every step can be refused and has a time limit; whatever goes wrong, the thread goes on where it was.
 */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "page.h"
#include "process_server.h"
#include "remote.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

/**
 * struct popcorn_work - something that the shadow has to see
 * @link: in popcorn_task.events or .calls
 * @event: what
 * @result: exit code
 * @nid: LOST: the node
 * @msg: SYSCALL, BACK: the message
 */
struct popcorn_work {
	struct list_head link;
	enum popcorn_event event;
	s64 result;
	u32 nid;
	struct pcn_kmsg_message *msg;
};

static atomic_t generations = ATOMIC_INIT(0);

static void work_free(struct popcorn_work *work)
{
	if (work->msg)
		pcn_kmsg_done(work->msg);
	kfree(work);
}

/**
 * process_server_drop_events() - the shadow is gone: refuse the calls that wait for it
 * @task: its task
 */
void process_server_drop_events(struct popcorn_task *task)
{
	struct popcorn_work *work, *next;

	list_splice_init(&task->calls, &task->events);
	list_for_each_entry_safe(work, next, &task->events, link) {
		if (work->event == POPCORN_EVENT_SYSCALL)
			pcn_kmsg_nack(work->msg->peer, work->msg->hdr.type, le64_to_cpu(work->msg->hdr.id),
				      -ESRCH);
		work_free(work);
	}
	INIT_LIST_HEAD(&task->events);
	if (task->back) {
		pcn_kmsg_nack(task->back->peer, task->back->hdr.type, le64_to_cpu(task->back->hdr.id), -ESRCH);
		pcn_kmsg_done(task->back);
		task->back = NULL;
	}
}

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
static struct pcn_peer *place_bind(struct remote_context *rc, u32 nid)
{
	struct pcn_peer *peer = pcn_peer_get(nid);
	struct popcorn_place *place;
	bool lost;

	if (!peer)
		return ERR_PTR(-EHOSTUNREACH);
	if (!pcn_peer_up(peer)) {
		pcn_peer_put(peer);
		return ERR_PTR(-EHOSTUNREACH);
	}
	place = &rc->places[nid];
	spin_lock(&rc->lock);
	lost = place->lost || (place->peer && place->peer != peer);
	if (!lost && !place->peer)
		place->peer = pcn_peer_hold(peer);
	spin_unlock(&rc->lock);
	if (!lost)
		return peer;
	pcn_peer_put(peer);
	return ERR_PTR(-ECONNRESET);
}

/* The resource limits of the calling process go along. */
static void note_limits(struct remote_context *rc)
{
	struct popcorn_limit limits[POPCORN_LIMITS];
	int i;

	static_assert(POPCORN_LIMITS == RLIM_NLIMITS);
	for (i = 0; i < POPCORN_LIMITS; i++)
		limits[i] = (struct popcorn_limit){ .soft = rlimit(i), .hard = rlimit_max(i) };
	spin_lock(&rc->lock);
	memcpy(rc->limits, limits, sizeof(limits));
	spin_unlock(&rc->lock);
}

static void put_limits(struct remote_context *rc, struct pcn_limit *limits)
{
	int i;

	spin_lock(&rc->lock);
	for (i = 0; i < POPCORN_LIMITS; i++) {
		limits[i].soft = cpu_to_le64(rc->limits[i].soft);
		limits[i].hard = cpu_to_le64(rc->limits[i].hard);
	}
	spin_unlock(&rc->lock);
}

/* A TASK_MIGRATE without its key. */
static struct pcn_kmsg_message *migrate_message(struct remote_context *rc, const void *blob, u32 blob_len)
{
	struct pcn_kmsg_message *msg;
	struct pcn_task_migrate *migrate;

	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_MIGRATE, sizeof(*migrate) + blob_len);
	if (!msg)
		return NULL;
	migrate = (struct pcn_task_migrate *)msg->body;
	migrate->pages = cpu_to_le64(rc->pages);
	migrate->uid = cpu_to_le32(from_kuid(&init_user_ns, rc->uid));
	migrate->gid = cpu_to_le32(from_kgid(&init_user_ns, rc->gid));
	memcpy(migrate->hash, rc->hash, sizeof(migrate->hash));
	memcpy(migrate->comm, rc->comm, sizeof(migrate->comm));
	put_limits(rc, migrate->limits);
	migrate->blob_len = cpu_to_le32(blob_len);
	memcpy(migrate->blob, blob, blob_len);
	return msg;
}

/* Step 1 of a hop: TASK_MIGRATE carries the thread's state to the remote's clone_request. */
static int __request_clone_remote(struct pcn_peer *peer, const struct pcn_task_key *key,
				  struct pcn_kmsg_message *msg)
{
	((struct pcn_task_migrate *)msg->body)->key = *key;
	return pcn_kmsg_post(peer, msg);
}

static void post_exit_origin(struct pcn_peer *peer, const struct pcn_task_key *key)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_EXIT_ORIGIN, sizeof(struct pcn_task_exit));

	if (!msg) {
		pcn_peer_close(peer, -ENOMEM);
		return;
	}
	((struct pcn_task_exit *)msg->body)->key = *key;
	pcn_kmsg_post(peer, msg);
}

static bool task_leaving(struct remote_context *rc, struct popcorn_task *task)
{
	bool leaving;

	spin_lock(&rc->lock);
	leaving = task->state == POPCORN_TASK_LEAVING;
	spin_unlock(&rc->lock);
	return leaving;
}

/* Step 2: wait until the remote has paired, refused, died, or let the time pass (the task is LEAVING then). */
static int wait_for_pairing(struct remote_context *rc, struct popcorn_task *task)
{
	long left = wait_event_killable_timeout(task->wait, !task_leaving(rc, task),
						msecs_to_jiffies(popcorn_timeout_ms));
	int err;

	spin_lock(&rc->lock);
	err = task->error;
	if (task->state == POPCORN_TASK_LEAVING) {
		err = left < 0 ? -EINTR : -ETIMEDOUT;
		task->state = left < 0 ? POPCORN_TASK_HOME : POPCORN_TASK_LEAVING;
	}
	spin_unlock(&rc->lock);
	return err;
}

static int ask_cancel(struct pcn_peer *peer, const struct pcn_task_key *key)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_CANCEL, sizeof(*key));
	struct pcn_request *request;
	int err;

	if (!msg)
		return -ENOMEM;
	*(struct pcn_task_key *)msg->body = *key;
	request = pcn_request_start(peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms);
	pcn_request_put(request);
	return err;
}

/*
 * The time has passed. A thread starts without the origin's word, so the remote has to say that it will not; if it
 * has started, its TASK_PAIRING has come before that answer. A node that does not answer is given up.
 */
static int call_off(struct remote_context *rc, struct popcorn_task *task, struct pcn_peer *peer,
		    const struct pcn_task_key *key)
{
	int err;

	while ((err = ask_cancel(peer, key)) == -EAGAIN)
		usleep_range(1000, 2000);
	if (err && err != -EINTR) {
		pcn_peer_close(peer, err);
		wait_event_timeout(task->wait, !task_leaving(rc, task), msecs_to_jiffies(popcorn_timeout_ms));
	}
	spin_lock(&rc->lock);
	if (task->state == POPCORN_TASK_LEAVING) {
		task->state = POPCORN_TASK_HOME;
		task->error = -ETIMEDOUT;
	}
	err = task->error;
	spin_unlock(&rc->lock);
	return err;
}

static int __do_migration(struct remote_context *rc, struct popcorn_task *task, struct pcn_peer *peer,
			  const void *blob, u32 blob_len)
{
	struct pcn_kmsg_message *msg = migrate_message(rc, blob, blob_len);
	struct pcn_task_key key;
	struct pcn_peer *old;
	int err;

	if (!msg)
		return -ENOMEM;
	spin_lock(&rc->lock);
	if (task->state != POPCORN_TASK_HOME) {
		spin_unlock(&rc->lock);
		pcn_kmsg_done(msg);
		return -EBUSY;
	}
	task->state = POPCORN_TASK_LEAVING;
	task->error = 0;
	task->hop = ++rc->hops;
	old = task->peer;
	task->peer = pcn_peer_hold(peer);
	popcorn_task_key(rc, task, &key);
	spin_unlock(&rc->lock);
	if (old)
		pcn_peer_put(old);

	err = __request_clone_remote(peer, &key, msg);
	if (err) {
		spin_lock(&rc->lock);
		task->state = POPCORN_TASK_HOME;
		spin_unlock(&rc->lock);
		return err;
	}
	err = wait_for_pairing(rc, task);
	if (err == -EINTR)
		post_exit_origin(peer, &key);
	return err == -ETIMEDOUT && task_leaving(rc, task) ? call_off(rc, task, peer, &key) : err;
}

/* A thread that has left once, by its id for the calling process; with a reference. */
static struct popcorn_task *find_task(struct remote_context *rc, u32 tid)
{
	struct popcorn_task *task;
	u32 pid;

	rcu_read_lock();
	pid = pid_nr(find_vpid(tid));
	rcu_read_unlock();
	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, pid, 0);
	if (task)
		popcorn_task_hold(task);
	spin_unlock(&rc->lock);
	return task;
}

/* The calling thread's task; made when it leaves for the first time. */
static struct popcorn_task *own_task(struct remote_context *rc, bool make)
{
	u32 pid = task_pid_nr(current);
	struct popcorn_task *task, *spare = make ? popcorn_task_alloc(pid) : NULL;

	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, pid, 0);
	if (!task && spare) {
		task = spare;
		spare = NULL;
		list_add(&task->link, &rc->tasks);
	}
	if (task)
		popcorn_task_hold(task);
	spin_unlock(&rc->lock);
	if (spare)
		popcorn_task_put(spare);
	return task;
}

static int process_server_do_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len)
{
	struct popcorn_task *task;
	struct pcn_peer *peer;
	int err;

	if (nid == popcorn_nid)
		return -EINVAL;
	task = own_task(rc, true);
	if (!task)
		return -ENOMEM;
	note_limits(rc);
	peer = place_bind(rc, nid);
	err = PTR_ERR_OR_ZERO(peer);
	if (!err) {
		err = __do_migration(rc, task, peer, blob, blob_len);
		pcn_peer_put(peer);
	}
	trace_popcorn_hop(rc->id, task->pid, popcorn_nid, nid, err);
	popcorn_count(err ? POPCORN_STAT_HOPS_REFUSED : POPCORN_STAT_HOPS_OUT);
	popcorn_task_put(task);
	return err;
}

/**
 * popcorn_migrate() - the calling thread goes to another node
 * @rc: its program
 * @arg: see the uapi header
 *
 * Return: 0 once it is there, or a negative errno: it goes on here.
 */
long popcorn_migrate(struct remote_context *rc, const struct popcorn_migrate *arg)
{
	void *blob;
	long err;

	if (arg->flags || arg->reserved || arg->blob_len > POPCORN_BLOB_MAX || !arg->blob_len)
		return -EINVAL;
	blob = vmemdup_user(u64_to_user_ptr(arg->blob), arg->blob_len);
	if (IS_ERR(blob))
		return PTR_ERR(blob);
	if (rc->for_remote)
		err = remote_do_back_migration(rc, arg->nid, blob, arg->blob_len);
	else
		err = process_server_do_migration(rc, arg->nid, blob, arg->blob_len);
	kvfree(blob);
	return err;
}

/* The task that a peer's message speaks of, if it is the peer's to speak of. The program's lock is held. */
static struct popcorn_task *peers_task(struct remote_context *rc, const struct pcn_kmsg_message *msg,
				       const struct pcn_task_key *key)
{
	u32 hop = le32_to_cpu(key->hop);
	struct popcorn_task *task = hop ? popcorn_task_find(rc, le32_to_cpu(key->pid), hop) : NULL;

	return task && task->peer == msg->peer ? task : NULL;
}

static struct remote_context *origin_context(const struct pcn_task_key *key)
{
	return popcorn_context_find(popcorn_nid, le64_to_cpu(key->context));
}

static void reply_empty(const struct pcn_kmsg_message *msg, int err)
{
	u64 id = le64_to_cpu(msg->hdr.id);

	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
}

/*
 * An onward hop has ended, well or not: the node that the thread left gets its answer. The program's lock is
 * held; returns that node's message, to be answered and freed without the lock.
 */
static struct pcn_kmsg_message *onward_done(struct popcorn_task *task, int err, struct pcn_peer **drop)
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

static void onward_answer(struct pcn_kmsg_message *back, struct pcn_peer *drop, int err)
{
	if (drop)
		pcn_peer_put(drop);
	if (!back)
		return;
	reply_empty(back, err);
	pcn_kmsg_done(back);
}

/* Step 3: the remote thread has its state and waits for the word to run. */
static int handle_task_pairing(struct pcn_kmsg_message *msg)
{
	struct pcn_task_pairing *pairing = (struct pcn_task_pairing *)msg->body;
	struct remote_context *rc = origin_context(&pairing->key);
	struct pcn_kmsg_message *back = NULL;
	struct pcn_peer *drop = NULL;
	struct popcorn_task *task;
	int err = -ESTALE;

	if (rc) {
		spin_lock(&rc->lock);
		task = peers_task(rc, msg, &pairing->key);
		if (task && task->state == POPCORN_TASK_LEAVING) {
			task->state = POPCORN_TASK_AWAY;
			wake_up_all(&task->wait);
			err = 0;
		} else if (task && task->state == POPCORN_TASK_ONWARD) {
			back = onward_done(task, 0, &drop);
			err = 0;
		}
		spin_unlock(&rc->lock);
		popcorn_context_put(rc);
	}
	reply_empty(msg, err);
	onward_answer(back, drop, 0);
	pcn_kmsg_done(msg);
	return 0;
}

/* Instead of step 3: the remote cannot, or will not, take the thread. */
static int handle_task_migrate_nack(struct pcn_kmsg_message *msg)
{
	struct pcn_task_nack *nack = (struct pcn_task_nack *)msg->body;
	u32 error = le32_to_cpu(nack->error);
	struct pcn_kmsg_message *back = NULL;
	struct pcn_peer *drop = NULL;
	struct remote_context *rc;
	struct popcorn_task *task;

	if (!error || error > MAX_ERRNO) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	rc = origin_context(&nack->key);
	if (rc) {
		spin_lock(&rc->lock);
		task = peers_task(rc, msg, &nack->key);
		if (task && task->state == POPCORN_TASK_LEAVING) {
			task->state = POPCORN_TASK_HOME;
			task->error = -(int)error;
			wake_up_all(&task->wait);
		} else if (task && task->state == POPCORN_TASK_ONWARD) {
			back = onward_done(task, -(int)error, &drop);
		}
		spin_unlock(&rc->lock);
		popcorn_context_put(rc);
	}
	onward_answer(back, drop, -(int)error);
	pcn_kmsg_done(msg);
	return 0;
}

/* Gives the shadow something to do. The program's lock is held; takes over @work. */
static void request_remote_work(struct popcorn_task *task, struct popcorn_work *work)
{
	list_add_tail(&work->link, &task->events);
	wake_up_all(&task->wait);
}

static struct popcorn_work *work_alloc(enum popcorn_event event, s64 result, struct pcn_kmsg_message *msg)
{
	struct popcorn_work *work = kzalloc(sizeof(*work), GFP_KERNEL);

	if (work) {
		work->event = event;
		work->result = result;
		work->msg = msg;
	}
	return work;
}

/* A→B→C: the thread goes on to a third node; its shadow stays and its place changes hands here. */
static int do_onward_migration(struct remote_context *rc, struct pcn_kmsg_message *msg)
{
	struct pcn_task_back *body = (struct pcn_task_back *)msg->body;
	struct pcn_kmsg_message *migrate;
	struct pcn_task_key key;
	struct popcorn_task *task;
	struct pcn_peer *peer, *old = NULL;
	int err = -ESTALE;

	peer = place_bind(rc, le32_to_cpu(body->nid));
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	migrate = migrate_message(rc, body->blob, le32_to_cpu(body->blob_len));
	if (!migrate) {
		pcn_peer_put(peer);
		return -ENOMEM;
	}
	/* If the time passes, it goes on where it was. */
	((struct pcn_task_migrate *)migrate->body)->flags = cpu_to_le32(PCN_MIGRATE_WAIT);
	spin_lock(&rc->lock);
	task = peers_task(rc, msg, &body->key);
	if (task && task->state == POPCORN_TASK_AWAY) {
		old = task->peer;
		task->peer = pcn_peer_hold(peer);
		task->hop = ++rc->hops;
		task->back = msg;
		task->deadline = jiffies + msecs_to_jiffies(popcorn_timeout_ms);
		task->state = POPCORN_TASK_ONWARD;
		popcorn_task_key(rc, task, &key);
		wake_up_all(&task->wait);
		err = 0;
	}
	spin_unlock(&rc->lock);
	if (err) {
		pcn_kmsg_done(migrate);
	} else {
		pcn_peer_put(old);
		/* If this fails, the peer's death or the deadline ends the hop. */
		__request_clone_remote(peer, &key, migrate);
	}
	pcn_peer_put(peer);
	return err;
}

static int handle_back_migration(struct remote_context *rc, struct pcn_kmsg_message *msg)
{
	struct pcn_task_back *body = (struct pcn_task_back *)msg->body;
	struct popcorn_work *work = work_alloc(POPCORN_EVENT_BACK, 0, msg);
	struct pcn_peer *peer = msg->peer;
	u64 id = le64_to_cpu(msg->hdr.id);
	struct popcorn_task *task;
	int err = -ESTALE;

	if (!work)
		return -ENOMEM;
	/* Once it is queued, the message is the shadow's; the peer is the receiver's own. */
	spin_lock(&rc->lock);
	task = peers_task(rc, msg, &body->key);
	if (task && task->state == POPCORN_TASK_AWAY) {
		task->state = POPCORN_TASK_HOME;
		request_remote_work(task, work);
		err = 0;
	}
	spin_unlock(&rc->lock);
	if (err)
		kfree(work);
	else
		pcn_kmsg_reply(peer, PCN_KMSG_TYPE_TASK_MIGRATE_BACK, id, NULL, 0);
	return err;
}

/* The way back, or onward: the thread's state comes from the node that it leaves. */
static int handle_task_migrate_back(struct pcn_kmsg_message *msg)
{
	struct pcn_task_back *body = (struct pcn_task_back *)msg->body;
	struct remote_context *rc;
	int err = -ESTALE;

	if (msg->length != sizeof(*body) + le32_to_cpu(body->blob_len)) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	rc = origin_context(&body->key);
	if (rc) {
		if (le32_to_cpu(body->nid) == popcorn_nid)
			err = handle_back_migration(rc, msg);
		else
			err = do_onward_migration(rc, msg);
		popcorn_context_put(rc);
	}
	if (err) {
		reply_empty(msg, err);
		pcn_kmsg_done(msg);
	}
	return 0;
}

static int handle_syscall_fwd(struct pcn_kmsg_message *msg)
{
	struct pcn_syscall *call = (struct pcn_syscall *)msg->body;
	struct popcorn_work *work = work_alloc(POPCORN_EVENT_SYSCALL, 0, msg);
	struct remote_context *rc = work ? origin_context(&call->key) : NULL;
	struct popcorn_task *task = NULL;

	if (rc) {
		spin_lock(&rc->lock);
		task = peers_task(rc, msg, &call->key);
		if (task && task->state == POPCORN_TASK_AWAY)
			request_remote_work(task, work);
		else
			task = NULL;
		spin_unlock(&rc->lock);
		popcorn_context_put(rc);
	}
	if (!task) {
		kfree(work);
		reply_empty(msg, -ESRCH);
		pcn_kmsg_done(msg);
	}
	return 0;
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
static void place_lost(struct remote_context *rc, struct pcn_peer *peer, s64 result)
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
		onward_answer(back, drop, -ECONNRESET);
	} while (task);
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

/* A remote thread has ended, or (pid 0) the program's whole process there. */
static int handle_task_exit_remote(struct pcn_kmsg_message *msg)
{
	struct pcn_task_exit *end = (struct pcn_task_exit *)msg->body;
	s32 code = le32_to_cpu(end->code);
	struct remote_context *rc = origin_context(&end->key);
	struct popcorn_work *work = NULL;
	struct popcorn_task *task;

	if (rc && !end->key.pid) {
		place_lost(rc, msg->peer, code);
	} else if (rc) {
		work = kzalloc(sizeof(*work), GFP_KERNEL | __GFP_NOFAIL);
		work->event = POPCORN_EVENT_EXIT;
		work->result = code;
		spin_lock(&rc->lock);
		task = peers_task(rc, msg, &end->key);
		if (task && task->state == POPCORN_TASK_AWAY) {
			task->state = POPCORN_TASK_HOME;
			request_remote_work(task, work);
			work = NULL;
		}
		spin_unlock(&rc->lock);
	}
	kfree(work);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

static int answer_call(struct remote_context *rc, struct popcorn_task *task, const struct popcorn_serve *arg)
{
	struct pcn_syscall_reply reply = { .result = cpu_to_le64(arg->answer_result) };
	struct popcorn_work *work, *found = NULL;

	spin_lock(&rc->lock);
	list_for_each_entry(work, &task->calls, link)
		if (le64_to_cpu(work->msg->hdr.id) == arg->answer)
			found = work;
	if (found)
		list_del(&found->link);
	spin_unlock(&rc->lock);
	if (!found)
		return -EINVAL;
	pcn_kmsg_reply(found->msg->peer, found->msg->hdr.type, arg->answer, &reply, sizeof(reply));
	work_free(found);
	return 0;
}

static int give_blob(const struct popcorn_work *work, struct popcorn_serve *arg)
{
	struct pcn_task_back *body = (struct pcn_task_back *)work->msg->body;
	u32 blob_len = le32_to_cpu(body->blob_len);

	if (blob_len > arg->blob_len)
		return -EMSGSIZE;
	if (copy_to_user(u64_to_user_ptr(arg->blob), body->blob, blob_len))
		return -EFAULT;
	arg->blob_len = blob_len;
	return 0;
}

static void give_call(const struct popcorn_work *work, struct popcorn_serve *arg)
{
	struct pcn_syscall *call = (struct pcn_syscall *)work->msg->body;
	int i;

	arg->id = le64_to_cpu(work->msg->hdr.id);
	arg->nr = le64_to_cpu(call->nr);
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		arg->args[i] = le64_to_cpu(call->args[i]);
}

/* The first event, which stays where it is; an ERR_PTR if there never will be one; NULL: not yet. */
static struct popcorn_work *next_work(struct remote_context *rc, struct popcorn_task *task)
{
	struct pcn_kmsg_message *back = NULL;
	struct pcn_peer *drop = NULL;
	struct popcorn_work *work;

	spin_lock(&rc->lock);
	work = list_first_entry_or_null(&task->events, struct popcorn_work, link);
	if (!work && task->state == POPCORN_TASK_HOME)
		work = ERR_PTR(-ESRCH);
	if (task->state == POPCORN_TASK_ONWARD && time_after(jiffies, task->deadline))
		back = onward_done(task, -ETIMEDOUT, &drop);
	spin_unlock(&rc->lock);
	onward_answer(back, drop, -ETIMEDOUT);
	return work;
}

static bool task_onward(const struct popcorn_task *task)
{
	return READ_ONCE(task->state) == POPCORN_TASK_ONWARD;
}

static long wait_for_work(struct popcorn_task *task, long left)
{
	bool onward = task_onward(task);

	/* An onward hop may have to be given up. */
	return wait_event_interruptible_timeout(task->wait,
						!list_empty_careful(&task->events) ||
						(!onward && task_onward(task)),
						onward ? min(left, (long)HZ) : left);
}

/* What there is within the time; NULL if nothing, or an ERR_PTR. */
static struct popcorn_work *await_work(struct remote_context *rc, struct popcorn_task *task, u32 timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	struct popcorn_work *work;
	long left;

	while (!(work = next_work(rc, task))) {
		left = timeout_ms ? (long)(end - jiffies) : MAX_SCHEDULE_TIMEOUT;
		if (left <= 0)
			break;
		if (wait_for_work(task, left) < 0)
			return ERR_PTR(-EINTR);
	}
	return work;
}

static int serve(struct remote_context *rc, struct popcorn_task *task, struct popcorn_serve *arg)
{
	struct popcorn_work *work;
	int err;

	if (arg->answer) {
		err = answer_call(rc, task, arg);
		if (err)
			return err;
	}
	arg->event = POPCORN_EVENT_NONE;
	if (arg->flags & POPCORN_SERVE_ANSWER)
		return 0;
	work = await_work(rc, task, arg->timeout_ms);
	if (IS_ERR_OR_NULL(work))
		return PTR_ERR_OR_ZERO(work);
	if (work->event == POPCORN_EVENT_BACK) {
		err = give_blob(work, arg);
		if (err)
			return err;
		popcorn_arrive(rc, task->pid);
	}
	if (work->event == POPCORN_EVENT_SYSCALL)
		give_call(work, arg);
	if (work->event == POPCORN_EVENT_LOST)
		arg->nr = work->nid;
	arg->event = work->event;
	arg->result = work->result;
	spin_lock(&rc->lock);
	list_del_init(&work->link);
	if (work->event == POPCORN_EVENT_SYSCALL)
		list_add(&work->link, &task->calls);
	spin_unlock(&rc->lock);
	if (work->event != POPCORN_EVENT_SYSCALL)
		work_free(work);
	return 0;
}

/**
 * __process_remote_works() - the shadow's completion loop, one turn
 * @rc: the program
 * @arg: see the uapi header
 *
 * Return: 0 with an event, or a negative errno.
 */
long __process_remote_works(struct remote_context *rc, struct popcorn_serve *arg)
{
	struct popcorn_task *task;
	int err;

	if (arg->flags & ~POPCORN_SERVE_ANSWER)
		return -EINVAL;
	task = own_task(rc, false);
	if (!task)
		return -ESRCH;
	err = serve(rc, task, arg);
	popcorn_task_put(task);
	return err;
}

/**
 * process_server_signal() - hand a signal that hit the shadow to its thread
 * @rc: the program
 * @arg: see the uapi header
 *
 * Return: 0, or a negative errno.
 */
long process_server_signal(struct remote_context *rc, const struct popcorn_signal *arg)
{
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	struct pcn_peer *peer = NULL;
	struct popcorn_task *task;
	struct pcn_signal *signal;
	int err;

	if (arg->reserved)
		return -EINVAL;
	task = arg->tid ? find_task(rc, arg->tid) : own_task(rc, false);
	if (!task)
		return -ESRCH;
	err = -ENOMEM;
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_SIGNAL_FWD, sizeof(*signal));
	if (!msg)
		goto put_task;
	signal = (struct pcn_signal *)msg->body;
	spin_lock(&rc->lock);
	popcorn_task_key(rc, task, &signal->key);
	if (task->state == POPCORN_TASK_AWAY)
		peer = pcn_peer_hold(task->peer);
	spin_unlock(&rc->lock);
	signal->signo = cpu_to_le32(arg->signo);
	signal->code = cpu_to_le32(arg->code);
	signal->pid = cpu_to_le32(arg->pid);
	signal->uid = cpu_to_le32(arg->uid);
	signal->value = cpu_to_le64(arg->value);
	err = -ESRCH;
	if (!peer) {
		pcn_kmsg_done(msg);
		goto put_task;
	}
	request = pcn_request_start(peer, msg, NULL, NULL);
	pcn_peer_put(peer);
	err = PTR_ERR_OR_ZERO(request);
	if (err)
		goto put_task;
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms);
	pcn_request_put(request);
put_task:
	popcorn_task_put(task);
	return err;
}

/**
 * process_server_tell() - have a program's worker on another node look at something, and wait until it has
 * @rc: the program
 * @nid: the node
 *
 * Return: 0, or a negative errno: -ESRCH if the program is not there.
 */
int process_server_tell(struct remote_context *rc, u32 nid)
{
	struct pcn_peer *peer = process_server_place(rc, nid);
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	int err;

	if (!peer)
		return -ESRCH;
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_WORKER_TELL, sizeof(struct pcn_worker_tell));
	if (msg) {
		((struct pcn_worker_tell *)msg->body)->context = cpu_to_le64(rc->id);
		request = pcn_request_start(peer, msg, NULL, NULL);
	} else {
		request = ERR_PTR(-ENOMEM);
	}
	err = PTR_ERR_OR_ZERO(request);
	if (!err) {
		err = pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms);
		pcn_request_put(request);
	}
	pcn_peer_put(peer);
	return err;
}

/**
 * process_server_create() - the calling process is a program at home here
 * @arg: see the uapi header
 * @inode: of its device file
 *
 * Return: the program with a reference, or an ERR_PTR.
 */
struct remote_context *process_server_create(const struct popcorn_origin *arg, struct inode *inode)
{
	u64 id = (u64)atomic_inc_return(&generations) << 32 | (u32)task_tgid_nr(current);
	struct remote_context *rc;

	if (popcorn_nid < 0)
		return ERR_PTR(-ENONET);
	if (!arg->pages || arg->pages > POPCORN_PAGES_MAX)
		return ERR_PTR(-EINVAL);
	rc = popcorn_context_alloc(popcorn_nid, id, arg->pages);
	if (!rc)
		return ERR_PTR(-ENOMEM);
	rc->uid = current_euid();
	rc->gid = current_egid();
	memcpy(rc->hash, arg->hash, sizeof(rc->hash));
	get_task_comm(rc->comm, current);
	popcorn_context_own(rc, inode);
	popcorn_context_enter(rc);
	return rc;
}

/**
 * process_server_end() - a program at home here has ended, however it ended
 * @rc: the program
 *
 * TASK_EXIT_ORIGIN goes to every node where it is.
 */
void process_server_end(struct remote_context *rc)
{
	struct pcn_task_key key = { .context = cpu_to_le64(rc->id) };
	struct popcorn_task *task, *next;
	struct pcn_peer *peer;
	LIST_HEAD(tasks);
	u32 nid;

	popcorn_context_remove(rc);
	spin_lock(&rc->lock);
	list_splice_init(&rc->tasks, &tasks);
	spin_unlock(&rc->lock);
	list_for_each_entry_safe(task, next, &tasks, link)
		popcorn_task_drop(task);
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++) {
		peer = READ_ONCE(rc->places[nid].peer);
		if (peer)
			post_exit_origin(peer, &key);
	}
}

void process_server_init(void)
{
	REGISTER_KMSG_HANDLER(TASK_PAIRING, handle_task_pairing);
	REGISTER_KMSG_HANDLER(TASK_MIGRATE_NACK, handle_task_migrate_nack);
	REGISTER_KMSG_HANDLER(TASK_MIGRATE_BACK, handle_task_migrate_back);
	REGISTER_KMSG_HANDLER(TASK_EXIT_REMOTE, handle_task_exit_remote);
	REGISTER_KMSG_HANDLER(SYSCALL_FWD, handle_syscall_fwd);
}
