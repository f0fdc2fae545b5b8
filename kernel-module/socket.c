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
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/version.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tls.h>
#include "socket.h"

#ifdef CONFIG_LOCKDEP
/**
 * struct kind - what a lock is to lockdep
 * @key: of its class
 * @name: of its class
 */
struct kind {
	struct lock_class_key *key;
	const char *name;
};

/**
 * struct kinds - a socket's locks
 * @lock: that of its users
 * @slock: the spinlock under it
 * @tls: the one that kernel TLS takes before the socket's, and so before whatever a user's send may meet
 */
struct kinds {
	struct kind lock, slock, tls;
};

/* Another family's locks are taken in other contexts, so they have other classes. */
static struct lock_class_key lock_keys[AF_MAX], slock_keys[AF_MAX], tls_keys[AF_MAX];
/* What they were, and are again in the end: the socket, and its timers, may outlive the module, and so its keys. */
static struct kinds originals[AF_MAX];

static struct kind kind_of(const struct lockdep_map *map)
{
	return (struct kind){ map->key, map->name };
}

static struct mutex *tls_lock(struct sock *sk)
{
	if (IS_ENABLED(CONFIG_TLS) && sk->sk_protocol == IPPROTO_TCP && inet_csk_has_ulp(sk) &&
	    !strcmp(inet_csk(sk)->icsk_ulp_ops->name, "tls"))
		return &tls_get_ctx(sk)->tx_lock;
	return NULL;
}

/* The locks exist and may be in use, by a packet that comes in: their classes are changed while they are held. */
static void set_kinds(struct sock *sk, const struct kinds *kinds)
{
	struct mutex *tls = tls_lock(sk);

	lock_sock(sk);
	lock_set_class(&sk->sk_lock.dep_map, kinds->lock.name, kinds->lock.key, 0, _THIS_IP_);
	release_sock(sk);
	spin_lock_bh(&sk->sk_lock.slock);
	lock_set_class(&sk->sk_lock.slock.dep_map, kinds->slock.name, kinds->slock.key, 0, _THIS_IP_);
	spin_unlock_bh(&sk->sk_lock.slock);
	if (tls)
		lockdep_set_class_and_name(tls, kinds->tls.key, kinds->tls.name);
}

static void own_class(struct sock *sk)
{
	int family = sk->sk_family;
	struct mutex *tls = tls_lock(sk);
	const struct kinds own = {
		.lock = { &lock_keys[family], "sk_lock-popcorn" },
		.slock = { &slock_keys[family], "slock-popcorn" },
		.tls = { &tls_keys[family], "tls-popcorn" },
	};

	originals[family].lock = kind_of(&sk->sk_lock.dep_map);
	originals[family].slock = kind_of(&sk->sk_lock.slock.dep_map);
	if (tls)
		originals[family].tls = kind_of(&tls->dep_map);
	set_kinds(sk, &own);
}

static void former_class(struct sock *sk)
{
	set_kinds(sk, &originals[sk->sk_family]);
}
#else
static void own_class(struct sock *sk)
{
}

static void former_class(struct sock *sk)
{
}
#endif

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
	former_class(sock->sk);
	sockfd_put(sock);
}
