/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: events/popcorn in tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM popcorn

#if !defined(_POPCORN_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _POPCORN_TRACE_H

#include <linux/tracepoint.h>
#include "wire.h"

TRACE_EVENT(popcorn_message,
	TP_PROTO(int nid, bool sent, const struct pcn_kmsg_hdr *hdr),
	TP_ARGS(nid, sent, hdr),
	TP_STRUCT__entry(
		__field(int, nid)
		__field(bool, sent)
		__field(u8, type)
		__field(u16, flags)
		__field(u32, length)
		__field(u64, id)
	),
	TP_fast_assign(
		__entry->nid = nid;
		__entry->sent = sent;
		__entry->type = hdr->type;
		__entry->flags = le16_to_cpu(hdr->flags);
		__entry->length = le32_to_cpu(hdr->length);
		__entry->id = le64_to_cpu(hdr->id);
	),
	TP_printk("node %d %s type %u flags %x length %u id %llu", __entry->nid,
		  __entry->sent ? "sent" : "received", __entry->type, __entry->flags, __entry->length,
		  __entry->id)
);

TRACE_EVENT(popcorn_peer_close,
	TP_PROTO(int nid, int reason),
	TP_ARGS(nid, reason),
	TP_STRUCT__entry(
		__field(int, nid)
		__field(int, reason)
	),
	TP_fast_assign(
		__entry->nid = nid;
		__entry->reason = reason;
	),
	TP_printk("node %d reason %d", __entry->nid, __entry->reason)
);

TRACE_EVENT(popcorn_hop,
	TP_PROTO(u64 context, int pid, int from, int to, int result),
	TP_ARGS(context, pid, from, to, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(int, pid)
		__field(int, from)
		__field(int, to)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = context;
		__entry->pid = pid;
		__entry->from = from;
		__entry->to = to;
		__entry->result = result;
	),
	TP_printk("context %llx pid %d node %d to %d result %d", __entry->context, __entry->pid,
		  __entry->from, __entry->to, __entry->result)
);

TRACE_EVENT(popcorn_fault,
	TP_PROTO(u64 context, u64 index, bool write, u64 ns, int result),
	TP_ARGS(context, index, write, ns, result),
	TP_STRUCT__entry(
		__field(u64, context)
		__field(u64, index)
		__field(bool, write)
		__field(u64, ns)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->context = context;
		__entry->index = index;
		__entry->write = write;
		__entry->ns = ns;
		__entry->result = result;
	),
	TP_printk("context %llx page %llx %s %llu ns result %d", __entry->context, __entry->index,
		  __entry->write ? "write" : "read", __entry->ns, __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
