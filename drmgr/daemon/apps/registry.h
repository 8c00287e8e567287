/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The applications that have registered. */
#ifndef DRMGRD_REGISTRY_H
#define DRMGRD_REGISTRY_H

#include "daemon/apps/peer.h"
#include "daemon/apps/refusers.h"

/* Applications that are told something in one turn of the loop */
#define ROUND_MAX 64

struct registry;

/* For aud-signals.c, which waits for the answers. */
struct registry_watcher {
	/* @answer has been checked and is to the event that was sent last. Comes once for each event. */
	void (*answered)(void *userdata, struct application *app, const struct wire_answer *answer);
	/* It has read the change of the machine that it was told of. */
	void (*read)(void *userdata, struct application *app);
	/* Its process or its descriptor has gone. @app is freed after this call. */
	void (*gone)(void *userdata, struct application *app);
	void *userdata;
};

struct registration {
	const char *name;
	int pidfd;
	pid_t pid; /* of the caller, as the bus or the kernel says */
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
 * Returns the application's end of the socket. -EINVAL: a bad parameter; -ESRCH: the pidfd is not the caller's;
 * -EUSERS: a bound was reached.
 */
int registry_add(struct registry *r, const struct registration *what);
/* Takes back registrations that an earlier daemon left with systemd: @fds and their names. Closes what has no owner. */
void registry_restore(struct registry *r, int *fds, char **names, size_t n);
void registry_drop(struct application *app);
/* If the set of those that may refuse has changed, grants the right to refuse, or takes it back. */
void registry_grant(struct registry *r);

struct application_list *registry_list(struct registry *r);
size_t registry_count(const struct registry *r);
struct application *registry_find(struct registry *r, uint64_t id);

#endif /* DRMGRD_REGISTRY_H */
