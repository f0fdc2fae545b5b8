/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent calls the nodes. */
#ifndef _POPCORN_NAMES_H
#define _POPCORN_NAMES_H

#include <uapi/popcorn.h>

int popcorn_name_set(const struct popcorn_node_name *arg);
void popcorn_name_get(u32 nid, char name[POPCORN_NAME_SIZE]);

#endif
