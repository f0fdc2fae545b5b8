// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a thread touches first when it comes to a node is mostly what it touched first the last time: its frames,
 * its run time's state. So that is noted, and asked for at once at its next arrival, instead of page by page. A
 * page that it writes is asked for to be owned. Threads that share a slot, or race in it, only cost a guess.
 */
#include <linux/sched/signal.h>
#include <linux/sort.h>
#include "page.h"
#include "wire.h"

static struct popcorn_arrival *arrival_of(struct remote_context *rc, u32 pid)
{
	return &rc->arrivals[pid % ARRAY_SIZE(rc->arrivals)];
}

static int by_index(const void *left, const void *right)
{
	const struct popcorn_arrival_page *a = left, *b = right;

	if (a->write != b->write)
		return a->write - b->write;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Neighbours share a message. */
static void ask(struct remote_context *rc, const struct popcorn_arrival_page *page, u32 count)
{
	unsigned long set;
	u32 i, next;

	for (i = 0; i < count; i = next) {
		set = 0;
		for (next = i; next < count && page[next].write == page[i].write &&
		     page[next].index - page[i].index < PCN_WINDOW; next++)
			set |= BIT(page[next].index - page[i].index);
		popcorn_page_want(rc, page[i].index, set, page[i].write);
	}
}

/**
 * popcorn_arrival_ask() - a thread is about to come to this node: ask for what it touched first the last time
 * @rc: its program
 * @pid: its id at its origin
 */
void popcorn_arrival_ask(struct remote_context *rc, u32 pid)
{
	struct popcorn_arrival *arrival = arrival_of(rc, pid);
	struct popcorn_arrival_page page[POPCORN_ARRIVAL_PAGES];
	u32 count;

	spin_lock(&rc->lock);
	count = arrival->pid == pid ? min_t(u32, arrival->count, POPCORN_ARRIVAL_PAGES) : 0;
	memcpy(page, arrival->page, count * sizeof(*page));
	arrival->pid = pid;
	arrival->runner = 0;
	WRITE_ONCE(arrival->count, 0);
	spin_unlock(&rc->lock);
	sort(page, count, sizeof(*page), by_index, NULL);
	ask(rc, page, count);
}

/**
 * popcorn_arrive() - the calling thread has come to this node
 * @rc: its program
 * @pid: its id at its origin, of which popcorn_arrival_ask() has been told
 */
void popcorn_arrive(struct remote_context *rc, u32 pid)
{
	struct popcorn_arrival *arrival = arrival_of(rc, pid);

	spin_lock(&rc->lock);
	if (arrival->pid == pid)
		arrival->runner = task_pid_nr(current);
	spin_unlock(&rc->lock);
}

static void note(struct popcorn_arrival *arrival, u64 index, bool write)
{
	u32 count = READ_ONCE(arrival->count), i;

	for (i = 0; i < count; i++) {
		if (arrival->page[i].index != index)
			continue;
		arrival->page[i].write |= write;
		return;
	}
	if (count == POPCORN_ARRIVAL_PAGES)
		return;
	arrival->page[count] = (struct popcorn_arrival_page){ .index = index, .write = write };
	WRITE_ONCE(arrival->count, count + 1);
}

/**
 * popcorn_arrival_note() - the calling thread touches a page
 * @rc: its program
 * @index: the page
 * @write: whether it writes
 */
void popcorn_arrival_note(struct remote_context *rc, u64 index, bool write)
{
	u32 runner = task_pid_nr(current);
	int i;

	for (i = 0; i < ARRAY_SIZE(rc->arrivals); i++)
		if (READ_ONCE(rc->arrivals[i].runner) == runner)
			note(&rc->arrivals[i], index, write);
}
