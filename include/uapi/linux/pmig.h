/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "pmig": partition migration as the kernel module sees it.
 *
 * The shape in one paragraph: there is at most one session. A reply to PMIG_CMD_GET and the
 * notification PMIG_CMD_EVENT on the multicast group "events" carry the session as it stands
 * (PMIG_A_SESSION, or no such attribute where there is none). User space acts on the state it
 * reads, never on the number of events it saw: after ENOBUFS it asks with PMIG_CMD_GET and has lost
 * nothing. Commands start something and return at once; how it ended is in the next state. Other
 * messages (PMIG_CMD_ROWS, PMIG_CMD_CHANGED) say nothing of the session: whoever listens looks at
 * the command first.
 *
 * All commands but PMIG_CMD_GET and PMIG_CMD_ROWS need CAP_SYS_ADMIN in the initial user namespace.
 * The socket that sent PMIG_CMD_CHECK, PMIG_CMD_BEGIN or PMIG_CMD_ADOPT owns the session; commands
 * of another socket get -EPERM. When the owner's socket closes before the suspension, or the time
 * that it named in PMIG_A_PRE_MS passes between QUIESCE and SUSPENDING, the module cancels the
 * stream and tells its kernel handlers that it did not happen; later it finishes, and keeps the
 * result for PMIG_CMD_ADOPT. An owner that does not take the result in time (the module's
 * pre_timeout_ms) loses it to whoever adopts it first, but may still send PMIG_CMD_END until then.
 *
 * Errors come with a sentence in the extended acknowledgment: -ENOENT there is no session or no
 * such stream, -EPERM it is not yours, -EBUSY not in this state or another session is there,
 * -ENODEV no engine, -EINVAL a bad attribute, -EROFS and others that the stream ID could not be
 * written to sysfs. A session that has ended is forgotten with PMIG_CMD_END, which its owner has to
 * send: adopt it first. A session that has ended and has no owner makes room for any other, and
 * comes back when there is none; the last nine are kept. A message with 64 refusals has 22 KiB:
 * read it into a buffer of 32.
 *
 * What the machine is, and what differs after a move, is not in the session: this says only which
 * comparison belongs to it (GENERATION) and how many rows differ in each section. The rows are told
 * by the dump PMIG_CMD_ROWS.
 *
 * Documentation/netlink/specs/pmig.yaml says the same to machines; a selftest compares the two with
 * the module's policy.
 */
#ifndef _UAPI_LINUX_PMIG_H
#define _UAPI_LINUX_PMIG_H

#define PMIG_GENL_NAME	  "pmig"
#define PMIG_GENL_VERSION 2 /* goes up when the number or type of an attribute changes */
#define PMIG_MCGRP_EVENTS "events"

/* Longest strings, with the terminating zero. */
#define PMIG_REASON_LEN 256
#define PMIG_NAME_LEN	64
#define PMIG_VALUE_LEN	128 /* of a text in a row */

/**
 * enum pmig_cmd - commands of the family
 * @PMIG_CMD_GET: the session as it stands; anyone may ask
 * @PMIG_CMD_EVENT: notification, never sent by user space
 * @PMIG_CMD_CHECK: ask all kernel handlers whether the partition may move (STREAM, FLAGS,
 *	ENGINE, FD); the session goes CHECK, then CHECKED with the refusals, and is over with
 *	PMIG_CMD_END
 * @PMIG_CMD_BEGIN: follow a stream whose memory is being copied (STREAM, FLAGS, ENGINE, PRE_MS,
 *	FD): ENABLED, and QUIESCE as soon as the platform is Suspending
 * @PMIG_CMD_PRE: in QUIESCE: tell the kernel handlers to get ready; READY, or CANCELLING when
 *	one refuses
 * @PMIG_CMD_SUSPEND: in READY: hand the stream to the kernel's own migration code
 * @PMIG_CMD_CANCEL: before the platform is Suspended: cancel the stream with the reason
 *	6 << 24 | ERRNO, undo, FAILED. In SUSPENDING it may come too late: COMPLETED then
 * @PMIG_CMD_ADOPT: become the owner of a session that has none: of STREAM, even if it has made
 *	room for another that nobody owns either; without STREAM of the one that GET tells.
 *	-EAGAIN while another stream is moving: try again at the next event
 * @PMIG_CMD_ROWS: a dump, which anyone may ask for: what the machine is, what differs (ROWS,
 *	GENERATION, ENGINE). Each message has GENERATION, ENGINE and as many ROW as fit; there is at
 *	least one message. The rows of a session can be asked for until its END, those of an
 *	engine's last two comparisons longer: of migrations, and of changes. The message that ends
 *	the dump (NLMSG_DONE) has the error: -ENOENT for a generation that is not kept any more, or
 *	where the machine could not be read, -ENODEV no engine. NLM_F_DUMP_INTR, in any of the
 *	messages: the machine was described anew meanwhile, ask again
 * @PMIG_CMD_CHANGED: notification: the machine has changed without a migration, just before one,
 *	or once more after one (GENERATION, CHANGED, ENGINE); never sent by user space
 * @PMIG_CMD_END: in CHECKED, COMPLETED or FAILED: the result has been taken, forget the session. In
 *	ENABLED or QUIESCE: follow the stream no more, and leave it to whoever else moves it
 */
enum pmig_cmd {
	PMIG_CMD_UNSPEC,
	PMIG_CMD_GET,
	PMIG_CMD_EVENT,
	PMIG_CMD_CHECK,
	PMIG_CMD_BEGIN,
	PMIG_CMD_PRE,
	PMIG_CMD_SUSPEND,
	PMIG_CMD_CANCEL,
	PMIG_CMD_ADOPT,
	PMIG_CMD_END,
	PMIG_CMD_ROWS,
	PMIG_CMD_CHANGED,
	__PMIG_CMD_MAX,
	PMIG_CMD_MAX = __PMIG_CMD_MAX - 1,
};

/**
 * enum pmig_attr - top level
 * @PMIG_A_STREAM: u64, the stream ID
 * @PMIG_A_FLAGS: u32, PMIG_F_*
 * @PMIG_A_ENGINE: string, "pseries" or "sim"; without it the first engine that is there, in
 *	this order
 * @PMIG_A_ERRNO: u32, a positive errno, at most 24 bits: why the owner cancels
 * @PMIG_A_PRE_MS: u32, milliseconds that the owner wants from QUIESCE to SUSPENDING; if it
 *	is 0, absent, or more than the module's parameter pre_timeout_ms, that counts
 * @PMIG_A_FD: u32, the sender's descriptor of /sys/kernel/mobility/migration, open for writing:
 *	taken where the module may not open that itself. May be closed when the command has
 *	returned
 * @PMIG_A_SESSION: nest of enum pmig_session_attr
 * @PMIG_A_ROWS: u32, enum pmig_rows
 * @PMIG_A_GENERATION: u32, which comparison; without it the last one
 * @PMIG_A_ROW: nest of enum pmig_row_attr, any number of times
 * @PMIG_A_CHANGED: nest of enum pmig_changed_attr, once for each section with a row that differs
 */
enum pmig_attr {
	PMIG_A_UNSPEC,
	PMIG_A_STREAM,
	PMIG_A_FLAGS,
	PMIG_A_ENGINE,
	PMIG_A_ERRNO,
	PMIG_A_PRE_MS,
	PMIG_A_FD,
	PMIG_A_SESSION,
	PMIG_A_ROWS,
	PMIG_A_GENERATION,
	PMIG_A_ROW,
	PMIG_A_CHANGED,
	PMIG_A_PAD,
	__PMIG_A_MAX,
	PMIG_A_MAX = __PMIG_A_MAX - 1,
};

/**
 * enum pmig_session_attr - in PMIG_A_SESSION
 * @PMIG_A_SESSION_STREAM: u64, the stream ID
 * @PMIG_A_SESSION_STATE: u32, enum pmig_state
 * @PMIG_A_SESSION_VASI: u32, enum pmig_vasi, as last read from the platform
 * @PMIG_A_SESSION_FLAGS: u32, PMIG_F_*
 * @PMIG_A_SESSION_ENGINE: string
 * @PMIG_A_SESSION_SEQ: u32, counts every change of the session; a smaller one is older news
 * @PMIG_A_SESSION_ERRNO: u32, positive errno of a failed session, 0 otherwise
 * @PMIG_A_SESSION_REASON: string, what failed, for a person
 * @PMIG_A_SESSION_OWNER: u32, netlink port of the owner, 0 where there is none
 * @PMIG_A_SESSION_BLACKOUT: u64, microseconds the partition stood still, as measured from inside;
 *	absent where it is not known
 * @PMIG_A_SESSION_REFUSAL: nest of enum pmig_refusal_attr, once for each kernel handler that
 *	refused
 * @PMIG_A_SESSION_OPERATION: u32, enum pmig_operation
 * @PMIG_A_SESSION_GENERATION: u32, the comparison of before and after; absent before it is made
 * @PMIG_A_SESSION_CHANGED: nest of enum pmig_changed_attr, once for each section with a row that
 *	differs
 */
enum pmig_session_attr {
	PMIG_A_SESSION_UNSPEC,
	PMIG_A_SESSION_STREAM,
	PMIG_A_SESSION_STATE,
	PMIG_A_SESSION_VASI,
	PMIG_A_SESSION_FLAGS,
	PMIG_A_SESSION_ENGINE,
	PMIG_A_SESSION_SEQ,
	PMIG_A_SESSION_ERRNO,
	PMIG_A_SESSION_REASON,
	PMIG_A_SESSION_OWNER,
	PMIG_A_SESSION_BLACKOUT,
	PMIG_A_SESSION_REFUSAL,
	PMIG_A_SESSION_OPERATION,
	PMIG_A_SESSION_GENERATION,
	PMIG_A_SESSION_CHANGED,
	PMIG_A_SESSION_PAD,
	__PMIG_A_SESSION_MAX,
	PMIG_A_SESSION_MAX = __PMIG_A_SESSION_MAX - 1,
};

/**
 * enum pmig_refusal_attr - in PMIG_A_SESSION_REFUSAL
 * @PMIG_A_REFUSAL_HANDLER: string, the name the handler registered with
 * @PMIG_A_REFUSAL_PHASE: u32, enum pmig_phase
 * @PMIG_A_REFUSAL_ERRNO: u32, positive errno; ETIMEDOUT where the handler missed its deadline
 * @PMIG_A_REFUSAL_REASON: string, for a person
 */
enum pmig_refusal_attr {
	PMIG_A_REFUSAL_UNSPEC,
	PMIG_A_REFUSAL_HANDLER,
	PMIG_A_REFUSAL_PHASE,
	PMIG_A_REFUSAL_ERRNO,
	PMIG_A_REFUSAL_REASON,
	__PMIG_A_REFUSAL_MAX,
	PMIG_A_REFUSAL_MAX = __PMIG_A_REFUSAL_MAX - 1,
};

/**
 * enum pmig_changed_attr - in PMIG_A_CHANGED and PMIG_A_SESSION_CHANGED
 * @PMIG_A_CHANGED_SECTION: string, "identity", "cpu", "cache" or "memory"
 * @PMIG_A_CHANGED_ROWS: u32, how many rows of it differ
 */
enum pmig_changed_attr {
	PMIG_A_CHANGED_UNSPEC,
	PMIG_A_CHANGED_SECTION,
	PMIG_A_CHANGED_ROWS,
	__PMIG_A_CHANGED_MAX,
	PMIG_A_CHANGED_MAX = __PMIG_A_CHANGED_MAX - 1,
};

/**
 * enum pmig_rows - what PMIG_CMD_ROWS is to tell
 * @PMIG_ROWS_NOW: each fact of the machine, as NEW; with what the kernel believes as OLD, where it
 *	has a value of its own
 * @PMIG_ROWS_CHANGED: what differs: OLD before, NEW after
 * @PMIG_ROWS_STALE: what the kernel believes wrongly: OLD is its value, NEW the true one
 */
enum pmig_rows {
	PMIG_ROWS_NOW,
	PMIG_ROWS_CHANGED,
	PMIG_ROWS_STALE,
	__PMIG_ROWS_MAX,
	PMIG_ROWS_MAX = __PMIG_ROWS_MAX - 1,
};

/**
 * enum pmig_row_attr - in PMIG_A_ROW; OLD or OLD_TEXT is absent where there was none, NEW or
 * NEW_TEXT where there is none
 * @PMIG_A_ROW_SECTION: string
 * @PMIG_A_ROW_KEY: string, which of them: of a processor its number ("12"), of a cache level, type
 *	and first processor ("l2@8", "l1d@0"), of memory the first address ("0x10000000"). Absent
 *	where there is only one
 * @PMIG_A_ROW_FIELD: string: "size", "home-node"
 * @PMIG_A_ROW_UNIT: u32, enum pmig_unit
 * @PMIG_A_ROW_FLAGS: u32, PMIG_ROW_F_*
 * @PMIG_A_ROW_OLD: u64
 * @PMIG_A_ROW_NEW: u64
 * @PMIG_A_ROW_OLD_TEXT: string, one printable line; one that was too long ends with "...#" and a
 *	checksum of the whole
 * @PMIG_A_ROW_NEW_TEXT: string, likewise
 */
enum pmig_row_attr {
	PMIG_A_ROW_UNSPEC,
	PMIG_A_ROW_SECTION,
	PMIG_A_ROW_KEY,
	PMIG_A_ROW_FIELD,
	PMIG_A_ROW_UNIT,
	PMIG_A_ROW_FLAGS,
	PMIG_A_ROW_OLD,
	PMIG_A_ROW_NEW,
	PMIG_A_ROW_OLD_TEXT,
	PMIG_A_ROW_NEW_TEXT,
	PMIG_A_ROW_PAD,
	__PMIG_A_ROW_MAX,
	PMIG_A_ROW_MAX = __PMIG_A_ROW_MAX - 1,
};

/**
 * enum pmig_unit - of a row's values
 * @PMIG_UNIT_NUMBER: a plain number
 * @PMIG_UNIT_BYTES: bytes
 * @PMIG_UNIT_HZ: Hz
 * @PMIG_UNIT_NODE: an associativity domain at the level that makes nodes, or a node of the kernel
 * @PMIG_UNIT_PVR: a processor version, written in hexadecimal
 * @PMIG_UNIT_TEXT: text, as those that follow
 * @PMIG_UNIT_CPUS: a list of processors, "0-7,16"
 * @PMIG_UNIT_DOMAINS: associativity domains, from the largest to the smallest, "0.0.1.3"
 */
enum pmig_unit {
	PMIG_UNIT_NUMBER,
	PMIG_UNIT_BYTES,
	PMIG_UNIT_HZ,
	PMIG_UNIT_NODE,
	PMIG_UNIT_PVR,
	PMIG_UNIT_TEXT,
	PMIG_UNIT_CPUS,
	PMIG_UNIT_DOMAINS,
};

/**
 * enum pmig_operation - what is done to the partition
 * @PMIG_OPERATION_MIGRATE: it moves to another server
 * @PMIG_OPERATION_HIBERNATE: it is suspended to storage and resumed later; not done yet, but named
 *	so that nothing has to change then
 */
enum pmig_operation {
	PMIG_OPERATION_MIGRATE,
	PMIG_OPERATION_HIBERNATE,
};

/**
 * enum pmig_state - where a session stands; kernel/state.c has the table of transitions
 * @PMIG_STATE_NONE: there is no session
 * @PMIG_STATE_CHECK: kernel handlers are being asked
 * @PMIG_STATE_CHECKED: they have answered; REFUSAL says who said no. Over with END or with its
 *	owner
 * @PMIG_STATE_ENABLED: the stream is known, memory is being copied, the partition runs as ever
 * @PMIG_STATE_QUIESCE: the platform waits for the partition to stop: PRE belongs here
 * @PMIG_STATE_PRE: kernel handlers are being told PRE
 * @PMIG_STATE_READY: all kernel handlers are quiet
 * @PMIG_STATE_SUSPENDING: the stream ID is with the kernel's migration code, or was from the start
 *	(PMIG_F_FOREIGN)
 * @PMIG_STATE_RESUMED: runs at the destination, memory still in transit
 * @PMIG_STATE_POST: kernel handlers are being told POST
 * @PMIG_STATE_COMPLETED: moved; GENERATION says what differs. Waits for END
 * @PMIG_STATE_CANCELLING: Cancel has been sent, waiting for the stream to be Aborted or gone
 * @PMIG_STATE_UNDO: kernel handlers that were told PRE are being told POST-ERROR
 * @PMIG_STATE_FAILED: did not move; ERRNO and REASON say why. Waits for END
 */
enum pmig_state {
	PMIG_STATE_NONE,
	PMIG_STATE_CHECK,
	PMIG_STATE_CHECKED,
	PMIG_STATE_ENABLED,
	PMIG_STATE_QUIESCE,
	PMIG_STATE_PRE,
	PMIG_STATE_READY,
	PMIG_STATE_SUSPENDING,
	PMIG_STATE_RESUMED,
	PMIG_STATE_POST,
	PMIG_STATE_COMPLETED,
	PMIG_STATE_CANCELLING,
	PMIG_STATE_UNDO,
	PMIG_STATE_FAILED,
	__PMIG_STATE_MAX,
	PMIG_STATE_MAX = __PMIG_STATE_MAX - 1,
};

/* What the states are called, for those who name them: trace events, drmgr status. */
#define PMIG_STATE_NAME_NONE	   "none"
#define PMIG_STATE_NAME_CHECK	   "check"
#define PMIG_STATE_NAME_CHECKED	   "checked"
#define PMIG_STATE_NAME_ENABLED	   "enabled"
#define PMIG_STATE_NAME_QUIESCE	   "quiesce"
#define PMIG_STATE_NAME_PRE	   "pre"
#define PMIG_STATE_NAME_READY	   "ready"
#define PMIG_STATE_NAME_SUSPENDING "suspending"
#define PMIG_STATE_NAME_RESUMED	   "resumed"
#define PMIG_STATE_NAME_POST	   "post"
#define PMIG_STATE_NAME_COMPLETED  "completed"
#define PMIG_STATE_NAME_CANCELLING "cancelling"
#define PMIG_STATE_NAME_UNDO	   "undo"
#define PMIG_STATE_NAME_FAILED	   "failed"

/**
 * enum pmig_vasi - state of the stream, as H_VASI_STATE numbers it (PAPR;
 * arch/powerpc/include/asm/hvcall.h)
 */
enum pmig_vasi {
	PMIG_VASI_INVALID,
	PMIG_VASI_ENABLED,
	PMIG_VASI_ABORTED,
	PMIG_VASI_SUSPENDING,
	PMIG_VASI_SUSPENDED,
	PMIG_VASI_RESUMED,
	PMIG_VASI_COMPLETED,
};

/**
 * enum pmig_phase - what a kernel handler or an application is told
 * @PMIG_PHASE_CHECK: may the partition move? Change nothing
 * @PMIG_PHASE_PRE: it stops in a moment, get ready
 * @PMIG_PHASE_POST: it has moved
 * @PMIG_PHASE_POST_ERROR: told PRE, but it did not move: go on as before
 */
enum pmig_phase {
	PMIG_PHASE_NONE,
	PMIG_PHASE_CHECK,
	PMIG_PHASE_PRE,
	PMIG_PHASE_POST,
	PMIG_PHASE_POST_ERROR,
	__PMIG_PHASE_MAX,
	PMIG_PHASE_MAX = __PMIG_PHASE_MAX - 1,
};

/* PMIG_A_FLAGS, PMIG_A_SESSION_FLAGS */
#define PMIG_F_FORCE	   (1U << 0) /* operator's force; handlers may still refuse */
#define PMIG_F_QUIESCE_NOW (1U << 1) /* do not wait for Suspending: QUIESCE at once */
#define PMIG_F_FOREIGN	   (1U << 2) /* somebody else's write to sysfs; never given */

/* PMIG_A_ROW_FLAGS */
#define PMIG_ROW_F_UNEXPECTED (1U << 0) /* a migration should not have changed this */

#endif /* _UAPI_LINUX_PMIG_H */
