// SPDX-License-Identifier: GPL-2.0-only
/* What the agent calls the nodes. The module itself goes by their ids. */
#include <linux/spinlock.h>
#include <linux/string.h>
#include <uapi/popcorn.h>
#include "names.h"

static DEFINE_SPINLOCK(names_lock);
static char names[POPCORN_NODES_MAX][POPCORN_NAME_SIZE];

/**
 * popcorn_name_set() - name a node
 * @arg: see the uapi header
 *
 * Return: 0 or -EINVAL.
 */
int popcorn_name_set(const struct popcorn_node_name *arg)
{
	if (arg->nid >= POPCORN_NODES_MAX || arg->reserved || !memchr(arg->name, 0, sizeof(arg->name)))
		return -EINVAL;
	spin_lock(&names_lock);
	strscpy_pad(names[arg->nid], arg->name, sizeof(names[0]));
	spin_unlock(&names_lock);
	return 0;
}

/**
 * popcorn_name_get() - what a node is called
 * @nid: the node, below POPCORN_NODES_MAX
 * @name: where to; empty if nobody has named it
 */
void popcorn_name_get(u32 nid, char name[POPCORN_NAME_SIZE])
{
	spin_lock(&names_lock);
	memcpy(name, names[nid], POPCORN_NAME_SIZE);
	spin_unlock(&names_lock);
}
