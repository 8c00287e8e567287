/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has been told what, in a file that outlives the daemon, but not the partition, because it is in /run. */
#ifndef DRMGRD_JOURNAL_H
#define DRMGRD_JOURNAL_H

#include "daemon/base/util.h"
#include "daemon/session/told.h"
#include "dr.h"

enum journal_outcome {
	OUTCOME_UNKNOWN,
	OUTCOME_COMPLETED,
	OUTCOME_FAILED,
};

struct journal;

/* What the journal says of the session. */
struct journal_session {
	uint64_t stream;
	uint32_t flags;	   /* PMIG_F_* */
	char engine[64];   /* "" for any */
	char boot_id[64];  /* of the kernel that ran then */
	char identity[64]; /* of the machine that it ran on then */
};

#define REPLAY_AUDIENCES_MAX 4

struct replay {
	bool open; /* there is a session that has not been closed */
	struct journal_session session;
	enum journal_outcome outcome;
	long end; /* of the last whole record */
	struct {
		char name[16];
		struct told told;
	} audiences[REPLAY_AUDIENCES_MAX];
};

int journal_new(struct journal **ret, const char *path);
struct journal *journal_free(struct journal *j);

/* Starts the file anew. */
int journal_open_session(struct journal *j, const struct journal_session *s);
/* Goes on where @replay ended. Cuts off what comes after that, because it would hide what is written now. */
int journal_continue(struct journal *j, const struct replay *replay);
void journal_close_session(struct journal *j);

/*
 * Room for one more process of those that have none reserved: for the record that it is told this, and later for that
 * of how it ended. An error means that only the room is left that is reserved for all others.
 */
int journal_make_room(struct journal *j);

/* Each is one write() to an O_APPEND descriptor: a child may call it, too. */
int journal_tell(struct journal *j, const char *audience, enum dr_phase phase, uint32_t gen,
		 pid_t pid, uint64_t start, const char *name);
int journal_over(struct journal *j, const char *audience, const char *name);
int journal_outcome(struct journal *j, enum journal_outcome outcome);

/* Reads what is there up to the first record that is not whole. A missing file is an empty one. */
int journal_replay(const char *path, struct replay *ret);
void replay_clear(struct replay *r);

#endif /* DRMGRD_JOURNAL_H */
