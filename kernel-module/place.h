/* SPDX-License-Identifier: GPL-2.0-only */
/* At the origin: the nodes where a program is. */
#ifndef _POPCORN_PLACE_H
#define _POPCORN_PLACE_H

#include "context.h"

struct pcn_peer *process_server_place(struct remote_context *rc, u32 nid);
struct pcn_peer *place_bind(struct remote_context *rc, u32 nid);

#endif
