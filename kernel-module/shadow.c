// SPDX-License-Identifier: GPL-2.0-only
/*
 * At the origin: the shadow of a thread that is away. It waits for what the thread asks for and for what becomes of it, and
 * hands on the signals that hit it.
 */
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "page.h"
#include "process_server_internal.h"
#include "request.h"

static int handle_syscall_fwd(struct pcn_kmsg_message *msg)
{
	struct pcn_syscall *call = (struct pcn_syscall *)msg->body;
	struct popcorn_work *work = shadow_work(POPCORN_EVENT_SYSCALL, 0, msg);
	struct remote_context *rc = work ? origin_context(&call->key) : NULL;
	struct popcorn_task *task = NULL;
	int err = work ? -ESRCH : -ENOMEM;

	if (rc) {
		spin_lock(&rc->lock);
		task = origin_task(rc, msg, &call->key);
		/* The nodes that it has been to see to it that there are not too many. */
		if (!task || task->state != POPCORN_TASK_AWAY ||
		    !atomic_add_unless(&task->unanswered, 1, 4 * POPCORN_CALLS_MAX))
			task = NULL;
		else
			request_remote_work(task, work);
		spin_unlock(&rc->lock);
		popcorn_context_put(rc);
	}
	if (!task) {
		kfree(work);
		origin_reply(msg, err);
		pcn_kmsg_done(msg);
	}
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
	atomic_dec(&task->unanswered);
	pcn_kmsg_reply(found->msg->peer, found->msg->hdr.type, arg->answer, &reply, sizeof(reply));
	popcorn_work_free(found);
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
	onward_answer(rc, back, drop, -ETIMEDOUT);
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
		popcorn_work_free(work);
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
	task = origin_own_task(rc, false);
	if (!task)
		return -ESRCH;
	err = serve(rc, task, arg);
	if (!err && arg->event >= POPCORN_EVENT_BACK)
		origin_task_home(rc, task);
	popcorn_task_put(task);
	return err;
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

static int ask_signal(struct remote_context *rc, struct popcorn_task *task, const struct popcorn_signal *arg)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_SIGNAL_FWD, sizeof(struct pcn_signal));
	struct pcn_request *request;
	struct pcn_peer *peer = NULL;
	struct pcn_signal *signal;
	int err;

	if (!msg)
		return -ENOMEM;
	signal = (struct pcn_signal *)msg->body;
	spin_lock(&rc->lock);
	popcorn_task_key(rc, task, &signal->key);
	if (task->state == POPCORN_TASK_AWAY)
		peer = pcn_peer_hold(task->peer);
	spin_unlock(&rc->lock);
	if (!peer) {
		pcn_kmsg_done(msg);
		return -ESRCH;
	}
	signal->signo = cpu_to_le32(arg->signo);
	signal->code = cpu_to_le32(arg->code);
	signal->pid = cpu_to_le32(arg->pid);
	signal->uid = cpu_to_le32(arg->uid);
	signal->value = cpu_to_le64(arg->value);
	request = pcn_request_start(peer, msg, NULL, NULL);
	pcn_peer_put(peer);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, popcorn_timeout_ms);
	pcn_request_put(request);
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
	struct popcorn_task *task;
	int err;

	if (arg->reserved)
		return -EINVAL;
	task = arg->tid ? find_task(rc, arg->tid) : origin_own_task(rc, false);
	if (!task)
		return -ESRCH;
	/* The signal has been taken from whoever sent it: it must not be lost. (-EAGAIN: the thread has too many.) */
	do
		err = ask_signal(rc, task, arg);
	while (err == -ENOMEM && pcn_request_again(err));
	popcorn_task_put(task);
	return err;
}

static int ask_tell(struct remote_context *rc, struct pcn_peer *peer)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_WORKER_TELL, sizeof(struct pcn_worker_tell));
	struct pcn_request *request;
	int err;

	if (!msg)
		return -ENOMEM;
	((struct pcn_worker_tell *)msg->body)->context = cpu_to_le64(rc->id);
	request = pcn_request_start(peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	/* A lost peer is found to be lost before that: then the program is not there any more. */
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 2 * popcorn_timeout_ms);
	pcn_request_put(request);
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
	int err;

	if (!peer)
		return -ESRCH;
	do
		err = ask_tell(rc, peer);
	while (pcn_request_again(err));
	pcn_peer_put(peer);
	return err;
}

void shadow_init(void)
{
	REGISTER_KMSG_HANDLER(SYSCALL_FWD, handle_syscall_fwd);
}
