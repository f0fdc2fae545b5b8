/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the remote's half share. */
#ifndef _POPCORN_REMOTE_INTERNAL_H
#define _POPCORN_REMOTE_INTERNAL_H

#include "remote.h"

/* report.c */
void remote_post_nack(struct pcn_peer *peer, const struct pcn_task_key *key, int error);
void remote_post_exit(struct pcn_peer *peer, const struct pcn_task_key *key, s32 code);
void remote_take_tasks(struct remote_context *rc, struct list_head *tasks);

/* agent.c */
void agent_lock(void);
void agent_unlock(void);
void agent_refuse_context(struct remote_context *rc, int error);
void agent_init(void);

/* worker.c */
void worker_answer_tells(struct remote_context *rc, int err);
void worker_init(void);

/* parked.c */
bool parked_take(struct remote_context *rc, struct popcorn_task *task);
int parked_wait(struct remote_context *rc, struct popcorn_key *key);

/* remote_thread.c */
void remote_task_end(struct remote_context *rc, struct popcorn_task *task);
struct popcorn_task *remote_running_task(struct remote_context *rc);
void remote_thread_init(void);

#endif
