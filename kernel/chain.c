// SPDX-License-Identifier: GPL-2.0
/*
 * All handlers: the list, and telling them a phase in the right order.
 *
 * The list is sorted by priority. Who is to be undone is written on the handlers themselves
 * (told_pre) at the moment their PRE call begins, so the undo is a walk of the list from its end.
 * No lock is held over a call: a walk takes references on all first, and handlers that come or go
 * meanwhile do no harm.
 */
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "chain.h"
#include "notice.h"

static LIST_HEAD(handlers);	 /* under pmig_handlers_lock */
static unsigned int nr_handlers; /* under pmig_handlers_lock */
/* Between the beginning of PRE and the end of POST or POST_ERROR. Under pmig_handlers_lock. */
static bool busy;

/* References on all handlers that take this phase, by priority. Who comes later is not told it. */
static unsigned int get_handlers(struct pmig_handler_ctx **ctx, enum pmig_phase phase)
{
	struct pmig_handler_ctx *pos;
	unsigned int n = 0;

	mutex_lock(&pmig_handlers_lock);
	if (phase != PMIG_PHASE_CHECK)
		busy = true;
	list_for_each_entry(pos, &handlers, node) {
		if (!(pos->handler->phases & PMIG_PHASES(phase)))
			continue;
		kref_get(&pos->ref);
		ctx[n++] = pos;
	}
	mutex_unlock(&pmig_handlers_lock);
	return n;
}

static void put_handlers(struct pmig_handler_ctx **ctx, unsigned int n)
{
	while (n--)
		pmig_handler_put(ctx[n]);
}

/* @notice: from pmig_notice_send(), not NULL */
static int answer_of(struct pmig_handler_ctx *ctx, enum pmig_phase phase,
		     struct pmig_notice *notice, struct pmig_refusal *refusal)
{
	if (IS_ERR(notice))
		return pmig_notice_unsent(ctx, phase, PTR_ERR(notice), refusal);
	return pmig_notice_wait(notice, refusal);
}

/**
 * pmig_chain_check() - ask all handlers at once whether the partition may move
 * @news: what they are told
 * @refusals: who said no, in the order of priority; empty before
 */
void pmig_chain_check(const struct pmig_news *news, struct pmig_refusals *refusals)
{
	struct pmig_handler_ctx *ctx[PMIG_HANDLERS_MAX];
	struct pmig_notice *notice[PMIG_HANDLERS_MAX];
	unsigned int i, n;

	n = get_handlers(ctx, PMIG_PHASE_CHECK);
	for (i = 0; i < n; i++)
		notice[i] = pmig_notice_send(ctx[i], PMIG_PHASE_CHECK, news);
	for (i = 0; i < n; i++)
		if (notice[i] && answer_of(ctx[i], PMIG_PHASE_CHECK, notice[i],
					   &refusals->refusal[refusals->nr]))
			refusals->nr++;
	put_handlers(ctx, n);
}

/**
 * pmig_chain_pre() - tell one handler after the other to get ready, until one refuses
 * @news: what they are told
 * @stop: becomes true when there is no more need; the handler whose turn it is finishes first
 * @refusals: gets the refusal
 *
 * Return: 0 when all are ready; a negative errno of the one that refused, -ECANCELED after *@stop.
 */
int pmig_chain_pre(const struct pmig_news *news, const bool *stop, struct pmig_refusals *refusals)
{
	struct pmig_handler_ctx *ctx[PMIG_HANDLERS_MAX];
	struct pmig_notice *notice;
	unsigned int i, n;
	int err = 0;

	n = get_handlers(ctx, PMIG_PHASE_PRE);
	for (i = 0; i < n && !err && !READ_ONCE(*stop); i++) {
		notice = pmig_notice_send(ctx[i], PMIG_PHASE_PRE, news);
		if (!notice)
			continue;
		err = answer_of(ctx[i], PMIG_PHASE_PRE, notice, &refusals->refusal[refusals->nr]);
		if (err)
			refusals->nr++;
	}
	put_handlers(ctx, n);
	return err ?: READ_ONCE(*stop) ? -ECANCELED : 0;
}

/*
 * Tell the end, last one first. A handler that still sits in an earlier call hears it later, and
 * the others do not wait for it.
 */
static void tell_back(enum pmig_phase phase, const struct pmig_news *news)
{
	struct pmig_handler_ctx *ctx[PMIG_HANDLERS_MAX];
	struct pmig_notice *notice;
	bool wanted, calling;
	unsigned int i, n;
	int err;

	n = get_handlers(ctx, phase);
	for (i = n; i-- > 0;) {
		mutex_lock(&pmig_handlers_lock);
		wanted = phase == PMIG_PHASE_POST || (ctx[i]->told_pre && !ctx[i]->end_queued);
		calling = ctx[i]->calling;
		mutex_unlock(&pmig_handlers_lock);
		notice = wanted ? pmig_notice_send(ctx[i], phase, news) : NULL;
		if (!notice)
			continue;
		if (calling && !IS_ERR(notice)) {
			pmig_notice_abandon(notice);
			continue;
		}
		err = answer_of(ctx[i], phase, notice, NULL);
		if (err)
			pr_warn("%s: error %d after the migration\n", ctx[i]->name, err);
	}
	put_handlers(ctx, n);
	mutex_lock(&pmig_handlers_lock);
	busy = false;
	mutex_unlock(&pmig_handlers_lock);
}

/**
 * pmig_chain_post() - tell all who want to know that the partition has moved, highest priority
 * value first
 * @news: what they are told, with the changes
 */
void pmig_chain_post(const struct pmig_news *news)
{
	tell_back(PMIG_PHASE_POST, news);
}

/**
 * pmig_chain_undo() - tell those who were told PRE that the partition has not moved, in reverse
 * order
 * @news: what they are told
 */
void pmig_chain_undo(const struct pmig_news *news)
{
	tell_back(PMIG_PHASE_POST_ERROR, news);
}

static int may_register(const char *name)
{
	struct pmig_handler_ctx *pos;

	lockdep_assert_held(&pmig_handlers_lock);
	list_for_each_entry(pos, &handlers, node)
		if (!strcmp(pos->name, name))
			return -EEXIST;
	return nr_handlers == PMIG_HANDLERS_MAX ? -ENOSPC : 0;
}

/* Behind all of the same priority, so that equal ones go in the order of registration. */
static void insert_handler(struct pmig_handler_ctx *ctx)
{
	struct pmig_handler_ctx *pos;

	lockdep_assert_held(&pmig_handlers_lock);
	list_for_each_entry(pos, &handlers, node)
		if (pos->handler->priority > ctx->handler->priority)
			break;
	list_add_tail(&ctx->node, &pos->node);
	nr_handlers++;
	if (busy)
		pr_info("%s: registered while the partition is migrated: it is not told PRE\n",
			ctx->name);
}

int __pmig_register_handler(struct pmig_handler *handler, struct module *owner)
{
	struct pmig_handler_ctx *ctx;
	int err;

	if (!pmig_handler_valid(handler))
		return -EINVAL;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	ctx->handler = handler;
	ctx->owner = owner;
	pmig_strcpy(ctx->name, handler->name);
	kref_init(&ctx->ref);
	INIT_LIST_HEAD(&ctx->queue);
	kthread_init_work(&ctx->work, pmig_notice_work);
	ctx->spare = pmig_notice_alloc();
	if (!ctx->spare) {
		err = -ENOMEM;
		goto free;
	}
	ctx->worker = pmig_kthread_run("pmig/%.10s", ctx->name);
	if (IS_ERR(ctx->worker)) {
		err = PTR_ERR(ctx->worker);
		goto free;
	}
	mutex_lock(&pmig_handlers_lock);
	err = may_register(ctx->name);
	if (!err) {
		insert_handler(ctx);
		handler->ctx = ctx;
	}
	mutex_unlock(&pmig_handlers_lock);
	if (err)
		goto destroy;
	return 0;
destroy:
	kthread_destroy_worker(ctx->worker);
free:
	pmig_handler_put(ctx);
	return err;
}
EXPORT_SYMBOL_NS_GPL(__pmig_register_handler, PMIG);

/**
 * pmig_unregister_handler() - not to be told any more
 * @handler: registered before; may sleep until its call has returned
 *
 * Once gone is set nothing more is queued, and what is queued already is dropped when its turn
 * comes; kthread_destroy_worker() waits for that, and for a call that is under way. A notice has a
 * reference to our half of the handler, never to the driver's.
 */
void pmig_unregister_handler(struct pmig_handler *handler)
{
	struct pmig_handler_ctx *ctx = handler->ctx;

	if (!ctx)
		return;
	mutex_lock(&pmig_handlers_lock);
	ctx->gone = true;
	list_del(&ctx->node);
	nr_handlers--;
	if (ctx->waiting)
		pmig_notice_forget(ctx->waiting);
	mutex_unlock(&pmig_handlers_lock);
	kthread_destroy_worker(ctx->worker);
	if (ctx->told_pre)
		module_put(ctx->owner);
	handler->ctx = NULL;
	pmig_handler_put(ctx);
}
EXPORT_SYMBOL_NS_GPL(pmig_unregister_handler, PMIG);
