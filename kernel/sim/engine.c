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

#define BOOT                                \
	{                                   \
		.serial = "SIM0001",        \
		.model = "IBM,SIM-A",       \
		.lpar_id = 1,               \
		.clock_hz = 3000000000ULL,  \
		.l1d_size = 32768,          \
		.l1i_size = 32768,          \
		.l2_size = 524288,          \
		.l3_size = 8388608,         \
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

static int sim_suspend(u64 id, struct file *file, u64 *blackout_ns)
{
	return suspend_stream(id, blackout_ns, true);
}

static bool sim_quiesce_now(void)
{
	return READ_ONCE(pmig_sim_quiesce_now);
}

/* 0 bytes of cache are no cache. */
static int add_cache(struct pmig_snapshot *snap, unsigned int level, enum pmig_cache_type type,
		     u32 size, u32 believed)
{
	u64 key = PMIG_CACHE_KEY(0, level, type);

	return size ? pmig_snapshot_add_kernel(snap, PMIG_CACHE_SIZE, key, size, believed) : 0;
}

static int sim_snapshot(struct pmig_snapshot *snap)
{
	char id[PMIG_SIM_TEXT_LEN + 8];
	struct pmig_sim_machine m;
	int err;

	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_fails(&pmig_sim_fail_snapshot);
	m = here;
	mutex_unlock(&pmig_sim_lock);
	if (err)
		return err;
	scnprintf(id, sizeof(id), "IBM,02%s", m.serial);
	return pmig_snapshot_add_text(snap, PMIG_SYSTEM_ID, PMIG_KEY_NONE, id, sizeof(id))	?:
		       pmig_snapshot_add_text(snap, PMIG_MODEL, PMIG_KEY_NONE, m.model,
					      sizeof(m.model))					?:
		       pmig_snapshot_add_u64(snap, PMIG_PARTITION_NO, PMIG_KEY_NONE, m.lpar_id) ?:
		       pmig_snapshot_add_kernel(snap, PMIG_CPU_CLOCK, PMIG_KEY_NONE, m.clock_hz,
						boot.clock_hz)					?:
		       add_cache(snap, 1, PMIG_CACHE_DATA, m.l1d_size, boot.l1d_size)		?:
		       add_cache(snap, 1, PMIG_CACHE_INSTRUCTION, m.l1i_size, boot.l1i_size)	?:
		       add_cache(snap, 2, PMIG_CACHE_UNIFIED, m.l2_size, boot.l2_size)		?:
		       add_cache(snap, 3, PMIG_CACHE_UNIFIED, m.l3_size, boot.l3_size);
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
