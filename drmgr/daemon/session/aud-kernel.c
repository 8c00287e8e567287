// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The audience "kernel": drivers that registered with the module. The module tells them, with their deadlines, and
 * undoes by itself; asking it is a command, and the answer is a state:
 *
 *	check   PMIG_CMD_CHECK -> CHECKED with the refusals -> PMIG_CMD_END
 *	pre     PMIG_CMD_PRE   -> READY, or FAILED with the refusals once the module has undone
 *
 * POST and POST_ERROR need nothing from us.
 */
#include <string.h>

#include "daemon/base/eventlog.h"
#include "daemon/session/aud-kernel.h"

/* The longest that a driver may ask for (PMIG_TIMEOUT_MAX of linux/pmig.h); all are asked at once. */
#define CHECK_USEC (300 * USEC_PER_SEC)

enum doing { DOING_NOTHING, DOING_CHECK, DOING_CHECK_END, DOING_PRE };

struct kernel {
	struct audience a;
	struct backend *backend;
	const struct notice *notice;
	enum doing doing;
	bool acked; /* the command was accepted: states from now on are of this session */
};

static void finish(struct kernel *k)
{
	if (k->doing == DOING_NOTHING)
		return;
	k->doing = DOING_NOTHING;
	k->acked = false;
	k->notice = NULL;
	k->backend->ops->forget(k->backend, k);
	audience_done(&k->a);
}

static void take_refusals(struct kernel *k, const struct kernel_state *state, uint32_t phase)
{
	for (size_t i = 0; i < state->nr_refusals; i++) {
		const struct kernel_refusal *r = &state->refusals[i];

		if (r->phase != phase)
			continue;
		audience_refuse(&k->a, "kernel", r->handler, (int)r->error, true, "%s",
				r->reason[0] ? r->reason : errno_text((int)r->error));
		eventlog_note(k->a.log, LOG_ERR, "kernel", r->handler, "kernel handler %s: %s",
			      r->handler, r->reason[0] ? r->reason : errno_text((int)r->error));
	}
}

static void on_end(void *userdata, _unused_ int error, _unused_ const char *text)
{
	finish(userdata);
}

static void checked(struct kernel *k, const struct kernel_state *state)
{
	take_refusals(k, state, PMIG_PHASE_CHECK);
	k->doing = DOING_CHECK_END;
	if (backend_command(k->backend, PMIG_CMD_END,
			    &(struct backend_args){ .stream = state->stream }, on_end, k) < 0)
		finish(k);
}

static void on_state(void *userdata, const struct kernel_state *state)
{
	struct kernel *k = userdata;
	bool none = state->state == PMIG_STATE_NONE, other;

	if (!k->acked)
		return;
	other = !none && state->stream != k->notice->stream;
	if (k->doing == DOING_CHECK) {
		/*
		 * The module drops a check when somebody else migrates the partition, and the message that the
		 * check had ended may have been lost.
		 */
		if (none || other) {
			audience_refuse(&k->a, "kernel", "pmig", EIO, true,
					"the module has lost the check");
			finish(k);
		} else if (state->state == PMIG_STATE_CHECKED)
			checked(k, state);
	} else if (k->doing == DOING_PRE && !other) {
		if (state->state == PMIG_STATE_FAILED)
			take_refusals(k, state, PMIG_PHASE_PRE);
		/* Past READY means that somebody else moved the partition meanwhile: nothing to wait for. */
		if (none ||
		    (state->state >= PMIG_STATE_READY && state->state != PMIG_STATE_CANCELLING &&
		     state->state != PMIG_STATE_UNDO))
			finish(k);
	}
}

static void on_command(void *userdata, int error, const char *text)
{
	struct kernel *k = userdata;

	if (k->doing == DOING_NOTHING)
		return;
	if (error < 0) {
		k->a.host->fail(&k->a, error, text[0] ? text : errno_text(error));
		finish(k);
		return;
	}
	k->acked = true;
	on_state(k, &k->backend->state);
}

static void start(struct kernel *k, const struct notice *n, enum doing doing, enum pmig_cmd command)
{
	struct backend_args args = { .stream = n->stream,
				     .flags = n->force ? PMIG_F_FORCE : 0,
				     .engine = n->engine };
	int r;

	k->notice = n;
	k->doing = doing;
	k->a.until = now_usec() + CHECK_USEC; /* PRE's own deadline is in the notice */
	k->acked = false;
	r = backend_command(k->backend, command, &args, on_command, k);
	if (r < 0) {
		k->a.host->fail(&k->a, r, errno_text(r));
		finish(k);
	}
}

static void check(struct audience *a, const struct notice *n)
{
	start((struct kernel *)a, n, DOING_CHECK, PMIG_CMD_CHECK);
}

static void pre(struct audience *a, const struct notice *n)
{
	start((struct kernel *)a, n, DOING_PRE, PMIG_CMD_PRE);
}

static void stop(struct audience *a)
{
	finish((struct kernel *)a);
}

static const struct audience_ops kernel_ops = {
	.name = "kernel",
	.check = check,
	.pre = pre,
	.stop = stop,
};

int aud_kernel_new(struct audience **ret, struct eventlog *log)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return log_oom();
	k->a.ops = &kernel_ops;
	k->a.log = log;
	*ret = &k->a;
	return 0;
}

void aud_kernel_set_backend(struct audience *a, struct backend *backend)
{
	struct kernel *k = (struct kernel *)a;

	if (k->backend == backend)
		return;
	if (k->backend) {
		k->backend->ops->forget(k->backend, k);
		backend_unlisten(k->backend, k);
	}
	k->backend = backend;
	if (backend)
		backend_listen(backend, on_state, k);
}

struct audience *aud_kernel_free(struct audience *a)
{
	if (!a)
		return NULL;
	aud_kernel_set_backend(a, NULL);
	told_clear(&a->told);
	free(a);
	return NULL;
}
