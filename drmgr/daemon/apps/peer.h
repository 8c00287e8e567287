/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One application: how it is reached, and what it says. */
#ifndef DRMGRD_PEER_H
#define DRMGRD_PEER_H

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "daemon/base/util.h"
#include "dr.h"
#include "shared/wire.h"

#define APPLICATION_FLAGS (DR_MAY_REFUSE | DR_REQUIRED | DR_AFFINITY)

struct application_events;

struct application {
	TAILQ_ENTRY(application) node;
	struct registry *registry; /* it belongs to this one */
	const struct application_events *events;
	uint64_t id;
	uid_t uid;
	pid_t pid;
	int pidfd;
	int sock;
	uint32_t phases;
	uint32_t wanted; /* APPLICATION_FLAGS, as asked for */
	uint32_t flags;	 /* DR_MAY_REFUSE and DR_REQUIRED, if they are granted now */
	uint32_t timeout_ms;
	int signo;
	char name[DR_NAME_LEN];
	sd_event_source *sock_source;
	sd_event_source *pidfd_source;
	uint32_t asked;	 /* gen of the event that was sent last */
	usec_t deadline; /* of its answer; 0: no answer is waited for */
	/* changed.c's */
	size_t untold; /* rows of changes that it has not been told of */
	bool unread;   /* it has not acknowledged the change that it was told of, with this gen */
	/* 0: it could not be told, as its socket was full. When it answers something in time, there is room again. */
	uint32_t unread_gen;
};

/* What the registry is told of it. */
struct application_events {
	/* @answer has been checked and is to the event that was sent last. Comes once for each event. */
	void (*answered)(struct application *app, const struct wire_answer *answer);
	/* It has read the change of the machine that it was told of. */
	void (*read)(struct application *app);
	/*
	 * Its process or its descriptor has gone; or, with @why, it has broken the protocol. The callback frees it;
	 * it is not used after this call.
	 */
	void (*ended)(struct application *app, const char *why);
};

/* Starts to watch the descriptors of @app. */
int application_watch(struct application *app, sd_event *event,
		      const struct application_events *events);
void application_free(struct application *app);

/*
 * Does the process still have the user that the bus has seen? Since it made the connection it may have started a program
 * with the rights of another user, or it may have ended and another process has its number.
 */
bool application_is_its_users(const struct application *app);
/* The groups of its user. Its process is alive, as its pidfd proves. */
size_t application_groups(const struct application *app, gid_t *gids, size_t max);

/*
 * Sends one event: the message, then the signal, if the process catches it. Never waits. -EAGAIN: the application has
 * not read earlier events.
 */
int application_send(struct application *app, const struct wire_event *event, size_t size);

#endif /* DRMGRD_PEER_H */
