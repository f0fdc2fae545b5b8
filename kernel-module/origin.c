// SPDX-License-Identifier: GPL-2.0-only
/* What the files of the origin's half share: which thread a message speaks of, which one calls, what a hop takes along. */
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include "process_server_internal.h"

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
