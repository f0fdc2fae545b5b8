// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: messages are queued by priority. Whoever queues one sends what is queued, as far as it goes without
 * waiting, which spares a thread's turn; what does not go is the business of one thread a peer. The network
 * layer is told when more follow, so that small ones share a segment.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include "peer.h"
#include "stats.h"
#include "trace.h"

/* A peer that lets this many messages wait asks, and does not take the answers. */
#define PCN_QUEUED_MAX 65536

static struct pcn_kmsg_message *next_message(struct pcn_peer *peer, bool *more)
{
	struct pcn_kmsg_message *msg = NULL;
	int priority;

	*more = false;
	spin_lock(&peer->lock);
	for (priority = 0; priority < PCN_PRIORITIES; priority++) {
		if (!msg) {
			msg = list_first_entry_or_null(&peer->queue[priority], struct pcn_kmsg_message, link);
			if (msg) {
				list_del_init(&msg->link);
				peer->queued--;
			}
		}
		if (!list_empty(&peer->queue[priority]))
			*more = true;
	}
	spin_unlock(&peer->lock);
	return msg;
}

static bool take_message(struct pcn_peer *peer)
{
	struct pcn_outgoing *out = &peer->out;
	struct pcn_kmsg_message *msg = next_message(peer, &out->more);
	u32 i;

	BUILD_BUG_ON(offsetof(struct pcn_kmsg_message, body) !=
		     offsetof(struct pcn_kmsg_message, hdr) + sizeof(msg->hdr));
	if (!msg)
		return false;
	msg->hdr.seq = cpu_to_le32(out->seq++);
	out->vec[0] = (struct kvec){ &msg->hdr, sizeof(msg->hdr) + msg->length };
	for (i = 0; i < msg->page_count; i++)
		out->vec[1 + i] = (struct kvec){ page_address(msg->pages[i]), PAGE_SIZE };
	out->count = 1 + msg->page_count;
	out->total = out->vec[0].iov_len + msg->page_count * PAGE_SIZE;
	out->left = out->total;
	out->msg = msg;
	return true;
}

/* The rest of the message in hand. -EAGAIN: not all of it. */
static int send_rest(struct pcn_peer *peer, bool wait)
{
	struct pcn_outgoing *out = &peer->out;

	while (out->left) {
		struct msghdr header = { .msg_flags = MSG_NOSIGNAL };
		int sent;

		header.msg_flags |= (out->more ? MSG_MORE : 0) | (wait ? 0 : MSG_DONTWAIT);
		iov_iter_kvec(&header.msg_iter, WRITE, out->vec, out->count, out->total);
		iov_iter_advance(&header.msg_iter, out->total - out->left);
		sent = sock_sendmsg(peer->sock, &header);
		/* A signal is the calling thread's, not the peer's. */
		if (!wait && (sent == -EINTR || sent == -ERESTARTSYS))
			return -EAGAIN;
		if (sent < 0)
			return sent;
		out->left -= sent;
	}
	popcorn_count_message(out->msg->hdr.type, true);
	trace_popcorn_message(peer->nid, true, &out->msg->hdr);
	return 0;
}

/* The mutex is held. */
static int send_queued(struct pcn_peer *peer, bool wait)
{
	struct pcn_outgoing *out = &peer->out;
	int err;

	while (out->msg || take_message(peer)) {
		err = test_bit(PCN_PEER_DEAD, &peer->flags) ? 0 : send_rest(peer, wait);
		if (err == -EAGAIN)
			return err;
		pcn_kmsg_done(out->msg);
		out->msg = NULL;
		if (err)
			return err;
	}
	return 0;
}

static bool is_queued(struct pcn_peer *peer)
{
	int priority;

	for (priority = 0; priority < PCN_PRIORITIES; priority++)
		if (!list_empty_careful(&peer->queue[priority]))
			return true;
	return false;
}

/* Whoever holds the mutex looks at the queues once more after it; so one that does not get it can go. */
static bool send_lock(struct pcn_peer *peer, bool wait)
{
	if (wait) {
		mutex_lock(&peer->out.mutex);
		return true;
	}
	/* The message is in the queue before this looks at the mutex. */
	smp_mb();
	return mutex_trylock(&peer->out.mutex);
}

static void send_all(struct pcn_peer *peer, bool wait)
{
	int err;

	do {
		if (!send_lock(peer, wait))
			return;
		err = send_queued(peer, wait);
		mutex_unlock(&peer->out.mutex);
		if (err == -EAGAIN) {
			set_bit(PCN_PEER_STUCK, &peer->flags);
			wake_up(&peer->send_wait);
			return;
		}
		if (err) {
			pcn_peer_close(peer, err);
			return;
		}
		/* The mutex is free before this looks at the queues. */
		smp_mb();
	} while (is_queued(peer));
}

/**
 * pcn_kmsg_post() - send a message
 * @peer: to whom
 * @msg: the message; taken over
 *
 * Messages of one priority go in the order in which they are posted. May sleep, for memory and locks, and never
 * waits for the peer.
 *
 * Return: 0 once it is queued, or -ECONNRESET.
 */
int pcn_kmsg_post(struct pcn_peer *peer, struct pcn_kmsg_message *msg)
{
	enum pcn_kmsg_priority priority = pcn_kmsg_priority(msg->hdr.type, le16_to_cpu(msg->hdr.flags));
	bool dead, full = false;

	might_sleep();
	msg->hdr.length = cpu_to_le32(msg->length + msg->page_count * PAGE_SIZE);
	spin_lock(&peer->lock);
	dead = test_bit(PCN_PEER_DEAD, &peer->flags);
	if (!dead) {
		list_add_tail(&msg->link, &peer->queue[priority]);
		full = ++peer->queued > PCN_QUEUED_MAX;
	}
	spin_unlock(&peer->lock);
	if (full)
		pcn_peer_close(peer, -ENOBUFS);
	if (dead) {
		pcn_kmsg_done(msg);
		return -ECONNRESET;
	}
	send_all(peer, false);
	return 0;
}

/* An answer to be filled; without memory for it the asker would wait for ever, so its peer is closed. */
static struct pcn_kmsg_message *reply_alloc(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, u16 flags,
					    const void *body, u32 length)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(type, length);

	if (!msg) {
		pcn_peer_close(peer, -ENOMEM);
		return NULL;
	}
	msg->hdr.flags = cpu_to_le16(flags);
	msg->hdr.id = cpu_to_le64(id);
	if (length)
		memcpy(msg->body, body, length);
	return msg;
}

static int post_reply(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, u16 flags, const void *body,
		      u32 length)
{
	struct pcn_kmsg_message *msg = reply_alloc(peer, type, id, flags, body, length);

	return msg ? pcn_kmsg_post(peer, msg) : -ENOMEM;
}

/**
 * pcn_kmsg_reply() - answer a request
 * @peer: who asked
 * @type: the request's type
 * @id: the request's id
 * @body: the reply's body, or NULL
 * @length: bytes of @body
 *
 * Return: 0 once it is queued, or a negative errno (the peer is dead then).
 */
int pcn_kmsg_reply(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, const void *body, u32 length)
{
	return post_reply(peer, type, id, PCN_KMSG_REPLY, body, length);
}

/**
 * pcn_kmsg_reply_pages() - answer a request for pages
 * @ask: the request
 * @reply: the answer
 * @pages: those of @reply's set of data, the lowest first; they must not change until they are sent
 *
 * Return: 0 once it is queued, or a negative errno (the peer is dead then).
 */
int pcn_kmsg_reply_pages(const struct pcn_kmsg_message *ask, const struct pcn_page_reply *reply,
			 struct page **pages)
{
	u32 count = hweight32(le32_to_cpu(reply->data));
	struct pcn_kmsg_message *msg = reply_alloc(ask->peer, ask->hdr.type, le64_to_cpu(ask->hdr.id),
						   PCN_KMSG_REPLY, reply, sizeof(*reply));

	if (!msg)
		return -ENOMEM;
	if (count) {
		msg->pages = kmemdup(pages, count * sizeof(*pages), GFP_KERNEL);
		if (!msg->pages) {
			pcn_kmsg_done(msg);
			pcn_peer_close(ask->peer, -ENOMEM);
			return -ENOMEM;
		}
	}
	while (msg->page_count < count)
		get_page(pages[msg->page_count++]);
	return pcn_kmsg_post(ask->peer, msg);
}

/**
 * pcn_kmsg_nack() - refuse a request
 * @peer: who asked
 * @type: the request's type
 * @id: the request's id
 * @error: negative errno that the requester gets
 *
 * Return: 0 once it is queued, or a negative errno (the peer is dead then).
 */
int pcn_kmsg_nack(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, int error)
{
	struct pcn_nack nack = { .error = cpu_to_le32(-error) };

	popcorn_count(POPCORN_STAT_NACKS);
	return post_reply(peer, type, id, PCN_KMSG_REPLY | PCN_KMSG_NACK, &nack, sizeof(nack));
}

/**
 * pcn_send_nothing() - forget the message in hand
 * @peer: a peer that is dead
 */
void pcn_send_nothing(struct pcn_peer *peer)
{
	mutex_lock(&peer->out.mutex);
	if (peer->out.msg)
		pcn_kmsg_done(peer->out.msg);
	peer->out.msg = NULL;
	mutex_unlock(&peer->out.mutex);
}

/**
 * pcn_sender_main() - the thread that sends what has to wait for the peer
 * @data: the peer
 *
 * Return: 0 when it is stopped.
 */
int pcn_sender_main(void *data)
{
	struct pcn_peer *peer = data;

	while (!kthread_should_stop()) {
		wait_event_idle(peer->send_wait,
				test_bit(PCN_PEER_STUCK, &peer->flags) || kthread_should_stop());
		if (test_and_clear_bit(PCN_PEER_STUCK, &peer->flags))
			send_all(peer, true);
	}
	return 0;
}
