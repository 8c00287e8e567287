/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's handlers: who they are (notice.c: one handler, one notice), and telling them a phase
 * in order, with deadlines and undo (chain.c: all of them).
 */
#ifndef _PMIG_CHAIN_H
#define _PMIG_CHAIN_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/pmig.h>

#define PMIG_HANDLERS_MAX 64

/**
 * struct pmig_refusal - why one handler said no
 * @handler: its name
 * @phase: CHECK or PRE
 * @err: positive errno
 * @reason: one printable line
 */
struct pmig_refusal {
	char handler[PMIG_NAME_LEN];
	enum pmig_phase phase;
	int err;
	char reason[PMIG_REASON_LEN];
};

/**
 * struct pmig_refusals - all of them; there are no more than handlers
 * @nr: how many
 * @refusal: in the order of the handlers' priorities
 */
struct pmig_refusals {
	unsigned int nr;
	struct pmig_refusal refusal[PMIG_HANDLERS_MAX];
};

/**
 * struct pmig_changes - what differs after the move, shared by the session and late notices
 * @ref: who uses it; freed with kfree(), as pmig_complete() may be the last and may not sleep
 * @nr: how many
 * @change: the changes
 */
struct pmig_changes {
	struct kref ref;
	unsigned int nr;
	struct pmig_change change[];
};

struct pmig_changes *pmig_changes_alloc(unsigned int nr);
struct pmig_changes *pmig_changes_get(struct pmig_changes *changes);
void pmig_changes_put(struct pmig_changes *changes);

/**
 * struct pmig_told - what the handlers are told, the same for all
 * @stream: the stream ID
 * @force: the operator's force
 * @changes: in POST, else NULL
 */
struct pmig_told {
	u64 stream;
	bool force;
	struct pmig_changes *changes;
};

/**
 * struct pmig_handler_ctx - our half of a registered handler
 * @handler: the driver's half, not touched any more once @gone
 * @owner: the driver's module
 * @name: copy, for use after @gone
 * @ref: the list, each notice, and each array in chain.c holds one
 * @worker: makes its calls, one after the other. A thread of its own: it is there already when
 *	memory is short, and unlike a workqueue for such times lets the driver wait for any other
 * @work: calls what is in @queue
 * @node: in handlers, by priority (under chain_lock)
 * @queue: notices whose call has not begun (under chain_lock)
 * @spare: the notice of POST or POST_ERROR, made before PRE is told (under chain_lock)
 * @told: has been told PRE, and neither POST nor POST_ERROR since (under chain_lock). While it
 *	is set, the module is pinned
 * @ending: the end of that PRE is in @queue (under chain_lock)
 * @gone: pmig_unregister_handler() has begun (under chain_lock)
 * @calling: the handler's notify() runs now (under chain_lock)
 * @waiting: the notice that chain.c waits for, for pmig_unregister_handler() to end (under
 *	chain_lock)
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
	bool told;
	bool ending;
	bool gone;
	bool calling;
	struct pmig_notice *waiting;
};

extern struct mutex chain_lock;

void pmig_handler_put(struct pmig_handler_ctx *ctx);
unsigned int pmig_handlers_get(struct pmig_handler_ctx **ctx, u32 phases);
void pmig_handlers_busy(bool busy);

/* notice.c: tell one handler, wait for its answer. */
void pmig_notice_work(struct kthread_work *work);
struct pmig_notice *pmig_notice_alloc(void);
struct pmig_notice *pmig_notice_send(struct pmig_handler_ctx *ctx, enum pmig_phase phase,
				     const struct pmig_told *told);
int pmig_notice_wait(struct pmig_notice *n, struct pmig_refusal *refusal);
void pmig_notice_abandon(struct pmig_notice *n);
void pmig_notice_forget(struct pmig_notice *n);
int pmig_notice_unsent(struct pmig_handler_ctx *ctx, enum pmig_phase phase, int err,
		       struct pmig_refusal *refusal);
bool pmig_handler_valid(const struct pmig_handler *h);

/*
 * chain.c: tell all that want to hear it; process context, may take as long as all deadlines
 * together.
 */
void pmig_chain_check(const struct pmig_told *told, struct pmig_refusals *refusals);
int pmig_chain_pre(const struct pmig_told *told, const bool *stop, struct pmig_refusals *refusals);
void pmig_chain_post(const struct pmig_told *told);
void pmig_chain_undo(const struct pmig_told *told);

#endif /* _PMIG_CHAIN_H */
