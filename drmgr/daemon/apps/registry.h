/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The applications: who has registered, and the way to reach them. */
#ifndef DRMGRD_REGISTRY_H
#define DRMGRD_REGISTRY_H

#include "daemon/apps/peer.h"
#include "daemon/apps/refusers.h"

struct registry;

/* What the one who waits for answers (aud-signals.c) wants to know. */
struct registry_watcher {
	/* @answer has been checked; it is for the event that was asked, and comes once. */
	void (*answered)(void *userdata, struct application *app, const struct wire_answer *answer);
	/* Its process or its descriptor has gone; the struct goes after this call. */
	void (*gone)(void *userdata, struct application *app);
	void *userdata;
};

struct registration {
	const char *name;
	int pidfd;
	pid_t pid; /* of the caller, as the bus says */
	uid_t uid;
	uint32_t phases;
	uint32_t flags;
	int signo;
	uint32_t timeout_ms;
};

TAILQ_HEAD(application_list, application);

int registry_new(struct registry **ret, sd_event *event, const struct config *config,
		 const struct refusers *refusers, const char *directory);
struct registry *registry_free(struct registry *r);
void registry_watch(struct registry *r, const struct registry_watcher *watcher);

/*
 * Returns the application's end of the descriptor; -EINVAL a bad parameter, -ESRCH the pidfd is not the
 * caller's, -EUSERS a bound was reached.
 */
int registry_add(struct registry *r, const struct registration *what);
/* Takes back what an earlier daemon left with systemd: @fds with their names. What belongs to nobody is closed. */
void registry_restore(struct registry *r, int *fds, char **names, size_t n);
void registry_drop(struct application *app);
/* Grants what was asked for, or takes it back, if somebody else may refuse now. */
void registry_grant(struct registry *r);

struct application_list *registry_list(struct registry *r);
size_t registry_count(const struct registry *r);
struct application *registry_find(struct registry *r, uint64_t id);

#endif /* DRMGRD_REGISTRY_H */
