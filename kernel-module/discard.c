// SPDX-License-Identifier: GPL-2.0-only
/* Pages that read as zeros from now on, on every node: memory that was unmapped. */
#include "directory.h"

static struct workqueue_struct *discard_wq;

/*
 * The page of the window reads as zeros from now on, on every node. Its DIRECTORY bit is held. -EAGAIN: somebody has
 * pinned a copy, which cannot be taken away now.
 */
static int discard(struct popcorn_window *window)
{
	struct popcorn_page *page = window->page[0];
	int err;

	if (page->owner != POPCORN_NOBODY)
		page->sharers = BIT_ULL(page->owner);
	err = recall_copies(window, 1, ~nobody_else());
	if (err)
		return err;
	if (page->sharers & ~nobody_else() || !popcorn_window_revoke(window, 1, POPCORN_PAGE_INVALID, true))
		return -EAGAIN;
	mutex_lock(&page->lock);
	popcorn_page_drop(page);
	page->state = POPCORN_PAGE_SHARED;
	page->owner = POPCORN_NOBODY;
	page->sharers = nobody_else();
	clear_bit(POPCORN_PAGE_LOST, &page->flags);
	mutex_unlock(&page->lock);
	return 0;
}

static int discard_page(struct popcorn_window *window)
{
	int err = popcorn_directory_lock(window, true);

	if (err)
		return err;
	err = discard(window);
	popcorn_window_unlock_bit(window, 1, POPCORN_PAGE_DIRECTORY);
	return err;
}

static int discard_range(struct remote_context *rc, u64 index, u64 count)
{
	struct popcorn_window *window;
	unsigned long at;
	int err = 0;

	if (index >= rc->pages || count > rc->pages - index)
		return -ERANGE;
	if (!count)
		return 0;
	window = popcorn_window_alloc(rc, index, true);
	if (!window)
		return -ENOMEM;
	window->set = 1;
	xa_for_each_range(&rc->page_table, at, window->page[0], index, index + count - 1) {
		window->index = at;
		err = discard_page(window);
		if (err)
			break;
	}
	popcorn_window_free(window);
	return err;
}

static int handle_page_discard(struct pcn_kmsg_message *msg)
{
	struct pcn_page_discard *body = (struct pcn_page_discard *)msg->body;
	struct remote_context *rc = popcorn_context_find(popcorn_nid, le64_to_cpu(body->context));
	u64 id = le64_to_cpu(msg->hdr.id);
	int err = -ESRCH;

	if (rc && popcorn_directory_serves(rc, msg->peer))
		err = discard_range(rc, le64_to_cpu(body->index), le64_to_cpu(body->count));
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

static int ask_discard(struct remote_context *rc, const struct popcorn_range *range)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_PAGE_DISCARD, sizeof(struct pcn_page_discard));
	struct pcn_page_discard *body;
	struct pcn_request *request;
	int err;

	if (!msg)
		return -ENOMEM;
	body = (struct pcn_page_discard *)msg->body;
	body->context = cpu_to_le64(rc->id);
	body->index = cpu_to_le64(range->index);
	body->count = cpu_to_le64(range->count);
	request = pcn_request_start(rc->peer, msg, NULL, NULL);
	if (IS_ERR(request))
		return PTR_ERR(request);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 0);
	pcn_request_put(request);
	return err;
}

/**
 * popcorn_page_discard() - pages read as zeros from now on, on every node
 * @rc: the program
 * @range: which
 *
 * Return: 0 or a negative errno.
 */
int popcorn_page_discard(struct remote_context *rc, const struct popcorn_range *range)
{
	int err;

	/* Somebody has pinned a page, or there is no memory. What should be zeros must not stay, whatever it takes. */
	do
		err = rc->for_remote ? ask_discard(rc, range) : discard_range(rc, range->index, range->count);
	while (pcn_request_again(err));
	return err == -EAGAIN ? -EINTR : err;
}

int popcorn_discard_init(void)
{
	/* A range may be large: page faults do not wait behind it. */
	discard_wq = alloc_workqueue("popcorn_discard", WQ_UNBOUND, 0);
	if (!discard_wq)
		return -ENOMEM;
	REGISTER_KMSG_WQ_HANDLER(PAGE_DISCARD, handle_page_discard, discard_wq);
	return 0;
}

void popcorn_discard_exit(void)
{
	destroy_workqueue(discard_wq);
}
