// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers come by an ioctl with their connected socket and live until they are removed, break a rule, or fall silent. What
 * happens then: everybody who waits for the peer is told, and every program that has to do with it.
 */
#include <linux/elf.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/sched/loadavg.h>
#include <linux/slab.h>
#include "link.h"
#include "process_server.h"
#include "remote.h"
#include "request.h"
#include "socket.h"
#include "stats.h"

static unsigned int keepalive_ms = 2000;
module_param(keepalive_ms, uint, 0644);
MODULE_PARM_DESC(keepalive_ms, "time between two keep-alive messages");

static DEFINE_MUTEX(peers_mutex);	/* adding, and @closing */
static bool closing;

/**
 * popcorn_isa() - what this machine is
 *
 * Return: its ELF machine number.
 */
u32 popcorn_isa(void)
{
	return ELF_ARCH;
}

/**
 * popcorn_set_nid() - give this node its id
 * @nid: the id; it stays as long as the module is loaded
 *
 * Return: 0, -EINVAL, or -EBUSY if it has another one.
 */
int popcorn_set_nid(u32 nid)
{
	int err = 0;

	if (nid >= POPCORN_NODES_MAX)
		return -EINVAL;
	mutex_lock(&peers_mutex);
	if (popcorn_nid >= 0 && popcorn_nid != nid)
		err = -EBUSY;
	else
		WRITE_ONCE(popcorn_nid, nid);
	mutex_unlock(&peers_mutex);
	return err;
}

/* A node is gone: tell every program that has to do with it. */
static void tell_programs(struct pcn_peer *peer)
{
	struct remote_context *rc = NULL;

	while ((rc = popcorn_context_next(rc))) {
		if (rc->for_remote)
			remote_peer_lost(rc, peer);
		else
			process_server_peer_lost(rc, peer);
	}
}

static void peer_close_work(struct work_struct *work)
{
	struct pcn_peer *peer = container_of(work, struct pcn_peer, close);
	struct pcn_kmsg_message *msg, *next;
	int priority;

	/* Whoever adds it must be done with it. */
	mutex_lock(&peers_mutex);
	mutex_unlock(&peers_mutex);
	kernel_sock_shutdown(peer->sock, SHUT_RDWR);
	cancel_delayed_work_sync(&peer->watch);
	kthread_stop(peer->receiver);
	kthread_stop(peer->sender);
	pcn_requests_fail(peer);
	pcn_send_nothing(peer);
	for (priority = 0; priority < PCN_PRIORITIES; priority++)
		list_for_each_entry_safe(msg, next, &peer->queue[priority], link)
			pcn_kmsg_done(msg);
	tell_programs(peer);
	pcn_peer_leave(peer);
	pcn_socket_put(peer->sock);
	pr_info("popcorn: node %d is gone (%d)\n", peer->nid, peer->reason);
	pcn_peer_put(peer);	/* the table's */
	pcn_peer_put(peer);	/* pcn_peer_close()'s */
}

static void post_hello(struct pcn_peer *peer)
{
	struct pcn_kmsg_message *msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_HELLO, sizeof(struct pcn_hello));
	struct pcn_hello *hello;

	if (!msg) {
		pcn_peer_close(peer, -ENOMEM);
		return;
	}
	hello = (struct pcn_hello *)msg->body;
	hello->nid = cpu_to_le32(popcorn_nid);
	hello->peer = cpu_to_le32(peer->nid);
	hello->page_size = cpu_to_le32(PAGE_SIZE);
	hello->isa = cpu_to_le32(popcorn_isa());
	pcn_kmsg_post(peer, msg);
}

static int handle_hello(struct pcn_kmsg_message *msg)
{
	struct pcn_hello *hello = (struct pcn_hello *)msg->body;
	struct pcn_peer *peer = msg->peer;
	int err = 0;

	if (le32_to_cpu(hello->nid) != peer->nid || le32_to_cpu(hello->peer) != popcorn_nid) {
		pr_warn("popcorn: node %d says that it is %u, talking to %u\n", peer->nid,
			le32_to_cpu(hello->nid), le32_to_cpu(hello->peer));
		err = -EBADR;
	} else if (le32_to_cpu(hello->page_size) != PAGE_SIZE) {
		pr_warn("popcorn: node %d has pages of %u bytes\n", peer->nid, le32_to_cpu(hello->page_size));
		err = -EPFNOSUPPORT;
	} else {
		peer->isa = le32_to_cpu(hello->isa);
		set_bit(PCN_PEER_UP, &peer->flags);
		pr_info("popcorn: node %d is up\n", peer->nid);
	}
	pcn_kmsg_done(msg);
	return err;
}

static void own_info(struct pcn_keepalive *info)
{
	struct sysinfo memory;

	si_meminfo(&memory);
	info->memory_total = cpu_to_le64((u64)memory.totalram * memory.mem_unit);
	info->memory_free = cpu_to_le64((u64)memory.freeram * memory.mem_unit);
	info->load = cpu_to_le32((u64)avenrun[0] * 1000 >> FSHIFT);
	info->cpus = cpu_to_le32(num_online_cpus());
}

static int handle_keepalive(struct pcn_kmsg_message *msg)
{
	struct pcn_peer *peer = msg->peer;

	spin_lock(&peer->lock);
	memcpy(&peer->info, msg->body, sizeof(peer->info));
	spin_unlock(&peer->lock);
	pcn_kmsg_done(msg);
	return 0;
}

static void peer_watch_work(struct work_struct *work)
{
	struct pcn_peer *peer = container_of(work, struct pcn_peer, watch.work);
	unsigned long limit = READ_ONCE(peer->last_received) + msecs_to_jiffies(popcorn_timeout_ms);
	struct pcn_kmsg_message *msg;

	if (time_after(jiffies, limit)) {
		pcn_peer_close(peer, -ETIMEDOUT);
		return;
	}
	msg = pcn_kmsg_alloc(PCN_KMSG_TYPE_KEEPALIVE, sizeof(struct pcn_keepalive));
	if (msg) {
		own_info((struct pcn_keepalive *)msg->body);
		pcn_kmsg_post(peer, msg);
	}
	queue_delayed_work(popcorn_wq, &peer->watch, msecs_to_jiffies(max(keepalive_ms, 10u)));
}

static int peer_start(struct pcn_peer *peer)
{
	peer->sender = kthread_create(pcn_sender_main, peer, "popcorn_tx/%d", peer->nid);
	if (IS_ERR(peer->sender))
		return PTR_ERR(peer->sender);
	peer->receiver = kthread_create(pcn_receiver_main, peer, "popcorn_rx/%d", peer->nid);
	if (IS_ERR(peer->receiver)) {
		kthread_stop(peer->sender);
		return PTR_ERR(peer->receiver);
	}
	return 0;
}

static struct pcn_peer *peer_alloc(struct socket *sock, int nid)
{
	struct pcn_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	int priority;

	if (!peer)
		return NULL;
	kref_init(&peer->ref);
	peer->nid = nid;
	peer->sock = sock;
	spin_lock_init(&peer->lock);
	for (priority = 0; priority < PCN_PRIORITIES; priority++)
		INIT_LIST_HEAD(&peer->queue[priority]);
	init_waitqueue_head(&peer->send_wait);
	mutex_init(&peer->out.mutex);
	xa_init_flags(&peer->requests, XA_FLAGS_ALLOC1);
	peer->last_received = jiffies;
	INIT_DELAYED_WORK(&peer->watch, peer_watch_work);
	INIT_WORK(&peer->close, peer_close_work);
	popcorn_count_live(1);
	return peer;
}

/**
 * pcn_peer_add() - a node is at the other end of this socket
 * @fd: the calling process's connected stream socket, its only descriptor; closed if it is added
 * @nid: the node
 *
 * Return: 0, or a negative errno.
 */
int pcn_peer_add(int fd, u32 nid)
{
	struct socket *sock;
	struct pcn_peer *peer;
	int err;

	if (nid >= POPCORN_NODES_MAX || popcorn_nid < 0 || nid == popcorn_nid)
		return -EINVAL;
	sock = pcn_socket_take(fd);
	if (IS_ERR(sock))
		return PTR_ERR(sock);
	err = -ENOMEM;
	peer = peer_alloc(sock, nid);
	if (!peer)
		goto put_socket;
	mutex_lock(&peers_mutex);
	err = closing ? -ESHUTDOWN : pcn_peer_entered(nid) ? -EEXIST : peer_start(peer);
	if (err)
		goto put_peer;
	pcn_peer_enter(peer);
	pcn_socket_keep(fd);
	post_hello(peer);
	wake_up_process(peer->sender);
	wake_up_process(peer->receiver);
	queue_delayed_work(popcorn_wq, &peer->watch, msecs_to_jiffies(keepalive_ms));
	mutex_unlock(&peers_mutex);
	return 0;
put_peer:
	mutex_unlock(&peers_mutex);
	pcn_peer_put(peer);
put_socket:
	pcn_socket_put(sock);
	return err;
}

/**
 * pcn_peer_remove() - disconnect a node
 * @nid: the node
 *
 * Return: 0 or -ENOENT.
 */
int pcn_peer_remove(u32 nid)
{
	struct pcn_peer *peer = pcn_peer_get(nid);

	if (!peer)
		return -ENOENT;
	pcn_peer_close(peer, -ESHUTDOWN);
	pcn_peer_put(peer);
	return 0;
}

/**
 * pcn_peer_info() - describe a node
 * @info: nid is set; the rest is filled
 */
void pcn_peer_info(struct popcorn_node_info *info)
{
	struct pcn_keepalive data = { };
	struct pcn_peer *peer;

	info->state = POPCORN_NODE_DOWN;
	if (info->nid == popcorn_nid) {
		info->state = POPCORN_NODE_UP;
		info->isa = popcorn_isa();
		own_info(&data);
	}
	peer = pcn_peer_get(info->nid);
	if (peer) {
		if (!test_bit(PCN_PEER_DEAD, &peer->flags))
			info->state = pcn_peer_up(peer) ? POPCORN_NODE_UP : POPCORN_NODE_CONNECTING;
		info->isa = peer->isa;
		spin_lock(&peer->lock);
		data = peer->info;
		spin_unlock(&peer->lock);
		pcn_peer_put(peer);
	}
	info->cpus = le32_to_cpu(data.cpus);
	info->load = le32_to_cpu(data.load);
	info->memory_total = le64_to_cpu(data.memory_total);
	info->memory_free = le64_to_cpu(data.memory_free);
}

int pcn_peer_init(void)
{
	REGISTER_KMSG_HANDLER(HELLO, handle_hello);
	REGISTER_KMSG_HANDLER(KEEPALIVE, handle_keepalive);
	return 0;
}

/**
 * pcn_peer_exit() - disconnect all nodes and wait until they are gone
 */
void pcn_peer_exit(void)
{
	u32 nid;

	mutex_lock(&peers_mutex);
	closing = true;
	mutex_unlock(&peers_mutex);
	for (nid = 0; nid < POPCORN_NODES_MAX; nid++)
		pcn_peer_remove(nid);
	flush_workqueue(popcorn_wq);
}
