/* SPDX-License-Identifier: GPL-2.0-only */
/* The connections to other nodes: made, watched, taken down. */
#ifndef _POPCORN_LINK_H
#define _POPCORN_LINK_H

#include "peer.h"

u32 popcorn_isa(void);
int popcorn_set_nid(u32 nid);
int pcn_peer_add(int fd, u32 nid);
int pcn_peer_remove(u32 nid);
void pcn_peer_info(struct popcorn_node_info *info);
int pcn_peer_init(void);
void pcn_peer_exit(void);

#endif
