// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The manager owns everything and decides what may start: one operation at a time, under the DLPAR lock, with a
 * back end that works. Sessions without an owner are taken over by restore.c, which is asked to look whenever nothing is
 * going on.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/affinity/aud-affinity.h"
#include "daemon/apps/aud-signals.h"
#include "daemon/apps/changed.h"
#include "daemon/aud-builtin.h"
#include "daemon/base/notify.h"
#include "daemon/drlock.h"
#include "daemon/manager.h"
#include "daemon/platform/link.h"
#include "daemon/platform/module.h"
#include "daemon/platform/simulate.h"
#include "daemon/platform/sysfs.h"
#include "daemon/scripts/aud-scripts.h"
#include "daemon/session/aud-kernel.h"
#include "shared/token.h"

#define WATCHDOG_USEC (60 * USEC_PER_SEC)
/* Ten years mean no watchdog: systemd 239 ignores 0 and would let the old timer run on. */
#define IDLE_WATCHDOG_USEC (10 * UINT64_C(31557600) * USEC_PER_SEC)

/* ---- watchdog: only while something is going on, so that an idle daemon sleeps ---- */

static int on_watchdog(sd_event_source *s, _unused_ uint64_t usec, _unused_ void *userdata)
{
	notify("WATCHDOG=1");
	sd_event_source_set_time(s, now_usec() + WATCHDOG_USEC / 3);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static void watch(struct manager *m, bool on)
{
	notify("WATCHDOG_USEC=%" PRIu64, on ? WATCHDOG_USEC : IDLE_WATCHDOG_USEC);
	sd_event_source_set_time(m->watchdog, now_usec() + WATCHDOG_USEC / 3);
	sd_event_source_set_enabled(m->watchdog, on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* Says in words what is going on. The stream ID of somebody else's migration may be unknown. */
static void describe(const struct session *s, char *text, size_t size)
{
	bool check = session_kind(s) == SESSION_CHECK;
	char who[32];

	if (session_stream(s))
		snprintf(who, sizeof(who), "stream 0x%" PRIx64, session_stream(s));
	else
		snprintf(who, sizeof(who), check ? "the partition" : "somebody else");
	if (check)
		snprintf(text, size, "%s is being checked", who);
	else if (session_is_ending(s))
		snprintf(text, size,
			 "the migration of %s has ended, and everyone is being told how", who);
	else if (session_stream(s))
		snprintf(text, size, "%s is being migrated", who);
	else
		snprintf(text, size, "%s migrates the partition", who);
}

static void tell_systemd(const struct manager *m)
{
	char what[160];

	if (m->session) {
		describe(m->session, what, sizeof(what));
		notify("STATUS=In progress: %s.", what);
	} else
		notify("STATUS=Waiting for a migration.");
}

static void set_busy(struct manager *m, bool busy)
{
	watch(m, busy);
	tell_systemd(m);
	if (busy)
		changed_hold(m->changed);
	else
		changed_go_on(m->changed);
}

/* ---- sessions ---- */

static struct session_setup setup(struct manager *m)
{
	struct session_setup s = {
		.event = m->event,
		.config = &m->config,
		.backend = m->backend,
		.journal = m->journal,
		.machine = &m->machine,
		.log = &m->log,
		.gen = &m->gen,
	};

	memcpy(s.audiences, m->audiences, sizeof(s.audiences));
	return s;
}

static void on_session_done(void *userdata, struct session *s);

int manager_start_session(struct manager *m, enum session_kind kind, uint64_t stream,
			  const char *engine)
{
	bool observed = m->config.observe && kind == SESSION_FOREIGN;
	struct session_setup st = setup(m);
	struct session_request request = {
		.kind = kind,
		.stream = stream,
		.force = m->request.force,
		.detail = m->request.detail,
		.wait = m->request.wait,
		.post_alone = m->backend == m->sysfs && m->config.post_alone,
		.token = m->request.token,
	};
	int r;

	snprintf(request.engine, sizeof(request.engine), "%s", engine);
	st.observe = observed ? observe_plan : NULL;
	st.observer = &m->observer;
	aud_kernel_set_backend(m->audiences[AUDIENCE_KERNEL], m->backend);
	r = session_new(&m->session, &st, &request, on_session_done, m);
	if (r < 0)
		return r;
	set_busy(m, true);
	if (m->stopping)
		session_stop(m->session);
	return 0;
}

int manager_adopt(struct manager *m, struct replay *replay)
{
	struct session_setup st = setup(m);
	int r;

	aud_kernel_set_backend(m->audiences[AUDIENCE_KERNEL], m->backend);
	r = session_adopt(&m->session, &st, replay, on_session_done, m);
	if (r < 0)
		return r;
	set_busy(m, true);
	return 0;
}

static enum manager_error error_of(enum session_outcome outcome)
{
	static const enum manager_error errors[] = {
		[SESSION_OK] = MANAGER_OK,	     [SESSION_BAD_STREAM] = MANAGER_BAD_STREAM,
		[SESSION_BUSY] = MANAGER_BUSY,	     [SESSION_NO_ENGINE] = MANAGER_NO_ENGINE,
		[SESSION_STOPPED] = MANAGER_STOPPED, [SESSION_ABORTED] = MANAGER_ABORTED,
		[SESSION_FAILED] = MANAGER_FAILED,
	};

	return errors[outcome];
}

/* A refusal that stops a simulated migration before it begins, or NULL. */
static const struct refusal *stopping(const struct session_result *result)
{
	for (size_t i = 0; i < result->nr_refusals; i++)
		if (result->refusals[i].stops)
			return &result->refusals[i];
	return NULL;
}

/* ---- what waits until nothing is going on ---- */

/* Not while a session is open: the module would cancel it. */
static void exit_if_due(struct manager *m)
{
	if (!m->session && m->stopping)
		sd_event_exit(m->event, EXIT_SUCCESS);
}

void manager_stop(struct manager *m)
{
	char what[160];

	/* The second request counts as a kill. It exits as a failure, so that systemd starts the next daemon, which goes on. */
	if (m->stopping)
		_exit(EXIT_FAILURE);
	m->stopping = true;
	notify("STOPPING=1");
	if (m->session) {
		describe(m->session, what, sizeof(what));
		log_notice("In progress: %s. drmgrd ends once everyone has been told the outcome.",
			   what);
		if (session_kind(m->session) != SESSION_CHECK)
			session_stop(m->session);
	}
	exit_if_due(m);
}

static void look_for_module(struct manager *m);

static void reload_if_due(struct manager *m)
{
	struct config c;

	if (!m->reload || m->session)
		return;
	m->reload = false;
	if (config_load(&c, m->config_path) < 0) {
		log_warning("The old settings remain in force: correct the file, then run "
			    "systemctl reload drmgrd.");
		config_clear(&c);
		return;
	}
	config_clear(&m->config);
	m->config = c;
	log_max_level = c.log_level;
	log_notice("%s has been read again.", m->config_path);
	look_for_module(m);
}

void manager_reload(struct manager *m)
{
	m->reload = true;
	reload_if_due(m);
}

/* ---- an operation's end ---- */

void manager_unlock(struct manager *m)
{
	m->lock = safe_close(m->lock);
}

static void release(struct manager *m)
{
	set_busy(m, false);
	safe_close(m->request.token);
	m->request = (struct manager_request){ .token = -1 };
	sd_event_source_set_enabled(m->reconcile, SD_EVENT_ONESHOT);
	reload_if_due(m);
	exit_if_due(m);
}

static void reply(struct manager *m, enum manager_error error, const char *text,
		  const struct session_result *result)
{
	for (size_t i = 0; i < m->nr_waiters; i++)
		m->waiters[i].reply(m->waiters[i].userdata, error, text, result);
	m->nr_waiters = 0;
}

/* The check of a simulated migration is over: go on with the migration, or say why not. */
static bool go_on_simulating(struct manager *m, const struct session_result *result,
			     enum manager_error *error, char *text, size_t size)
{
	const struct refusal *r = stopping(result);
	uint64_t stream = session_stream(m->session);

	if (*error != MANAGER_OK)
		return false;
	if (r) {
		*error = MANAGER_STOPPED;
		snprintf(text, size, "%s %s: %s", r->audience, r->name, r->reason);
		return false;
	}
	m->session = session_free(m->session);
	if (manager_start_session(m, SESSION_MIGRATE, stream, "sim") == 0)
		return true;
	*error = MANAGER_FAILED;
	return false;
}

static void on_session_done(void *userdata, struct session *s)
{
	struct manager *m = userdata;
	struct session_result result;
	enum manager_error error;
	char text[512];

	session_result(s, &result);
	error = error_of(result.outcome);
	snprintf(text, sizeof(text), "%s", result.message);
	if (m->request.kind == REQUEST_SIMULATE) {
		if (session_kind(s) == SESSION_CHECK &&
		    go_on_simulating(m, &result, &error, text, sizeof(text)))
			return;
		simulate_clean_up(m->request.stream);
	} else if (session_kind(s) == SESSION_ADOPTED && !session_is_left(s))
		simulate_clean_up(session_stream(s)); /* if it was one */
	manager_unlock(m); /* before the answer: whoever has it may take the lock at once */
	/* After a failed go_on_simulating() the result has gone with its session. */
	if (!m->session)
		result = (struct session_result){ 0 };
	else if (session_kind(s) != SESSION_CHECK && m->request.kind != REQUEST_SIMULATE &&
		 !session_is_left(s))
		results_add(m->results, session_stream(s), error, text, &result);
	reply(m, error, text, &result);
	m->session = session_free(m->session);
	release(m);
}

/* ---- starting ---- */

_printf_(4, 5) static enum manager_error
	refuse(char *text, size_t size, enum manager_error error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, size, fmt, ap);
	va_end(ap);
	return error;
}

/* Loads the module if necessary. If it can't be used, m->degraded says why. */
static bool module_is_there(struct manager *m)
{
	int r;

	m->degraded[0] = '\0';
	if (m->link->ops->ready(m->link))
		return true;
	if (m->config.observe) {
		snprintf(m->degraded, sizeof(m->degraded),
			 "pmig.ko is not loaded, and with Mode=observe drmgrd does not load it");
		return false;
	}
	if (module_load("pmig", m->degraded, sizeof(m->degraded)) < 0)
		return false;
	r = link_refresh(m->link);
	if (r < 0)
		snprintf(m->degraded, sizeof(m->degraded),
			 r == -EPROTONOSUPPORT ?
				 "pmig.ko is of another version than drmgrd: install both from one "
				 "package, then rmmod pmig" :
				 "pmig.ko is loaded and does not answer");
	return r == 0;
}

/* At the start and when Mode= may have changed, so that others' migrations are noticed before the first of ours. */
static void look_for_module(struct manager *m)
{
	if (!module_is_there(m) && !m->config.observe)
		log_warning("Degraded: %s. The next check or migration tries again.", m->degraded);
}

const char *manager_degraded(const struct manager *m)
{
	if (link_present(m->link))
		return "";
	if (m->degraded[0])
		return m->degraded;
	return link_is_silent(m->link) ?
		       "pmig.ko is loaded and does not answer; the next migration tries it again" :
		       "pmig.ko is not loaded any more; the next migration loads it";
}

static void on_state(void *userdata, const struct kernel_state *state)
{
	struct manager *m = userdata;

	if (!m->heard && state->state >= PMIG_STATE_SUSPENDING)
		machine_doubt(&m->machine);
	m->heard = true;
	if (!m->session)
		sd_event_source_set_enabled(m->reconcile, SD_EVENT_ONESHOT);
}

bool manager_have_sysfs(struct manager *m)
{
	return m->sysfs ||
	       (sysfs_new(&m->sysfs, m->event) >= 0 && backend_listen(m->sysfs, on_state, m) >= 0);
}

static bool choose_backend(struct manager *m)
{
	m->backend = m->link;
	if (module_is_there(m))
		return true;
	if (!manager_have_sysfs(m))
		return false;
	m->backend = m->sysfs;
	return true;
}

struct backend *manager_noticing(struct manager *m)
{
	if (!link_present(m->link))
		return manager_have_sysfs(m) ? m->sysfs : NULL;
	if (m->sysfs) {
		aud_kernel_set_backend(m->audiences[AUDIENCE_KERNEL], m->link);
		m->sysfs->ops->free(m->sysfs);
		m->sysfs = NULL;
	}
	return m->link;
}

static void warn_if_degraded(const struct manager *m)
{
	const char *what = "";

	if (m->backend != m->sysfs)
		return;
	if (m->request.kind == REQUEST_MIGRATE)
		what = m->config.post_alone ?
			       " Nobody else is told before the move, either (WithoutModule=post)." :
			       " Everyone else prepares when the copy of the memory begins, and may be quiet"
			       " for minutes; with WithoutModule=post they are told only after the move.";
	eventlog_note(&m->log, LOG_WARNING, "kernel", NULL,
		      "Degraded: %s. Drivers are neither asked nor told.%s", m->degraded, what);
}

/* If nobody can take the lock, as on a full /run/lock, we go on: no other DLPAR operation can take it, either. */
static enum manager_error take_lock(struct manager *m, char *text, size_t size)
{
	char holder[128];

	m->lock = drlock_take(holder, sizeof(holder));
	if (m->lock == -EBUSY)
		return refuse(text, size, MANAGER_LOCKED,
			      "another DLPAR operation is under way (%s): try again later", holder);
	if (m->lock < 0)
		log_warning(
			"Going on without the DLPAR lock: %s. Change no devices until this is over.",
			errno_text(m->lock));
	return MANAGER_OK;
}

static enum manager_error prepare_simulation(struct manager *m, char *text, size_t size)
{
	int r;

	/* A random ID, so that it is not mistaken for a real stream. */
	if (getrandom(&m->request.stream, sizeof(m->request.stream), 0) < 0 ||
	    m->backend != m->link)
		return refuse(text, size, MANAGER_NO_MODULE, "a simulation needs pmig.ko, and %s",
			      m->degraded);
	m->request.stream |= 1;
	r = simulate_prepare(m->request.stream, m->request.enabled_ms, m->request.blackout_ms);
	if (r == -ENOENT)
		return refuse(text, size, MANAGER_NO_MODULE,
			      "pmig_sim.ko is not there: install it, or modprobe pmig_sim");
	if (r < 0)
		return refuse(text, size, MANAGER_NO_ENGINE,
			      "the simulated hypervisor can't be set up: %s", errno_text(r));
	return MANAGER_OK;
}

/* A check or the last part of a migration ends soon: drmgr waits for it as for any other DLPAR operation. */
static enum manager_error refuse_busy(const struct manager *m, char *text, size_t size)
{
	const struct session *s = m->session;
	bool soon = session_kind(s) == SESSION_CHECK || session_is_ending(s);
	char what[160];

	describe(s, what, sizeof(what));
	return refuse(text, size, soon ? MANAGER_LOCKED : MANAGER_BUSY,
		      "%s: wait until that is over, see drmgr status", what);
}

/* The module's check has outlived our session, or the last daemon's, because drivers are slow to answer. */
static bool drivers_are_asked(const struct manager *m)
{
	return !m->session && link_present(m->link) && m->link->state.state == PMIG_STATE_CHECK;
}

/* The drmgr that went on without us has ended: the next migration is another one, whose PRE has not been logged. */
static int on_caller_gone(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events,
			  void *userdata)
{
	struct manager *m = userdata;

	log_notice("Mode=observe: the drmgr that went on with the migration has ended, and the "
		   "partition has not been seen to move.");
	m->pre_observed = sd_event_source_disable_unref(m->pre_observed);
	return 0;
}

/*
 * PRE has been logged for the migration that @caller, a pidfd or -1, goes on with. The priority makes sure that the
 * move is noticed before the end of the process.
 */
static void expect_move(struct manager *m, int caller)
{
	int fd = caller < 0 ? -1 : fcntl(caller, F_DUPFD_CLOEXEC, 3);

	m->pre_observed = sd_event_source_disable_unref(m->pre_observed);
	if (fd < 0)
		return;
	if (sd_event_add_io(m->event, &m->pre_observed, fd, EPOLLIN, on_caller_gone, m) < 0) {
		safe_close(fd);
		return;
	}
	sd_event_source_set_io_fd_own(m->pre_observed, true);
	sd_event_source_set_priority(m->pre_observed, SD_EVENT_PRIORITY_IDLE);
}

/* The caller goes on as if there were no daemon. */
static enum manager_error observe_request(struct manager *m, const struct manager_request *request,
					  char *text, size_t size)
{
	bool migrate = request->kind == REQUEST_MIGRATE;

	if (request->kind == REQUEST_SIMULATE)
		return refuse(text, size, MANAGER_OBSERVING,
			      "Mode=observe in drmgr.conf: a simulation would tell everyone");
	if (!m->session)
		m->log.stream = request->stream;
	eventlog_note(&m->log, LOG_NOTICE, NULL, NULL,
		      "Mode=observe: nobody is %s, drmgr leaves stream 0x%" PRIx64
		      " to powerpc-utils or the kernel.",
		      request->kind == REQUEST_CHECK ? "asked" : "told", request->stream);
	observe_plan(&m->observer, migrate ? &plan_begin : &plan_check);
	if (migrate)
		observe_plan(&m->observer, &plan_pre);
	if (migrate)
		expect_move(m, request->caller);
	if (!m->session)
		m->log.stream = 0;
	return refuse(text, size, MANAGER_OBSERVING, "Mode=observe in drmgr.conf: nobody is %s",
		      migrate ? "told" : "asked");
}

static void add_waiter(struct manager *m, manager_reply_t call, void *userdata)
{
	m->waiters[m->nr_waiters].reply = call;
	m->waiters[m->nr_waiters++].userdata = userdata;
}

void manager_forget(struct manager *m, size_t i)
{
	m->nr_waiters--;
	memmove(&m->waiters[i], &m->waiters[i + 1], (m->nr_waiters - i) * sizeof(m->waiters[0]));
	if (m->nr_waiters == 0 && m->session && m->request.kind == REQUEST_CHECK &&
	    session_kind(m->session) == SESSION_CHECK)
		session_stop(m->session);
}

static bool is_under_way(const struct manager *m, const struct manager_request *request)
{
	return request->kind == REQUEST_MIGRATE && session_kind(m->session) != SESSION_CHECK &&
	       session_stream(m->session) == request->stream;
}

/* The same command again; the first one may have been lost. Others have been told, so it must not go on without us. */
static enum manager_error attach(struct manager *m, const struct manager_request *request,
				 manager_reply_t call, void *userdata, char *text, size_t size)
{
	if (m->nr_waiters == WAITERS_MAX)
		return refuse(text, size, MANAGER_BUSY,
			      "stream 0x%" PRIx64
			      " is being migrated, and %d wait for its end: see drmgr status -s",
			      request->stream, WAITERS_MAX);
	if (!token_take(request->token))
		return refuse(text, size, MANAGER_BUSY,
			      "stream 0x%" PRIx64
			      " is being migrated, and this drmgr has stopped waiting for its end",
			      request->stream);
	add_waiter(m, call, userdata);
	return MANAGER_OK;
}

enum manager_error manager_start(struct manager *m, const struct manager_request *request,
				 manager_reply_t call, void *userdata, char *text, size_t size)
{
	enum manager_error e;
	bool sim = request->kind == REQUEST_SIMULATE;

	if (m->config.observe)
		return observe_request(m, request, text, size);
	if (m->stopping && !m->session)
		return refuse(text, size, MANAGER_LOCKED, "drmgrd is ending: try again");
	if (m->session && is_under_way(m, request))
		return attach(m, request, call, userdata, text, size);
	if (m->session) {
		/* A check is dropped: perhaps nobody waits for it any more, and a hook that hangs has minutes. */
		if (request->kind == REQUEST_MIGRATE && session_kind(m->session) == SESSION_CHECK)
			session_stop(m->session);
		return refuse_busy(m, text, size);
	}
	if (drivers_are_asked(m))
		return refuse(text, size, MANAGER_ASKING,
			      "drivers are still being asked by a check that was given up; this "
			      "takes some minutes at most: wait, or see drmgr status");
	e = take_lock(m, text, size);
	if (e != MANAGER_OK)
		return e;
	if (!choose_backend(m)) {
		manager_unlock(m);
		return refuse(text, size, MANAGER_FAILED, "out of memory");
	}
	m->request = *request;
	/* The message, and the descriptor in it, is freed if the caller ends first. */
	if (request->token >= 0)
		m->request.token = fcntl(request->token, F_DUPFD_CLOEXEC, 3);
	e = sim ? prepare_simulation(m, text, size) : MANAGER_OK;
	if (e == MANAGER_OK &&
	    manager_start_session(
		    m, request->kind == REQUEST_MIGRATE ? SESSION_MIGRATE : SESSION_CHECK,
		    m->request.stream, sim ? "sim" : "") < 0) {
		if (sim)
			simulate_clean_up(m->request.stream);
		e = refuse(text, size, MANAGER_FAILED, "out of memory");
	}
	if (e != MANAGER_OK) {
		manager_unlock(m);
		release(m);
		return e;
	}
	warn_if_degraded(m);
	add_waiter(m, call, userdata);
	return MANAGER_OK;
}

/* ---- beginning and end ---- */

static int new_audiences(struct manager *m, const char *run_directory)
{
	int r = aud_builtin_new(&m->audiences[AUDIENCE_BUILTIN], &m->config, m->refusers, &m->log);

	if (r >= 0)
		r = aud_kernel_new(&m->audiences[AUDIENCE_KERNEL], &m->log);
	if (r >= 0)
		r = aud_scripts_new(&m->audiences[AUDIENCE_SCRIPTS], m->event, &m->config, &m->log);
	if (r >= 0)
		r = aud_signals_new(&m->audiences[AUDIENCE_SIGNALS], m->event, &m->config,
				    m->registry, m->changed, &m->log);
	if (r >= 0)
		r = aud_affinity_new(&m->audiences[AUDIENCE_AFFINITY], &m->config, m->registry,
				     &m->link, &m->system_bus, run_directory, &m->log);
	return r;
}

static int new_watchdog(struct manager *m)
{
	int r = sd_event_add_time(m->event, &m->watchdog, CLOCK_BOOTTIME, UINT64_MAX, 0,
				  on_watchdog, m);

	return r < 0 ? r : sd_event_source_set_enabled(m->watchdog, SD_EVENT_OFF);
}

DEFINE_CLEANUP(struct manager *, manager_free)

int manager_new(struct manager **ret, sd_event *event, const char *config_path,
		const char *run_directory)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	_cleanup_free_ char *apps = NULL, *results = NULL, *machine = NULL;
	int r;

	if (!m)
		return log_oom();
	m->event = sd_event_ref(event);
	m->lock = -EBADF;
	LIST_INIT(&m->registering);
	LIST_INIT(&m->describing);
	m->request.token = -1;
	/* Larger than any that an earlier daemon used: it sent fewer than 16 events per second since boot. */
	m->gen = (uint32_t)(now_usec() / USEC_PER_SEC * 16);
	m->config_path = config_path;
	r = config_load(&m->config, config_path);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_warning("All settings are at their defaults: correct the file, then run "
			    "systemctl reload drmgrd.");
	log_max_level = m->config.log_level;
	if (mkdir(run_directory, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(&m->journal_path, "%s/session", run_directory) < 0 ||
	    asprintf(&apps, "%s/apps", run_directory) < 0 ||
	    asprintf(&results, "%s/results", run_directory) < 0 ||
	    asprintf(&machine, "%s/machine", run_directory) < 0)
		return log_oom();
	r = journal_new(&m->journal, m->journal_path);
	if (r >= 0)
		r = results_new(&m->results, results);
	if (r >= 0)
		r = refusers_new(&m->refusers, event, &m->config);
	if (r >= 0)
		r = registry_new(&m->registry, event, &m->config, m->refusers, apps);
	if (r >= 0)
		r = changed_new(&m->changed, event, m->registry, &m->gen);
	if (r >= 0)
		r = new_audiences(m, run_directory);
	if (r >= 0)
		r = new_watchdog(m);
	/* Before the module is asked where it is: see on_state(). */
	if (r >= 0)
		r = machine_open(&m->machine, machine);
	if (r < 0)
		return r;
	r = link_new(&m->link, event);
	if (r >= 0)
		r = backend_listen(m->link, on_state, m);
	if (r < 0)
		return r;
	m->observer = (struct observer){ &m->config, &m->log, m->registry, m->link };
	look_for_module(m);
	m->backend = m->link;
	tell_systemd(m);
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	session_free(m->session);
	aud_builtin_free(m->audiences[AUDIENCE_BUILTIN]);
	aud_kernel_free(m->audiences[AUDIENCE_KERNEL]);
	aud_scripts_free(m->audiences[AUDIENCE_SCRIPTS]);
	aud_affinity_free(m->audiences[AUDIENCE_AFFINITY]);
	aud_signals_free(m->audiences[AUDIENCE_SIGNALS]);
	changed_free(m->changed);
	registry_free(m->registry);
	refusers_free(m->refusers);
	journal_free(m->journal);
	results_free(m->results);
	if (m->link)
		m->link->ops->free(m->link);
	if (m->sysfs)
		m->sysfs->ops->free(m->sysfs);
	sd_event_source_disable_unref(m->pre_observed);
	sd_event_source_disable_unref(m->watchdog);
	sd_event_source_disable_unref(m->reconcile);
	config_clear(&m->config);
	machine_done(&m->machine);
	safe_close(m->lock);
	free(m->journal_path);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}
