// SPDX-License-Identifier: GPL-2.0-only
/* On a remote node: system calls that a thread's shadow at the origin performs. */
#include "remote_internal.h"
#include "request.h"
#include "stats.h"

static int syscall_answered(struct pcn_request *request)
{
	struct popcorn_task *task = request->data;

	atomic_dec(&task->unanswered);
	wake_up_all(&task->wait);
	popcorn_task_put(task);
	return 0;
}

static int syscall_start(struct remote_context *rc, struct popcorn_task *task, const struct popcorn_syscall *arg)
{
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	struct pcn_syscall *call;
	int i;

	if (task->depth == POPCORN_SYSCALL_DEPTH)
		return -EBUSY;
	if (wait_event_interruptible(task->wait, atomic_read(&task->unanswered) < POPCORN_CALLS_MAX))
		return -EINTR;
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_SYSCALL_FWD, sizeof(*call));
	if (!msg)
		return -ENOMEM;
	call = (struct pcn_syscall *)msg->body;
	popcorn_task_key(rc, task, &call->key);
	call->nr = cpu_to_le64(arg->nr);
	for (i = 0; i < ARRAY_SIZE(call->args); i++)
		call->args[i] = cpu_to_le64(arg->args[i]);
	atomic_inc(&task->unanswered);
	request = pcn_request_start(rc->peer, msg, syscall_answered, popcorn_task_hold(task));
	if (IS_ERR(request)) {
		atomic_dec(&task->unanswered);
		popcorn_task_put(task);
		return PTR_ERR(request);
	}
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

/* Starts the call if that has not been done, and waits for its end. */
static int syscall_perform(struct remote_context *rc, struct popcorn_task *task, struct popcorn_syscall *arg)
{
	int err = 0;

	if (!(arg->flags & POPCORN_SYSCALL_WAIT))
		err = syscall_start(rc, task, arg);
	if (err)
		return err;
	arg->flags |= POPCORN_SYSCALL_WAIT;
	err = syscall_finish(task, &arg->result);
	/* The origin had no memory for it, and has not begun. */
	if (err == -ENOMEM)
		arg->flags &= ~POPCORN_SYSCALL_WAIT;
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
	task = remote_running_task(rc);
	if (!task)
		return -ESRCH;
	if (arg->flags & POPCORN_SYSCALL_FORGET) {
		syscalls_forget(task, arg->args[0]);
		goto put_task;
	}
	do
		err = syscall_perform(rc, task, arg);
	while (err == -ENOMEM && pcn_request_again(err));
put_task:
	popcorn_task_put(task);
	return err;
}
