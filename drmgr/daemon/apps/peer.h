/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One application: the way to it, and what comes from it. */
#ifndef DRMGRD_PEER_H
#define DRMGRD_PEER_H

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/base/util.h"
#include "dr.h"
#include "shared/wire.h"

struct application_events;

struct application {
	TAILQ_ENTRY(application) node;
	struct registry *registry; /* that it is in */
	const struct application_events *events;
	uint64_t id;
	uid_t uid;
	pid_t pid;
	int pidfd;
	int sock;
	uint32_t phases;
	uint32_t wanted; /* DR_MAY_REFUSE and DR_REQUIRED, as asked for */
	uint32_t flags;	 /* those that are granted now */
	uint32_t timeout_ms;
	int signo;
	char name[DR_NAME_LEN];
	sd_event_source *sock_source;
	sd_event_source *pidfd_source;
	/* the event that it has not answered yet */
	uint32_t asked;
	usec_t deadline; /* 0: nothing is waited for */
};

/* What becomes known of it, for the registry. */
struct application_events {
	/* @answer has been checked; it is for the event that was asked, and comes once. */
	void (*answered)(struct application *app, const struct wire_answer *answer);
	/*
	 * Its process or its descriptor has gone; or, with @why, it does not keep to the protocol. It is to be freed, and
	 * is not used after this call.
	 */
	void (*ended)(struct application *app, const char *why);
};

/* Starts to look after @app, which has its descriptors. */
int application_watch(struct application *app, sd_event *event,
		      const struct application_events *events);
void application_free(struct application *app);

/* The groups of its user. Its process is alive, as its pidfd proves. */
size_t application_groups(const struct application *app, gid_t *gids, size_t max);

/*
 * Sends one event: the message, then the signal if the process catches it. Never waits. -EAGAIN: it has not
 * read what was sent before.
 */
int application_send(struct application *app, const struct wire_event *event, size_t size);

#endif /* DRMGRD_PEER_H */
