/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names on the bus. The interface org.drmgr.Manager1 of /org/drmgr:
 *
 *   Check(t stream, a{sv} options) -> (a(sssi) refusals, u more that only the log has)
 *	Asks everyone whether the partition may move, by any stream if @stream is 0; changes and holds nothing. The
 *	answer comes when all have answered or missed their deadlines. Each refusal: audience ("kernel", "script",
 *	"hook", "application", "builtin"), name, reason, and whether it stops the migration (1) or is advice (0).
 *   Migrate(t stream, a{sv} options) -> (t blackout_us, a(sssssuu) rows, t more that differ)
 *	One migration from BEGIN to POST; the answer comes when it is over, after hours perhaps: call it
 *	without a time-out. rows: what differs: section, key, field, old, new, unit (enum pmig_unit), flags
 *	(PMIG_ROW_F_*, ROW_F_STALE of rows.h), folded as rows_fold() does it.
 *	The same stream again, while its migration is under way, waits for the end of that one.
 *   GetResult(t stream) -> as of Migrate
 *	How a migration of that stream ended, as Migrate would have answered; the last 16 are known.
 *   Simulate(a{sv} options) -> as of Migrate
 *	CHECK and then the same against a simulated hypervisor (pmig_sim.ko), with "enabled-ms" t, "blackout-ms" t.
 *   Platform(s what, s engine) -> (u generation, a(sssssuu) rows, t more, s missing)
 *	The machine, not folded. what: "now" (new: what is, old: what the kernel believes, where it has a value of its
 *	own), "changed" (by the last comparison), "stale" (old: what the kernel believes, or tells programs, new: what is).
 *	engine: of the module, "" for the first one that is there. generation: of the last comparison (PMIG_CMD_ROWS), 0
 *	where there is none. more: how many rows did not fit into the message. missing: why the module's rows are not
 *	among them, "" where they are. Anyone may call it; in PRE only root is answered, by the private socket.
 *   Register(s name, h pidfd, u phases, u flags, i signo, u timeout_ms) -> (h events)
 *	The caller becomes an application; pidfd is its own (the bus, or the kernel on the private socket, says who
 *	calls). phases and flags as in dr.h. The descriptor speaks wire.h; the registration ends when it is closed or the
 *	process ends. Anyone may call it.
 *   GetStatus() -> (a{sv})
 *	"state" s, "stream" t, "module" s, "engine" s, "applications" u, "phase" s, "since-usec" t,
 *	"mode" s ("active" or "observe"), "degraded" s ("no", or why drivers are not told), "others-seen-by" s
 *	("tracepoints", "probe", "device-tree", "sysfs" where the module is not there, or "none"),
 *	"bus" s ("connected": it has given us our name, or "absent"),
 *	"last-change" s (how many rows of which sections changed last without a migration, as of rows_text()),
 *	"waiting" u (how many wait for the end of what is under way),
 *	"until-usec" t (CLOCK_BOOTTIME: when what is under way should be over; 0: nobody can say), ...
 *	Anyone may call it.
 *
 * Signal PlatformChanged(s engine, u generation, a(sssssuu) rows, t more): the machine has changed without a migration, or
 * once more after one. The rows are folded; Platform("changed", engine) has all of them, as long as its generation is this
 * one. The signal comes at once. Applications hear of a change between PRE and the end of a migration only after that.
 *
 * options of Check and Migrate: "force" b, "detail" u, "destination-lpar" u, "wait-min" u, "self-arp" u, "token" h
 * (token.h), "caller" h (a pidfd of the process that goes on by itself if the answer is Observing). Check, Migrate,
 * GetResult and Simulate are for root only.
 *
 * Errors, each with a message of one line that says what to do:
 */
#ifndef DRMGR_BUSNAMES_H
#define DRMGR_BUSNAMES_H

#define DR_BUS_NAME	 "org.drmgr"
#define DR_BUS_PATH	 "/org/drmgr"
#define DR_BUS_INTERFACE "org.drmgr.Manager1"
/* The private socket: D-Bus without a bus, for root. It has all methods, and no signal. */
#define DR_BUS_PRIVATE "unix:path=/run/drmgr/private"

/* The largest "detail" and "wait-min" */
#define DR_DETAIL_MAX	5
#define DR_WAIT_MIN_MAX (24U * 60)

#define DR_ERROR_BAD_STREAM \
	"org.drmgr.Error.BadStream"	     /* the platform does not know this stream ID */
#define DR_ERROR_BUSY "org.drmgr.Error.Busy" /* another migration is under way */
#define DR_ERROR_LOCKED \
	"org.drmgr.Error.Locked" /* another DLPAR operation, a check, or the end of a migration: ask again soon */
#define DR_ERROR_ASKING \
	"org.drmgr.Error.Asking" /* drivers have not answered a check that was dropped: ask again, they have deadlines */
#define DR_ERROR_NO_MODULE "org.drmgr.Error.NoModule" /* pmig.ko is not there and can't be loaded */
#define DR_ERROR_NO_ENGINE "org.drmgr.Error.NoEngine" /* no hypervisor that moves partitions */
#define DR_ERROR_STOPPED   "org.drmgr.Error.Stopped"  /* stopped in PRE: cancelled, all undone */
#define DR_ERROR_ABORTED   "org.drmgr.Error.Aborted"  /* the platform or the operator ended it */
#define DR_ERROR_FAILED	   "org.drmgr.Error.Failed"   /* the suspension failed */
#define DR_ERROR_OBSERVING \
	"org.drmgr.Error.Observing" /* Mode=observe: nobody is asked or told, and the caller goes on by itself */
#define DR_ERROR_TOO_MANY "org.drmgr.Error.TooMany"	    /* a bound was reached */
#define DR_ERROR_INVALID  "org.drmgr.Error.InvalidArgument" /* a parameter is out of its range */

#endif /* DRMGR_BUSNAMES_H */
