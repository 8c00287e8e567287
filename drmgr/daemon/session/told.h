/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The told-set: who of an audience has been told to get ready, in which order, and who has been told since how it
 * ended. Whoever is in it is told the end exactly once.
 */
#ifndef DRMGRD_TOLD_H
#define DRMGRD_TOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum told_state {
	TOLD_READY,  /* told BEGIN or PRE: the end is still owed */
	TOLD_ENDING, /* told the end, has not answered yet */
	TOLD_OVER,   /* nothing is owed any more */
};

struct told_entry {
	const char *name; /* "script/10-db", "hook/x", "app-7" */
	enum told_state state;
	uint32_t gen;	/* of the event that told the end */
	pid_t pid;	/* of the child that runs it, 0 where there is none */
	uint64_t start; /* its start time */
};

struct told {
	struct told_entry *v; /* in the order of telling */
	size_t n;
	void *names; /* where each is: a tree of tsearch() */
};

struct told_entry *told_find(struct told *t, const char *name);
/* The entry of that name, made at the end where there is none; NULL without memory. */
struct told_entry *told_add(struct told *t, const char *name, enum told_state state);
void told_clear(struct told *t);

#endif /* DRMGRD_TOLD_H */
