// SPDX-License-Identifier: GPL-2.0-only
/* On a remote node: what its origin is told of a program's threads, and their end. */
#include "remote_internal.h"
#include "stats.h"

void remote_post_nack(struct pcn_peer *peer, const struct pcn_task_key *key, int error)
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

void remote_post_exit(struct pcn_peer *peer, const struct pcn_task_key *key, s32 code)
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
void remote_take_tasks(struct remote_context *rc, struct list_head *tasks)
{
	struct popcorn_task *task;

	spin_lock(&rc->lock);
	list_for_each_entry(task, &rc->tasks, link)
		task->state = POPCORN_TASK_GONE;
	list_splice_init(&rc->tasks, tasks);
	spin_unlock(&rc->lock);
}
