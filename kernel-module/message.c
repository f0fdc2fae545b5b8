// SPDX-License-Identifier: GPL-2.0-only
/* What a message is, and which are valid. */
#include <linux/mm.h>
#include <linux/slab.h>
#include "message.h"
#include "peer.h"
#include "stats.h"

/**
 * struct pcn_kmsg_kind - what a type of message looks like
 * @request: whether it is a request (and has replies) or goes one way
 * @min: least bytes of its body
 * @max: most
 * @reply_min: the same of its reply
 * @reply_max: the same of its reply
 * @pages: whether pages follow its reply, which is a struct pcn_page_reply
 */
struct pcn_kmsg_kind {
	bool request;
	u32 min, max;
	u32 reply_min, reply_max;
	bool pages;
};

#define ONE_WAY(size) { .min = (size), .max = (size) }
#define REQUEST(size, least, most) \
	{ .request = true, .min = (size), .max = (size), .reply_min = (least), .reply_max = (most) }
#define PAGES(most) \
	{ .request = true, .min = sizeof(struct pcn_page_request), .max = sizeof(struct pcn_page_request), \
	  .reply_min = sizeof(struct pcn_page_reply), \
	  .reply_max = sizeof(struct pcn_page_reply) + (most) * PAGE_SIZE, .pages = true }

static const struct pcn_kmsg_kind kinds[PCN_KMSG_TYPE_MAX] = {
	[PCN_KMSG_TYPE_HELLO] = ONE_WAY(sizeof(struct pcn_hello)),
	[PCN_KMSG_TYPE_KEEPALIVE] = ONE_WAY(sizeof(struct pcn_keepalive)),
	[PCN_KMSG_TYPE_TASK_MIGRATE] = {
		.min = sizeof(struct pcn_task_migrate),
		.max = sizeof(struct pcn_task_migrate) + POPCORN_BLOB_MAX,
	},
	[PCN_KMSG_TYPE_TASK_MIGRATE_NACK] = ONE_WAY(sizeof(struct pcn_task_nack)),
	[PCN_KMSG_TYPE_TASK_PAIRING] = REQUEST(sizeof(struct pcn_task_pairing), 0, 0),
	[PCN_KMSG_TYPE_TASK_MIGRATE_BACK] = {
		.request = true,
		.min = sizeof(struct pcn_task_back),
		.max = sizeof(struct pcn_task_back) + POPCORN_BLOB_MAX,
	},
	[PCN_KMSG_TYPE_TASK_EXIT_ORIGIN] = ONE_WAY(sizeof(struct pcn_task_exit)),
	[PCN_KMSG_TYPE_TASK_EXIT_REMOTE] = ONE_WAY(sizeof(struct pcn_task_exit)),
	[PCN_KMSG_TYPE_SYSCALL_FWD] = REQUEST(sizeof(struct pcn_syscall), sizeof(struct pcn_syscall_reply),
					      sizeof(struct pcn_syscall_reply)),
	[PCN_KMSG_TYPE_SIGNAL_FWD] = REQUEST(sizeof(struct pcn_signal), 0, 0),
	[PCN_KMSG_TYPE_REMOTE_PAGE] = PAGES(PCN_WINDOW),
	[PCN_KMSG_TYPE_PAGE_FETCH] = PAGES(PCN_WINDOW),
	[PCN_KMSG_TYPE_PAGE_INVALIDATE] = PAGES(0),
	[PCN_KMSG_TYPE_PAGE_DISCARD] = REQUEST(sizeof(struct pcn_page_discard), 0, 0),
	[PCN_KMSG_TYPE_TASK_CANCEL] = REQUEST(sizeof(struct pcn_task_key), 0, 0),
	[PCN_KMSG_TYPE_WORKER_TELL] = REQUEST(sizeof(struct pcn_worker_tell), 0, 0),
};

/**
 * pcn_kmsg_alloc() - make a message
 * @type: its type
 * @length: bytes of its body, which the caller fills
 *
 * Return: the message with a zeroed body, or NULL.
 */
struct pcn_kmsg_message *pcn_kmsg_alloc(enum pcn_kmsg_type type, u32 length)
{
	struct pcn_kmsg_message *msg = kvzalloc(struct_size(msg, body, length), GFP_KERNEL);

	if (!msg)
		return NULL;
	INIT_LIST_HEAD(&msg->link);
	msg->length = length;
	msg->hdr.magic = cpu_to_le32(PCN_KMSG_MAGIC);
	msg->hdr.version = PCN_KMSG_VERSION;
	msg->hdr.type = type;
	return msg;
}

/**
 * pcn_kmsg_done() - free a message and the references it holds
 * @msg: the message
 */
void pcn_kmsg_done(struct pcn_kmsg_message *msg)
{
	while (msg->page_count)
		put_page(msg->pages[--msg->page_count]);
	kfree(msg->pages);
	if (msg->peer)
		pcn_peer_put(msg->peer);
	kvfree(msg);
}

/**
 * pcn_kmsg_check() - is this header one that an honest peer sends now?
 * @hdr: as it came
 * @seq: number that the message must have
 * @up: whether the peer has said HELLO
 *
 * Return: 0 or -EPROTO.
 */
int pcn_kmsg_check(const struct pcn_kmsg_hdr *hdr, u32 seq, bool up)
{
	u16 flags = le16_to_cpu(hdr->flags);
	u32 length = le32_to_cpu(hdr->length);
	const struct pcn_kmsg_kind *kind;

	if (le32_to_cpu(hdr->magic) != PCN_KMSG_MAGIC || hdr->version != PCN_KMSG_VERSION)
		return -EPROTO;
	if (!hdr->type || hdr->type >= PCN_KMSG_TYPE_MAX || le32_to_cpu(hdr->seq) != seq)
		return -EPROTO;
	if (up == (hdr->type == PCN_KMSG_TYPE_HELLO))
		return -EPROTO;
	kind = &kinds[hdr->type];
	switch (flags) {
	case 0:
		if (kind->request || hdr->id)
			return -EPROTO;
		break;
	case PCN_KMSG_REQUEST:
		if (!kind->request || !hdr->id)
			return -EPROTO;
		break;
	case PCN_KMSG_REPLY:
		if (!kind->request)
			return -EPROTO;
		return length >= kind->reply_min && length <= kind->reply_max ? 0 : -EPROTO;
	case PCN_KMSG_REPLY | PCN_KMSG_NACK:
		return kind->request && length == sizeof(struct pcn_nack) ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
	return length >= kind->min && length <= kind->max ? 0 : -EPROTO;
}

/**
 * pcn_kmsg_pages() - is this a reply with pages?
 * @hdr: a valid header
 *
 * Return: whether its body is a struct pcn_page_reply with pages behind it.
 */
bool pcn_kmsg_pages(const struct pcn_kmsg_hdr *hdr)
{
	return le16_to_cpu(hdr->flags) == PCN_KMSG_REPLY && kinds[hdr->type].pages;
}

/**
 * pcn_kmsg_priority() - which queue a message takes
 * @type: its type
 * @flags: its header's flags
 *
 * Return: the priority.
 */
enum pcn_kmsg_priority pcn_kmsg_priority(enum pcn_kmsg_type type, u16 flags)
{
	bool reply = flags & PCN_KMSG_REPLY;

	switch (type) {
	case PCN_KMSG_TYPE_REMOTE_PAGE:
	case PCN_KMSG_TYPE_PAGE_FETCH:
		/* A fetch must not overtake the grant before it; its reply has the page. */
		return type == PCN_KMSG_TYPE_PAGE_FETCH || reply ? PCN_PRIORITY_PAGE : PCN_PRIORITY_CONTROL;
	case PCN_KMSG_TYPE_PAGE_INVALIDATE:
		return reply ? PCN_PRIORITY_CONTROL : PCN_PRIORITY_PAGE;
	default:
		return PCN_PRIORITY_CONTROL;
	}
}
