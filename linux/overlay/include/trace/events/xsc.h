/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xsc

#if !defined(_TRACE_XSC_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_XSC_H

#include <linux/tracepoint.h>

/**
 * xsc_dispatch - a request was copied and is about to run
 * @seq:	number of the request in its window
 * @nr:		system call number as the gate passed it
 */
TRACE_EVENT(xsc_dispatch,
	TP_PROTO(u32 seq, long nr),
	TP_ARGS(seq, nr),
	TP_STRUCT__entry(
		__field(u32, seq)
		__field(long, nr)
	),
	TP_fast_assign(
		__entry->seq = seq;
		__entry->nr = nr;
	),
	TP_printk("seq=%u nr=%ld", __entry->seq, __entry->nr)
);

/**
 * xsc_complete - a result is about to be published
 * @seq:	number of the request in its window
 * @nr:		system call number as the gate passed it
 * @res:	result or negative errno
 * @flags:	XSC_CQE_*
 */
TRACE_EVENT(xsc_complete,
	TP_PROTO(u32 seq, long nr, long res, u32 flags),
	TP_ARGS(seq, nr, res, flags),
	TP_STRUCT__entry(
		__field(u32, seq)
		__field(u32, flags)
		__field(long, nr)
		__field(long, res)
	),
	TP_fast_assign(
		__entry->seq = seq;
		__entry->flags = flags;
		__entry->nr = nr;
		__entry->res = res;
	),
	TP_printk("seq=%u nr=%ld res=%ld flags=0x%x", __entry->seq,
		  __entry->nr, __entry->res, __entry->flags)
);

/**
 * xsc_park - the submitter sleeps until its worker has finished
 * @seq:	number of the request in its window
 */
TRACE_EVENT(xsc_park,
	TP_PROTO(u32 seq),
	TP_ARGS(seq),
	TP_STRUCT__entry(
		__field(u32, seq)
	),
	TP_fast_assign(
		__entry->seq = seq;
	),
	TP_printk("seq=%u", __entry->seq)
);

/**
 * xsc_poll - a worker begins or ends to poll
 * @owner:	its submitter
 * @begin:	begins
 */
TRACE_EVENT(xsc_poll,
	TP_PROTO(const struct task_struct *owner, bool begin),
	TP_ARGS(owner, begin),
	TP_STRUCT__entry(
		__field(pid_t, owner)
		__field(bool, begin)
	),
	TP_fast_assign(
		__entry->owner = owner->pid;
		__entry->begin = begin;
	),
	TP_printk("owner=%d begin=%d", __entry->owner, __entry->begin)
);

/**
 * xsc_rebuild - the slot did not hold the request of the gate that rang
 * @seq:	number that the request gets
 */
TRACE_EVENT(xsc_rebuild,
	TP_PROTO(u32 seq),
	TP_ARGS(seq),
	TP_STRUCT__entry(
		__field(u32, seq)
	),
	TP_fast_assign(
		__entry->seq = seq;
	),
	TP_printk("seq=%u", __entry->seq)
);

/**
 * xsc_trap - a tagged task has executed syscall, sysenter or int 0x80
 * @nr:		system call number
 * @ip:		address behind the instruction
 */
TRACE_EVENT(xsc_trap,
	TP_PROTO(long nr, unsigned long ip),
	TP_ARGS(nr, ip),
	TP_STRUCT__entry(
		__field(long, nr)
		__field(unsigned long, ip)
	),
	TP_fast_assign(
		__entry->nr = nr;
		__entry->ip = ip;
	),
	TP_printk("nr=%ld ip=0x%lx", __entry->nr, __entry->ip)
);

#endif /* _TRACE_XSC_H */

#include <trace/define_trace.h>
