/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What /dev/popcorn offers. An open file is one of three things, from the first operation that says so until
 * it is closed: the node's agent (POPCORN_IOC_AGENT), the home of a program (POPCORN_IOC_ORIGIN), or a
 * program's process on another node (POPCORN_IOC_ADOPT).
 *
 * Every struct's size is part of its ioctl's number. Fields named `flags` hold only the bits listed here and
 * `reserved` is zero, else -EINVAL. Page indexes count pages of portable memory from its lowest address;
 * mmap(MAP_SHARED) of the file at index * page size maps it, at whatever address the program keeps it.
 */
#ifndef _UAPI_POPCORN_H
#define _UAPI_POPCORN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define POPCORN_API_VERSION 2
#define POPCORN_NODES_MAX 64		/* node ids are 0 to 63 */
#define POPCORN_BLOB_MAX 16384		/* bytes of thread state that travel with a hop */
#define POPCORN_HASH_SIZE 32
#define POPCORN_COMM_SIZE 16
#define POPCORN_NAME_SIZE 64
#define POPCORN_LIMITS 16		/* Linux's RLIMIT_ numbers */
#define POPCORN_PAGES_MAX (1ULL << 26)	/* 256 GiB of portable memory */

/**
 * struct popcorn_info - POPCORN_IOC_INFO: what this module is
 * @api: POPCORN_API_VERSION that it was built with
 * @nid: this node's id, -1 before POPCORN_IOC_NODE
 * @page_size: bytes of a page
 * @isa: ELF machine number (62 x86_64, 183 aarch64)
 */
struct popcorn_info {
	__u32 api;
	__s32 nid;
	__u32 page_size;
	__u32 isa;
};

/**
 * struct popcorn_peer - POPCORN_IOC_PEER_ADD, needs CAP_SYS_ADMIN
 * @fd: connected stream socket, plain or kernel-TLS; its only descriptor, which the call closes if it succeeds
 * @nid: node at the other end, authenticated by the caller
 * @flags: 0
 * @reserved: 0
 *
 * -EEXIST: that node is connected. -EBUSY: the socket has another descriptor, or a call is in it. The peer is up when POPCORN_IOC_NODE_INFO says so.
 */
struct popcorn_peer {
	__s32 fd;
	__u32 nid;
	__u32 flags;
	__u32 reserved;
};

enum popcorn_peer_state {
	POPCORN_NODE_DOWN,
	POPCORN_NODE_CONNECTING,
	POPCORN_NODE_UP,
};

/**
 * struct popcorn_node_info - POPCORN_IOC_NODE_INFO
 * @nid: which node (in)
 * @state: enum popcorn_peer_state
 * @isa: ELF machine number
 * @cpus: processors on line
 * @load: load average of the last minute, in thousandths
 * @reserved: 0
 * @memory_total: bytes
 * @memory_free: bytes
 * @name: what the agent calls it (POPCORN_IOC_NAME), with a NUL; empty if nobody has said
 */
struct popcorn_node_info {
	__u32 nid;
	__u32 state;
	__u32 isa;
	__u32 cpus;
	__u32 load;
	__u32 reserved;
	__u64 memory_total;
	__u64 memory_free;
	char name[POPCORN_NAME_SIZE];
};

/**
 * struct popcorn_node_name - POPCORN_IOC_NAME, needs CAP_SYS_ADMIN: what to call a node, connected or not
 * @nid: the node
 * @reserved: 0
 * @name: with a NUL
 */
struct popcorn_node_name {
	__u32 nid;
	__u32 reserved;
	char name[POPCORN_NAME_SIZE];
};

/**
 * struct popcorn_limit - a resource limit, as setrlimit() has it
 * @soft: rlim_cur, all ones: none
 * @hard: rlim_max, likewise
 */
struct popcorn_limit {
	__u64 soft;
	__u64 hard;
};

/**
 * struct popcorn_clone_request - what the agent's read() returns, one at a time
 * @cookie: for POPCORN_IOC_ADOPT or POPCORN_IOC_REFUSE
 * @pages: pages of portable memory
 * @nid: origin
 * @tgid: the program's pid at its origin
 * @uid: user as whom the process shall run
 * @gid: group as which it shall run
 * @hash: of the program, as its origin gave it
 * @comm: its name, with a NUL
 * @limits: its resource limits at its origin, by number
 */
struct popcorn_clone_request {
	__u64 cookie;
	__u64 pages;
	__u32 nid;
	__u32 tgid;
	__u32 uid;
	__u32 gid;
	__u8 hash[POPCORN_HASH_SIZE];
	char comm[POPCORN_COMM_SIZE];
	struct popcorn_limit limits[POPCORN_LIMITS];
};

/**
 * struct popcorn_refuse - POPCORN_IOC_REFUSE, by the agent: the program goes on at its origin
 * @cookie: of the clone request
 * @error: errno that the origin's POPCORN_IOC_MIGRATE returns
 * @reserved: 0
 */
struct popcorn_refuse {
	__u64 cookie;
	__u32 error;
	__u32 reserved;
};

/**
 * struct popcorn_origin - POPCORN_IOC_ORIGIN: the calling process is a program at home here
 * @pages: pages of portable memory, at most POPCORN_PAGES_MAX
 * @hash: names the program's images
 */
struct popcorn_origin {
	__u64 pages;
	__u8 hash[POPCORN_HASH_SIZE];
};

/**
 * struct popcorn_adopt - POPCORN_IOC_ADOPT: the calling process is that program's process on this node
 * @cookie: of the clone request (in)
 * @pages: pages of portable memory
 * @nid: origin
 * @tgid: the program's pid there
 *
 * The process must run as the request's uid and gid (-EPERM).
 */
struct popcorn_adopt {
	__u64 cookie;
	__u64 pages;
	__u32 nid;
	__u32 tgid;
};

/**
 * struct popcorn_migrate - POPCORN_IOC_MIGRATE: the calling thread goes to another node
 * @nid: where to
 * @flags: 0
 * @blob: address of the thread's state, which the module does not look into
 * @blob_len: at most POPCORN_BLOB_MAX
 * @reserved: 0
 *
 * At the origin: 0 once the thread runs at @nid; the caller is its shadow from now on and calls
 * POPCORN_IOC_SERVE. On a remote node (@nid may be the origin or a third node): 0 once the thread runs
 * there; the caller is no thread of the program any more. Any error: refused, the thread goes on where it
 * is (-EHOSTUNREACH: no such node, -ECONNRESET: lost, -ETIMEDOUT, or what the node answered).
 */
struct popcorn_migrate {
	__u32 nid;
	__u32 flags;
	__u64 blob;
	__u32 blob_len;
	__u32 reserved;
};

enum popcorn_event {
	POPCORN_EVENT_NONE,	/* nothing in time */
	POPCORN_EVENT_SYSCALL,	/* perform nr(args), answer by the next SERVE */
	POPCORN_EVENT_BACK,	/* the thread is back: its state is in the blob */
	POPCORN_EVENT_EXIT,	/* the thread ended there; result is its exit code */
	POPCORN_EVENT_LOST,	/* the thread is lost with its node (result 0), or with its process there (wait status) */
	POPCORN_EVENT_FORK,	/* (worker) start a thread that read()s key */
	POPCORN_EVENT_STOP,	/* (worker) the program has ended */
	POPCORN_EVENT_TOLD,	/* (worker) POPCORN_IOC_TELL at the origin: the next WORKER says that it is done */
};

/**
 * struct popcorn_serve - POPCORN_IOC_SERVE: a shadow answers a call and waits for the next event
 * @answer: id of the call answered, 0 if none (in)
 * @answer_result: what it returned (in)
 * @blob: where the state of a returning thread goes (in)
 * @blob_len: room there; then bytes put there (in, out)
 * @event: enum popcorn_event
 * @id: of a call, to be answered
 * @nr: system call number; EVENT_LOST: the node
 * @args: its arguments
 * @result: exit code
 * @flags: POPCORN_SERVE_ANSWER: answer, and wait for nothing (in)
 * @timeout_ms: POPCORN_EVENT_NONE after this time, 0: never (in)
 *
 * -EINTR: a signal came (the answer has been taken); call again with @answer 0.
 */
struct popcorn_serve {
	__u64 answer;
	__s64 answer_result;
	__u64 blob;
	__u32 blob_len;
	__u32 event;
	__u64 id;
	__u64 nr;
	__u64 args[6];
	__s64 result;
	__u32 flags;
	__u32 timeout_ms;
};
#define POPCORN_SERVE_ANSWER 1

/**
 * struct popcorn_key - a thread in flight: what POPCORN_IOC_WORKER returns and read() wants
 * @event: POPCORN_EVENT_FORK, POPCORN_EVENT_STOP or POPCORN_EVENT_TOLD
 * @pid: the thread's id at its origin
 * @hop: counts the thread's hops; 0: whichever is its next one here
 * @reserved: 0
 */
struct popcorn_key {
	__u32 event;
	__u32 pid;
	__u32 hop;
	__u32 reserved;
};

/**
 * struct popcorn_start - read() of a new thread: pairs it with its shadow
 * @key: as the worker got it (in)
 * @blob_len: bytes of @blob that were filled
 * @reserved: 0
 * @blob: the thread's state
 *
 * read() returns the bytes filled in all. Any error: the origin gave up; the thread ends. One whose thread has left
 * may wait for it to come again (hop 0): EINTR if it has to ask again, ESRCH if too many do.
 */
struct popcorn_start {
	struct popcorn_key key;
	__u32 blob_len;
	__u32 reserved;
	__u8 blob[];
};

/**
 * struct popcorn_syscall - POPCORN_IOC_SYSCALL: a remote thread has its shadow perform a system call
 * @nr: number
 * @args: arguments; addresses are those of portable memory
 * @result: what it returned
 * @flags: POPCORN_SYSCALL_WAIT: wait for the call that a signal interrupted (in, out);
 *	POPCORN_SYSCALL_FORGET: nobody waits any more for the calls that are under way, but the first args[0]
 * @reserved: 0
 *
 * -EINTR: a signal came. The call is under way, and @flags says so: call again with the same struct.
 */
struct popcorn_syscall {
	__u64 nr;
	__u64 args[6];
	__s64 result;
	__u32 flags;
	__u32 reserved;
};
#define POPCORN_SYSCALL_WAIT 1
#define POPCORN_SYSCALL_FORGET 2

/**
 * struct popcorn_signal - POPCORN_IOC_SIGNAL: a shadow hands a signal on to its thread
 * @signo: signal
 * @code: si_code
 * @pid: si_pid
 * @uid: si_uid
 * @value: si_value
 * @tid: another thread of the program than the caller, by its id here; 0: the caller's
 * @reserved: 0
 */
struct popcorn_signal {
	__u32 signo;
	__s32 code;
	__u32 pid;
	__u32 uid;
	__u64 value;
	__u32 tid;
	__u32 reserved;
};

/**
 * struct popcorn_range - POPCORN_IOC_DISCARD: these pages read as zeros from now on, everywhere
 * @index: first page
 * @count: pages
 */
struct popcorn_range {
	__u64 index;
	__u64 count;
};

/*
 * POPCORN_IOC_PRESENT takes a struct popcorn_range too, at the origin: the pages in question (in); the first of
 * them that may not be zeros, with those that follow it at once, or count 0 if there are none (out).
 */

#define POPCORN_IOC_INFO _IOR('P', 1, struct popcorn_info)
#define POPCORN_IOC_NODE _IOW('P', 2, __u32)		/* this node's id; once */
#define POPCORN_IOC_PEER_ADD _IOW('P', 3, struct popcorn_peer)
#define POPCORN_IOC_PEER_REMOVE _IOW('P', 4, __u32)
#define POPCORN_IOC_NODE_INFO _IOWR('P', 5, struct popcorn_node_info)
#define POPCORN_IOC_AGENT _IO('P', 6)			/* one a node; CAP_SYS_ADMIN */
#define POPCORN_IOC_REFUSE _IOW('P', 7, struct popcorn_refuse)
#define POPCORN_IOC_ORIGIN _IOW('P', 8, struct popcorn_origin)
#define POPCORN_IOC_ADOPT _IOWR('P', 9, struct popcorn_adopt)
#define POPCORN_IOC_MIGRATE _IOW('P', 10, struct popcorn_migrate)
#define POPCORN_IOC_SERVE _IOWR('P', 11, struct popcorn_serve)
#define POPCORN_IOC_WORKER _IOR('P', 12, struct popcorn_key)
#define POPCORN_IOC_SYSCALL _IOWR('P', 13, struct popcorn_syscall)
#define POPCORN_IOC_SIGNAL _IOW('P', 14, struct popcorn_signal)
#define POPCORN_IOC_EXIT _IOW('P', 15, __s32)		/* a remote thread ends with this code */
#define POPCORN_IOC_DISCARD _IOW('P', 16, struct popcorn_range)
#define POPCORN_IOC_TELL _IOW('P', 17, __u32)		/* origin: the worker on this node gets EVENT_TOLD; waits for it */
#define POPCORN_IOC_NAME _IOW('P', 18, struct popcorn_node_name)
#define POPCORN_IOC_PRESENT _IOWR('P', 19, struct popcorn_range)

#endif
