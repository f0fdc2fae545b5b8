// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer's socket sends from page faults, so while other locks are held: the mmap_lock, and those of any user's
 * socket whose sendmsg() or setsockopt() met the fault. That is safe as long as nobody waits for such a fault with this
 * socket's lock held. So no process keeps a descriptor of it, an allocation under its lock waits for no I/O, and
 * lockdep is told that its lock is not of the same kind as other sockets'.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/in.h>
#include <linux/lockdep.h>
#include <linux/net.h>
#include <linux/tcp.h>
#include <linux/version.h>
#include <net/sock.h>
#include "socket.h"

static struct lock_class_key slock_keys[3], lock_keys[3];

/* The lock exists and may be in use, by a packet that comes in: its class is changed while it is held. */
static void set_classes(struct sock *sk, struct lock_class_key *slock, struct lock_class_key *lock)
{
	lock_sock(sk);
	lock_set_class(&sk->sk_lock.dep_map, "sk_lock-popcorn", lock, 0, _THIS_IP_);
	release_sock(sk);
	spin_lock_bh(&sk->sk_lock.slock);
	lock_set_class(&sk->sk_lock.slock.dep_map, "slock-popcorn", slock, 0, _THIS_IP_);
	spin_unlock_bh(&sk->sk_lock.slock);
}

/* Another family's lock is taken in other contexts. */
static void own_class(struct sock *sk)
{
	int kind = sk->sk_family == AF_INET ? 0 : sk->sk_family == AF_INET6 ? 1 : 2;

	set_classes(sk, &slock_keys[kind], &lock_keys[kind]);
}

/* The socket may outlive the module, and so its keys. */
static void no_class(struct sock *sk)
{
#ifdef CONFIG_LOCKDEP
	set_classes(sk, &__lockdep_no_validate__, &__lockdep_no_validate__);
#endif
}

static void prepare(struct sock *sk)
{
	sk->sk_allocation = GFP_NOIO;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	/* Its own pages: the fault may lie in the middle of a send that uses the task's. (In 6.1, GFP_NOIO says that.) */
	sk->sk_use_task_frag = false;
#endif
	/* Silence is the watch's business. */
	sk->sk_rcvtimeo = MAX_SCHEDULE_TIMEOUT;
	sk->sk_sndtimeo = MAX_SCHEDULE_TIMEOUT;
	if ((sk->sk_family == AF_INET || sk->sk_family == AF_INET6) && sk->sk_protocol == IPPROTO_TCP)
		tcp_sock_set_nodelay(sk);
	own_class(sk);
}

/**
 * pcn_socket_take() - the socket that a descriptor of the calling process stands for
 * @fd: the descriptor; it stays open until pcn_socket_keep()
 *
 * Return: the socket, for pcn_socket_put(), or an ERR_PTR: -EBADF, -ENOTSOCK, -EPROTOTYPE, or -EBUSY if it has another
 * descriptor or is in use.
 */
struct socket *pcn_socket_take(int fd)
{
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return ERR_PTR(err);
	if (sock->type != SOCK_STREAM)
		err = -EPROTOTYPE;
	else if (file_count(sock->file) > 2) /* the descriptor's and ours */
		err = -EBUSY;
	else
		err = 0;
	if (err) {
		sockfd_put(sock);
		return ERR_PTR(err);
	}
	prepare(sock->sk);
	return sock;
}

/**
 * pcn_socket_keep() - close the descriptor of a socket that has been taken
 * @fd: the same descriptor
 */
void pcn_socket_keep(int fd)
{
	close_fd(fd);
}

/**
 * pcn_socket_put() - be done with a socket
 * @sock: the socket
 */
void pcn_socket_put(struct socket *sock)
{
	no_class(sock->sk);
	sockfd_put(sock);
}
