/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages: what one is, which are valid, how they are sent, who handles them. */
#ifndef _POPCORN_MESSAGE_H
#define _POPCORN_MESSAGE_H

#include <linux/errno.h>
#include <linux/list.h>
#include <linux/workqueue.h>
#include "wire.h"

struct page;
struct pcn_peer;

/*
 * Control messages overtake pages. REMOTE_PAGE's replies, PAGE_FETCH and PAGE_INVALIDATE share one class
 * since they must not overtake each other: a page that is given away and revoked later has to arrive first.
 */
enum pcn_kmsg_priority {
	PCN_PRIORITY_CONTROL,
	PCN_PRIORITY_PAGE,
	PCN_PRIORITIES,
};

/**
 * struct pcn_kmsg_message - a message in memory
 * @link: in a send queue
 * @work: for handlers that run in a workqueue
 * @peer: received: the sender, with a reference
 * @handler: received: runs in @work
 * @pages: sending: they follow the body on the wire, with references; or NULL
 * @page_count: how many
 * @length: bytes of @body
 * @hdr: goes over the wire, followed by @body and @pages
 * @body: one of the structs of wire.h
 */
struct pcn_kmsg_message {
	struct list_head link;
	struct work_struct work;
	struct pcn_peer *peer;
	int (*handler)(struct pcn_kmsg_message *msg);
	struct page **pages;
	u32 page_count;
	u32 length;
	struct pcn_kmsg_hdr hdr;
	u8 body[] __aligned(8);
};

/*
 * Handlers own the message and end with pcn_kmsg_done(). A negative result says that no honest peer sends
 * this: the peer is closed. Those registered by REGISTER_KMSG_HANDLER run in the peer's receiver and must not
 * wait for any message; the others run in the workqueue they name.
 */
typedef int (*pcn_kmsg_handler)(struct pcn_kmsg_message *msg);

/* Is this an errno that user space knows? Another one might have a system call restarted. */
static inline bool pcn_kmsg_error(u32 error)
{
	return error && error < ERESTARTSYS;
}

struct pcn_kmsg_message *pcn_kmsg_alloc(enum pcn_kmsg_type type, u32 length);
void pcn_kmsg_done(struct pcn_kmsg_message *msg);
int pcn_kmsg_check(const struct pcn_kmsg_hdr *hdr, u32 seq, bool up);
bool pcn_kmsg_pages(const struct pcn_kmsg_hdr *hdr);
enum pcn_kmsg_priority pcn_kmsg_priority(enum pcn_kmsg_type type, u16 flags);

/* send.c */
int pcn_kmsg_post(struct pcn_peer *peer, struct pcn_kmsg_message *msg);
int pcn_kmsg_reply(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, const void *body, u32 length);
int pcn_kmsg_reply_pages(const struct pcn_kmsg_message *ask, const struct pcn_page_reply *reply,
			 struct page **pages);
int pcn_kmsg_nack(struct pcn_peer *peer, enum pcn_kmsg_type type, u64 id, int error);
void pcn_send_nothing(struct pcn_peer *peer);
int pcn_sender_main(void *peer);

/* handler.c */
void pcn_kmsg_register(enum pcn_kmsg_type type, pcn_kmsg_handler handler, struct workqueue_struct *wq);

#define REGISTER_KMSG_HANDLER(name, handler) pcn_kmsg_register(PCN_KMSG_TYPE_##name, handler, NULL)
#define REGISTER_KMSG_WQ_HANDLER(name, handler, wq) pcn_kmsg_register(PCN_KMSG_TYPE_##name, handler, wq)

int pcn_kmsg_dispatch(struct pcn_kmsg_message *msg);
int pcn_kmsg_defer(struct pcn_kmsg_message *msg, pcn_kmsg_handler handler, struct workqueue_struct *wq);

/* receive.c */
int pcn_receiver_main(void *peer);

#endif
