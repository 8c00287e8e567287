// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names are looked up when a session begins, not once when the daemon starts, because a directory service may not
 * answer yet at boot. It may not answer at all, so a child looks them up, with a deadline. Until it has succeeded,
 * those that were found the last time may refuse. The child writes a line for each name: "u UID", "g GID", or "?
 * NAME".
 */
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/apps/refusers.h"
#include "daemon/base/runner.h"

struct ids {
	uint32_t *v;
	size_t n;
};

struct found {
	struct ids users;
	struct ids groups;
};

struct refusers {
	sd_event *event;
	const struct config *config;
	struct found now;
	struct found next; /* what the child has found so far */
	unsigned version;
	struct runner *runner;
	void (*done)(void *userdata);
	void *userdata;
};

static void ids_add(struct ids *ids, uint32_t id)
{
	uint32_t *v = reallocarray(ids->v, ids->n + 1, sizeof(*v));

	if (!v) {
		log_oom();
		return;
	}
	ids->v = v;
	v[ids->n++] = id;
}

static bool ids_have(const struct ids *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i] == id)
			return true;
	return false;
}

static bool ids_same(const struct ids *a, const struct ids *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->v, b->v, a->n * sizeof(*a->v)) == 0);
}

static void found_clear(struct found *f)
{
	free(f->users.v);
	free(f->groups.v);
	*f = (struct found){ 0 };
}

static void use(struct refusers *r)
{
	if (!ids_same(&r->now.users, &r->next.users) || !ids_same(&r->now.groups, &r->next.groups))
		r->version++;
	found_clear(&r->now);
	r->now = r->next;
	r->next = (struct found){ 0 };
}

/* ---- the child ---- */

/* What getpwnam() and getgrnam() leave in errno when there is none of that name. */
static bool is_unknown(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static int look_up(const char *name)
{
	const struct passwd *pw;
	const struct group *gr;

	errno = 0;
	if (*name == '@') {
		gr = getgrnam(name + 1);
		if (gr)
			return dprintf(STDOUT_FILENO, "g %u\n", gr->gr_gid);
	} else {
		pw = getpwnam(name);
		if (pw)
			return dprintf(STDOUT_FILENO, "u %u\n", pw->pw_uid);
	}
	return is_unknown(errno) ? dprintf(STDOUT_FILENO, "? %s\n", name) : -errno;
}

/* "alice bob @dba" */
static int child(void *userdata)
{
	const struct refusers *r = userdata;
	_cleanup_free_ char *names = strdup(r->config->may_refuse);
	char *save = NULL;

	if (!names)
		return EXIT_FAILURE;
	for (char *w = strtok_r(names, " ,\t", &save); w; w = strtok_r(NULL, " ,\t", &save))
		if (look_up(w) < 0)
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

/* ---- what the child says ---- */

static void on_line(void *userdata, const char *line)
{
	struct refusers *r = userdata;
	uint64_t id;

	if (strncmp(line, "? ", 2) == 0)
		log_warning(
			"MayRefuse= in drmgr.conf: there is no %s %s, so nobody of that name may refuse.",
			line[2] == '@' ? "group" : "user", line + 2 + (line[2] == '@'));
	else if ((line[0] == 'u' || line[0] == 'g') && line[1] == ' ' &&
		 parse_u64(line + 2, 10, UINT32_MAX - 1, &id) == 0)
		ids_add(line[0] == 'u' ? &r->next.users : &r->next.groups, (uint32_t)id);
}

static void finish(struct refusers *r)
{
	void (*done)(void *userdata) = r->done;

	r->done = NULL;
	if (done)
		done(r->userdata);
}

static void on_done(void *userdata, const struct run_result *result)
{
	struct refusers *r = userdata;
	char text[64];

	r->runner = runner_free(r->runner);
	if (result->end == RUN_EXITED && result->value == EXIT_SUCCESS)
		use(r);
	else if (result->end != RUN_STOPPED)
		log_warning("The names of MayRefuse= can't be looked up (%s); %s.",
			    run_result_text(result, text, sizeof(text)),
			    "those that were found the last time may refuse");
	finish(r);
}

void refusers_look_up(struct refusers *r, void (*done)(void *userdata), void *userdata)
{
	int e = 0;

	r->done = done;
	r->userdata = userdata;
	found_clear(&r->next);
	if (r->config->may_refuse)
		e = runner_start(&r->runner, r->event,
				 &(struct run_spec){
					 .deadline = now_usec() + LOOK_UP_USEC,
					 .stop_signal = SIGKILL,
					 .function = child,
					 .line = on_line,
					 .done = on_done,
					 .userdata = r,
				 });
	else
		use(r);
	if (e < 0)
		log_warning("The names of MayRefuse= can't be looked up: %s.", errno_text(e));
	if (!r->runner)
		finish(r);
}

void refusers_stop(struct refusers *r)
{
	if (r->runner)
		runner_stop(r->runner);
}

unsigned refusers_version(const struct refusers *r)
{
	return r->version;
}

bool refusers_have_groups(const struct refusers *r)
{
	return r->now.groups.n;
}

bool refusers_include(const struct refusers *r, uid_t uid, const gid_t *gids, size_t nr_gids)
{
	if (uid == 0 || ids_have(&r->now.users, uid))
		return true;
	for (size_t i = 0; i < nr_gids; i++)
		if (ids_have(&r->now.groups, gids[i]))
			return true;
	return false;
}

/* ---- beginning and end ---- */

int refusers_new(struct refusers **ret, sd_event *event, const struct config *config)
{
	struct refusers *r = calloc(1, sizeof(*r));

	if (!r)
		return log_oom();
	r->event = sd_event_ref(event);
	r->config = config;
	*ret = r;
	return 0;
}

struct refusers *refusers_free(struct refusers *r)
{
	if (!r)
		return NULL;
	runner_free(r->runner);
	found_clear(&r->now);
	found_clear(&r->next);
	sd_event_unref(r->event);
	free(r);
	return NULL;
}
