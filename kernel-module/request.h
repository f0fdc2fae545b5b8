/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests: messages that are answered. A peer's death answers all of its requests. */
#ifndef _POPCORN_REQUEST_H
#define _POPCORN_REQUEST_H

#include <linux/completion.h>
#include <linux/kref.h>
#include "message.h"

/**
 * struct pcn_request - a message that is answered
 * @ref: references: the asker's, and one until it is answered
 * @id: names it
 * @type: of the message and its reply
 * @done: when it is answered
 * @status: 0, or the negative errno of the refusal or of the peer's death
 * @reply: the answer if status is 0
 * @notify: called in the peer's receiver (or when the peer dies) before @done, or NULL; must not wait for
 *	any message. May return a negative errno: then the reply is one that no honest peer sends
 * @data: for @notify
 * @pages: memory for the pages of the reply, or NULL; whoever uses one takes it out
 */
struct pcn_request {
	struct kref ref;
	u32 id;
	u8 type;
	struct completion done;
	int status;
	struct pcn_kmsg_message *reply;
	int (*notify)(struct pcn_request *request);
	void *data;
	struct page **pages;
};

enum pcn_wait {
	PCN_WAIT_ALWAYS,
	PCN_WAIT_KILLABLE,
	PCN_WAIT_INTERRUPTIBLE,
};

struct pcn_request *pcn_request_start(struct pcn_peer *peer, struct pcn_kmsg_message *msg,
				      int (*notify)(struct pcn_request *request), void *data);
struct pcn_request *pcn_request_pages(struct pcn_peer *peer, struct pcn_kmsg_message *msg, struct page **pages,
				      int (*notify)(struct pcn_request *request), void *data);
struct pcn_request *pcn_request_find(struct pcn_peer *peer, const struct pcn_kmsg_hdr *hdr);
int pcn_request_wait(struct pcn_request *request, enum pcn_wait how, unsigned int timeout_ms);
bool pcn_request_again(int err);
void pcn_request_put(struct pcn_request *request);
int pcn_request_complete(struct pcn_peer *peer, struct pcn_kmsg_message *msg);
void pcn_requests_fail(struct pcn_peer *peer);

#endif
