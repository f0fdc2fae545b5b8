/* SPDX-License-Identifier: GPL-2.0-only */
/* The remote's half of the process server: what a node does for programs that are at home elsewhere. */
#ifndef _POPCORN_REMOTE_H
#define _POPCORN_REMOTE_H

#include "context.h"

struct poll_table_struct;

int remote_agent_enter(void);
void remote_agent_leave(void);
ssize_t remote_agent_read(struct popcorn_clone_request *request, bool wait);
bool remote_agent_ready(struct file *file, struct poll_table_struct *table);
int remote_agent_refuse(const struct popcorn_refuse *arg);

struct remote_context *__construct_mm(struct popcorn_adopt *arg, struct inode *inode);
long remote_worker_main(struct remote_context *rc, struct popcorn_key *key);
ssize_t remote_thread_main(struct remote_context *rc, struct popcorn_start __user *start, size_t size);
long remote_do_back_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len);
long remote_syscall(struct remote_context *rc, struct popcorn_syscall *arg);
long remote_exit(struct remote_context *rc, s32 code);
void remote_end(struct remote_context *rc, s32 code);
void remote_peer_lost(struct remote_context *rc, struct pcn_peer *peer);
void remote_init(void);

#endif
