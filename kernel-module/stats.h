/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, shown in debugfs: popcorn/stats. */
#ifndef _POPCORN_STATS_H
#define _POPCORN_STATS_H

#include <linux/types.h>

enum popcorn_stat {
	POPCORN_STAT_PEERS_LOST,
	POPCORN_STAT_PEERS_MALFORMED,
	POPCORN_STAT_NACKS,
	POPCORN_STAT_HOPS_OUT,
	POPCORN_STAT_HOPS_IN,
	POPCORN_STAT_HOPS_REFUSED,
	POPCORN_STAT_SYSCALLS,
	POPCORN_STAT_FAULTS,
	POPCORN_STAT_FAULTS_REMOTE,
	POPCORN_STAT_FAULT_NS,
	POPCORN_STAT_PREFETCHES,
	POPCORN_STAT_PAGES_SENT,
	POPCORN_STAT_PAGES_RECEIVED,
	POPCORN_STAT_INVALIDATIONS,
	POPCORN_STAT_GRANTS_UNTOUCHED,
	POPCORN_STAT_PAGES_LOST,
	POPCORN_STAT_PAGES,
	POPCORN_STAT_LIVE,
	POPCORN_STATS,
};

void popcorn_count_add(enum popcorn_stat stat, s64 value);
void popcorn_count_message(u8 type, bool sent);
void popcorn_stats_init(void);
void popcorn_stats_exit(void);

static inline void popcorn_count(enum popcorn_stat stat)
{
	popcorn_count_add(stat, 1);
}

/* Peers, contexts and tasks in memory: none is left when the module goes. */
static inline void popcorn_count_live(int change)
{
	popcorn_count_add(POPCORN_STAT_LIVE, change);
}

#endif
