// SPDX-License-Identifier: GPL-2.0
/*
 * One handler and one notice to it.
 *
 * Each handler has a queue of notices, and a thread that makes the calls, so calls of one handler
 * never overlap, and what it is not free to hear waits for its turn. The teller (chain.c) waits for
 * the answer up to the deadline, then closes the notice. From then on an answer changes nothing. A
 * CHECK or PRE that is closed before its call has begun is taken off the queue: that handler was
 * not told, and however often it is asked while it hangs, the queue does not grow. POST and
 * POST_ERROR are never dropped.
 *
 * From PRE on memory may be short, and the driver that storage depends on may be quiet. So the
 * notice of the end is made before PRE is told, where a failure is one more refusal, and handlers
 * are called with allocations kept from doing I/O.
 *
 * Who holds a notice: the teller until it has closed it, the queue until the call has returned, and
 * the driver from PMIG_LATER to pmig_complete(). A driver that never completes leaks it, and cannot
 * be unloaded.
 */
#include <linux/ctype.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "notice.h"
#include "trace.h"

struct pmig_notice {
	struct kref ref;
	struct pmig_handler_ctx *ctx;
	struct list_head node; /* in the queue until its call begins; under pmig_handlers_lock */
	struct completion done;
	ktime_t sent;
	unsigned int timeout_ms;
	void *data;
	enum pmig_phase phase;
	enum pmig_operation operation;
	u64 stream;
	bool force;
	struct pmig_changes *changes;
	spinlock_t lock; /* for what follows; taken in any context by pmig_complete() */
	bool answered;
	bool closed;
	int err;
	char reason[PMIG_REASON_LEN];
};

static void release_notice(struct kref *ref)
{
	struct pmig_notice *n = container_of(ref, struct pmig_notice, ref);

	pmig_handler_put(n->ctx);
	pmig_changes_put(n->changes);
	kfree(n);
}

static void put_notice(struct pmig_notice *n)
{
	kref_put(&n->ref, release_notice);
}

/* What a driver wrote becomes one printable line. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (!isascii(*text) || !isprint(*text))
			*text = ' ';
}

static void set_answer(struct pmig_notice *n, int err, const char *reason)
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

static bool asks(enum pmig_phase phase)
{
	return phase == PMIG_PHASE_CHECK || phase == PMIG_PHASE_PRE;
}

/*
 * May the call be made? Then the module is held until it is over, after PMIG_LATER too. PRE holds
 * it once more, until the call of POST or POST_ERROR begins.
 */
static bool begin_call(struct pmig_notice *n)
{
	struct pmig_handler_ctx *ctx = n->ctx;

	lockdep_assert_held(&pmig_handlers_lock);
	if (!asks(n->phase))
		ctx->end_queued = false;
	if (ctx->gone || (n->phase == PMIG_PHASE_POST_ERROR && !ctx->told_pre))
		return false;
	/*
	 * There is no second PRE before the end of the first: chain.c tells POST_ERROR in between.
	 */
	if (WARN_ON_ONCE(ctx->told_pre && n->phase == PMIG_PHASE_PRE))
		return false;
	if (!try_module_get(ctx->owner))
		return false;
	if (n->phase == PMIG_PHASE_PRE) {
		__module_get(ctx->owner);
		ctx->told_pre = true;
	} else if (ctx->told_pre && !asks(n->phase)) {
		ctx->told_pre = false;
		module_put(ctx->owner);
	}
	ctx->calling = true;
	return true;
}

static struct pmig_notice *next_notice(struct pmig_handler_ctx *ctx, bool *may)
{
	struct pmig_notice *n;

	mutex_lock(&pmig_handlers_lock);
	n = list_first_entry_or_null(&ctx->queue, struct pmig_notice, node);
	if (n) {
		list_del_init(&n->node);
		*may = begin_call(n);
	}
	mutex_unlock(&pmig_handlers_lock);
	return n;
}

static void call_handler(struct pmig_notice *n)
{
	struct pmig_handler_ctx *ctx = n->ctx;
	unsigned int noio;
	int ret;

	kref_get(&n->ref); /* the driver's, if it answers with PMIG_LATER */
	noio = memalloc_noio_save();
	ret = ctx->handler->notify(n);
	memalloc_noio_restore(noio);
	mutex_lock(&pmig_handlers_lock);
	ctx->calling = false;
	mutex_unlock(&pmig_handlers_lock);
	if (ret == PMIG_LATER)
		return;
	set_answer(n, ret, NULL);
	put_notice(n);
	module_put(ctx->owner);
}

/* The handler's thread: calls, in order, until there is no more to tell. */
void pmig_notice_work(struct kthread_work *work)
{
	struct pmig_handler_ctx *ctx = container_of(work, struct pmig_handler_ctx, work);
	struct pmig_notice *n;
	bool may;

	while ((n = next_notice(ctx, &may))) {
		if (may)
			call_handler(n);
		else
			set_answer(n, 0, NULL);
		put_notice(n);
	}
}

struct pmig_notice *pmig_notice_alloc(void)
{
	struct pmig_notice *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	kref_init(&n->ref);
	INIT_LIST_HEAD(&n->node);
	init_completion(&n->done);
	spin_lock_init(&n->lock);
	return n;
}

static struct pmig_notice *swap_spare(struct pmig_handler_ctx *ctx, struct pmig_notice *spare)
{
	mutex_lock(&pmig_handlers_lock);
	swap(ctx->spare, spare);
	mutex_unlock(&pmig_handlers_lock);
	return spare;
}

/* PRE needs two notices: to tell its end must not fail for want of memory. */
static struct pmig_notice *notice_for(struct pmig_handler_ctx *ctx, enum pmig_phase phase)
{
	struct pmig_notice *spare;

	if (!asks(phase))
		return swap_spare(ctx, NULL) ?: pmig_notice_alloc();
	if (phase == PMIG_PHASE_PRE) {
		spare = pmig_notice_alloc();
		if (!spare)
			return NULL;
		kfree(swap_spare(ctx, spare));
	}
	return pmig_notice_alloc();
}

/**
 * pmig_notice_send() - begin to tell one handler something
 * @ctx: the handler
 * @phase: which phase
 * @news: what is told
 *
 * To tell its end to a handler that was told PRE needs no memory.
 *
 * Return: the notice, for pmig_notice_wait() or pmig_notice_abandon(), NULL where the handler has
 * gone, or an ERR_PTR(-ENOMEM).
 */
struct pmig_notice *pmig_notice_send(struct pmig_handler_ctx *ctx, enum pmig_phase phase,
				     const struct pmig_news *news)
{
	struct pmig_notice *n = notice_for(ctx, phase);

	if (!n)
		return ERR_PTR(-ENOMEM);
	n->ctx = ctx;
	n->phase = phase;
	n->operation = news->operation;
	n->stream = news->stream;
	n->force = news->force;
	n->sent = ktime_get();

	mutex_lock(&pmig_handlers_lock);
	if (ctx->gone) {
		mutex_unlock(&pmig_handlers_lock);
		kfree(n);
		return NULL;
	}
	n->data = ctx->handler->data;
	n->timeout_ms = ctx->handler->timeout_ms ?: PMIG_TIMEOUT_DEFAULT;
	if (news->changes)
		n->changes = pmig_changes_get(news->changes);
	kref_get(&ctx->ref);
	kref_get(&n->ref); /* the queue's */
	list_add_tail(&n->node, &ctx->queue);
	if (!asks(phase))
		ctx->end_queued = true;
	ctx->waiting = n;
	kthread_queue_work(ctx->worker, &ctx->work);
	mutex_unlock(&pmig_handlers_lock);
	return n;
}

static void fill_refusal(const struct pmig_handler_ctx *ctx, enum pmig_phase phase, int err,
			 const char *reason, struct pmig_refusal *refusal)
{
	pmig_strcpy(refusal->handler, ctx->name);
	refusal->phase = phase;
	refusal->err = -err;
	pmig_strcpy(refusal->reason, reason);
	make_printable(refusal->reason);
}

/* A notice that could not be sent counts as a refusal. Returns the error. */
int pmig_notice_unsent(struct pmig_handler_ctx *ctx, enum pmig_phase phase, int err,
		       struct pmig_refusal *refusal)
{
	if (refusal)
		fill_refusal(ctx, phase, err, "no memory to ask it", refusal);
	return err;
}

static int close_notice(struct pmig_notice *n, struct pmig_refusal *refusal)
{
	struct pmig_handler_ctx *ctx = n->ctx;
	unsigned long flags;
	bool unheard;
	int err;

	mutex_lock(&pmig_handlers_lock);
	unheard = asks(n->phase) && !list_empty(&n->node);
	if (unheard)
		list_del_init(&n->node);
	spin_lock_irqsave(&n->lock, flags);
	n->closed = true;
	err = n->answered ? n->err : -ETIMEDOUT;
	if (!n->answered)
		scnprintf(n->reason, sizeof(n->reason), "no answer within %u ms", n->timeout_ms);
	spin_unlock_irqrestore(&n->lock, flags);
	if (ctx->waiting == n)
		ctx->waiting = NULL;
	mutex_unlock(&pmig_handlers_lock);

	trace_pmig_handler(ctx->name, n->phase, err, ktime_us_delta(ktime_get(), n->sent));
	if (err && refusal)
		fill_refusal(ctx, n->phase, err, *n->reason ? n->reason : "it gave no reason",
			     refusal);
	if (unheard)
		put_notice(n); /* the queue's */
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

	/*
	 * Interruptible, or the kernel would report a long wait as a hung task. The worker has no
	 * signals.
	 */
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

enum pmig_operation pmig_notice_operation(const struct pmig_notice *n)
{
	return n->operation;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_operation, PMIG);

const struct pmig_snapshot *pmig_notice_old(const struct pmig_notice *n)
{
	return n->changes ? n->changes->old : NULL;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_old, PMIG);

const struct pmig_snapshot *pmig_notice_new(const struct pmig_notice *n)
{
	return n->changes ? n->changes->new : NULL;
}
EXPORT_SYMBOL_NS_GPL(pmig_notice_new, PMIG);

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
	struct module *owner = n->ctx->owner;

	set_answer(n, err, reason);
	put_notice(n);
	module_put(owner);
}
EXPORT_SYMBOL_NS_GPL(pmig_complete, PMIG);

/* End the wait of whoever tells this handler something; a notice that has its answer keeps it. */
void pmig_notice_forget(struct pmig_notice *n)
{
	set_answer(n, 0, NULL);
}
