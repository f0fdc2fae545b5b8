/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the origin's half share. */
#ifndef _POPCORN_PROCESS_SERVER_INTERNAL_H
#define _POPCORN_PROCESS_SERVER_INTERNAL_H

#include "place.h"
#include "process_server.h"

/* origin.c */
struct popcorn_task *origin_task(struct remote_context *rc, const struct pcn_kmsg_message *msg,
				 const struct pcn_task_key *key);
struct remote_context *origin_context(const struct pcn_task_key *key);
void origin_reply(const struct pcn_kmsg_message *msg, int err);
struct popcorn_task *origin_own_task(struct remote_context *rc, bool make);
void origin_task_home(struct remote_context *rc, struct popcorn_task *task);
struct pcn_kmsg_message *origin_migrate_message(struct remote_context *rc, const void *blob, u32 blob_len);
int __request_clone_remote(struct pcn_peer *peer, const struct pcn_task_key *key,
			   struct pcn_kmsg_message *msg);

/* loss.c */
struct pcn_kmsg_message *onward_done(struct popcorn_task *task, int err, struct pcn_peer **drop);
void onward_answer(struct remote_context *rc, struct pcn_kmsg_message *back, struct pcn_peer *drop, int err);
void place_lost(struct remote_context *rc, struct pcn_peer *peer, s64 result);

/* homecoming.c */
void homecoming_init(void);

/* shadow.c */
void shadow_init(void);

#endif
