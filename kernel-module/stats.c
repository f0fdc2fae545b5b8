// SPDX-License-Identifier: GPL-2.0-only
/* Counters. They only grow, but for `pages` and `live`, which say what is held now. */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include "stats.h"
#include "wire.h"

static atomic64_t counters[POPCORN_STATS];
static atomic64_t messages[PCN_KMSG_TYPE_MAX][2];
static struct dentry *folder;

static const char * const names[POPCORN_STATS] = {
	[POPCORN_STAT_PEERS_LOST] = "peers_lost",
	[POPCORN_STAT_PEERS_MALFORMED] = "peers_malformed",
	[POPCORN_STAT_NACKS] = "nacks",
	[POPCORN_STAT_HOPS_OUT] = "hops_out",
	[POPCORN_STAT_HOPS_IN] = "hops_in",
	[POPCORN_STAT_HOPS_REFUSED] = "hops_refused",
	[POPCORN_STAT_SYSCALLS] = "syscalls",
	[POPCORN_STAT_FAULTS] = "faults",
	[POPCORN_STAT_FAULTS_REMOTE] = "faults_remote",
	[POPCORN_STAT_FAULT_NS] = "fault_ns",
	[POPCORN_STAT_PREFETCHES] = "prefetches",
	[POPCORN_STAT_PAGES_SENT] = "pages_sent",
	[POPCORN_STAT_PAGES_RECEIVED] = "pages_received",
	[POPCORN_STAT_INVALIDATIONS] = "invalidations",
	[POPCORN_STAT_GRANTS_UNTOUCHED] = "grants_untouched",
	[POPCORN_STAT_PAGES_LOST] = "pages_lost",
	[POPCORN_STAT_PAGES] = "pages",
	[POPCORN_STAT_LIVE] = "live",
};

static const char * const types[PCN_KMSG_TYPE_MAX] = {
	[PCN_KMSG_TYPE_HELLO] = "hello",
	[PCN_KMSG_TYPE_KEEPALIVE] = "keepalive",
	[PCN_KMSG_TYPE_TASK_MIGRATE] = "task_migrate",
	[PCN_KMSG_TYPE_TASK_MIGRATE_NACK] = "task_migrate_nack",
	[PCN_KMSG_TYPE_TASK_CANCEL] = "task_cancel",
	[PCN_KMSG_TYPE_TASK_PAIRING] = "task_pairing",
	[PCN_KMSG_TYPE_TASK_MIGRATE_BACK] = "task_migrate_back",
	[PCN_KMSG_TYPE_TASK_EXIT_ORIGIN] = "task_exit_origin",
	[PCN_KMSG_TYPE_TASK_EXIT_REMOTE] = "task_exit_remote",
	[PCN_KMSG_TYPE_SYSCALL_FWD] = "syscall_fwd",
	[PCN_KMSG_TYPE_SIGNAL_FWD] = "signal_fwd",
	[PCN_KMSG_TYPE_WORKER_TELL] = "worker_tell",
	[PCN_KMSG_TYPE_REMOTE_PAGE] = "remote_page",
	[PCN_KMSG_TYPE_PAGE_FETCH] = "page_fetch",
	[PCN_KMSG_TYPE_PAGE_INVALIDATE] = "page_invalidate",
	[PCN_KMSG_TYPE_PAGE_DISCARD] = "page_discard",
};

void popcorn_count_add(enum popcorn_stat stat, s64 value)
{
	atomic64_add(value, &counters[stat]);
}

void popcorn_count_message(u8 type, bool sent)
{
	atomic64_inc(&messages[type][sent]);
}

static int stats_show(struct seq_file *file, void *unused)
{
	int i;

	for (i = 0; i < POPCORN_STATS; i++)
		seq_printf(file, "%s %lld\n", names[i], atomic64_read(&counters[i]));
	for (i = 1; i < PCN_KMSG_TYPE_MAX; i++)
		seq_printf(file, "message_%s sent %lld received %lld\n", types[i],
			   atomic64_read(&messages[i][1]), atomic64_read(&messages[i][0]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void popcorn_stats_init(void)
{
	folder = debugfs_create_dir("popcorn", NULL);
	debugfs_create_file("stats", 0400, folder, NULL, &stats_fops);
}

void popcorn_stats_exit(void)
{
	s64 live = atomic64_read(&counters[POPCORN_STAT_LIVE]);
	s64 pages = atomic64_read(&counters[POPCORN_STAT_PAGES]);

	debugfs_remove_recursive(folder);
	WARN(live || pages, "popcorn: %lld objects and %lld pages left\n", live, pages);
}
