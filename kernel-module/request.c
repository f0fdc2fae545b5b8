// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests wait in their peer's table, by id, until the reply comes or the peer dies. One whose asker has
 * given up stays there, so that a late reply is known for what it is; a reply that nobody asked for closes
 * the peer.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "page.h"
#include "peer.h"
#include "request.h"
#include "stats.h"

static void request_free(struct kref *ref)
{
	struct pcn_request *request = container_of(ref, struct pcn_request, ref);

	if (request->reply)
		pcn_kmsg_done(request->reply);
	popcorn_memory_free(request->pages);
	kfree(request);
}

void pcn_request_put(struct pcn_request *request)
{
	kref_put(&request->ref, request_free);
}

static int request_enter(struct pcn_peer *peer, struct pcn_request *request)
{
	int err = xa_alloc_cyclic(&peer->requests, &request->id, request, XA_LIMIT(1, INT_MAX), &peer->next_id,
				  GFP_KERNEL);

	if (err < 0)
		return err;
	/* A peer that dies from now on finds the request; one that was dead before may have missed it. */
	smp_mb();
	if (!test_bit(PCN_PEER_DEAD, &peer->flags))
		return 0;
	/* If it is not in the table any more, it has been answered. */
	return xa_erase(&peer->requests, request->id) == request ? -ECONNRESET : 0;
}

/**
 * pcn_request_start() - post a message that is answered
 * @peer: to whom
 * @msg: the message; taken over
 * @notify: see struct pcn_request
 * @data: see struct pcn_request
 *
 * If this fails, @notify is never called.
 *
 * Return: the request, to be released by pcn_request_put(), or an ERR_PTR.
 */
struct pcn_request *pcn_request_start(struct pcn_peer *peer, struct pcn_kmsg_message *msg,
				      int (*notify)(struct pcn_request *request), void *data)
{
	return pcn_request_pages(peer, msg, NULL, notify, data);
}

/**
 * pcn_request_pages() - post a message that is answered with pages
 * @peer: to whom
 * @msg: the message; taken over
 * @pages: memory for them, of popcorn_memory_alloc(); taken over
 * @notify: see struct pcn_request
 * @data: see struct pcn_request
 *
 * If this fails, @notify is never called.
 *
 * Return: the request, to be released by pcn_request_put(), or an ERR_PTR.
 */
struct pcn_request *pcn_request_pages(struct pcn_peer *peer, struct pcn_kmsg_message *msg, struct page **pages,
				      int (*notify)(struct pcn_request *request), void *data)
{
	struct pcn_request *request = kzalloc(sizeof(*request), GFP_KERNEL);
	int err = -ENOMEM;

	if (!request)
		goto free_message;
	kref_init(&request->ref);
	request->type = msg->hdr.type;
	init_completion(&request->done);
	request->notify = notify;
	request->data = data;
	request->pages = pages;
	kref_get(&request->ref);
	err = request_enter(peer, request);
	if (err)
		goto free_request;
	msg->hdr.flags = cpu_to_le16(PCN_KMSG_REQUEST);
	msg->hdr.id = cpu_to_le64(request->id);
	/* If the peer dies now, its death answers. */
	pcn_kmsg_post(peer, msg);
	return request;
free_request:
	kfree(request);
free_message:
	popcorn_memory_free(pages);
	pcn_kmsg_done(msg);
	return ERR_PTR(err);
}

/**
 * pcn_request_find() - the request that a reply answers
 * @peer: from whom it comes
 * @hdr: its header
 *
 * In the receiver only: nobody else takes requests out of the table as long as it runs.
 *
 * Return: the request, or NULL.
 */
struct pcn_request *pcn_request_find(struct pcn_peer *peer, const struct pcn_kmsg_hdr *hdr)
{
	u64 id = le64_to_cpu(hdr->id);
	struct pcn_request *request = id <= INT_MAX ? xa_load(&peer->requests, id) : NULL;

	return request && request->type == hdr->type ? request : NULL;
}

/**
 * pcn_request_wait() - wait for the answer
 * @request: the request
 * @how: which signals end the wait
 * @timeout_ms: 0: as long as the peer lives
 *
 * Return: the request's status, -EINTR (it is still under way), or -ETIMEDOUT.
 */
int pcn_request_wait(struct pcn_request *request, enum pcn_wait how, unsigned int timeout_ms)
{
	unsigned long timeout = timeout_ms ? msecs_to_jiffies(timeout_ms) : MAX_SCHEDULE_TIMEOUT;
	long left;

	if (how == PCN_WAIT_INTERRUPTIBLE)
		left = wait_for_completion_interruptible_timeout(&request->done, timeout);
	else if (how == PCN_WAIT_KILLABLE)
		left = wait_for_completion_killable_timeout(&request->done, timeout);
	else
		left = wait_for_completion_timeout(&request->done, timeout);
	if (left < 0)
		return -EINTR;
	if (!left)
		return -ETIMEDOUT;
	return request->status;
}

/**
 * pcn_request_again() - shall a request that must not be refused for want of a moment's memory be made again?
 * @err: what it ended with
 *
 * Waits for a moment if so.
 *
 * Return: whether this node, or who was asked, could not do it now (-ENOMEM, -EAGAIN), and the caller is not being killed.
 */
bool pcn_request_again(int err)
{
	if ((err != -EAGAIN && err != -ENOMEM) || fatal_signal_pending(current))
		return false;
	usleep_range(1000, 2000);
	return true;
}

static int request_finish(struct pcn_request *request, int status, struct pcn_kmsg_message *reply)
{
	int err = 0;

	request->status = status;
	request->reply = reply;
	if (request->notify)
		err = request->notify(request);
	complete_all(&request->done);
	pcn_request_put(request);
	return err;
}

/**
 * pcn_request_complete() - a reply has come
 * @peer: from whom
 * @msg: the reply; taken over
 *
 * Return: 0, or a negative errno if the peer is to be closed.
 */
int pcn_request_complete(struct pcn_peer *peer, struct pcn_kmsg_message *msg)
{
	u64 id = le64_to_cpu(msg->hdr.id);
	struct pcn_request *request = id <= INT_MAX ? xa_erase(&peer->requests, id) : NULL;
	u32 error;

	if (!request) {
		pcn_kmsg_done(msg);
		return -EPROTO;
	}
	if (request->type != msg->hdr.type) {
		pcn_kmsg_done(msg);
		request_finish(request, -EPROTO, NULL);
		return -EPROTO;
	}
	if (!(le16_to_cpu(msg->hdr.flags) & PCN_KMSG_NACK))
		return request_finish(request, 0, msg);
	error = le32_to_cpu(((struct pcn_nack *)msg->body)->error);
	pcn_kmsg_done(msg);
	if (pcn_kmsg_error(error))
		return request_finish(request, -(int)error, NULL);
	request_finish(request, -EPROTO, NULL);
	return -EPROTO;
}

/**
 * pcn_requests_fail() - the peer is dead: answer all of its requests
 * @peer: the peer, whose receiver has ended
 */
void pcn_requests_fail(struct pcn_peer *peer)
{
	struct pcn_request *request;
	unsigned long id;

	xa_for_each(&peer->requests, id, request)
		if (xa_erase(&peer->requests, id) == request)
			request_finish(request, -ECONNRESET, NULL);
}
