// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes over what has no owner. At the start that is what an earlier daemon left: its journal, and the descriptors
 * that systemd has kept. Later, whenever nothing is going on, it looks whether the module has a session without an
 * owner: that of an earlier daemon, or of a migration that somebody else has started.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/base/notify.h"
#include "daemon/drlock.h"
#include "daemon/platform/identity.h"
#include "daemon/platform/sysfs.h"
#include "daemon/restore.h"
#include "daemon/scripts/aud-scripts.h"

/* The migration goes on without the DLPAR lock, too. But if it is free we take it, so that nobody changes devices. */
static void lock_if_free(struct manager *m)
{
	char holder[128];

	manager_unlock(m);
	m->lock = drlock_take(holder, sizeof(holder));
	if (m->lock < 0)
		log_info(
			"Going on without the DLPAR lock: %s. Change no devices until this is over.",
			errno_text(m->lock));
}

static void note_foreign(struct manager *m, uint64_t stream)
{
	const char *what =
		m->config.observe ?
			"Mode=observe, so nobody is told." :
			"Nobody was told to get ready; everyone will be told what has changed.";

	m->log.stream = stream;
	if (stream)
		eventlog_note(&m->log, LOG_NOTICE, "kernel", NULL,
			      "Somebody else migrates stream 0x%" PRIx64 ". %s", stream, what);
	else
		eventlog_note(&m->log, LOG_NOTICE, "kernel", NULL,
			      "The partition has moved, but drmgrd did not see by which stream. %s",
			      what);
	if (m->config.observe && !m->pre_observed) {
		observe_plan(&m->observer, &plan_check);
		observe_plan(&m->observer, &plan_begin);
		observe_plan(&m->observer, &plan_pre);
	}
	m->pre_observed = sd_event_source_disable_unref(m->pre_observed);
}

static int on_reconcile(_unused_ sd_event_source *s, void *userdata)
{
	struct manager *m = userdata;
	const struct kernel_state *k;
	struct backend *b;
	bool foreign;

	if (m->session)
		return 0;
	b = manager_noticing(m);
	if (!b)
		return 0;
	if (b != m->backend)
		m->tried = 0;
	m->backend = b;
	k = &b->state;
	foreign = k->flags & PMIG_F_FOREIGN;
	/* The module drops a check without an owner by itself, when the drivers have answered. */
	if (m->stopping || k->state == PMIG_STATE_NONE || k->state == PMIG_STATE_CHECK || k->owner)
		return 0;
	/* Once for each change: a session that can't be taken over is not tried again and again. */
	if (k->seq == m->tried)
		return 0;
	m->tried = k->seq;
	if (foreign)
		note_foreign(m, k->stream);
	else
		log_notice("The module has a session of stream 0x%" PRIx64
			   " without an owner; drmgrd takes it over.",
			   k->stream);
	m->request = (struct manager_request){ .token = -1 };
	if (!foreign || !m->config.observe)
		lock_if_free(m);
	if (manager_start_session(m, foreign ? SESSION_FOREIGN : SESSION_ADOPTED, k->stream, "") <
	    0) {
		log_oom();
		manager_unlock(m);
	}
	return 0;
}

int restore_watch(struct manager *m)
{
	return sd_event_add_defer(m->event, &m->reconcile, on_reconcile, m);
}

/* ---- what an earlier daemon left ---- */

/* Did the last daemon work without the module? */
static bool was_sysfs(const struct replay *replay)
{
	return strcmp(replay->session.engine, "sysfs") == 0;
}

/* The last daemon worked without the module, and its write may still be going on. */
static void take_back_sysfs(struct manager *m, uint64_t stream, int written)
{
	if (!manager_have_sysfs(m))
		safe_close(written);
	else {
		m->backend = m->sysfs;
		if (written >= 0)
			sysfs_restore(m->sysfs, stream, written);
	}
}

/*
 * Where there is no module, the last daemon may have died before anybody was told and anything was written. Then
 * nothing has begun, and the same request begins anew. The module would have cancelled the stream.
 */
static bool has_begun(const struct replay *replay, int written)
{
	if (!was_sysfs(replay) || written >= 0 || replay->outcome != OUTCOME_UNKNOWN)
		return true;
	for (size_t i = 0; i < REPLAY_AUDIENCES_MAX; i++)
		if (replay->audiences[i].told.n > 0)
			return true;
	return identity_is_other(replay->session.identity, sizeof(replay->session.identity));
}

static void take_over(struct manager *m, struct replay *replay)
{
	int r;

	lock_if_free(m);
	log_notice("Stream 0x%" PRIx64
		   " was being migrated when the last daemon ended; drmgrd goes on.",
		   replay->session.stream);
	r = manager_adopt(m, replay);
	if (r < 0) {
		log_error("Stream 0x%" PRIx64
			  " can't be taken over: %s. Whoever was told to get ready, "
			  "as %s says, has to be told by hand how it ended.",
			  replay->session.stream, errno_text(r), m->journal_path);
		manager_unlock(m);
	}
}

void restore(struct manager *m, int *fds, char **names, size_t n)
{
	_cleanup_close_ int written = -EBADF;
	struct replay replay = { 0 };
	char now[64];
	int r;

	registry_restore(m->registry, fds, names, n);
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0 &&
		    aud_scripts_restore(m->audiences[AUDIENCE_SCRIPTS], names[i], fds[i]))
			fds[i] = -EBADF;
		else if (fds[i] >= 0 && strcmp(names[i], SYSFS_OUTPUT_NAME) == 0)
			written = TAKE_FD(fds[i]);
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0) {
			notify("FDSTOREREMOVE=1\nFDNAME=%s", names[i]);
			fds[i] = safe_close(fds[i]);
		}
	r = journal_replay(m->journal_path, &replay);
	if (r < 0)
		log_error(
			"%s can't be read: %s. If a migration was in progress when the last daemon "
			"ended, nobody is told how it ended.",
			m->journal_path, errno_text(r));
	boot_id(now, sizeof(now));
	if (replay.open && strcmp(now, replay.session.boot_id) != 0)
		log_notice("%s is from before the last boot and is not used.", m->journal_path);
	else if (replay.open && !has_begun(&replay, written)) {
		log_notice("The last daemon ended before it told anybody of stream 0x%" PRIx64
			   "; nothing has begun.",
			   replay.session.stream);
		journal_close_session(m->journal);
	} else if (replay.open) {
		if (was_sysfs(&replay))
			take_back_sysfs(m, replay.session.stream, TAKE_FD(written));
		take_over(m, &replay);
	}
	replay_clear(&replay);
}
