/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is sent over the descriptor that Register() returns. Each SOCK_SEQPACKET message is one struct in host byte
 * order; both ends are on one machine. The daemon speaks first, and each event that wants an answer gets at most one.
 * A side that gets a message of a wrong size or kind drops the message; the daemon also drops the application that
 * sent it.
 *
 * New fields go behind everything else, the changes included: a reader reads what it knows and ignores the rest. gen
 * grows with each event of a registration, also after a restart of the daemon. If an event comes again with the same
 * gen, libdr repeats the answer without the program.
 *
 * DR_PHASE_CHANGED wants no answer of the program. libdr itself acknowledges it when it has been read, and until then
 * the daemon sends no other, so that they cannot fill the socket of an application that does not read.
 */
#ifndef DRMGR_WIRE_H
#define DRMGR_WIRE_H

#include <stdint.h>

#define WIRE_REASON_LEN	 256
#define WIRE_NAME_LEN	 64
#define WIRE_VALUE_LEN	 128
#define WIRE_CHANGES_MAX 64

struct wire_change {
	char name[WIRE_NAME_LEN];
	char old_value[WIRE_VALUE_LEN];
	char new_value[WIRE_VALUE_LEN];
	uint32_t flags;
	uint32_t reserved;
};

#define WIRE_EVENT_FORCE  (1U << 0) /* the operator's force */
#define WIRE_EVENT_ANSWER (1U << 1) /* an answer is waited for */
#define WIRE_EVENT_ADVICE (1U << 2) /* a refusal of this application does not stop the migration */

/* daemon -> application; followed by nr_changes times struct wire_change */
struct wire_event {
	uint32_t phase; /* enum dr_phase */
	uint32_t gen;
	uint32_t flags;
	uint32_t nr_changes;
	uint64_t stream;
	uint64_t deadline_us; /* CLOCK_BOOTTIME */
	uint64_t blackout_us;
	uint32_t nr_more; /* changes that are left out */
	uint32_t reserved;
};

#define WIRE_EVENT_MAX (sizeof(struct wire_event) + WIRE_CHANGES_MAX * sizeof(struct wire_change))

/* application -> daemon: an acknowledgement where error is 0, otherwise a refusal */
struct wire_answer {
	uint32_t gen;
	uint32_t error; /* positive errno */
	char reason[WIRE_REASON_LEN];
};

#endif /* DRMGR_WIRE_H */
