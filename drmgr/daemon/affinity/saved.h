/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was bound at PRE, and to what; in memory, and in a file for the daemon that comes after one that has died. */
#ifndef DRMGRD_SAVED_H
#define DRMGRD_SAVED_H

#include <sys/types.h>

#include "daemon/affinity/cpus.h"
#include "daemon/base/config.h"

/* Of all processes together */
#define SAVED_THREADS_MAX 16384

struct saved_thread {
	uint64_t app; /* application.id */
	pid_t tid;
	uint32_t set; /* which of struct saved's */
};

struct saved_unit {
	char name[UNIT_NAME_LEN];
	struct cpus cpus, nodes; /* empty: it has none */
};

struct saved {
	uint64_t stream; /* of the migration; 0: nothing is saved */
	struct saved_thread *threads;
	size_t nr_threads;
	struct cpus *sets;
	size_t nr_sets, set_room;
	struct saved_unit units[UNITS_MAX];
	size_t nr_units;
};

void saved_clear(struct saved *s);

/* 0, -ENOMEM, or -E2BIG: there are SAVED_THREADS_MAX. */
int saved_add_thread(struct saved *s, uint64_t app, pid_t tid, const struct cpus *cpus);
/* NULL: there are UNITS_MAX. */
struct saved_unit *saved_add_unit(struct saved *s, const char *name);
const struct saved_unit *saved_find_unit(const struct saved *s, const char *name);
/* After the last of them, so that those of one application can be found. */
void saved_sort(struct saved *s);
/* The first thread of an application, and how many there are, one after another. */
const struct saved_thread *saved_find_threads(const struct saved *s, uint64_t app, size_t *n);

/* To and from the file "affinity" of @directory. */
int saved_store(const struct saved *s, const char *directory);
/* -ENOENT: there is none, or none of this migration. */
int saved_load(struct saved *s, const char *directory, uint64_t stream);
void saved_forget(const char *directory);

#endif /* DRMGRD_SAVED_H */
