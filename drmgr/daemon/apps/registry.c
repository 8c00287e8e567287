// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A registration ends when the application closes its end of the socket, or when its process, named by a pidfd, ends.
 * This counts as an answer.
 *
 * The number of registrations is bounded for each user and in all. The bounds are checked before anything is kept.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <systemd/sd-daemon.h>

#include "daemon/apps/registry-store.h"
#include "daemon/apps/registry.h"
#include "shared/phase.h"

#define GROUPS_MAX (65536 + 1) /* NGROUPS_MAX, and the one of "Gid:" */
#define SAID_MAX   10	       /* in a minute */

struct registry {
	sd_event *event;
	const struct config *config;
	const struct refusers *refusers;
	unsigned granted; /* by which version of them */
	struct application_list list;
	size_t count;
	uint64_t last_id;
	usec_t said_since;
	unsigned said;
	char *directory;
	struct registry_watcher watcher;
};

int registry_new(struct registry **ret, sd_event *event, const struct config *config,
		 const struct refusers *refusers, const char *directory)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return log_oom();
	r->directory = strdup(directory);
	if (!r->directory) {
		free(r);
		return log_oom();
	}
	r->event = sd_event_ref(event);
	r->config = config;
	r->refusers = refusers;
	/* IDs must not repeat those that an earlier daemon wrote into the journal. */
	r->last_id = now_usec();
	TAILQ_INIT(&r->list);
	*ret = r;
	return 0;
}

/* The registrations stay with systemd, for the next daemon. */
struct registry *registry_free(struct registry *r)
{
	struct application *app;

	if (!r)
		return NULL;
	while ((app = TAILQ_FIRST(&r->list))) {
		TAILQ_REMOVE(&r->list, app, node);
		application_free(app);
	}
	sd_event_unref(r->event);
	free(r->directory);
	free(r);
	return NULL;
}

void registry_watch(struct registry *r, const struct registry_watcher *watcher)
{
	r->watcher = *watcher;
}

struct application_list *registry_list(struct registry *r)
{
	return &r->list;
}

size_t registry_count(const struct registry *r)
{
	return r->count;
}

struct application *registry_find(struct registry *r, uint64_t id)
{
	struct application *app;

	TAILQ_FOREACH(app, &r->list, node)
		if (app->id == id)
			return app;
	return NULL;
}

void registry_drop(struct application *app)
{
	struct registry *r = app->registry;

	TAILQ_REMOVE(&r->list, app, node);
	r->count--;
	if (r->watcher.gone)
		r->watcher.gone(r->watcher.userdata, app);
	registry_store_forget(r->directory, app);
	log_debug("Application %s (%d) is no longer registered.", app->name, app->pid);
	application_free(app);
}

/* Any user can cause these lines again and again, so they are limited: they must not push others out of the log. */
static bool may_say(struct registry *r)
{
	usec_t now = now_usec();

	if (now >= r->said_since + 60 * USEC_PER_SEC) {
		r->said_since = now;
		r->said = 0;
	}
	return r->said++ < SAID_MAX;
}

/* ---- making one ---- */

/* Is there room? Root has room of its own. Each other user has a bound, and so have all other users together. */
static bool charge(const struct registry *r, uid_t uid)
{
	const struct config *c = r->config;
	const struct application *app;
	uint64_t own = 0, users = 0;

	TAILQ_FOREACH(app, &r->list, node) {
		own += app->uid == uid;
		users += app->uid != 0;
	}
	if (uid == 0)
		return own < c->max_applications_root;
	return own < c->max_applications_per_user && users < c->max_applications;
}

static uint32_t grant(const struct registry *r, const struct application *app)
{
	_cleanup_free_ gid_t *gids = NULL;
	size_t n = 0;

	if (!(app->wanted & DR_MAY_REFUSE))
		return 0;
	if (app->uid && refusers_have_groups(r->refusers)) {
		gids = calloc(GROUPS_MAX, sizeof(*gids));
		n = gids ? application_groups(app, gids, GROUPS_MAX) : 0;
	}
	if (pidfd_alive(app->pidfd) != 1 || !refusers_include(r->refusers, app->uid, gids, n))
		return 0;
	return app->wanted & (DR_MAY_REFUSE | DR_REQUIRED);
}

void registry_grant(struct registry *r)
{
	struct application *app;

	if (r->granted == refusers_version(r->refusers))
		return;
	r->granted = refusers_version(r->refusers);
	TAILQ_FOREACH(app, &r->list, node)
		app->flags = grant(r, app);
}

static int check(const struct registration *what)
{
	pid_t pid;

	if (!what->name[0] || strlen(what->name) >= DR_NAME_LEN)
		return -EINVAL;
	if (what->phases & ~PHASES_ALL || what->flags & ~APPLICATION_FLAGS ||
	    __builtin_popcount(what->flags & DR_AFFINITY) > 1)
		return -EINVAL;
	/* Only real-time signals, because all others already have a meaning. */
	if (what->signo && (what->signo < SIGRTMIN || what->signo > SIGRTMAX))
		return -EINVAL;
	if (pidfd_pid(what->pidfd, &pid) < 0 || pid != what->pid || pidfd_alive(what->pidfd) != 1)
		return -ESRCH;
	return 0;
}

static void on_answer(struct application *app, const struct wire_answer *answer)
{
	const struct registry_watcher *w = &app->registry->watcher;

	if (w->answered)
		w->answered(w->userdata, app, answer);
}

static void on_read(struct application *app)
{
	const struct registry_watcher *w = &app->registry->watcher;

	if (w->read)
		w->read(w->userdata, app);
}

static void on_ended(struct application *app, const char *why)
{
	if (why && may_say(app->registry))
		log_warning("Application %s (%d) %s; it is dropped.", app->name, app->pid, why);
	registry_drop(app);
}

static const struct application_events events = {
	.answered = on_answer,
	.read = on_read,
	.ended = on_ended,
};

/* Takes over @app and starts to watch its descriptors. */
static int add(struct registry *r, struct application *app)
{
	int e;

	app->registry = r;
	e = application_watch(app, r->event, &events);
	if (e < 0) {
		application_free(app);
		return e;
	}
	TAILQ_INSERT_TAIL(&r->list, app, node);
	r->count++;
	if (app->id > r->last_id)
		r->last_id = app->id;
	return 0;
}

int registry_add(struct registry *r, const struct registration *what)
{
	_cleanup_close_ int theirs = -EBADF;
	struct application *app;
	int pair[2], e;

	e = check(what);
	if (e < 0)
		return e;
	if (!charge(r, what->uid))
		return -EUSERS;
	app = calloc(1, sizeof(*app));
	if (!app)
		return log_oom();
	app->pidfd = fcntl(what->pidfd, F_DUPFD_CLOEXEC, 3);
	app->sock = -EBADF;
	if (app->pidfd < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		e = -errno;
		application_free(app);
		return e;
	}
	app->sock = pair[0];
	theirs = pair[1];
	app->id = r->last_id + 1;
	app->pid = what->pid;
	app->uid = what->uid;
	app->phases = what->phases ? what->phases : DR_PHASES_DEFAULT;
	/* An application that gets ready must hear how the migration ended. */
	if (app->phases & (DR_PHASES(DR_PHASE_PRE) | DR_PHASES(DR_PHASE_BEGIN)))
		app->phases |= DR_PHASES(DR_PHASE_POST) | DR_PHASES(DR_PHASE_POST_ERROR);
	app->wanted = what->flags;
	app->flags = grant(r, app);
	app->signo = what->signo;
	app->timeout_ms = what->timeout_ms;
	text_copy(app->name, sizeof(app->name), what->name, SIZE_MAX);
	e = add(r, app);
	if (e < 0)
		return e;
	e = registry_store_save(r->directory, app);
	if (e < 0 && may_say(r))
		log_warning(
			"Application %s (%d) is registered, but that can't be stored: %s. If drmgrd is "
			"restarted, it has to register again.",
			app->name, app->pid, errno_text(e));
	log_debug("Application %s (%d) of user %u is registered.", app->name, app->pid, app->uid);
	return TAKE_FD(theirs);
}

/* ---- taking over from an earlier daemon ---- */

/* Both descriptors have the same name and come in any order. The type says which of them is the socket. */
static void take_fd(struct application *app, int fd)
{
	struct stat st;
	int *slot = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) ? &app->sock : &app->pidfd;

	if (*slot >= 0)
		safe_close(fd);
	else
		*slot = fd;
}

static int restore_one(struct registry *r, struct application *app)
{
	pid_t pid;
	int e;

	e = registry_store_load(r->directory, app->id, app);
	if (e < 0)
		return e;
	if (app->sock < 0 || app->pidfd < 0)
		return -ENOTCONN;
	if (pidfd_pid(app->pidfd, &pid) < 0 || pid != app->pid)
		return -ESRCH;
	if (fcntl(app->sock, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(app->sock, F_SETFD, FD_CLOEXEC) < 0 || fcntl(app->pidfd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static void tidy(const struct registry *r)
{
	_cleanup_free_ uint64_t *ids = calloc(r->count + 1, sizeof(*ids));
	const struct application *app;
	size_t n = 0;

	if (!ids)
		return;
	TAILQ_FOREACH(app, &r->list, node)
		ids[n++] = app->id;
	qsort(ids, n, sizeof(*ids), registry_store_compare);
	registry_store_tidy(r->directory, ids, n);
}

void registry_restore(struct registry *r, int *fds, char **names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct application *app;
		uint64_t id;
		int e;

		if (fds[i] < 0 || strncmp(names[i], "app-", 4) != 0 ||
		    parse_u64(names[i] + 4, 10, UINT64_MAX - 1, &id) < 0)
			continue;
		app = calloc(1, sizeof(*app));
		if (!app) {
			log_oom();
			return;
		}
		app->id = id;
		app->sock = app->pidfd = -EBADF;
		for (size_t k = i; k < n && (app->sock < 0 || app->pidfd < 0); k++)
			if (fds[k] >= 0 && strcmp(names[k], names[i]) == 0)
				take_fd(app, TAKE_FD(fds[k]));
		e = restore_one(r, app);
		if (e < 0) {
			if (e != -ESRCH && e != -ENOTCONN)
				log_warning("Registration %" PRIu64 " can't be taken over: %s.", id,
					    errno_text(e));
			registry_store_forget(r->directory, app);
			application_free(app);
		} else {
			e = add(r, app);
			if (e < 0)
				log_warning("Registration %" PRIu64 " can't be watched: %s.", id,
					    errno_text(e));
		}
	}
	tidy(r);
}
