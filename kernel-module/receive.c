// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving: one thread a peer reads, checks and hands out messages. What is not right closes the peer. Pages
 * are read to where whoever asked for them wants them.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include "peer.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

static int read_socket(struct pcn_peer *peer, struct msghdr *header, int flags)
{
	int got = sock_recvmsg(peer->sock, header, flags | MSG_NOSIGNAL);

	return got > 0 ? got : got ? got : -ECONNRESET;
}

/* Reads what there is, at least a byte. */
static int read_early(struct pcn_peer *peer)
{
	struct pcn_incoming *in = &peer->in;
	struct kvec vec = { in->data, sizeof(in->data) };
	struct msghdr header = { };
	int got;

	iov_iter_kvec(&header.msg_iter, READ, &vec, 1, vec.iov_len);
	got = read_socket(peer, &header, 0);
	if (got < 0)
		return got;
	in->begin = 0;
	in->end = got;
	return 0;
}

static int receive(struct pcn_peer *peer, struct kvec *vec, unsigned int count, size_t length)
{
	struct pcn_incoming *in = &peer->in;
	struct msghdr header = { };
	int err = 0;

	iov_iter_kvec(&header.msg_iter, READ, vec, count, length);
	while (iov_iter_count(&header.msg_iter)) {
		if (in->begin < in->end)
			in->begin += copy_to_iter(in->data + in->begin, in->end - in->begin, &header.msg_iter);
		else if (iov_iter_count(&header.msg_iter) < sizeof(in->data))
			err = read_early(peer);
		else
			err = read_socket(peer, &header, MSG_WAITALL);
		if (err < 0)
			return err;
	}
	return 0;
}

static int receive_bytes(struct pcn_peer *peer, void *buffer, size_t length)
{
	struct kvec vec = { buffer, length };

	return receive(peer, &vec, 1, length);
}

/* The pages behind a reply: those, and only those, that it says it has; where the asker has memory for them. */
static int receive_pages(struct pcn_peer *peer, const struct pcn_kmsg_message *msg, size_t length)
{
	unsigned long data = le32_to_cpu(((struct pcn_page_reply *)msg->body)->data);
	struct pcn_request *request = pcn_request_find(peer, &msg->hdr);
	struct kvec vec[PCN_WINDOW];
	unsigned int count = 0, bit;

	if (length != hweight32(data) * PAGE_SIZE)
		return -EPROTO;
	if (!data)
		return 0;
	if (!request || !request->pages)
		return -EPROTO;
	for_each_set_bit(bit, &data, PCN_WINDOW) {
		if (!request->pages[bit])
			return -EPROTO;
		vec[count++] = (struct kvec){ page_address(request->pages[bit]), PAGE_SIZE };
	}
	return receive(peer, vec, count, length);
}

static int receive_body(struct pcn_peer *peer, struct pcn_kmsg_message *msg)
{
	int err = receive_bytes(peer, msg->body, msg->length);

	if (err || !pcn_kmsg_pages(&msg->hdr))
		return err;
	return receive_pages(peer, msg, le32_to_cpu(msg->hdr.length) - msg->length);
}

static int receive_message(struct pcn_peer *peer)
{
	struct pcn_kmsg_message *msg;
	struct pcn_kmsg_hdr hdr;
	int err;

	err = receive_bytes(peer, &hdr, sizeof(hdr));
	if (err)
		return err;
	err = pcn_kmsg_check(&hdr, peer->in.seq, test_bit(PCN_PEER_UP, &peer->flags));
	if (err) {
		if (le32_to_cpu(hdr.magic) == PCN_KMSG_MAGIC && hdr.version != PCN_KMSG_VERSION)
			pr_warn_ratelimited("popcorn: node %d speaks version %u, and not %u\n", peer->nid, hdr.version,
					    PCN_KMSG_VERSION);
		return err;
	}
	peer->in.seq++;
	msg = pcn_kmsg_alloc(hdr.type, pcn_kmsg_pages(&hdr) ? sizeof(struct pcn_page_reply) :
						le32_to_cpu(hdr.length));
	if (!msg)
		return -ENOMEM;
	msg->hdr = hdr;
	err = receive_body(peer, msg);
	if (err) {
		pcn_kmsg_done(msg);
		return err;
	}
	WRITE_ONCE(peer->last_received, jiffies);
	msg->peer = pcn_peer_hold(peer);
	popcorn_count_message(hdr.type, false);
	trace_popcorn_message(peer->nid, false, &hdr);
	if (le16_to_cpu(hdr.flags) & PCN_KMSG_REPLY)
		return pcn_request_complete(peer, msg);
	return pcn_kmsg_dispatch(msg);
}

/**
 * pcn_receiver_main() - the thread that receives
 * @data: its peer
 *
 * Return: 0 when it is stopped.
 */
int pcn_receiver_main(void *data)
{
	struct pcn_peer *peer = data;
	int err = 0;

	while (!err && !kthread_should_stop())
		err = receive_message(peer);
	if (err)
		pcn_peer_close(peer, err);
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}
