// SPDX-License-Identifier: GPL-2.0
/*
 * The engine "sim". Its suspension keeps to what mainline does on PowerVM: wait while Enabled, fail
 * where the stream is anything but Suspending then (without cancelling it), try five times, cancel
 * the stream when all have failed, and return only when memory has arrived. early_return is how
 * kernels before 6.0 were: back while it is in transit.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sysfs.h>

#include "../machine/snapshot.h"
#include "destination.h"
#include "engine.h"
#include "stream.h"
#include "switches.h"

#define TRIES 5

#define BOOT                                                                                  \
	{                                                                                     \
		.serial = "SIM0001", .model = "IBM,SIM-A", .lpar_id = 1, .pvr = PMIG_SIM_PVR, \
		.clock_hz = 3000000000ULL,                                                    \
		.topology = {                                                                 \
			.nodes = 2,                                                           \
			.cores = 1,                                                           \
			.threads = 2,                                                         \
			.lmbs = 2,                                                            \
			.l1i_size = 32768,                                                    \
			.size = { 32768, 524288, 8388608 },                                   \
		},                                                                            \
	}

/* What the kernel was booted on, and still believes of processors and caches. */
static const struct pmig_sim_machine boot = BOOT;

/* The machine of now. Under pmig_sim_lock. */
static struct pmig_sim_machine here = BOOT;

/* Only one writer at a time suspends the partition: the first. */
static DEFINE_MUTEX(suspend_lock);

static int read_state(u64 id)
{
	struct pmig_sim_stream *stream;
	int state = PMIG_SIM_GONE;

	mutex_lock(&pmig_sim_lock);
	stream = pmig_sim_stream_find(id);
	if (stream)
		state = pmig_sim_stream_state(stream);
	mutex_unlock(&pmig_sim_lock);
	return state;
}

static int sim_get_state(u64 id, enum pmig_vasi *vasi)
{
	struct pmig_sim_stream *stream;
	int err;

	while (READ_ONCE(pmig_sim_hold_state))
		msleep(20);
	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_state);
	stream = pmig_sim_stream_find(id);
	if (!err && !stream)
		err = -ENOENT;
	if (!err) {
		stream->polls++;
		*vasi = pmig_sim_stream_state(stream);
	}
	mutex_unlock(&pmig_sim_lock);
	return err;
}

static int cancel_locked(u64 id, u32 reason)
{
	struct pmig_sim_stream *stream = pmig_sim_stream_find(id);

	lockdep_assert_held(&pmig_sim_lock);
	if (!stream)
		return -ENOENT;
	stream->cancel_reason = reason;
	if (!READ_ONCE(pmig_sim_slow_cancel))
		stream->forced = false;
	return 0;
}

static int sim_cancel(u64 id, u32 reason)
{
	int err;

	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_cancel) ?: cancel_locked(id, reason);
	mutex_unlock(&pmig_sim_lock);
	return err;
}

static int wait_suspending(u64 id)
{
	int state, err;

	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_wait);
	mutex_unlock(&pmig_sim_lock);
	if (err)
		return err;
	while ((state = read_state(id)) == PMIG_VASI_ENABLED)
		msleep(20);
	return state == PMIG_SIM_GONE ? -EINVAL : state == PMIG_VASI_SUSPENDING ? 0 : -EIO;
}

/* One try of ibm,suspend-me: stand still, then be elsewhere. */
static int suspend_once(u64 id, u64 *blackout_ns)
{
	struct pmig_sim_destination *destination = NULL;
	struct pmig_sim_machine there;
	struct pmig_sim_stream *stream;
	u32 blackout_ms = 0;
	ktime_t begin;
	int err;

	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_suspend);
	stream = pmig_sim_stream_find(id);
	if (stream)
		destination = pmig_sim_destination_find(stream->destination);
	if (destination) {
		there = destination->machine;
		blackout_ms = destination->blackout_ms;
	}
	mutex_unlock(&pmig_sim_lock);
	if (err || !destination)
		return err ?: -EIO;

	begin = ktime_get();
	/* msleep() counts ticks: where these come late, it ends too early by the clock. */
	usleep_range(blackout_ms * USEC_PER_MSEC, blackout_ms * USEC_PER_MSEC + USEC_PER_MSEC);
	mutex_lock(&pmig_sim_lock);
	here = there;
	stream = pmig_sim_stream_find(id);
	if (stream)
		pmig_sim_stream_resume(stream);
	mutex_unlock(&pmig_sim_lock);
	*blackout_ns = ktime_to_ns(ktime_sub(ktime_get(), begin));
	return 0;
}

static int suspend_tries(u64 id, u64 *blackout_ns)
{
	unsigned int pause_ms = 1;
	int i, err;

	for (i = 0;; i++, pause_ms *= 10) {
		err = suspend_once(id, blackout_ns);
		if (!err || i + 1 == TRIES || read_state(id) != PMIG_VASI_SUSPENDING)
			break;
		msleep(pause_ms);
	}
	if (err) {
		mutex_lock(&pmig_sim_lock);
		cancel_locked(id, 6U << 24 | (-err & 0xffffff));
		mutex_unlock(&pmig_sim_lock);
	}
	return err;
}

/* @ours: called by the session's worker. What mainline allocates then must not wait for I/O. */
static int suspend_stream(u64 id, u64 *blackout_ns, bool ours)
{
	int err;

	WARN_ON_ONCE(ours && !(current->flags & PF_MEMALLOC_NOIO));
	mutex_lock(&suspend_lock);
	err = wait_suspending(id) ?: suspend_tries(id, blackout_ns);
	while (!err && !READ_ONCE(pmig_sim_early_return) && read_state(id) == PMIG_VASI_RESUMED)
		msleep(20);
	mutex_unlock(&suspend_lock);
	return err;
}

static int sim_suspend(enum pmig_operation operation, u64 id, struct file *file, u64 *blackout_ns)
{
	if (operation != PMIG_OPERATION_MIGRATE)
		return -EOPNOTSUPP;
	return suspend_stream(id, blackout_ns, true);
}

static bool sim_quiesce_now(void)
{
	return READ_ONCE(pmig_sim_quiesce_now);
}

static int add_identity(struct pmig_snapshot *snap, const struct pmig_sim_machine *m)
{
	char id[PMIG_SIM_TEXT_LEN + 8];
	int err;

	scnprintf(id, sizeof(id), "IBM,02%s", m->serial);
	err = pmig_snapshot_add_text(snap, PMIG_SYSTEM_ID, PMIG_KEY_NONE, id, sizeof(id));
	if (!err)
		err = pmig_snapshot_add_text(snap, PMIG_MODEL, PMIG_KEY_NONE, m->model,
					     sizeof(m->model));
	return err ?: pmig_snapshot_add_u64(snap, PMIG_PARTITION_NO, PMIG_KEY_NONE, m->lpar_id);
}

static int add_processor(struct pmig_snapshot *snap, const struct pmig_sim_machine *m)
{
	return pmig_snapshot_add_kernel(snap, PMIG_CPU_PVR, PMIG_KEY_NONE, m->pvr, boot.pvr) ?:
		       pmig_snapshot_add_kernel(snap, PMIG_CPU_CLOCK, PMIG_KEY_NONE, m->clock_hz,
						boot.clock_hz);
}

static int sim_snapshot(struct pmig_snapshot *snap)
{
	struct pmig_sim_machine m;
	int err;

	/* A session may wait for this while storage is quiet. */
	WARN_ON_ONCE(!(current->flags & PF_MEMALLOC_NOIO));
	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_snapshot);
	m = here;
	mutex_unlock(&pmig_sim_lock);
	return err								       ?:
		       add_identity(snap, &m)					       ?:
		       pmig_sim_topology_add_cpus(snap, &m.topology)		       ?:
		       add_processor(snap, &m)					       ?:
		       pmig_sim_topology_add_caches(snap, &m.topology, &boot.topology) ?:
		       pmig_sim_topology_add_memory(snap, &m.topology);
}

struct pmig_engine pmig_sim_engine = {
	.name = "sim",
	.owner = THIS_MODULE,
	.rank = 10,
	.get_state = sim_get_state,
	.suspend = sim_suspend,
	.cancel = sim_cancel,
	.quiesce_now = sim_quiesce_now,
	.snapshot = sim_snapshot,
};

/* A migration that the module did not start: what its watch on PowerVM would see. */
int pmig_sim_foreign(u64 id)
{
	const struct pmig_engine_events *events = pmig_sim_engine.events;
	u64 blackout_ns = 0;
	int err;

	events->begun(&pmig_sim_engine, id);
	err = suspend_stream(id, &blackout_ns, false);
	events->ended(&pmig_sim_engine, id, err, blackout_ns);
	return err;
}

int pmig_sim_show_machine(char *page)
{
	int len;

	mutex_lock(&pmig_sim_lock);
	len = sysfs_emit(page, "%s %s\n", here.serial, here.model);
	mutex_unlock(&pmig_sim_lock);
	return len;
}

/*
 * Other home nodes without a migration, as the platform's optimizer makes them, or some time after
 * one. -EAGAIN: they are others now, but a migration goes on, so that the module has not looked.
 */
int pmig_sim_rehome(u32 shift)
{
	if (shift >= PMIG_SIM_NODES_MAX)
		return -ERANGE;
	mutex_lock(&pmig_sim_lock);
	here.topology.home_shift = shift;
	mutex_unlock(&pmig_sim_lock);
	return pmig_sim_engine.events->changed(&pmig_sim_engine, false) ? -EAGAIN : 0;
}

u32 pmig_sim_home_shift(void)
{
	return READ_ONCE(here.topology.home_shift);
}
