// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An application is reached by two descriptors: its socket, and a pidfd of its process. Nothing is ever sent to a
 * process number. Its messages are checked for size and kind. An application that breaks the protocol is dropped,
 * which it sees as the end of its descriptor.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "daemon/apps/peer.h"
#include "shared/wiremsg.h"

#define ERRNO_MAX 4095

/* ---- what it says ---- */

/* Events are read in order, so an answer to a later one will do. */
static void take_receipt(struct application *app, uint32_t gen)
{
	bool older = app->unread_gen && (int32_t)(gen - app->unread_gen) < 0;

	if (!app->unread || older)
		return;
	app->unread = false;
	app->events->read(app);
}

static void take_answer(struct application *app, struct wire_answer *answer)
{
	take_receipt(app, answer->gen);
	if (!app->deadline || answer->gen != app->asked)
		return; /* it is too late, or not asked for; ignored */
	app->deadline = 0;
	/* The errno is sent to the platform, which has 24 bits for it and where 0 is no reason. */
	if (answer->error > ERRNO_MAX)
		answer->error = EINVAL;
	wire_text(answer->reason);
	app->events->answered(app, answer);
}

static int on_socket(_unused_ sd_event_source *s, _unused_ int fd, uint32_t events, void *userdata)
{
	struct application *app = userdata;
	struct wire_answer answer;
	char why[64];
	ssize_t n;

	if (!(events & EPOLLIN)) {
		app->events->ended(app, NULL);
		return 0;
	}
	n = recv(app->sock, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		app->events->ended(app, NULL);
		return 0;
	}
	if (wire_answer_check(&answer, (size_t)n) < 0) {
		snprintf(why, sizeof(why), "sent %zd bytes that are not an answer", n);
		app->events->ended(app, why);
		return 0;
	}
	take_answer(app, &answer);
	return 0;
}

static int on_death(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
		    void *userdata)
{
	struct application *app = userdata;

	app->events->ended(app, NULL);
	return 0;
}

int application_watch(struct application *app, sd_event *event,
		      const struct application_events *events)
{
	int e;

	app->events = events;
	e = sd_event_add_io(event, &app->sock_source, app->sock, EPOLLIN, on_socket, app);
	if (e >= 0)
		e = sd_event_add_io(event, &app->pidfd_source, app->pidfd, EPOLLIN, on_death, app);
	/* An answer that it gave before it died is read first. */
	return e < 0 ? e : sd_event_source_set_priority(app->pidfd_source, SD_EVENT_PRIORITY_IDLE);
}

void application_free(struct application *app)
{
	sd_event_source_disable_unref(app->sock_source);
	sd_event_source_disable_unref(app->pidfd_source);
	safe_close(app->sock);
	safe_close(app->pidfd);
	free(app);
}

/* ---- whose it is ---- */

/* The first three of the four IDs that /proc has in one line */
enum { REAL, EFFECTIVE, SAVED, NR_IDS = 4 };

static int read_ids(pid_t pid, const char *key, uint32_t ids[NR_IDS])
{
	char text[64];
	int r = process_status_field(pid, key, text, sizeof(text));

	if (r < 0)
		return r;
	return sscanf(text, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == NR_IDS ? 0 :
											   -EBADMSG;
}

/* The rights of such a process are not the caller's. */
bool application_is_its_users(const struct application *app)
{
	uint32_t uid[NR_IDS];

	return read_ids(app->pid, "Uid", uid) == 0 && uid[REAL] == app->uid &&
	       uid[EFFECTIVE] == app->uid && uid[SAVED] == app->uid;
}

/* The groups of its user, without that of a setgid program. The process is alive, as its pidfd proves. */
size_t application_groups(const struct application *app, gid_t *gids, size_t max)
{
	_cleanup_free_ char *text = malloc(PROCESS_STATUS_BYTES);
	uint32_t ids[NR_IDS];
	char *save = NULL;
	size_t n = 0;

	if (!text || read_ids(app->pid, "Gid", ids) < 0 ||
	    process_status_field(app->pid, "Groups", text, PROCESS_STATUS_BYTES) < 0)
		return 0;
	gids[n++] = ids[REAL];
	for (char *w = strtok_r(text, " \t", &save); w && n < max;
	     w = strtok_r(NULL, " \t", &save)) {
		uint64_t gid;

		if (parse_u64(w, 10, UINT32_MAX - 1, &gid) == 0)
			gids[n++] = (gid_t)gid;
	}
	return application_is_its_users(app) ? n : 0;
}

/* ---- reaching it ---- */

/* Does the process catch the signal? Looked up each time, because that may change. */
static bool catches(struct application *app)
{
	char text[64];
	uint64_t mask;

	if (pidfd_alive(app->pidfd) != 1 ||
	    process_status_field(app->pid, "SigCgt", text, sizeof(text)) < 0 ||
	    parse_u64(text, 16, UINT64_MAX, &mask) < 0)
		return false;
	/* If it is still alive, the number was its own all the time. */
	return pidfd_alive(app->pidfd) == 1 && mask >> (app->signo - 1) & 1;
}

/* May its user send it a signal? The process may be another user's by now. */
static bool may_signal(const struct application *app)
{
	uint32_t uid[NR_IDS];

	return app->uid == 0 || (read_ids(app->pid, "Uid", uid) == 0 &&
				 (uid[REAL] == app->uid || uid[SAVED] == app->uid));
}

int application_send(struct application *app, const struct wire_event *event, size_t size)
{
	ssize_t n = send(app->sock, event, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EWOULDBLOCK || errno == ENOBUFS ? -EAGAIN : -errno;
	if (app->signo && may_signal(app) && catches(app) &&
	    syscall(SYS_pidfd_send_signal, app->pidfd, app->signo, NULL, 0) < 0)
		log_debug("Application %s (%d): signal %d can't be sent: %s.", app->name, app->pid,
			  app->signo, errno_text(errno));
	return 0;
}
