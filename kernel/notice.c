// SPDX-License-Identifier: GPL-2.0
/*
 * One handler and one notice to it.
 *
 * A notice is a work item on the handler's own ordered workqueue, so calls of one handler never
 * overlap, and what it is not free to hear waits for its turn. The teller (chain.c) waits for the
 * answer up to the deadline, then closes the notice. From then on an answer changes nothing. A
 * CHECK or PRE that was closed before its call began is dropped: that handler was not told. POST
 * and POST_ERROR are never dropped.
 *
 * Who holds a notice: the teller until it has closed it, the work item until the call has returned,
 * and the driver from PMIG_LATER to pmig_complete(). A driver that never completes leaks it, and
 * nothing worse.
 */
#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "chain.h"
#include "trace.h"

struct pmig_notice {
	struct kref ref;
	struct pmig_handler_ctx *ctx;
	struct work_struct work;
	struct completion done;
	ktime_t sent;
	unsigned int timeout_ms;
	void *data;
	enum pmig_phase phase;
	u64 stream;
	bool force;
	struct pmig_changes *changes;
	spinlock_t lock; /* for what follows; taken in any context by pmig_complete() */
	bool answered;
	bool closed;
	int err;
	char reason[PMIG_REASON_LEN];
};

static void release_handler(struct kref *ref)
{
	kfree(container_of(ref, struct pmig_handler_ctx, ref));
}

void pmig_handler_put(struct pmig_handler_ctx *ctx)
{
	kref_put(&ctx->ref, release_handler);
}

static void release_notice(struct kref *ref)
{
	struct pmig_notice *n = container_of(ref, struct pmig_notice, ref);

	pmig_handler_put(n->ctx);
	if (n->changes)
		pmig_changes_put(n->changes);
	kfree(n);
}

static void put_notice(struct pmig_notice *n)
{
	kref_put(&n->ref, release_notice);
}

/* What a driver wrote becomes one printable line. */
static void tidy(char *text)
{
	for (; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = ' ';
}

static void answer(struct pmig_notice *n, int err, const char *reason)
{
	unsigned long flags;

	spin_lock_irqsave(&n->lock, flags);
	if (!n->answered && !n->closed) {
		n->answered = true;
		n->err = err < -MAX_ERRNO || err > 0 ? -EINVAL : err;
		if (reason)
			pmig_strcpy(n->reason, reason);
	}
	spin_unlock_irqrestore(&n->lock, flags);
	complete(&n->done);
}

/*
 * May the call be made, and is the module held for it? The reference that begins with PRE is kept
 * over POST or POST_ERROR, all others end with the call.
 */
static bool begin_call(struct pmig_notice *n)
{
	bool ask = n->phase == PMIG_PHASE_CHECK || n->phase == PMIG_PHASE_PRE;
	struct pmig_handler_ctx *ctx = n->ctx;

	lockdep_assert_held(&chain_lock);
	if (ctx->gone || (ask && n->closed))
		return false;
	if (n->phase == PMIG_PHASE_POST_ERROR && !ctx->told)
		return false;
	if (ctx->told) {
		/*
		 * A second PRE without an end of the first can't be: chain.c tells POST_ERROR
		 * before.
		 */
		if (WARN_ON_ONCE(n->phase == PMIG_PHASE_PRE))
			return false;
		if (ask)
			__module_get(ctx->owner);
		else
			ctx->told = false;
	} else if (!try_module_get(ctx->owner)) {
		return false;
	}
	if (n->phase == PMIG_PHASE_PRE)
		ctx->told = true;
	ctx->calling = true;
	return true;
}

static void call_work(struct work_struct *work)
{
	struct pmig_notice *n = container_of(work, struct pmig_notice, work);
	struct pmig_handler_ctx *ctx = n->ctx;
	int ret = 0;
	bool may;

	mutex_lock(&chain_lock);
	may = begin_call(n);
	mutex_unlock(&chain_lock);
	if (may) {
		kref_get(&n->ref); /* the driver's, if it answers with PMIG_LATER */
		ret = ctx->handler->notify(n);
		mutex_lock(&chain_lock);
		ctx->calling = false;
		mutex_unlock(&chain_lock);
		if (n->phase != PMIG_PHASE_PRE)
			module_put(ctx->owner);
		if (ret != PMIG_LATER)
			put_notice(n);
	}
	if (ret != PMIG_LATER)
		answer(n, ret, NULL);
	put_notice(n);
}

/**
 * pmig_notice_send() - begin to tell one handler something
 * @ctx: the handler
 * @phase: which phase
 * @told: what is told
 *
 * Return: the notice, for pmig_notice_wait() or pmig_notice_abandon(), or NULL where the handler
 * has gone. Nobody who was told PRE may be left without its end, so there is no failure for want of
 * memory.
 */
struct pmig_notice *pmig_notice_send(struct pmig_handler_ctx *ctx, enum pmig_phase phase,
				     const struct pmig_told *told)
{
	struct pmig_notice *n = kzalloc(sizeof(*n), GFP_KERNEL | __GFP_NOFAIL);

	kref_init(&n->ref);
	n->ctx = ctx;
	INIT_WORK(&n->work, call_work);
	init_completion(&n->done);
	spin_lock_init(&n->lock);
	n->phase = phase;
	n->stream = told->stream;
	n->force = told->force;
	n->sent = ktime_get();

	mutex_lock(&chain_lock);
	if (ctx->gone) {
		mutex_unlock(&chain_lock);
		kfree(n);
		return NULL;
	}
	n->data = ctx->handler->data;
	n->timeout_ms = ctx->handler->timeout_ms ?: PMIG_TIMEOUT_DEFAULT;
	if (told->changes)
		n->changes = pmig_changes_get(told->changes);
	kref_get(&ctx->ref);
	kref_get(&n->ref); /* the work item's */
	ctx->waiting = n;
	queue_work(ctx->wq, &n->work);
	mutex_unlock(&chain_lock);
	return n;
}

static int close_notice(struct pmig_notice *n, struct pmig_refusal *refusal)
{
	struct pmig_handler_ctx *ctx = n->ctx;
	unsigned long flags;
	int err;

	/*
	 * chain_lock, too: begin_call() and pmig_unregister_handler() see it closed or not begun
	 * at all.
	 */
	mutex_lock(&chain_lock);
	spin_lock_irqsave(&n->lock, flags);
	n->closed = true;
	err = n->answered ? n->err : -ETIMEDOUT;
	if (!n->answered)
		scnprintf(n->reason, sizeof(n->reason), "no answer within %u ms", n->timeout_ms);
	spin_unlock_irqrestore(&n->lock, flags);
	if (ctx->waiting == n)
		ctx->waiting = NULL;
	mutex_unlock(&chain_lock);

	trace_pmig_handler(ctx->name, n->phase, err, ktime_us_delta(ktime_get(), n->sent));
	if (err && refusal) {
		pmig_strcpy(refusal->handler, ctx->name);
		refusal->phase = n->phase;
		refusal->err = -err;
		pmig_strcpy(refusal->reason, *n->reason ? n->reason : "it gave no reason");
		tidy(refusal->reason);
	}
	put_notice(n);
	return err;
}

/**
 * pmig_notice_wait() - wait for the answer, at most up to the deadline; the notice is not to be
 * used again
 * @n: from pmig_notice_send()
 * @refusal: filled in if the answer was no, or NULL
 *
 * Return: 0 or a negative errno, -ETIMEDOUT for no answer.
 */
int pmig_notice_wait(struct pmig_notice *n, struct pmig_refusal *refusal)
{
	s64 left = (s64)n->timeout_ms - ktime_ms_delta(ktime_get(), n->sent);

	/* Interruptible: else a long deadline is taken for a hang. Workers have no signals. */
	wait_for_completion_interruptible_timeout(&n->done, msecs_to_jiffies(max_t(s64, left, 0)));
	return close_notice(n, refusal);
}

/**
 * pmig_notice_abandon() - do not wait; POST and POST_ERROR are delivered all the same
 * @n: from pmig_notice_send(), not to be used again
 */
void pmig_notice_abandon(struct pmig_notice *n)
{
	close_notice(n, NULL);
}

enum pmig_phase pmig_notice_phase(const struct pmig_notice *n)
{
	return n->phase;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_phase, PMIG);

u64 pmig_notice_stream(const struct pmig_notice *n)
{
	return n->stream;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_stream, PMIG);

void *pmig_notice_data(const struct pmig_notice *n)
{
	return n->data;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_data, PMIG);

bool pmig_notice_force(const struct pmig_notice *n)
{
	return n->force;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_force, PMIG);

const struct pmig_change *pmig_notice_changes(const struct pmig_notice *n, unsigned int *nr)
{
	*nr = n->changes ? n->changes->nr : 0;
	return n->changes ? n->changes->change : NULL;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_changes, PMIG);

int pmig_refuse(struct pmig_notice *n, int err, const char *fmt, ...)
{
	char reason[PMIG_REASON_LEN];
	unsigned long flags;
	va_list args;

	va_start(args, fmt);
	vscnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	spin_lock_irqsave(&n->lock, flags);
	if (!n->answered && !n->closed)
		pmig_strcpy(n->reason, reason);
	spin_unlock_irqrestore(&n->lock, flags);
	return err;
}
EXPORT_SYMBOL_NS_GPL(pmig_refuse, PMIG);

void pmig_complete(struct pmig_notice *n, int err, const char *reason)
{
	answer(n, err, reason);
	put_notice(n);
}
EXPORT_SYMBOL_NS_GPL(pmig_complete, PMIG);

static bool phases_valid(const struct pmig_handler *h)
{
	u32 ends = PMIG_PHASES(PMIG_PHASE_POST) | PMIG_PHASES(PMIG_PHASE_POST_ERROR);

	if (!h->notify || !h->phases || (h->phases & ~PMIG_PHASES_ALL) ||
	    h->timeout_ms > PMIG_TIMEOUT_MAX)
		return false;
	return !(h->phases & PMIG_PHASES(PMIG_PHASE_PRE)) || (h->phases & ends) == ends;
}

/* Fits what the header asks for? */
bool pmig_handler_valid(const struct pmig_handler *h)
{
	return h && h->name && *h->name && strnlen(h->name, PMIG_NAME_LEN) < PMIG_NAME_LEN &&
	       phases_valid(h);
}

/* End the wait of whoever tells this handler something; a notice that has its answer keeps it. */
void pmig_notice_forget(struct pmig_notice *n)
{
	answer(n, 0, NULL);
}
