/* SPDX-License-Identifier: GPL-2.0 */
/* A registered handler, as the module sees it. */
#ifndef _PMIG_HANDLER_H
#define _PMIG_HANDLER_H

#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pmig.h>

/**
 * struct pmig_handler_ctx - the module's half of a registered handler
 * @handler: the driver's half, not touched any more once @gone
 * @owner: the driver's module
 * @name: copy, for use after @gone
 * @ref: the list, each notice, and each array in chain.c holds one
 * @worker: makes its calls, one after the other. A thread of its own: it is there already when
 *	memory is short, and unlike a workqueue for such times lets the driver wait for any other
 * @work: calls what is in @queue
 * @node: in the list of all, by priority (under pmig_handlers_lock, as all that follows)
 * @queue: notices whose call has not begun
 * @spare: the notice of POST or POST_ERROR, made before PRE is told
 * @told_pre: has been told PRE, and neither POST nor POST_ERROR since. While it is set, the
 *	module is pinned
 * @end_queued: the end of that PRE is in @queue
 * @gone: pmig_unregister_handler() has begun
 * @calling: the handler's notify() runs now
 * @waiting: the notice that chain.c waits for, for pmig_unregister_handler() to end
 */
struct pmig_handler_ctx {
	struct pmig_handler *handler;
	struct module *owner;
	char name[PMIG_NAME_LEN];
	struct kref ref;
	struct kthread_worker *worker;
	struct kthread_work work;
	struct list_head node;
	struct list_head queue;
	struct pmig_notice *spare;
	bool told_pre;
	bool end_queued;
	bool gone;
	bool calling;
	struct pmig_notice *waiting;
};

/* Guards the list of handlers and the fields above. Innermost mutex. */
extern struct mutex pmig_handlers_lock;

void pmig_handler_put(struct pmig_handler_ctx *ctx);
bool pmig_handler_valid(const struct pmig_handler *h);

#endif /* _PMIG_HANDLER_H */
