// SPDX-License-Identifier: GPL-2.0
/*
 * Storage whose driver is quiet from PRE to POST while memory is short, for the selftests.
 *
 * It has a cache, from which memory can be had as from a file system's: clean pages at once, but
 * whoever may do I/O first waits for dirty ones to be written, and that is until POST. In PRE it
 * takes the memory that is left, so that everybody has to ask it. It is an engine, too: during the
 * suspension it allocates, as the kernel's migration code does.
 *
 * Nobody waits for more than a minute, nor after "quiet" has become N.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pmig.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../../kernel/engine.h"

#define MIB_PAGES(mib) ((mib) << (20 - PAGE_SHIFT))

/* So many clean pages at a time, 128 KiB, that memory stays short. */
#define GIVE_PAGES (1 << (17 - PAGE_SHIFT))

static bool quiet;
module_param(quiet, bool, 0644);
MODULE_PARM_DESC(quiet, "no page can be written");
static unsigned long quiet_until; /* jiffies */
static unsigned long given;
module_param(given, ulong, 0444);
MODULE_PARM_DESC(given, "how many clean pages it has given back since PRE");
static unsigned long waited;
module_param(waited, ulong, 0444);
MODULE_PARM_DESC(waited, "how often somebody has waited for a page to be written");

static DEFINE_SPINLOCK(lock); /* guards what follows, given and waited */
static LIST_HEAD(clean);
static unsigned long nr_clean;

static struct shrinker *shrinker;
static LIST_HEAD(taken); /* the handler's own */
static enum pmig_vasi state = PMIG_VASI_SUSPENDING;

static bool is_quiet(void)
{
	return READ_ONCE(quiet) && time_before(jiffies, READ_ONCE(quiet_until));
}

static void free_all(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru)
		__free_page(page);
	INIT_LIST_HEAD(pages);
}

static unsigned long io_count(struct shrinker *s, struct shrink_control *sc)
{
	return is_quiet() ? READ_ONCE(nr_clean) : 0;
}

/* Stops each time: reclaim does not count what is not slab, and would go on to the last page. */
static unsigned long io_scan(struct shrinker *s, struct shrink_control *sc)
{
	LIST_HEAD(some);
	int n;

	if (sc->gfp_mask & __GFP_IO) {
		spin_lock(&lock);
		waited++;
		spin_unlock(&lock);
		while (is_quiet())
			msleep(20);
	}
	spin_lock(&lock);
	for (n = 0; n < GIVE_PAGES && nr_clean; n++, nr_clean--, given++)
		list_move(clean.next, &some);
	spin_unlock(&lock);
	free_all(&some);
	return SHRINK_STOP;
}

/* Until so many clean pages have had to be given back in all. */
static void take_until(unsigned long pages)
{
	struct page *page;

	while (READ_ONCE(given) < pages && is_quiet() && (page = alloc_page(GFP_KERNEL)))
		list_add(&page->lru, &taken);
}

static int io_notify(struct pmig_notice *n)
{
	if (pmig_notice_phase(n) == PMIG_PHASE_PRE) {
		WRITE_ONCE(quiet_until, jiffies + 60 * HZ);
		WRITE_ONCE(quiet, true);
		take_until(MIB_PAGES(16));
		return 0;
	}
	if (pmig_notice_phase(n) == PMIG_PHASE_POST)
		take_until(READ_ONCE(given) + MIB_PAGES(2));
	WRITE_ONCE(quiet, false);
	free_all(&taken);
	return 0;
}

/* First to hear PRE and last to hear the end, as a driver below all others is. */
static struct pmig_handler handler = {
	.name = "test-io",
	.notify = io_notify,
	.phases = PMIG_PHASES(PMIG_PHASE_PRE) | PMIG_PHASES(PMIG_PHASE_POST) |
		  PMIG_PHASES(PMIG_PHASE_POST_ERROR),
	.timeout_ms = 60000,
	.priority = INT_MIN,
};

static int io_get_state(u64 stream, enum pmig_vasi *vasi)
{
	*vasi = READ_ONCE(state);
	return 0;
}

static int io_suspend(enum pmig_operation operation, u64 stream, struct file *file,
		      u64 *blackout_ns)
{
	take_until(READ_ONCE(given) + MIB_PAGES(2));
	WRITE_ONCE(state, PMIG_VASI_COMPLETED);
	return 0;
}

static int io_cancel(u64 stream, u32 reason)
{
	WRITE_ONCE(state, PMIG_VASI_ABORTED);
	return 0;
}

static int io_snapshot(struct pmig_snapshot *snap)
{
	return 0;
}

static struct pmig_engine engine = {
	.name = "test-io",
	.owner = THIS_MODULE,
	.rank = 100,
	.get_state = io_get_state,
	.suspend = io_suspend,
	.cancel = io_cancel,
	.snapshot = io_snapshot,
};

static int fill_cache(void)
{
	struct page *page;

	while (nr_clean < MIB_PAGES(64)) {
		page = alloc_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		list_add(&page->lru, &clean);
		nr_clean++;
	}
	return 0;
}

static int __init pmig_io_init(void)
{
	int err;

	err = fill_cache();
	if (err)
		goto pages;
	shrinker = pmig_shrinker_alloc("pmig_io");
	if (!shrinker) {
		err = -ENOMEM;
		goto pages;
	}
	shrinker->count_objects = io_count;
	shrinker->scan_objects = io_scan;
	shrinker->seeks = DEFAULT_SEEKS;
	shrinker->batch = 1;
	pmig_shrinker_register(shrinker, "pmig_io");
	err = pmig_register_engine(&engine);
	if (err)
		goto shrinker;
	err = pmig_register_handler(&handler);
	if (err)
		goto engine;
	return 0;
engine:
	pmig_unregister_engine(&engine);
shrinker:
	pmig_shrinker_free(shrinker);
pages:
	free_all(&clean);
	return err;
}

static void __exit pmig_io_exit(void)
{
	WRITE_ONCE(quiet, false);
	pmig_unregister_handler(&handler);
	pmig_unregister_engine(&engine);
	pmig_shrinker_free(shrinker);
	free_all(&clean);
	free_all(&taken);
}

module_init(pmig_io_init);
module_exit(pmig_io_exit);
PMIG_IMPORT_NS();
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Storage that is quiet while memory is short, for the selftests of pmig");
