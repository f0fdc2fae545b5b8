// SPDX-License-Identifier: GPL-2.0-only
/*
 * The origin's half of the handshake. A thread that leaves becomes its own shadow:
 *
 *   process_server_do_migration -> __do_migration -> __request_clone_remote
 *	TASK_MIGRATE goes out; the remote answers TASK_PAIRING (or TASK_MIGRATE_NACK, or nothing in time)
 *   __process_remote_works
 *	the shadow serves: system calls, the thread's return, its exit, the loss of its node
 *
 * Every step can be refused and has a time limit; whatever goes wrong, the thread goes on where it was.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "process_server_internal.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

static atomic_t generations = ATOMIC_INIT(0);

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

	do
		err = ask_cancel(peer, key);
	while (pcn_request_again(err));
	if (err && err != -EINTR && err != -EAGAIN && err != -ENOMEM) {
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

/**
 * process_server_do_migration() - the calling thread leaves its origin
 * @rc: its program
 * @nid: where to
 * @blob: its state
 * @blob_len: bytes of @blob
 *
 * Return: 0 once it is there, or a negative errno: it goes on here.
 */
int process_server_do_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len)
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
