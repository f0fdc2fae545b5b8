/* SPDX-License-Identifier: GPL-2.0-only */
/* A peer: another node, reached through one socket. Its id was given with the socket. */
#ifndef _POPCORN_PEER_H
#define _POPCORN_PEER_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include "message.h"

struct socket;
struct task_struct;

enum {
	PCN_PEER_UP,		/* HELLO came and fits */
	PCN_PEER_DEAD,		/* nothing is sent or received any more */
	PCN_PEER_STUCK,		/* the socket is full: @sender goes on when it is not */
};

/**
 * struct pcn_outgoing - the message that is being sent
 * @mutex: held by whoever sends
 * @msg: the message, or NULL
 * @vec: its parts
 * @count: how many
 * @total: their bytes
 * @left: how many of them are still to be sent
 * @more: more messages follow
 * @seq: number of the next message
 */
struct pcn_outgoing {
	struct mutex mutex;
	struct pcn_kmsg_message *msg;
	struct kvec vec[1 + PCN_WINDOW];
	unsigned int count;
	size_t total;
	size_t left;
	bool more;
	u32 seq;
};

/**
 * struct pcn_incoming - what has been read from the socket and not been looked at (receiver only)
 * @begin: first byte of @data that is to be looked at
 * @end: behind the last one
 * @seq: number that the next message must have
 * @data: small messages come several at a time; pages are read to where they belong
 */
struct pcn_incoming {
	u32 begin;
	u32 end;
	u32 seq;
	u8 data[1024];
};

/**
 * struct pcn_peer - another node
 * @ref: references
 * @nid: its id
 * @sock: the connection
 * @sender: thread that sends what could not be sent at once
 * @receiver: thread that receives
 * @flags: PCN_PEER_UP, PCN_PEER_DEAD, PCN_PEER_STUCK
 * @reason: negative errno that it died of
 * @lock: protects @queue and @queued, and adding to @requests against death
 * @queue: messages to send, by priority
 * @queued: how many
 * @send_wait: @sender waits here
 * @out: the message that is being sent
 * @in: what is being received
 * @requests: requests without a reply, by id
 * @next_id: for ids
 * @backlog: messages that wait for a worker
 * @last_received: jiffies when the last whole message came
 * @watch: keep-alive and timeout
 * @close: takes the dead peer down
 * @isa: ELF machine number
 * @info: what the last KEEPALIVE said
 */
struct pcn_peer {
	struct kref ref;
	int nid;
	struct socket *sock;
	struct task_struct *sender;
	struct task_struct *receiver;
	unsigned long flags;
	int reason;
	spinlock_t lock;
	struct list_head queue[PCN_PRIORITIES];
	u32 queued;
	wait_queue_head_t send_wait;
	struct pcn_outgoing out;
	struct pcn_incoming in;
	struct xarray requests;
	u32 next_id;
	atomic_t backlog;
	unsigned long last_received;
	struct delayed_work watch;
	struct work_struct close;
	u32 isa;
	struct pcn_keepalive info;
};

static inline bool pcn_peer_up(const struct pcn_peer *peer)
{
	return test_bit(PCN_PEER_UP, &peer->flags) && !test_bit(PCN_PEER_DEAD, &peer->flags);
}

extern unsigned int popcorn_timeout_ms;
extern int popcorn_nid;
extern struct workqueue_struct *popcorn_wq;

struct pcn_peer *pcn_peer_get(u32 nid);
struct pcn_peer *pcn_peer_hold(struct pcn_peer *peer);
void pcn_peer_put(struct pcn_peer *peer);
void pcn_peer_close(struct pcn_peer *peer, int reason);
bool pcn_peer_entered(u32 nid);
void pcn_peer_enter(struct pcn_peer *peer);
void pcn_peer_leave(struct pcn_peer *peer);

#endif
