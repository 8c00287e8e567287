/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Driver API: be asked before the partition moves to another server, and told afterwards.
 *
 *	static int my_notify(struct pmig_notice *n)
 *	{
 *		switch (pmig_notice_phase(n)) {
 *		case PMIG_PHASE_CHECK:
 *			return busy ? pmig_refuse(n, -EBUSY, "a firmware update is running") : 0;
 *		case PMIG_PHASE_PRE:
 *			queue_work(wq, &quiesce);	(it calls pmig_complete(n, 0, NULL))
 *			return PMIG_LATER;
 *		...
 *	}
 *
 * What is promised:
 *  - PRE comes in ascending priority, POST in descending; POST_ERROR goes in reverse order to
 *    exactly those that were told PRE, the one that refused among them. Whoever was told PRE is
 *    told POST or POST_ERROR, once. A migration that somebody else started has no PRE: POST alone
 *    comes, to all that take it.
 *  - CHECK goes to all handlers at once, the others to one after the other.
 *  - A handler may be registered at any time, a device that probes at the destination included. One
 *    that is added after the beginning of PRE is not told PRE, and the log says so. If the
 *    partition moves, it is told POST, unless others have begun to be told that.
 *  - A handler is never called twice at the same time. It runs in process context, may sleep and
 *    allocate; no allocation waits for I/O (memalloc_noio_save()), as other drivers may be quiet.
 *  - One that misses its deadline counts as refusing (-ETIMEDOUT) in CHECK and PRE, and is passed
 *    over in POST and POST_ERROR; what it was not free to hear is delivered as soon as its call
 *    returns. After PMIG_LATER the call has returned, so POST_ERROR may come before the
 *    pmig_complete() of PRE.
 *  - The handler's module stays loaded from PRE to the end of POST or POST_ERROR, and after
 *    PMIG_LATER, in whatever phase, until pmig_complete() is called. That call may drop the last
 *    reference to the module, so the module's exit function has to wait for the code that makes
 *    it.
 *  - pmig_unregister_handler() returns when no call is under way and none will come; not to be
 *    called from inside a handler. A driver that has answered PMIG_LATER has to call
 *    pmig_complete() even after it.
 *
 * Documentation/examples/driver has a driver to copy from.
 *
 * A driver imports the symbol namespace: MODULE_IMPORT_NS(PMIG), "PMIG" in quotes since 6.13. Where
 * pmig is built outside of the kernel's tree, the driver's Kbuild has PMIG_OUT_OF_TREE defined
 * (ccflags-y += -DPMIG_OUT_OF_TREE) and pmig's Module.symvers in KBUILD_EXTRA_SYMBOLS. A driver
 * that is built without that, for a kernel without CONFIG_PMIG, gets the stubs at the end: it
 * builds and works, and needs no module, but is told nothing.
 *
 * The partition's clocks: CLOCK_MONOTONIC goes on over the stand-still; the wall clock may step.
 * AIX counterpart: reconfig_register_list(), reconfig_complete(), DR_WAIT.
 */
#ifndef _LINUX_PMIG_H
#define _LINUX_PMIG_H

#include <linux/module.h>
#include <linux/pmig_snapshot.h>
#include <linux/types.h>
#include <uapi/linux/pmig.h>

#define PMIG_PHASES(phase) (1U << (phase))
#define PMIG_PHASES_ALL                                                \
	(PMIG_PHASES(PMIG_PHASE_CHECK) | PMIG_PHASES(PMIG_PHASE_PRE) | \
	 PMIG_PHASES(PMIG_PHASE_POST) | PMIG_PHASES(PMIG_PHASE_POST_ERROR))

/* Returned by a handler that will call pmig_complete(). */
#define PMIG_LATER 1

/* Deadlines of a handler, milliseconds. */
#define PMIG_TIMEOUT_DEFAULT 10000
#define PMIG_TIMEOUT_MAX     300000

struct pmig_notice;
struct pmig_handler_ctx;

/**
 * struct pmig_handler - what a driver registers
 * @name: shown to the operator when it refuses; unique, not empty, shorter than PMIG_NAME_LEN
 * @notify: 0 done, PMIG_LATER, or a negative errno: refuse (in POST and POST_ERROR it is only
 *	logged)
 * @data: the driver's own, see pmig_notice_data()
 * @phases: PMIG_PHASES() or-ed; a handler that takes PRE must take POST and POST_ERROR, too
 * @timeout_ms: for each phase, 0 for PMIG_TIMEOUT_DEFAULT, at most PMIG_TIMEOUT_MAX
 * @priority: smaller is told PRE earlier and POST later
 *
 * The caller keeps it unchanged until pmig_unregister_handler() has returned.
 */
struct pmig_handler {
	const char *name;
	int (*notify)(struct pmig_notice *n);
	void *data;
	u32 phases;
	unsigned int timeout_ms;
	int priority;
	/* private: */
	struct pmig_handler_ctx *ctx;
};

#if PMIG_PRESENT

/**
 * pmig_register_handler() - ask to be told
 * @handler: filled in by the caller
 * @owner: THIS_MODULE, by the macro
 *
 * Return: 0, -EINVAL for a bad field, -EEXIST for a name that is taken, -ENOSPC past
 * 64 handlers, -ENOMEM. Without the module (see above) 0, and the handler is never called.
 */
int __pmig_register_handler(struct pmig_handler *handler, struct module *owner);
#define pmig_register_handler(handler) __pmig_register_handler(handler, THIS_MODULE)
void pmig_unregister_handler(struct pmig_handler *handler);

/* May be called inside notify(), and until pmig_complete() after PMIG_LATER. */
enum pmig_phase pmig_notice_phase(const struct pmig_notice *n);
u64 pmig_notice_stream(const struct pmig_notice *n);
void *pmig_notice_data(const struct pmig_notice *n);
bool pmig_notice_force(const struct pmig_notice *n);
enum pmig_operation pmig_notice_operation(const struct pmig_notice *n);

/*
 * The machine before and after the move, in POST; NULL in any other phase, and where the machine
 * could not be read. Good as long as the notice; pmig_snapshot_get() keeps one for longer.
 */
const struct pmig_snapshot *pmig_notice_old(const struct pmig_notice *n);
const struct pmig_snapshot *pmig_notice_new(const struct pmig_notice *n);

/**
 * pmig_refuse() - set the reason that the operator will read
 * @n: the notice
 * @err: negative errno
 * @fmt: one line, cut at PMIG_REASON_LEN
 *
 * Return: @err, so that a handler can write "return pmig_refuse(...)".
 */
__printf(3, 4) int pmig_refuse(struct pmig_notice *n, int err, const char *fmt, ...);

/**
 * pmig_complete() - end what notify() answered with PMIG_LATER
 * @n: the notice; not to be touched afterwards
 * @err: 0 or a negative errno
 * @reason: with an error, one line for the operator, or NULL
 *
 * Exactly once for each PMIG_LATER, from any context that may take a spinlock, also after the
 * deadline.
 */
void pmig_complete(struct pmig_notice *n, int err, const char *reason);

#else /* no handler is ever called */

static inline int pmig_register_handler(struct pmig_handler *handler)
{
	return 0;
}

static inline void pmig_unregister_handler(struct pmig_handler *handler)
{
}

static inline enum pmig_phase pmig_notice_phase(const struct pmig_notice *n)
{
	return PMIG_PHASE_NONE;
}

static inline u64 pmig_notice_stream(const struct pmig_notice *n)
{
	return 0;
}

static inline void *pmig_notice_data(const struct pmig_notice *n)
{
	return NULL;
}

static inline bool pmig_notice_force(const struct pmig_notice *n)
{
	return false;
}

static inline enum pmig_operation pmig_notice_operation(const struct pmig_notice *n)
{
	return PMIG_OPERATION_MIGRATE;
}

static inline const struct pmig_snapshot *pmig_notice_old(const struct pmig_notice *n)
{
	return NULL;
}

static inline const struct pmig_snapshot *pmig_notice_new(const struct pmig_notice *n)
{
	return NULL;
}

static inline __printf(3, 4) int pmig_refuse(struct pmig_notice *n, int err, const char *fmt, ...)
{
	return err;
}

static inline void pmig_complete(struct pmig_notice *n, int err, const char *reason)
{
}

#endif

#endif /* _LINUX_PMIG_H */
