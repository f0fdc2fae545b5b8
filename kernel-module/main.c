// SPDX-License-Identifier: GPL-2.0-only
/* The process server of Popcorn as a module: starts and stops the parts. */
#include <linux/module.h>
#include "context.h"
#include "device.h"
#include "link.h"
#include "page.h"
#include "process_server.h"
#include "remote.h"
#include "stats.h"

static int __init popcorn_init(void)
{
	int err = -ENOMEM;

	popcorn_stats_init();
	/* In order: a hop's cancellation comes after the hop. */
	popcorn_wq = alloc_ordered_workqueue("popcorn", 0);
	if (!popcorn_wq)
		goto stats;
	err = popcorn_page_init();
	if (err)
		goto queue;
	err = popcorn_directory_init();
	if (err)
		goto pages;
	err = popcorn_discard_init();
	if (err)
		goto directory;
	err = popcorn_owner_init();
	if (err)
		goto discard;
	pcn_peer_init();
	process_server_init();
	remote_init();
	err = popcorn_device_init();
	if (err)
		goto server;
	return 0;
server:
	popcorn_owner_exit();
discard:
	popcorn_discard_exit();
directory:
	popcorn_directory_exit();
pages:
	popcorn_page_exit();
queue:
	destroy_workqueue(popcorn_wq);
stats:
	popcorn_stats_exit();
	return err;
}

static void __exit popcorn_exit(void)
{
	popcorn_device_exit();
	pcn_peer_exit();
	popcorn_owner_exit();
	popcorn_discard_exit();
	popcorn_directory_exit();
	destroy_workqueue(popcorn_wq);
	popcorn_page_exit();
	popcorn_stats_exit();
}

module_init(popcorn_init);
module_exit(popcorn_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Moves running programs between machines of different ISA");
MODULE_VERSION("0.1.0");
