// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: messages are queued by priority; one thread a peer numbers them and puts them on the socket, and
 * tells the network layer when more follow, so that small ones share a segment.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include "peer.h"
#include "stats.h"
#include "trace.h"

/**
 * pcn_kmsg_post() - send a message
 * @peer: to whom
 * @msg: the message; taken over
 *
 * Return: 0 once it is queued, or -ECONNRESET.
 */
int pcn_kmsg_post(struct pcn_peer *peer, struct pcn_kmsg_message *msg)
{
	enum pcn_kmsg_priority priority = pcn_kmsg_priority(msg->hdr.type, le16_to_cpu(msg->hdr.flags));
	bool dead;

	msg->hdr.length = cpu_to_le32(msg->length + (msg->page ? PAGE_SIZE : 0));
	spin_lock(&peer->lock);
	dead = test_bit(PCN_PEER_DEAD, &peer->flags);
	if (!dead)
		list_add_tail(&msg->link, &peer->queue[priority]);
	spin_unlock(&peer->lock);
	if (dead) {
		pcn_kmsg_done(msg);
		return -ECONNRESET;
	}
	wake_up(&peer->send_wait);
	return 0;
}

static int post_reply(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, u16 flags, const void *body,
		      u32 length, struct page *page)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(type, length);

	if (!msg) {
		/* The requester would wait for ever. */
		pcn_peer_close(peer, -ENOMEM);
		return -ENOMEM;
	}
	msg->hdr.flags = cpu_to_le16(flags);
	msg->hdr.id = cpu_to_le64(id);
	if (length)
		memcpy(msg->body, body, length);
	if (page) {
		get_page(page);
		msg->page = page;
	}
	return pcn_kmsg_post(peer, msg);
}

/**
 * pcn_kmsg_reply() - answer a request
 * @peer: who asked
 * @type: the request's type
 * @id: the request's id
 * @body: the reply's body, or NULL
 * @length: bytes of @body
 * @page: follows the body, or NULL; it must not change until it is sent
 *
 * Return: 0 once it is queued, or a negative errno (the peer is dead then).
 */
int pcn_kmsg_reply(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, const void *body, u32 length,
		   struct page *page)
{
	return post_reply(peer, type, id, PCN_KMSG_REPLY, body, length, page);
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
	return post_reply(peer, type, id, PCN_KMSG_REPLY | PCN_KMSG_NACK, &nack, sizeof(nack), NULL);
}

static struct pcn_kmsg_message *next_message(struct pcn_peer *peer, bool *more)
{
	struct pcn_kmsg_message *msg = NULL;
	int priority;

	*more = false;
	spin_lock(&peer->lock);
	for (priority = 0; priority < PCN_PRIORITIES; priority++) {
		if (!msg) {
			msg = list_first_entry_or_null(&peer->queue[priority], struct pcn_kmsg_message, link);
			if (msg)
				list_del_init(&msg->link);
		}
		if (!list_empty(&peer->queue[priority]))
			*more = true;
	}
	spin_unlock(&peer->lock);
	return msg;
}

static int send_message(struct pcn_peer *peer, struct pcn_kmsg_message *msg, bool more)
{
	struct msghdr header = { .msg_flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0) };
	struct kvec vec[2] = { { &msg->hdr, sizeof(msg->hdr) + msg->length } };
	size_t left = vec[0].iov_len;
	int count = 1;

	BUILD_BUG_ON(offsetof(struct pcn_kmsg_message, body) !=
		     offsetof(struct pcn_kmsg_message, hdr) + sizeof(msg->hdr));
	if (msg->page) {
		vec[count++] = (struct kvec){ page_address(msg->page), PAGE_SIZE };
		left += PAGE_SIZE;
	}
	msg->hdr.seq = cpu_to_le32(peer->send_seq++);
	iov_iter_kvec(&header.msg_iter, WRITE, vec, count, left);
	while (left) {
		int sent = sock_sendmsg(peer->sock, &header);

		if (sent < 0)
			return sent;
		left -= sent;
	}
	popcorn_count_message(msg->hdr.type, true);
	trace_popcorn_message(peer->nid, true, &msg->hdr);
	return 0;
}

static bool send_wanted(struct pcn_peer *peer)
{
	int priority;

	if (kthread_should_stop())
		return true;
	for (priority = 0; priority < PCN_PRIORITIES; priority++)
		if (!list_empty_careful(&peer->queue[priority]))
			return true;
	return false;
}

/**
 * pcn_sender_main() - the thread that sends
 * @data: its peer
 *
 * Return: 0 when it is stopped.
 */
int pcn_sender_main(void *data)
{
	struct pcn_peer *peer = data;
	struct pcn_kmsg_message *msg;
	bool more;
	int err;

	while (!kthread_should_stop()) {
		wait_event_idle(peer->send_wait, send_wanted(peer));
		msg = next_message(peer, &more);
		if (!msg)
			continue;
		err = test_bit(PCN_PEER_DEAD, &peer->flags) ? 0 : send_message(peer, msg, more);
		pcn_kmsg_done(msg);
		if (err)
			pcn_peer_close(peer, err);
	}
	return 0;
}
