// SPDX-License-Identifier: GPL-2.0-only
/* Who handles which messages: in the receiver of their peer, or in a workqueue. */
#include "peer.h"

/*
 * When so many messages of a peer wait for a worker, requests are refused with -EAGAIN: who asked asks again. A peer
 * with more than the second number is not one of ours.
 */
#define PCN_REQUESTS_MAX 16384
#define PCN_BACKLOG_MAX 32768

static struct {
	pcn_kmsg_handler handler;
	struct workqueue_struct *wq;
} handlers[PCN_KMSG_TYPE_MAX];

/**
 * pcn_kmsg_register() - say who handles a type of message
 * @type: the type
 * @handler: its handler
 * @wq: where it runs; NULL: in the receiver of the peer
 *
 * Called before the first peer is added; REGISTER_KMSG_HANDLER() is the way to write it.
 */
void pcn_kmsg_register(enum pcn_kmsg_type type, pcn_kmsg_handler handler, struct workqueue_struct *wq)
{
	handlers[type].handler = handler;
	handlers[type].wq = wq;
}

static void pcn_kmsg_work(struct work_struct *work)
{
	struct pcn_kmsg_message *msg = container_of(work, struct pcn_kmsg_message, work);
	struct pcn_peer *peer = pcn_peer_hold(msg->peer);
	int err = msg->handler(msg);

	atomic_dec(&peer->backlog);
	if (err)
		pcn_peer_close(peer, err);
	pcn_peer_put(peer);
}

/**
 * pcn_kmsg_dispatch() - give a received message (no reply) to its handler
 * @msg: the message; taken over
 *
 * Return: 0, or a negative errno if the peer is to be closed.
 */
int pcn_kmsg_dispatch(struct pcn_kmsg_message *msg)
{
	u8 type = msg->hdr.type;

	if (!handlers[type].handler) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	if (!handlers[type].wq)
		return handlers[type].handler(msg);
	return pcn_kmsg_defer(msg, handlers[type].handler, handlers[type].wq);
}

/**
 * pcn_kmsg_defer() - have a message handled in a workqueue
 * @msg: the message; taken over
 * @handler: handles it
 * @wq: where
 *
 * Return: 0, or a negative errno if the peer is to be closed.
 */
int pcn_kmsg_defer(struct pcn_kmsg_message *msg, pcn_kmsg_handler handler, struct workqueue_struct *wq)
{
	int backlog = atomic_inc_return(&msg->peer->backlog);
	bool request = le16_to_cpu(msg->hdr.flags) & PCN_KMSG_REQUEST;

	if (backlog > (request ? PCN_REQUESTS_MAX : PCN_BACKLOG_MAX)) {
		atomic_dec(&msg->peer->backlog);
		if (request)
			pcn_kmsg_nack(msg->peer, msg->hdr.type, le64_to_cpu(msg->hdr.id), -EAGAIN);
		pcn_kmsg_done(msg);
		return request ? 0 : -ENOBUFS;
	}
	msg->handler = handler;
	INIT_WORK(&msg->work, pcn_kmsg_work);
	queue_work(wq, &msg->work);
	return 0;
}
