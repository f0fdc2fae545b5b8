// SPDX-License-Identifier: GPL-2.0-only
/* On a remote node: a thread of a program, from its arrival until it leaves or ends. */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "page.h"
#include "remote_internal.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

static int restore_thread_info(const struct popcorn_task *task, struct popcorn_start __user *start, size_t size)
{
	if (size < sizeof(*start) + task->blob_len)
		return -EMSGSIZE;
	if (put_user(task->blob_len, &start->blob_len) ||
	    copy_to_user(start->blob, task->blob, task->blob_len))
		return -EFAULT;
	return 0;
}

static struct pcn_request *post_pairing(struct remote_context *rc, const struct popcorn_task *task)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_TASK_PAIRING,
						      sizeof(struct pcn_task_pairing));
	struct pcn_task_pairing *pairing;

	if (!msg)
		return ERR_PTR(-ENOMEM);
	pairing = (struct pcn_task_pairing *)msg->body;
	popcorn_task_key(rc, task, &pairing->key);
	pairing->remote_tgid = cpu_to_le32(task_tgid_nr(current));
	pairing->remote_pid = cpu_to_le32(task_pid_nr(current));
	return pcn_request_start(rc->peer, msg, NULL, NULL);
}

static void refuse(struct remote_context *rc, const struct popcorn_task *task, int err)
{
	struct pcn_task_key key;

	popcorn_task_key(rc, task, &key);
	remote_post_nack(rc->peer, &key, err);
}

/*
 * Step 3 at the remote: tell the origin. Nothing that the thread does overtakes this message, so it need not wait
 * for the answer: an origin that has not seen the one has not seen the other.
 */
static int pair(struct remote_context *rc, struct popcorn_task *task)
{
	struct pcn_request *request = post_pairing(rc, task);
	int err;

	if (IS_ERR(request)) {
		refuse(rc, task, PTR_ERR(request));
		return PTR_ERR(request);
	}
	err = task->waits ? pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms) : 0;
	pcn_request_put(request);
	/* The origin answers at once; one that does not may have said yes. */
	if (err == -ETIMEDOUT)
		pcn_peer_close(rc->peer, err);
	return err;
}

void remote_task_end(struct remote_context *rc, struct popcorn_task *task)
{
	bool there;

	spin_lock(&rc->lock);
	there = task->state != POPCORN_TASK_GONE;
	if (there) {
		rc->threads--;
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
	bool again;
	int err;

	if (size < sizeof(*start))
		return -EINVAL;
	if (copy_from_user(&key, &start->key, sizeof(key)))
		return -EFAULT;
	again = !key.hop;
	err = again ? parked_wait(rc, &key) : 0;
	if (err)
		return err;
	task = claim_task(rc, &key);
	if (!task)
		return again ? -EINTR : -ESRCH;
	result = sizeof(*start) + task->blob_len;
	err = restore_thread_info(task, start, size);
	if (err)
		refuse(rc, task, err);
	else
		err = pair(rc, task);
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
		remote_task_end(rc, task);
	} else {
		popcorn_count(POPCORN_STAT_HOPS_IN);
		popcorn_arrive(rc, task->pid);
	}
	popcorn_task_put(task);
	return err ? err : result;
}

/* The calling thread's task, with a reference. */
struct popcorn_task *remote_running_task(struct remote_context *rc)
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
	task = remote_running_task(rc);
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
		remote_task_end(rc, task);
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
	struct popcorn_task *task = remote_running_task(rc);
	struct pcn_task_key key;

	if (!task)
		return -ESRCH;
	popcorn_task_key(rc, task, &key);
	remote_post_exit(rc->peer, &key, code);
	remote_task_end(rc, task);
	popcorn_task_put(task);
	return 0;
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

void remote_thread_init(void)
{
	REGISTER_KMSG_HANDLER(SIGNAL_FWD, handle_signal_fwd);
}
