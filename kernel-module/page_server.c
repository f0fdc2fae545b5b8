// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page server. At a program's origin a directory says for each page who owns it or who shares it. Whoever
 * wants a page asks the origin, which takes it away from others first; it changes one page's entry at a time
 * (the DIRECTORY bit), so a page has one owner or only readers at any moment.
 *
 * The origin's requests to other nodes (PAGE_FETCH, PAGE_INVALIDATE) are answered there without waiting for
 * any message, and replies are taken in by the receiver: nothing waits in a circle.
 */
#include <linux/fs.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "page.h"
#include "process_server.h"
#include "request.h"
#include "stats.h"
#include "trace.h"

#define WINDOW_MAX 32

/* The origin's work on requests, which waits for other nodes; and the work that it waits for. */
static struct workqueue_struct *directory_wq, *owner_wq;

static u64 nobody_else(void)
{
	return BIT_ULL(popcorn_nid);
}

static struct pcn_kmsg_message *page_message(enum pcn_kmsg_type type, struct remote_context *rc, u64 index,
					     bool write)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(type, sizeof(struct pcn_page_request));
	struct pcn_page_request *body;

	if (!msg)
		return NULL;
	body = (struct pcn_page_request *)msg->body;
	body->context = cpu_to_le64(rc->id);
	body->index = cpu_to_le64(index);
	body->write = cpu_to_le32(write);
	return msg;
}

static int lost(struct popcorn_page *page)
{
	if (!test_and_set_bit(POPCORN_PAGE_LOST, &page->flags))
		popcorn_count(POPCORN_STAT_PAGES_LOST);
	return -EIO;
}

/* Puts what a reply brings into the page's memory. Bytes behind the reply's struct are the page. */
static int take_content(struct remote_context *rc, struct popcorn_page *page, struct pcn_kmsg_message *msg)
{
	struct pcn_page_reply *reply = (struct pcn_page_reply *)msg->body;
	u32 content = le32_to_cpu(reply->content);
	u32 bytes = msg->length - sizeof(*reply);

	if (bytes != (content == PCN_PAGE_DATA ? PAGE_SIZE : 0))
		return -EPROTO;
	if (content == PCN_PAGE_KEEP)
		return page->page && page->state == POPCORN_PAGE_SHARED ? 0 : -EPROTO;
	if (popcorn_page_fill(rc, page))
		return -ENOMEM;
	if (content == PCN_PAGE_ZERO)
		clear_page(page_address(page->page));
	else if (content == PCN_PAGE_DATA)
		copy_page(page_address(page->page), reply->data);
	else
		return -EPROTO;
	if (content == PCN_PAGE_DATA)
		popcorn_count(POPCORN_STAT_PAGES_RECEIVED);
	return 0;
}

/*
 * Directory
 */

/* Gets the page back from its owner, who keeps a copy for reading unless it is to be given up. */
static int fetch(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	struct pcn_peer *peer = process_server_place(rc, page->owner);
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	int err;

	if (!peer)
		return lost(page);
	msg = page_message(PCN_KMSG_TYPE_PAGE_FETCH, rc, page->index, write);
	request = msg ? pcn_request_start(peer, msg, NULL, NULL) : ERR_PTR(-ENOMEM);
	err = PTR_ERR_OR_ZERO(request);
	if (!err) {
		err = pcn_request_wait(request, PCN_WAIT_ALWAYS, popcorn_timeout_ms);
		if (!err) {
			mutex_lock(&page->lock);
			err = take_content(rc, page, request->reply);
			if (!err)
				page->state = POPCORN_PAGE_SHARED;
			mutex_unlock(&page->lock);
		}
		/* A page that came and cannot be kept is lost with its node; so is one that did not come. */
		if (err == -ETIMEDOUT || err == -EPROTO || err == -ENOMEM)
			pcn_peer_close(peer, err);
		pcn_request_put(request);
		if (err && err != -EAGAIN)
			err = lost(page);
	} else if (err != -ENOMEM) {
		err = lost(page);
	}
	if (!err) {
		page->sharers = nobody_else() | (write ? 0 : BIT_ULL(page->owner));
		page->owner = POPCORN_NOBODY;
	}
	pcn_peer_put(peer);
	return err;
}

/* A node's copy is gone, or the node is. */
static int invalidate_wait(struct pcn_peer *peer, struct pcn_request *request)
{
	int err = pcn_request_wait(request, PCN_WAIT_ALWAYS, popcorn_timeout_ms);

	if (err == -ETIMEDOUT)
		pcn_peer_close(peer, err);
	return err == -EAGAIN ? err : 0;
}

/* Takes the page away from all these nodes, at the same time. Those that did it are no sharers any more. */
static int invalidate(struct remote_context *rc, struct popcorn_page *page, u64 nodes, bool discard)
{
	struct {
		struct pcn_peer *peer;
		struct pcn_request *request;
	} *asked;
	struct pcn_kmsg_message *msg;
	int err = 0, result, nid;

	if (!nodes)
		return 0;
	asked = kcalloc(POPCORN_NODES_MAX, sizeof(*asked), GFP_KERNEL);
	if (!asked)
		return -ENOMEM;
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++) {
		if (!(nodes & BIT_ULL(nid)))
			continue;
		asked[nid].peer = process_server_place(rc, nid);
		if (!asked[nid].peer) {
			page->sharers &= ~BIT_ULL(nid);
			continue;
		}
		msg = page_message(PCN_KMSG_TYPE_PAGE_INVALIDATE, rc, page->index, discard);
		asked[nid].request = msg ? pcn_request_start(asked[nid].peer, msg, NULL, NULL) : ERR_PTR(-ENOMEM);
	}
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++) {
		if (!asked[nid].peer)
			continue;
		if (IS_ERR(asked[nid].request)) {
			result = PTR_ERR(asked[nid].request);
			result = result == -ECONNRESET ? 0 : result;
		} else {
			result = invalidate_wait(asked[nid].peer, asked[nid].request);
			pcn_request_put(asked[nid].request);
		}
		if (result)
			err = result;
		else
			page->sharers &= ~BIT_ULL(nid);
		pcn_peer_put(asked[nid].peer);
	}
	kfree(asked);
	return err;
}

/* Makes the page one that nobody owns, with a good copy here. */
static int bring_home(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	int err;

	if (page->owner != popcorn_nid)
		return fetch(rc, page, write);
	err = popcorn_page_revoke(rc, page, POPCORN_PAGE_SHARED);
	if (!err) {
		page->sharers = nobody_else();
		page->owner = POPCORN_NOBODY;
	}
	return err;
}

/**
 * directory_grant() - give a page to a node
 * @rc: the program, at its origin
 * @page: the page, whose DIRECTORY bit is held
 * @nid: the node
 * @write: whether it shall own it
 * @content: what to send it
 *
 * Return: 0, -EAGAIN (try later), or a negative errno.
 */
static int directory_grant(struct remote_context *rc, struct popcorn_page *page, int nid, bool write,
			   enum pcn_page_content *content)
{
	bool had;
	int err;

	if (test_bit(POPCORN_PAGE_LOST, &page->flags))
		return -EIO;
	if (page->owner == nid)
		return nid == popcorn_nid ? 0 : -EINVAL;
	if (page->owner != POPCORN_NOBODY) {
		err = bring_home(rc, page, write);
		if (err)
			return err;
	}
	had = page->sharers & BIT_ULL(nid);
	*content = had ? PCN_PAGE_KEEP : page->page ? PCN_PAGE_DATA : PCN_PAGE_ZERO;
	if (!write) {
		page->sharers |= BIT_ULL(nid);
		return 0;
	}
	err = invalidate(rc, page, page->sharers & ~(BIT_ULL(nid) | nobody_else()), false);
	if (!err && nid != popcorn_nid)
		err = popcorn_page_revoke(rc, page, POPCORN_PAGE_INVALID);
	if (err)
		return err;
	page->owner = nid;
	page->sharers = 0;
	return 0;
}

static void directory_lock(struct popcorn_page *page)
{
	wait_var_event(&page->flags, !test_and_set_bit_lock(POPCORN_PAGE_DIRECTORY, &page->flags));
}

/* A node wants a page. */
static int handle_remote_page(struct pcn_kmsg_message *msg)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	struct remote_context *rc = popcorn_context_find(popcorn_nid, le64_to_cpu(ask->context));
	struct pcn_peer *place = rc ? process_server_place(rc, msg->peer->nid) : NULL;
	u64 id = le64_to_cpu(msg->hdr.id);
	enum pcn_page_content content = PCN_PAGE_KEEP;
	struct pcn_page_reply reply = { };
	struct popcorn_page *page;
	int err = -ESRCH;

	if (place == msg->peer) {
		page = popcorn_page_make(rc, le64_to_cpu(ask->index));
		err = PTR_ERR_OR_ZERO(page);
		if (!err) {
			directory_lock(page);
			err = directory_grant(rc, page, place->nid, ask->write, &content);
			if (!err) {
				bool data = content == PCN_PAGE_DATA;

				reply.content = cpu_to_le32(content);
				pcn_kmsg_reply(place, msg->hdr.type, id, &reply, sizeof(reply),
					       data ? page->page : NULL);
				if (data)
					popcorn_count(POPCORN_STAT_PAGES_SENT);
			}
			popcorn_page_unlock_bit(page, POPCORN_PAGE_DIRECTORY);
		}
	}
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	if (place)
		pcn_peer_put(place);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

/* A thread here, at the origin, wants a page; its PENDING bit is held and released. */
static int acquire_home(struct remote_context *rc, struct popcorn_page *page, bool write, bool waited)
{
	enum pcn_page_content content = PCN_PAGE_KEEP;
	int err;

	directory_lock(page);
	err = directory_grant(rc, page, popcorn_nid, write, &content);
	if (!err) {
		mutex_lock(&page->lock);
		page->state = page->owner == popcorn_nid ? POPCORN_PAGE_OWNED : POPCORN_PAGE_SHARED;
		page->granted = waited;
		mutex_unlock(&page->lock);
	}
	popcorn_page_unlock_bit(page, POPCORN_PAGE_DIRECTORY);
	popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
	return err;
}

static void discard(struct remote_context *rc, struct popcorn_page *page)
{
	u64 others = page->owner == POPCORN_NOBODY ? page->sharers : BIT_ULL(page->owner);

	/* A copy that cannot be taken away now is taken away when somebody pins it no more. */
	while (invalidate(rc, page, others & ~nobody_else(), true))
		msleep(20);
	while (popcorn_page_revoke(rc, page, POPCORN_PAGE_INVALID))
		msleep(20);
	mutex_lock(&page->lock);
	popcorn_page_drop(page);
	page->state = POPCORN_PAGE_SHARED;
	page->owner = POPCORN_NOBODY;
	page->sharers = nobody_else();
	clear_bit(POPCORN_PAGE_LOST, &page->flags);
	mutex_unlock(&page->lock);
}

static int discard_range(struct remote_context *rc, u64 index, u64 count)
{
	struct popcorn_page *page;
	unsigned long at;

	if (index >= rc->pages || count > rc->pages - index)
		return -ERANGE;
	if (!count)
		return 0;
	xa_for_each_range(&rc->page_table, at, page, index, index + count - 1) {
		directory_lock(page);
		discard(rc, page);
		popcorn_page_unlock_bit(page, POPCORN_PAGE_DIRECTORY);
	}
	return 0;
}

static int handle_page_discard(struct pcn_kmsg_message *msg)
{
	struct pcn_page_discard *body = (struct pcn_page_discard *)msg->body;
	struct remote_context *rc = popcorn_context_find(popcorn_nid, le64_to_cpu(body->context));
	struct pcn_peer *place = rc ? process_server_place(rc, msg->peer->nid) : NULL;
	u64 id = le64_to_cpu(msg->hdr.id);
	int err = -ESRCH;

	if (place == msg->peer)
		err = discard_range(rc, le64_to_cpu(body->index), le64_to_cpu(body->count));
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0, NULL);
	if (place)
		pcn_peer_put(place);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

/*
 * Other nodes
 */

static struct remote_context *remote_of(const struct pcn_kmsg_message *msg, u64 context)
{
	struct remote_context *rc = popcorn_context_find(msg->peer->nid, context);

	if (rc && rc->peer == msg->peer)
		return rc;
	if (rc)
		popcorn_context_put(rc);
	return NULL;
}

/* The origin wants the page that we own. */
static int handle_page_fetch(struct pcn_kmsg_message *msg)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	struct remote_context *rc = remote_of(msg, le64_to_cpu(ask->context));
	struct popcorn_page *page = rc ? popcorn_page_find(rc, le64_to_cpu(ask->index)) : NULL;
	struct pcn_page_reply reply = { .content = cpu_to_le32(PCN_PAGE_DATA) };
	u64 id = le64_to_cpu(msg->hdr.id);
	int err = -ESRCH;

	if (page && READ_ONCE(page->state) == POPCORN_PAGE_OWNED)
		err = popcorn_page_revoke(rc, page, ask->write ? POPCORN_PAGE_INVALID : POPCORN_PAGE_SHARED);
	if (err) {
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	} else {
		popcorn_count(POPCORN_STAT_PAGES_SENT);
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, &reply, sizeof(reply), page->page);
	}
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

/* The origin says that our copy is old. */
static int handle_page_invalidate(struct pcn_kmsg_message *msg)
{
	struct pcn_page_request *ask = (struct pcn_page_request *)msg->body;
	struct remote_context *rc = remote_of(msg, le64_to_cpu(ask->context));
	struct popcorn_page *page = rc ? popcorn_page_find(rc, le64_to_cpu(ask->index)) : NULL;
	u64 id = le64_to_cpu(msg->hdr.id);
	int err = 0;

	if (page)
		err = popcorn_page_revoke(rc, page, POPCORN_PAGE_INVALID);
	if (page && !err && ask->write) {
		mutex_lock(&page->lock);
		if (!test_bit(POPCORN_PAGE_PENDING, &page->flags))
			popcorn_page_drop(page);
		mutex_unlock(&page->lock);
	}
	if (err)
		pcn_kmsg_nack(msg->peer, msg->hdr.type, id, err);
	else
		pcn_kmsg_reply(msg->peer, msg->hdr.type, id, NULL, 0, NULL);
	if (rc)
		popcorn_context_put(rc);
	pcn_kmsg_done(msg);
	return 0;
}

/**
 * struct page_wanted - a page that is being fetched
 * @rc: the program, with a reference
 * @page: the page, whose PENDING bit is held
 * @write: whether it shall be owned
 * @waited: whether a thread waits for it
 * @work: at the origin
 */
struct page_wanted {
	struct remote_context *rc;
	struct popcorn_page *page;
	bool write;
	bool waited;
	struct work_struct work;
};

static void wanted_free(struct page_wanted *wanted)
{
	popcorn_context_put(wanted->rc);
	kfree(wanted);
}

/* The origin's answer. In the receiver: before any later message about this page is looked at. */
static int page_arrived(struct pcn_request *request)
{
	struct page_wanted *wanted = request->data;
	struct popcorn_page *page = wanted->page;
	int err = 0;

	if (!request->status) {
		mutex_lock(&page->lock);
		err = take_content(wanted->rc, page, request->reply);
		if (!err) {
			page->state = wanted->write ? POPCORN_PAGE_OWNED : POPCORN_PAGE_SHARED;
			page->granted = wanted->waited;
		}
		mutex_unlock(&page->lock);
	}
	popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
	wanted_free(wanted);
	return err;
}

static struct pcn_request *ask_origin(struct page_wanted *wanted)
{
	struct pcn_kmsg_message *msg = page_message(PCN_KMSG_TYPE_REMOTE_PAGE, wanted->rc, wanted->page->index,
						    wanted->write);

	return msg ? pcn_request_start(wanted->rc->peer, msg, page_arrived, wanted) : ERR_PTR(-ENOMEM);
}

static void prefetch_home(struct work_struct *work)
{
	struct page_wanted *wanted = container_of(work, struct page_wanted, work);

	acquire_home(wanted->rc, wanted->page, wanted->write, false);
	wanted_free(wanted);
}

static struct page_wanted *wanted_alloc(struct remote_context *rc, struct popcorn_page *page, bool write,
					bool waited)
{
	struct page_wanted *wanted = kzalloc(sizeof(*wanted), GFP_KERNEL);

	if (!wanted)
		return NULL;
	wanted->rc = popcorn_context_hold(rc);
	wanted->page = page;
	wanted->write = write;
	wanted->waited = waited;
	INIT_WORK(&wanted->work, prefetch_home);
	return wanted;
}

/* A thread on another node than the origin wants a page; its PENDING bit is held and handed on. */
static int acquire_remote(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	struct page_wanted *wanted = wanted_alloc(rc, page, write, true);
	struct pcn_request *request = wanted ? ask_origin(wanted) : ERR_PTR(-ENOMEM);
	int err;

	if (IS_ERR(request)) {
		if (wanted)
			wanted_free(wanted);
		popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
		return PTR_ERR(request);
	}
	popcorn_count(POPCORN_STAT_FAULTS_REMOTE);
	err = pcn_request_wait(request, PCN_WAIT_KILLABLE, 0);
	pcn_request_put(request);
	return err;
}

static bool page_good(const struct popcorn_page *page, bool write)
{
	return page->state == POPCORN_PAGE_OWNED || (page->state == POPCORN_PAGE_SHARED && !write);
}

/* Asks for a page that no thread waits for yet, if it is not here or coming. */
static void prefetch_page(struct remote_context *rc, u64 index, bool write)
{
	struct popcorn_page *page = popcorn_page_make(rc, index);
	struct page_wanted *wanted;
	struct pcn_request *request;
	bool wanting;

	if (IS_ERR(page) || test_and_set_bit_lock(POPCORN_PAGE_PENDING, &page->flags))
		return;
	mutex_lock(&page->lock);
	wanting = !page_good(page, write) && !popcorn_page_fill(rc, page);
	mutex_unlock(&page->lock);
	wanted = wanting ? wanted_alloc(rc, page, write, false) : NULL;
	if (!wanted) {
		popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
		return;
	}
	popcorn_count(POPCORN_STAT_PREFETCHES);
	if (!rc->for_remote) {
		queue_work(directory_wq, &wanted->work);
		return;
	}
	request = ask_origin(wanted);
	if (!IS_ERR(request)) {
		pcn_request_put(request);
		return;
	}
	wanted_free(wanted);
	popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
}

/*
 * A thread that goes through memory page by page gets the next ones before it asks; the further it goes, the
 * more. ahead->next is the first page that has not been asked for. Threads that share a slot, or race in it,
 * only cost a guess.
 */
static void look_ahead(struct remote_context *rc, u64 index, bool write, bool miss)
{
	typeof(rc->ahead[0]) *ahead = &rc->ahead[task_pid_nr(current) % ARRAY_SIZE(rc->ahead)];
	u64 next = READ_ONCE(ahead->next), last;
	u32 window = READ_ONCE(ahead->window);

	if (index > next || next - index > WINDOW_MAX + 1) {
		if (miss) {
			WRITE_ONCE(ahead->window, 0);
			WRITE_ONCE(ahead->next, index + 1);
		}
		return;
	}
	/* Half of it is still to come. */
	if (next > index + 1 + window / 2 || (!miss && !window))
		return;
	window = clamp(window * 2, 2u, (u32)WINDOW_MAX);
	last = min(index + 1 + window, rc->pages);
	WRITE_ONCE(ahead->window, window);
	WRITE_ONCE(ahead->next, last);
	for (index = max(next, index + 1); index < last; index++)
		prefetch_page(rc, index, write);
}

static int acquire(struct remote_context *rc, struct popcorn_page *page, bool write)
{
	bool good;

	if (test_and_set_bit_lock(POPCORN_PAGE_PENDING, &page->flags))
		return wait_var_event_killable(&page->flags, !test_bit(POPCORN_PAGE_PENDING, &page->flags)) ?
			-EINTR : 0;
	if (!rc->for_remote)
		return acquire_home(rc, page, write, true);
	/* Somebody else's page may have come between the look at it and the bit: who owns it must not ask for it. */
	mutex_lock(&page->lock);
	good = page_good(page, write);
	mutex_unlock(&page->lock);
	if (!good)
		return acquire_remote(rc, page, write);
	popcorn_page_unlock_bit(page, POPCORN_PAGE_PENDING);
	return 0;
}

/**
 * popcorn_page_access() - get a page for the calling thread
 * @rc: its program
 * @index: which page
 * @write: for writing
 *
 * Return: the page, locked, good for what is asked and with memory; or an ERR_PTR.
 */
struct popcorn_page *popcorn_page_access(struct remote_context *rc, u64 index, bool write)
{
	struct popcorn_page *page = popcorn_page_make(rc, index);
	u64 begin = 0;
	int err = 0;

	if (IS_ERR(page))
		return page;
	popcorn_count(POPCORN_STAT_FAULTS);
	look_ahead(rc, index, write, false);
	for (;;) {
		mutex_lock(&page->lock);
		err = test_bit(POPCORN_PAGE_LOST, &page->flags) ? -EIO : popcorn_page_fill(rc, page);
		if (!err && page_good(page, write))
			break;
		mutex_unlock(&page->lock);
		if (!err && !begin) {
			begin = ktime_get_ns();
			look_ahead(rc, index, write, true);
		}
		if (!err)
			err = acquire(rc, page, write);
		if (err == -EAGAIN && !fatal_signal_pending(current)) {
			usleep_range(1000, 2000);
			continue;
		}
		if (err)
			break;
	}
	if (begin) {
		begin = ktime_get_ns() - begin;
		popcorn_count_add(POPCORN_STAT_FAULT_NS, begin);
		trace_popcorn_fault(rc->id, index, write, begin, err);
	}
	return err ? ERR_PTR(err) : page;
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
	struct pcn_page_discard *body;
	struct pcn_kmsg_message *msg;
	struct pcn_request *request;
	int err;

	if (!rc->for_remote)
		return discard_range(rc, range->index, range->count);
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_PAGE_DISCARD, sizeof(*body));
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

int popcorn_page_server_init(void)
{
	directory_wq = alloc_workqueue("popcorn_directory", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!directory_wq)
		return -ENOMEM;
	owner_wq = alloc_workqueue("popcorn_owner", WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!owner_wq) {
		destroy_workqueue(directory_wq);
		return -ENOMEM;
	}
	REGISTER_KMSG_WQ_HANDLER(REMOTE_PAGE, handle_remote_page, directory_wq);
	REGISTER_KMSG_WQ_HANDLER(PAGE_DISCARD, handle_page_discard, directory_wq);
	REGISTER_KMSG_WQ_HANDLER(PAGE_FETCH, handle_page_fetch, owner_wq);
	REGISTER_KMSG_WQ_HANDLER(PAGE_INVALIDATE, handle_page_invalidate, owner_wq);
	return 0;
}

void popcorn_page_server_exit(void)
{
	destroy_workqueue(directory_wq);
	destroy_workqueue(owner_wq);
}
