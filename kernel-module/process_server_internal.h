/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the origin's half share. */
#ifndef _POPCORN_PROCESS_SERVER_INTERNAL_H
#define _POPCORN_PROCESS_SERVER_INTERNAL_H

#include "process_server.h"

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

/* process_server.c */
struct popcorn_task *origin_task(struct remote_context *rc, const struct pcn_kmsg_message *msg,
				 const struct pcn_task_key *key);
struct remote_context *origin_context(const struct pcn_task_key *key);
void origin_reply(const struct pcn_kmsg_message *msg, int err);
struct popcorn_task *origin_own_task(struct remote_context *rc, bool make);
void origin_task_home(struct remote_context *rc, struct popcorn_task *task);
struct pcn_kmsg_message *origin_migrate_message(struct remote_context *rc, const void *blob, u32 blob_len);
int __request_clone_remote(struct pcn_peer *peer, const struct pcn_task_key *key,
			   struct pcn_kmsg_message *msg);

/* homecoming.c */
struct pcn_kmsg_message *onward_done(struct popcorn_task *task, int err, struct pcn_peer **drop);
void onward_answer(struct remote_context *rc, struct pcn_kmsg_message *back, struct pcn_peer *drop, int err);
void homecoming_init(void);

/* place.c */
struct pcn_peer *place_bind(struct remote_context *rc, u32 nid);
void place_lost(struct remote_context *rc, struct pcn_peer *peer, s64 result);
void place_lost_again(struct remote_context *rc, struct pcn_peer *peer);

/* shadow.c */
struct popcorn_work *shadow_work(enum popcorn_event event, s64 result, struct pcn_kmsg_message *msg);
void request_remote_work(struct popcorn_task *task, struct popcorn_work *work);
void shadow_init(void);

#endif
