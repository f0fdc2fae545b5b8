// SPDX-License-Identifier: GPL-2.0-only
/* At the origin: threads come home, go on to a third node, or end where they are. */
#include <linux/slab.h>
#include "page.h"
#include "process_server_internal.h"

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
	migrate = origin_migrate_message(rc, body->blob, le32_to_cpu(body->blob_len));
	if (!migrate) {
		pcn_peer_put(peer);
		return -ENOMEM;
	}
	/* If the time passes, it goes on where it was. */
	((struct pcn_task_migrate *)migrate->body)->flags = cpu_to_le32(PCN_MIGRATE_WAIT);
	spin_lock(&rc->lock);
	task = origin_task(rc, msg, &body->key);
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
	struct popcorn_work *work = shadow_work(POPCORN_EVENT_BACK, 0, msg);
	struct pcn_peer *peer = msg->peer;
	u64 id = le64_to_cpu(msg->hdr.id);
	struct popcorn_task *task;
	int err = -ESTALE;

	if (!work)
		return -ENOMEM;
	popcorn_arrival_ask(rc, le32_to_cpu(body->key.pid));
	/* Once it is queued, the message is the shadow's; the peer is the receiver's own. */
	spin_lock(&rc->lock);
	task = origin_task(rc, msg, &body->key);
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

	if (msg->length != sizeof(*body) + le32_to_cpu(body->blob_len) || !body->blob_len) {
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
		origin_reply(msg, err);
		pcn_kmsg_done(msg);
	}
	return 0;
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
		task = origin_task(rc, msg, &end->key);
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

void homecoming_init(void)
{
	REGISTER_KMSG_HANDLER(TASK_MIGRATE_BACK, handle_task_migrate_back);
	REGISTER_KMSG_HANDLER(TASK_EXIT_REMOTE, handle_task_exit_remote);
}
