/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A remote_context is a program on this node: at its origin the program itself (for_remote is false), on
 * another node what runs for it there (for_remote is true). A popcorn_task is one thread of it: at the origin
 * the shadow of a thread that is away, on another node the thread itself.
 */
#ifndef _POPCORN_CONTEXT_H
#define _POPCORN_CONTEXT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/xarray.h>
#include "peer.h"

struct mem_cgroup;
struct pcn_request;

#define POPCORN_SYSCALL_DEPTH 8
/* A thread has no more calls than this without an answer, those that nobody waits for any more among them. */
#define POPCORN_CALLS_MAX 64

enum popcorn_task_state {
	/* at the origin */
	POPCORN_TASK_HOME,	/* runs here */
	POPCORN_TASK_LEAVING,	/* TASK_MIGRATE is posted */
	POPCORN_TASK_AWAY,	/* paired; the shadow serves */
	POPCORN_TASK_ONWARD,	/* as LEAVING, from a remote node to a third one */
	/* on a remote node */
	POPCORN_TASK_ARRIVED,	/* its state is here, no thread yet */
	POPCORN_TASK_FORKED,	/* the worker has been told to make a thread */
	POPCORN_TASK_PAIRING,	/* that thread waits for the origin's word */
	POPCORN_TASK_RUNNING,
	POPCORN_TASK_GONE,
};

/**
 * struct popcorn_task - a thread of a program
 * @ref: references
 * @link: in remote_context.tasks
 * @pid: the thread's id at its origin
 * @hop: which hop its state belongs to
 * @state: where it is
 * @error: why a hop failed
 * @peer: origin: the node that it is on or goes to
 * @wait: the shadow waits here
 * @blob: the thread's state
 * @blob_len: bytes of @blob
 * @events: origin: what the shadow has not seen yet
 * @calls: origin: system calls that the shadow has not answered yet
 * @back: origin, ONWARD: the message from the node that it leaves
 * @deadline: origin, ONWARD: jiffies when the hop has failed
 * @waits: remote: for the origin's word, before it runs
 * @thread: remote: the thread
 * @syscalls: remote: the calls that are under way; a signal handler's come on top of the one it interrupted
 * @depth: remote: how many
 * @unanswered: calls that have no answer yet
 */
struct popcorn_task {
	struct kref ref;
	struct list_head link;
	u32 pid;
	u32 hop;
	enum popcorn_task_state state;
	int error;
	struct pcn_peer *peer;
	wait_queue_head_t wait;
	void *blob;
	u32 blob_len;
	struct list_head events;
	struct list_head calls;
	struct pcn_kmsg_message *back;
	unsigned long deadline;
	bool waits;
	struct task_struct *thread;
	struct pcn_request *syscalls[POPCORN_SYSCALL_DEPTH];
	u32 depth;
	atomic_t unanswered;
};

/**
 * struct popcorn_place - a node that a program has been to (kept at its origin)
 * @peer: the connection through which it went there, with a reference, or NULL
 * @lost: the program's process there is dead, or the connection
 */
struct popcorn_place {
	struct pcn_peer *peer;
	bool lost;
};

/**
 * struct popcorn_ahead - how a thread goes through memory
 * @next: first page that it has neither touched nor asked for
 * @window: how many it has coming before it touches them; 0: there is no order in what it touches
 */
struct popcorn_ahead {
	u64 next;
	u32 window;
};

/**
 * struct popcorn_work - something that the shadow has to see
 * @link: in popcorn_task.events or .calls
 * @event: what
 * @result: exit code
 * @nid: LOST: the node
 * @msg: SYSCALL, BACK: the message
 */
struct popcorn_work {
	struct list_head link;
	enum popcorn_event event;
	s64 result;
	u32 nid;
	struct pcn_kmsg_message *msg;
};

#define POPCORN_ARRIVAL_PAGES 24

struct popcorn_arrival_page {
	u64 index;
	bool write;
};

/**
 * struct popcorn_arrival - what a thread touched first when it came to this node last
 * @pid: the thread's id at its origin
 * @runner: its id here
 * @count: how many of @page
 * @page: what it touched, and whether it wrote
 */
struct popcorn_arrival {
	u32 pid;
	u32 runner;
	u32 count;
	struct popcorn_arrival_page page[POPCORN_ARRIVAL_PAGES];
};

/**
 * struct remote_context - a program on this node
 * @ref: references
 * @node: in the table of contexts, or unhashed
 * @nid: its origin
 * @id: names it there: tgid in the lower half
 * @for_remote: whether this is another node than its origin
 * @peer: remote: the origin
 * @pages: pages of portable memory
 * @uid: whose it is
 * @gid: whose it is
 * @hash: names its images
 * @comm: its name
 * @limits: its resource limits when a thread last left its origin
 * @lock: protects what follows, and the tasks
 * @tasks: its threads
 * @ended: origin: the program has ended
 * @hops: counts hops
 * @places: origin: where it has been
 * @pid: its process here, or NULL
 * @mm: that process's memory
 * @stop_remote_worker: remote: the program has ended
 * @worker_waits: remote: the worker is in POPCORN_IOC_WORKER
 * @worker_wait: remote: the worker waits here
 * @tells: remote: messages that the worker has not been told of
 * @tell_count: remote: how many in @tells and @told
 * @told: remote: those that it has, and has not answered
 * @threads: remote: how many of @tasks
 * @parked: remote: native threads whose thread has left, in the order in which they have
 * @parked_count: remote: how many
 * @cookie: remote: names the clone request
 * @agent_link: remote: in the agent's list of requests
 * @inode: of the file that maps portable memory
 * @page_base: of its pages in @inode's mapping
 * @page_table: struct popcorn_page by index
 * @memcg: pays for pages, or NULL
 * @ahead: what each thread touched last, for prefetching
 * @arrivals: what threads touched first
 */
struct remote_context {
	struct kref ref;
	struct hlist_node node;
	u32 nid;
	u64 id;
	bool for_remote;
	struct pcn_peer *peer;
	u64 pages;
	kuid_t uid;
	kgid_t gid;
	u8 hash[POPCORN_HASH_SIZE];
	char comm[POPCORN_COMM_SIZE];
	struct popcorn_limit limits[POPCORN_LIMITS];
	spinlock_t lock;
	struct list_head tasks;
	bool ended;
	u32 hops;
	struct popcorn_place places[POPCORN_NODES_MAX];
	struct pid *pid;
	struct mm_struct *mm;
	bool stop_remote_worker;
	bool worker_waits;
	wait_queue_head_t worker_wait;
	struct list_head tells;
	struct list_head told;
	u32 tell_count;
	u32 threads;
	struct list_head parked;
	u32 parked_count;
	u64 cookie;
	struct list_head agent_link;
	struct inode *inode;
	unsigned long page_base;
	struct xarray page_table;
	struct mem_cgroup *memcg;
	struct popcorn_ahead ahead[16];
	struct popcorn_arrival arrivals[16];
};

struct remote_context *popcorn_context_alloc(u32 nid, u64 id, u64 pages);
int popcorn_context_enter(struct remote_context *rc);
void popcorn_context_remove(struct remote_context *rc);
struct remote_context *popcorn_context_find(u32 nid, u64 id);
struct remote_context *popcorn_context_hold(struct remote_context *rc);
void popcorn_context_put(struct remote_context *rc);
void popcorn_context_own(struct remote_context *rc, struct inode *inode);
bool popcorn_context_mine(const struct remote_context *rc);
struct remote_context *popcorn_context_next(struct remote_context *rc);

struct popcorn_task *popcorn_task_alloc(u32 pid);
struct popcorn_task *popcorn_task_find(struct remote_context *rc, u32 pid, u32 hop);
struct popcorn_task *popcorn_task_hold(struct popcorn_task *task);
void popcorn_task_put(struct popcorn_task *task);
void popcorn_task_key(const struct remote_context *rc, const struct popcorn_task *task,
		      struct pcn_task_key *key);
void popcorn_task_drop(struct popcorn_task *task);

struct popcorn_work *shadow_work(enum popcorn_event event, s64 result, struct pcn_kmsg_message *msg);
void request_remote_work(struct popcorn_task *task, struct popcorn_work *work);
void popcorn_work_free(struct popcorn_work *work);

#endif
