// SPDX-License-Identifier: GPL-2.0-only
/* Receiving: one thread a peer reads, checks and hands out messages. What is not right closes the peer. */
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

static int receive_all(struct pcn_peer *peer, void *buffer, size_t length)
{
	while (length) {
		struct msghdr header = { .msg_flags = MSG_WAITALL | MSG_NOSIGNAL };
		struct kvec vec = { buffer, length };
		int got = kernel_recvmsg(peer->sock, &header, &vec, 1, length, header.msg_flags);

		if (got <= 0)
			return got ? got : -ECONNRESET;
		buffer += got;
		length -= got;
	}
	return 0;
}

static int receive_message(struct pcn_peer *peer)
{
	struct pcn_kmsg_message *msg;
	struct pcn_kmsg_hdr hdr;
	int err;

	err = receive_all(peer, &hdr, sizeof(hdr));
	if (err)
		return err;
	err = pcn_kmsg_check(&hdr, peer->receive_seq, test_bit(PCN_PEER_UP, &peer->flags));
	if (err)
		return err;
	peer->receive_seq++;
	msg = pcn_kmsg_alloc(hdr.type, le32_to_cpu(hdr.length));
	if (!msg)
		return -ENOMEM;
	msg->hdr = hdr;
	err = receive_all(peer, msg->body, msg->length);
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
