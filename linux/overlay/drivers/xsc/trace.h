/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints behind CONFIG_XSC_TRACE: empty without it. */
#ifndef _DRIVERS_XSC_TRACE_H
#define _DRIVERS_XSC_TRACE_H

#ifdef CONFIG_XSC_TRACE
#include <trace/events/xsc.h>

#define xsc_trace_dispatch(...)	trace_xsc_dispatch(__VA_ARGS__)
#define xsc_trace_complete(...)	trace_xsc_complete(__VA_ARGS__)
#define xsc_trace_park(...)	trace_xsc_park(__VA_ARGS__)
#define xsc_trace_poll(...)	trace_xsc_poll(__VA_ARGS__)
#define xsc_trace_rebuild(...)	trace_xsc_rebuild(__VA_ARGS__)
#define xsc_trace_trap(...)	trace_xsc_trap(__VA_ARGS__)
#else
#include <linux/types.h>

static inline void xsc_trace_dispatch(u32 seq, long nr) { }
static inline void xsc_trace_complete(u32 seq, long nr, long res, u32 flags) { }
static inline void xsc_trace_park(u32 seq) { }
static inline void xsc_trace_poll(const struct task_struct *owner, bool begin) { }
static inline void xsc_trace_rebuild(u32 seq) { }
static inline void xsc_trace_trap(long nr, unsigned long ip) { }
#endif

#endif /* _DRIVERS_XSC_TRACE_H */
