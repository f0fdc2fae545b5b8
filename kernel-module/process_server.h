/* SPDX-License-Identifier: GPL-2.0-only */
/* The process server: what the origin of a program does. */
#ifndef _POPCORN_PROCESS_SERVER_H
#define _POPCORN_PROCESS_SERVER_H

#include "context.h"

int process_server_do_migration(struct remote_context *rc, u32 nid, const void *blob, u32 blob_len);
long __process_remote_works(struct remote_context *rc, struct popcorn_serve *arg);
int process_server_tell(struct remote_context *rc, u32 nid);
long process_server_signal(struct remote_context *rc, const struct popcorn_signal *arg);
struct remote_context *process_server_create(const struct popcorn_origin *arg, struct inode *inode);
void process_server_end(struct remote_context *rc);
void process_server_peer_lost(struct remote_context *rc, struct pcn_peer *peer);
void process_server_init(void);

#endif
