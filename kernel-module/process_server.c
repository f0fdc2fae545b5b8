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
#include "process_server_internal.h"
#include "remote.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

static atomic_t generations = ATOMIC_INIT(0);

struct remote_context *origin_context(const struct pcn_task_key *key)
{
	return popcorn_context_find(popcorn_nid, le64_to_cpu(key->context));
}

/* The task that a peer's message speaks of, if it is the peer's to speak of. The program's lock is held. */
struct popcorn_task *origin_task(struct remote_context *rc, const struct pcn_kmsg_message *msg,
				 const struct pcn_task_key *key)
{
	u32 hop = le32_to_cpu(key->hop);
	struct popcorn_task *task = hop ? popcorn_task_find(rc, le32_to_cpu(key->pid), hop) : NULL;

	return task && task->peer == msg->peer ? task : NULL;
}

void origin_reply(const struct pcn_kmsg_message *msg, int err)
{
	u64 id = le64_to_cpu(msg->hdr.id);

	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
}

/* The calling thread's task; made when it leaves for the first time. */
struct popcorn_task *origin_own_task(struct remote_context *rc, bool make)
{
	u32 pid = task_pid_nr(current);
	struct popcorn_task *task, *spare = make ? popcorn_task_alloc(pid) : NULL;

	spin_lock(&rc->lock);
	task = popcorn_task_find(rc, pid, 0);
	if (!task && spare && !rc->ended) {
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

/* A thread that is at home, and that nothing waits for, leaves nothing here. */
void origin_task_home(struct remote_context *rc, struct popcorn_task *task)
{
	bool done;

	spin_lock(&rc->lock);
	done = task->state == POPCORN_TASK_HOME && list_empty(&task->events) && list_empty(&task->calls) &&
	       !list_empty(&task->link);
	if (done)
		list_del_init(&task->link);
	spin_unlock(&rc->lock);
	if (done)
		popcorn_task_drop(task);
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
struct pcn_kmsg_message *origin_migrate_message(struct remote_context *rc, const void *blob, u32 blob_len)
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
int __request_clone_remote(struct pcn_peer *peer, const struct pcn_task_key *key,
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

	while ((err = ask_cancel(peer, key)) == -EAGAIN && !fatal_signal_pending(current))
		usleep_range(1000, 2000);
	if (err && err != -EINTR && err != -EAGAIN) {
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
	struct pcn_kmsg_message *msg = origin_migrate_message(rc, blob, blob_len);
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

static int process_server_do_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len)
{
	struct popcorn_task *task;
	struct pcn_peer *peer;
	int err;

	if (nid == popcorn_nid)
		return -EINVAL;
	task = origin_own_task(rc, true);
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
	if (err)
		origin_task_home(rc, task);
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
		task = origin_task(rc, msg, &pairing->key);
		if (task && task->state == POPCORN_TASK_LEAVING) {
			task->state = POPCORN_TASK_AWAY;
			wake_up_all(&task->wait);
			err = 0;
		} else if (task && task->state == POPCORN_TASK_ONWARD) {
			back = onward_done(task, 0, &drop);
			err = 0;
		}
		spin_unlock(&rc->lock);
	}
	origin_reply(msg, err);
	onward_answer(rc, back, drop, 0);
	if (rc)
		popcorn_context_put(rc);
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

	if (!pcn_kmsg_error(error)) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	rc = origin_context(&nack->key);
	if (rc) {
		spin_lock(&rc->lock);
		task = origin_task(rc, msg, &nack->key);
		if (task && task->state == POPCORN_TASK_LEAVING) {
			task->state = POPCORN_TASK_HOME;
			task->error = -(int)error;
			wake_up_all(&task->wait);
		} else if (task && task->state == POPCORN_TASK_ONWARD) {
			back = onward_done(task, -(int)error, &drop);
		}
		spin_unlock(&rc->lock);
		onward_answer(rc, back, drop, -(int)error);
		popcorn_context_put(rc);
	}
	pcn_kmsg_done(msg);
	return 0;
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
	/* Another machine may give the ids of a user namespace to somebody else. */
	if (current_user_ns() != &init_user_ns)
		return ERR_PTR(-EPERM);
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

/* Takes a thread out of a program that has ended: no other comes. (Some may still be asking for something.) */
static struct popcorn_task *end_task(struct remote_context *rc)
{
	struct popcorn_task *task;

	spin_lock(&rc->lock);
	rc->ended = true;
	task = list_first_entry_or_null(&rc->tasks, struct popcorn_task, link);
	if (task)
		list_del_init(&task->link);
	spin_unlock(&rc->lock);
	return task;
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
	struct popcorn_task *task;
	struct pcn_peer *peer;
	u32 nid;

	popcorn_context_remove(rc);
	while ((task = end_task(rc)))
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
	homecoming_init();
	shadow_init();
}
