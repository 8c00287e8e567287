/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All exit statuses. drmgr --help prints this table, and bus.c maps the errors of the bus to it. RSCT only
 * distinguishes 0 from the rest; 1 is powerpc-utils' status of a refusal; 64 and up follow sysexits.h where that has
 * a fitting one.
 */
#ifndef DRMGR_EXIT_H
#define DRMGR_EXIT_H

/* X(NAME, status, text) */
#define EXIT_TABLE(X)                                                                       \
	X(DONE, 0, "done")                                                                  \
	X(REFUSED, 1, "CHECK: somebody refused; who and why is on stderr")                  \
	X(STOPPED, 2, "stopped in PRE: the stream is cancelled and all is undone")          \
	X(ABORTED, 3, "ended by the platform or the operator before the partition stopped") \
	X(FAILED, 4, "the suspension failed; the partition runs on where it was")           \
	X(USAGE, 64, "bad usage")                                                           \
	X(STREAM, 65, "bad stream ID")                                                      \
	X(NO_STREAM, 66, "the platform does not know this stream ID")                       \
	X(NO_DAEMON, 69, "drmgrd, or a service that it needs, is not there")                \
	X(ERROR, 70, "an error that has no number of its own")                              \
	X(LOST, 71, "drmgrd ended or hangs, and the migration may go on: see drmgr status") \
	X(NO_MODULE, 72, "no pmig.ko, or no hypervisor that moves partitions")              \
	X(NO_ORIGINAL, 73, "an operation of powerpc-utils, which is not installed")         \
	X(NOT_YET, 74, "an operation of AIX that this version does not have")               \
	X(BUSY, 75, "another migration is under way")                                       \
	X(OBSERVING, 76, "drmgrd only observes: Mode=observe in drmgr.conf")                \
	X(DENIED, 77, "not permitted")                                                      \
	X(DIFFERS, 78,                                                                      \
	  "platform --get: not the same for all of that name; the values are on stderr")    \
	X(NO_VALUE, 79, "platform: what was asked for is not there, or not known")          \
	X(NOT_MOVED, 80, "platform --moved: it has not")                                    \
	X(NOT_KNOWN, 81, "platform --moved: that is not known")

#define EXIT_ENUM(name, status, text) DR_EXIT_##name = (status),
enum dr_exit { EXIT_TABLE(EXIT_ENUM) };
#undef EXIT_ENUM

#endif /* DRMGR_EXIT_H */
