/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes over the wire: a fixed header, then a body of the type's struct. All little-endian.
 *
 * Messages of one connection are numbered; each must have the number after its predecessor's. The first one
 * each side sends is HELLO. A node's id is that of the socket, never one in a message.
 */
#ifndef _POPCORN_WIRE_H
#define _POPCORN_WIRE_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <uapi/popcorn.h>

#define PCN_KMSG_MAGIC 0x4e435031
#ifndef PCN_KMSG_VERSION	/* the tests have a module of another one */
#define PCN_KMSG_VERSION 1
#endif

/* Header flags. */
#define PCN_KMSG_REQUEST 1	/* id is to be repeated in a reply */
#define PCN_KMSG_REPLY 2	/* answers the request of that id */
#define PCN_KMSG_NACK 4		/* with REPLY: refused, the body is struct pcn_nack */

enum pcn_kmsg_type {
	PCN_KMSG_TYPE_HELLO = 1,
	PCN_KMSG_TYPE_KEEPALIVE,
	PCN_KMSG_TYPE_TASK_MIGRATE,
	PCN_KMSG_TYPE_TASK_MIGRATE_NACK,
	PCN_KMSG_TYPE_TASK_PAIRING,
	PCN_KMSG_TYPE_TASK_MIGRATE_BACK,
	PCN_KMSG_TYPE_TASK_EXIT_ORIGIN,
	PCN_KMSG_TYPE_TASK_EXIT_REMOTE,
	PCN_KMSG_TYPE_SYSCALL_FWD,
	PCN_KMSG_TYPE_SIGNAL_FWD,
	PCN_KMSG_TYPE_REMOTE_PAGE,
	PCN_KMSG_TYPE_PAGE_FETCH,
	PCN_KMSG_TYPE_PAGE_INVALIDATE,
	PCN_KMSG_TYPE_PAGE_DISCARD,
	PCN_KMSG_TYPE_WORKER_TELL,
	PCN_KMSG_TYPE_TASK_CANCEL,
	PCN_KMSG_TYPE_MAX,
};

struct pcn_kmsg_hdr {
	__le32 magic;
	u8 version;
	u8 type;
	__le16 flags;
	__le32 length;		/* of the body */
	__le32 seq;
	__le64 id;
};
static_assert(sizeof(struct pcn_kmsg_hdr) == 24);

struct pcn_nack {
	__le32 error;		/* a positive errno */
};

struct pcn_hello {
	__le32 nid;		/* the sender, as it sees itself: a check of the configuration only */
	__le32 peer;		/* whom it believes to talk to */
	__le32 page_size;
	__le32 isa;
};

struct pcn_keepalive {
	__le64 memory_total;
	__le64 memory_free;
	__le32 load;
	__le32 cpus;
};

/* A thread of a program: the program's id at its origin, the thread's id there, and which of its hops. */
struct pcn_task_key {
	__le64 context;
	__le32 pid;
	__le32 hop;
};

/* As struct popcorn_limit. */
struct pcn_limit {
	__le64 soft;
	__le64 hard;
};

struct pcn_task_migrate {
	struct pcn_task_key key;
	__le64 pages;
	__le32 uid;
	__le32 gid;
	u8 hash[POPCORN_HASH_SIZE];
	char comm[POPCORN_COMM_SIZE];
	struct pcn_limit limits[POPCORN_LIMITS];
	__le32 blob_len;
	__le32 flags;
	u8 blob[];
};

/* The thread does not run before the origin has answered its TASK_PAIRING. */
#define PCN_MIGRATE_WAIT 1

struct pcn_task_nack {
	struct pcn_task_key key;
	__le32 error;
	__le32 reserved;
};

struct pcn_task_pairing {
	struct pcn_task_key key;
	__le32 remote_tgid;
	__le32 remote_pid;
};

struct pcn_task_back {
	struct pcn_task_key key;
	__le32 nid;		/* where the thread wants to go */
	__le32 blob_len;
	u8 blob[];
};

/* TASK_EXIT_ORIGIN and TASK_EXIT_REMOTE; pid 0 is the whole process. */
struct pcn_task_exit {
	struct pcn_task_key key;
	__le32 code;
	__le32 reserved;
};

struct pcn_syscall {
	struct pcn_task_key key;
	__le64 nr;
	__le64 args[6];
};

struct pcn_syscall_reply {
	__le64 result;
};

struct pcn_signal {
	struct pcn_task_key key;
	__le32 signo;
	__le32 code;
	__le32 pid;
	__le32 uid;
	__le64 value;
};

/* Pages that one message speaks of: bit n of a set is the page at index + n. */
#define PCN_WINDOW 32

/*
 * REMOTE_PAGE (remote to origin), PAGE_FETCH and PAGE_INVALIDATE (origin to remote). The lowest page of the set
 * is needed, the others only if they can be had at once.
 */
struct pcn_page_request {
	__le64 context;
	__le64 index;
	__le32 set;
	__le32 write;		/* REMOTE_PAGE: wants to own them; PAGE_FETCH: and must give them up */
};

/* A page that is in none of the sets could not be had. */
struct pcn_page_reply {
	__le32 keep;		/* the copies that the receiver has are good; INVALIDATE: are gone */
	__le32 zero;
	__le32 data;		/* these follow, the lowest first */
	__le32 reserved;
};

/* Origin to remote: the program's worker shall look at something; answered when it has. */
struct pcn_worker_tell {
	__le64 context;
};

struct pcn_page_discard {
	__le64 context;
	__le64 index;
	__le64 count;
};

#endif
