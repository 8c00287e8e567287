/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the session asks of those it tells, and what they may ask of the session. An audience is one kind of listener:
 * kernel handlers, scripts (with hooks), applications, built-in checks. Each is one file, aud-*.c.
 *
 * The contract of a completion: for each call of an op of struct audience_ops, but stop(), the audience calls
 * audience_done() exactly once, whatever happens, before the notice's deadline plus a second, and may do so from
 * inside the call (the host only takes a note and goes on from its event loop). Between the two the host
 * calls nothing but stop().
 *
 * An op that is NULL means that nothing of the kind concerns this audience.
 */
#ifndef DRMGRD_AUDIENCE_H
#define DRMGRD_AUDIENCE_H

#include "daemon/base/util.h"
#include "daemon/session/told.h"
#include "dr.h"
#include "shared/phase.h"
#include "shared/rows.h"
#include "shared/wire.h"

/* What is told. It belongs to the host and does not change until the completion. */
struct notice {
	enum dr_phase phase;
	uint64_t stream;
	uint32_t gen; /* names the event for those who answer */
	bool force;   /* the operator's: no refusal but a kernel handler's stops it */
	bool foreign; /* POST: somebody else moved it, so who was not told PRE has to hear of it, too */
	unsigned detail; /* the operator's level of detail, 0 to 5 */
	usec_t deadline; /* CLOCK_BOOTTIME; for all together */
	uint64_t blackout_us;
	const struct rows *rows; /* POST: what differs */
	const char *engine;	 /* NULL: whatever the module finds */
};

/* "check", "begin", ...; never NULL */
const char *dr_phase_text(enum dr_phase phase);

struct refusal {
	char audience[16]; /* "kernel", "script", "hook", "application", "builtin" */
	char name[WIRE_NAME_LEN];
	char reason[WIRE_REASON_LEN];
	int error; /* positive errno */
	bool stops;
};

struct audience;

struct audience_ops {
	const char *name;
	void (*check)(struct audience *a, const struct notice *n);
	void (*begin)(struct audience *a, const struct notice *n);
	void (*pre)(struct audience *a, const struct notice *n);
	void (*resumed)(struct audience *a, const struct notice *n);
	void (*post)(struct audience *a, const struct notice *n);
	void (*undo)(struct audience *a, const struct notice *n);
	/* Ends the current op early: nobody else is told or waited for. audience_done() is still called. */
	void (*stop)(struct audience *a);
};

/* The other direction; the session implements it. */
struct audience_host_ops {
	void (*done)(struct audience *a);
	void (*refuse)(struct audience *a, const struct refusal *refusal);
	/* The phase can't be carried out at all; not somebody's refusal. */
	void (*fail)(struct audience *a, int error, const char *text);
	/*
	 * Writes down that @name is being told, before it is; for a child by the child itself, just before it
	 * becomes the program. An error means that it must not be told (only BEGIN and PRE may take it so).
	 */
	int (*tell)(struct audience *a, enum dr_phase phase, uint32_t gen, const char *name,
		    bool child);
	/* Before tell(), for one who may not stop a migration: an error means that it must not be told. */
	int (*room)(struct audience *a);
	/* @name has answered the end, or nobody waits for its answer any more. */
	void (*over)(struct audience *a, const char *name);
};

struct eventlog;

struct audience {
	const struct audience_ops *ops;
	const struct audience_host_ops *host;
	void *session; /* the host's own */
	struct eventlog *log;
	struct told told;
	usec_t until; /* from the call of an op to its completion: when what it waits for now is over at the latest */
};

static inline void audience_done(struct audience *a)
{
	if (a->host)
		a->host->done(a);
}

_printf_(6, 7) void audience_refuse(struct audience *a, const char *kind, const char *name,
				    int error, bool stops, const char *fmt, ...);

static inline int audience_room(struct audience *a)
{
	return a->host ? a->host->room(a) : 0;
}

/* Puts @name into the told-set and the journal. */
int audience_tell(struct audience *a, const struct notice *n, const char *name);
/* The journal's half of it alone, for the child. */
int audience_tell_in_child(struct audience *a, const struct notice *n, const char *name);
void audience_over(struct audience *a, const char *name);

#endif /* DRMGRD_AUDIENCE_H */
