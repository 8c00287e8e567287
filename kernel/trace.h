/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: every change of the state, every answer of a handler, every change of the stream,
 * every suspension, snapshot and comparison.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pmig

#if !defined(_PMIG_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PMIG_TRACE_H

#include <linux/pmig.h>
#include <linux/tracepoint.h>

/* TRACE_EVENT() and its tables have a layout of their own. */
/* clang-format off */
#ifndef PMIG_TRACE_NAMES
#define PMIG_TRACE_NAMES
#define pmig_named(state) { PMIG_STATE_##state, PMIG_STATE_NAME_##state }
#define show_pmig_state(state) \
	__print_symbolic(state, pmig_named(NONE), pmig_named(CHECK), pmig_named(CHECKED), \
			 pmig_named(ENABLED), pmig_named(QUIESCE), pmig_named(PRE), \
			 pmig_named(READY), pmig_named(SUSPENDING), pmig_named(RESUMED), \
			 pmig_named(POST), pmig_named(COMPLETED), pmig_named(CANCELLING), \
			 pmig_named(UNDO), pmig_named(FAILED))
#define show_pmig_phase(phase)                                                              \
	__print_symbolic(phase, { PMIG_PHASE_CHECK, "check" }, { PMIG_PHASE_PRE, "pre" },   \
			 { PMIG_PHASE_POST, "post" }, { PMIG_PHASE_POST_ERROR, "post-error" })
#endif

/* What the numbers in the format mean, for those who read the buffer as it is. */
TRACE_DEFINE_ENUM(PMIG_STATE_NONE);
TRACE_DEFINE_ENUM(PMIG_STATE_CHECK);
TRACE_DEFINE_ENUM(PMIG_STATE_CHECKED);
TRACE_DEFINE_ENUM(PMIG_STATE_ENABLED);
TRACE_DEFINE_ENUM(PMIG_STATE_QUIESCE);
TRACE_DEFINE_ENUM(PMIG_STATE_PRE);
TRACE_DEFINE_ENUM(PMIG_STATE_READY);
TRACE_DEFINE_ENUM(PMIG_STATE_SUSPENDING);
TRACE_DEFINE_ENUM(PMIG_STATE_RESUMED);
TRACE_DEFINE_ENUM(PMIG_STATE_POST);
TRACE_DEFINE_ENUM(PMIG_STATE_COMPLETED);
TRACE_DEFINE_ENUM(PMIG_STATE_CANCELLING);
TRACE_DEFINE_ENUM(PMIG_STATE_UNDO);
TRACE_DEFINE_ENUM(PMIG_STATE_FAILED);
TRACE_DEFINE_ENUM(PMIG_PHASE_CHECK);
TRACE_DEFINE_ENUM(PMIG_PHASE_PRE);
TRACE_DEFINE_ENUM(PMIG_PHASE_POST);
TRACE_DEFINE_ENUM(PMIG_PHASE_POST_ERROR);

TRACE_EVENT(pmig_transition,
	    TP_PROTO(u64 stream, u32 from, u32 to, u32 vasi, u32 flags, u32 seq),
	    TP_ARGS(stream, from, to, vasi, flags, seq),
	    TP_STRUCT__entry(__field(u64, stream)
			     __field(u32, from)
			     __field(u32, to)
			     __field(u32, vasi)
			     __field(u32, flags)
			     __field(u32, seq)),
	    TP_fast_assign(__entry->stream = stream;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->vasi = vasi;
			   __entry->flags = flags;
			   __entry->seq = seq;),
	    TP_printk("stream=0x%llx from=%s to=%s vasi=%u flags=0x%x seq=%u", __entry->stream,
		      show_pmig_state(__entry->from), show_pmig_state(__entry->to), __entry->vasi,
		      __entry->flags, __entry->seq)
);

TRACE_EVENT(pmig_handler,
	    TP_PROTO(const char *name, u32 phase, int result, s64 duration_us),
	    TP_ARGS(name, phase, result, duration_us),
	    TP_STRUCT__entry(__string(name, name)
			     __field(u32, phase)
			     __field(int, result)
			     __field(s64, duration_us)),
	    TP_fast_assign(pmig_assign_str(name, name);
			   __entry->phase = phase;
			   __entry->result = result;
			   __entry->duration_us = duration_us;),
	    TP_printk("name=%s phase=%s result=%d duration_us=%lld", __get_str(name),
		      show_pmig_phase(__entry->phase), __entry->result, __entry->duration_us)
);

TRACE_EVENT(pmig_vasi,
	    TP_PROTO(u64 stream, u32 from, u32 to, int err),
	    TP_ARGS(stream, from, to, err),
	    TP_STRUCT__entry(__field(u64, stream)
			     __field(u32, from)
			     __field(u32, to)
			     __field(int, err)),
	    TP_fast_assign(__entry->stream = stream;
			   __entry->from = from;
			   __entry->to = to;
			   __entry->err = err;),
	    TP_printk("stream=0x%llx from=%u to=%u err=%d", __entry->stream, __entry->from,
		      __entry->to, __entry->err)
);

/* The partition stands still between the two, and nobody may take a snapshot there. */
DECLARE_EVENT_CLASS(pmig_suspension,
		    TP_PROTO(u64 stream, int err),
		    TP_ARGS(stream, err),
		    TP_STRUCT__entry(__field(u64, stream)
				     __field(int, err)),
		    TP_fast_assign(__entry->stream = stream;
				   __entry->err = err;),
		    TP_printk("stream=0x%llx err=%d", __entry->stream, __entry->err)
);

DEFINE_EVENT(pmig_suspension, pmig_suspend_begin,
	     TP_PROTO(u64 stream, int err), TP_ARGS(stream, err));
DEFINE_EVENT(pmig_suspension, pmig_suspend_end,
	     TP_PROTO(u64 stream, int err), TP_ARGS(stream, err));

TRACE_EVENT(pmig_snapshot_begin,
	    TP_PROTO(const char *engine),
	    TP_ARGS(engine),
	    TP_STRUCT__entry(__string(engine, engine)),
	    TP_fast_assign(pmig_assign_str(engine, engine);),
	    TP_printk("engine=%s", __get_str(engine))
);

TRACE_EVENT(pmig_snapshot_end,
	    TP_PROTO(const char *engine, u32 facts, u64 bytes, u64 duration_ns, int err),
	    TP_ARGS(engine, facts, bytes, duration_ns, err),
	    TP_STRUCT__entry(__string(engine, engine)
			     __field(u32, facts)
			     __field(u64, bytes)
			     __field(u64, duration_ns)
			     __field(int, err)),
	    TP_fast_assign(pmig_assign_str(engine, engine);
			   __entry->facts = facts;
			   __entry->bytes = bytes;
			   __entry->duration_ns = duration_ns;
			   __entry->err = err;),
	    TP_printk("engine=%s facts=%u bytes=%llu duration_ns=%llu err=%d", __get_str(engine),
		      __entry->facts, __entry->bytes, __entry->duration_ns, __entry->err)
);

TRACE_EVENT(pmig_diff,
	    TP_PROTO(u32 generation, u32 rows, u64 duration_ns),
	    TP_ARGS(generation, rows, duration_ns),
	    TP_STRUCT__entry(__field(u32, generation)
			     __field(u32, rows)
			     __field(u64, duration_ns)),
	    TP_fast_assign(__entry->generation = generation;
			   __entry->rows = rows;
			   __entry->duration_ns = duration_ns;),
	    TP_printk("generation=%u rows=%u duration_ns=%llu", __entry->generation, __entry->rows,
		      __entry->duration_ns)
);

#endif /* _PMIG_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
