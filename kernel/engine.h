/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An engine is a hypervisor that can move this partition: "pseries" is PowerVM, "sim" plays one.
 * The session never asks which it has; the engine knows nothing of sessions.
 */
#ifndef _PMIG_ENGINE_H
#define _PMIG_ENGINE_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/types.h>
#include <uapi/linux/pmig.h>

#include "machine/changes.h"
#include "machine/snapshot.h"

struct pmig_engine;

/**
 * struct pmig_engine_events - what an engine reports: somebody else moves the partition, or the
 *	machine changes without a move
 * @begun: a migration that is not ours has begun; @stream is 0 where it is not known
 * @ended: it has ended, with 0 or a negative errno; the partition stood still for @blackout_ns,
 *	0 where that is not known
 * @which_stream: which stream has moved the partition, where nobody saw it written; 0 for unknown
 * @changed: the machine may have changed without a migration. -EBUSY while one is under way, which
 *	may have compared already: then tell it again later. -EXDEV where it is another server
 *	although the partition should still be @here: then tell that it has moved
 * @resized: processors or memory (@what) were added or removed
 * @gone: the engine is no more
 *
 * All are called in process context with no lock held and may sleep.
 */
struct pmig_engine_events {
	void (*begun)(struct pmig_engine *engine, u64 stream);
	void (*ended)(struct pmig_engine *engine, u64 stream, int err, u64 blackout_ns);
	u64 (*which_stream)(struct pmig_engine *engine);
	int (*changed)(struct pmig_engine *engine, bool here);
	void (*resized)(struct pmig_engine *engine, const char *what);
	void (*gone)(struct pmig_engine *engine);
};

/**
 * struct pmig_engine - what a session may ask of a hypervisor
 * @name: PMIG_A_ENGINE
 * @owner: pinned while a session uses the engine
 * @rank: the smallest is taken where nobody names one
 * @get_state: read the stream's state; -ENOENT: not known to the platform, -EOPNOTSUPP: the
 *	platform moves no partitions. Does not sleep long
 * @open: opens what @suspend will write to, so that it cannot be denied when everybody is quiet
 *	already. Where the engine itself may not, @fd of the calling process serves if it is the
 *	same file, open for writing; -1 for none. The file, or an ERR_PTR(), -EOPNOTSUPP for an
 *	operation that the engine does not do; NULL where there is nothing to open
 * @suspend: give the stream to whoever suspends, return when that has ended; puts how long the
 *	partition stood still into *blackout_ns and leaves it alone where that is not known.
 *	Negative errno, likewise
 * @cancel: ask the platform to end the stream with this reason code; -ENOENT: the stream is
 *	gone already
 * @quiesce_now: PRE has to come at once, not when the platform is Suspending; may be NULL, as @open
 * @snapshot: the machine as the partition sees it now: adds its facts to an empty snapshot. One
 *	call at a time, under a mutex that the events' changed() takes, too
 * @others_seen_by: how the engine notices migrations that others start; NULL: not at all
 * @events: whom it tells of them, set by pmig_register_engine()
 *
 * All functions are called in process context and may sleep; but for @snapshot no lock is held.
 */
struct pmig_engine {
	const char *name;
	struct module *owner;
	int rank;
	int (*get_state)(u64 stream, enum pmig_vasi *vasi);
	struct file *(*open)(enum pmig_operation operation, int fd);
	int (*suspend)(enum pmig_operation operation, u64 stream, struct file *file,
		       u64 *blackout_ns);
	int (*cancel)(u64 stream, u32 reason);
	bool (*quiesce_now)(void);
	int (*snapshot)(struct pmig_snapshot *snap);
	const char *others_seen_by;
	const struct pmig_engine_events *events;
	/* private: */
	struct list_head node;
	/*
	 * The machine before the next migration; has the partition moved since, without a
	 * snapshot? The last comparisons, the newest first. See machine_lock.
	 */
	const struct pmig_snapshot *baseline;
	bool outdated;
	struct pmig_changes *last[2];
};

void pmig_engine_listen(const struct pmig_engine_events *to);
int pmig_register_engine(struct pmig_engine *engine);
void pmig_unregister_engine(struct pmig_engine *engine);

struct pmig_engine *pmig_engine_get(const char *name);
struct pmig_engine *pmig_engine_ref(struct pmig_engine *engine);
void pmig_engine_put(struct pmig_engine *engine);
const char *pmig_engine_others_seen_by(void);

struct pmig_changes *pmig_engine_compare(struct pmig_engine *engine);
struct pmig_changes *pmig_engine_compare_idle(struct pmig_engine *engine, bool (*busy)(void),
					      bool here);
const struct pmig_snapshot *pmig_engine_baseline(struct pmig_engine *engine, u32 *generation);
struct pmig_changes *pmig_engine_last(struct pmig_engine *engine);

#endif /* _PMIG_ENGINE_H */
