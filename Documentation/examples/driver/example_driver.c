// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that is told of migrations. Copy what you need; README.md says how it is built.
 *
 * CHECK: it refuses while its device cannot be drained.
 * PRE: it begins no more requests, and waits for those under way. If they take too long, it
 *	refuses, and the partition stays where it is.
 * POST: it reads anew what it knows of the machine, and goes on with the requests that have come
 *	meanwhile.
 * POST_ERROR: the partition has not moved, so it goes on.
 *
 * The device is made up: it serves a request by taking its time. In <debugfs>/example_driver/:
 *	request		a write of so many milliseconds is a request that takes as long
 *	updating	Y while the device's firmware is updated
 *	state		what the driver does, and what it knows of the machine
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pmig.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* It is better to refuse with a reason than to miss the deadline. */
#define DEADLINE_MS 5000
#define DRAIN_MS    4000

#define REQUESTS_MAX   64
#define REQUEST_MAX_MS 10000

/**
 * struct example_facts - what the driver knows of the machine, and works by
 * @line_size: of the data caches, in bytes
 * @node: where the processor is that serves the device
 */
struct example_facts {
	u64 line_size;
	u64 node;
};

/**
 * struct example - a device
 * @handler: whom pmig calls
 * @wq: ends requests; with WQ_MEM_RECLAIM, as it has to end them when memory is short
 * @folder: in debugfs
 * @updating: its firmware is updated, and nothing may disturb it
 * @cpu: which processor serves it
 * @lock: guards what follows, up to @served; innermost
 * @quiet: from PRE to POST or POST_ERROR: no request is begun
 * @held: requests that have come meanwhile
 * @nr_held: how many
 * @under_way: how many the device has
 * @served: how many it has had
 * @drained: woken when the device has none any more
 * @machine_lock: guards what follows
 * @facts: the kernel's until the first migration, and then those of @machine
 * @machine: as of the last POST, NULL before
 */
struct example {
	struct pmig_handler handler;
	struct workqueue_struct *wq;
	struct dentry *folder;
	bool updating;
	unsigned int cpu;
	spinlock_t lock; /* for what follows */
	bool quiet;
	struct list_head held;
	unsigned int nr_held;
	unsigned int under_way;
	unsigned int served;
	wait_queue_head_t drained;
	struct mutex machine_lock; /* for what follows */
	struct example_facts facts;
	const struct pmig_snapshot *machine;
};

struct example_request {
	struct delayed_work work;
	struct list_head node;
	struct example *device;
	unsigned int ms;
};

/* --- requests --- */

static void end_request(struct work_struct *work)
{
	struct example_request *req =
		container_of(to_delayed_work(work), struct example_request, work);
	struct example *ex = req->device;

	spin_lock(&ex->lock);
	ex->served++;
	if (!--ex->under_way)
		wake_up_all(&ex->drained);
	spin_unlock(&ex->lock);
	kfree(req);
}

static void begin_request(struct example *ex, struct example_request *req)
{
	lockdep_assert_held(&ex->lock);
	ex->under_way++;
	queue_delayed_work(ex->wq, &req->work, msecs_to_jiffies(req->ms));
}

static int submit(struct example *ex, unsigned int ms)
{
	struct example_request *req = kzalloc(sizeof(*req), GFP_KERNEL);
	bool full;

	if (!req)
		return -ENOMEM;
	INIT_DELAYED_WORK(&req->work, end_request);
	req->device = ex;
	req->ms = ms;
	spin_lock(&ex->lock);
	full = ex->under_way + ex->nr_held == REQUESTS_MAX;
	if (!full && ex->quiet) {
		list_add_tail(&req->node, &ex->held);
		ex->nr_held++;
	} else if (!full) {
		begin_request(ex, req);
	}
	spin_unlock(&ex->lock);
	if (full)
		kfree(req);
	return full ? -EBUSY : 0;
}

static bool is_idle(struct example *ex)
{
	bool idle;

	spin_lock(&ex->lock);
	idle = !ex->under_way;
	spin_unlock(&ex->lock);
	return idle;
}

static bool drain(struct example *ex)
{
	spin_lock(&ex->lock);
	ex->quiet = true;
	spin_unlock(&ex->lock);
	return wait_event_timeout(ex->drained, is_idle(ex), msecs_to_jiffies(DRAIN_MS));
}

/* Does no harm where it is not quiet. */
static void resume(struct example *ex)
{
	struct example_request *req, *next;

	spin_lock(&ex->lock);
	ex->quiet = false;
	list_for_each_entry_safe(req, next, &ex->held, node) {
		list_del(&req->node);
		begin_request(ex, req);
	}
	ex->nr_held = 0;
	spin_unlock(&ex->lock);
}

/* --- the machine --- */

/*
 * A fact that is not known stays as it is in @facts. Caches are found by the first of the
 * processors that share one; those of one level are all alike, so the first that there is will do.
 */
static void read_facts(const struct pmig_snapshot *machine, unsigned int cpu,
		       struct example_facts *facts)
{
	unsigned int first;

	pmig_snapshot_u64(machine, PMIG_CPU_HOME_NODE, cpu, &facts->node);
	for_each_possible_cpu(first)
		if (pmig_snapshot_u64(machine, PMIG_CACHE_LINE_SIZE,
				      PMIG_CACHE_KEY(first, 1, PMIG_CACHE_DATA), &facts->line_size))
			break;
}

/*
 * After a migration the kernel's own cpu_to_node() and cache_line_size() are those of the machine
 * that it was booted on: the snapshot is true. One that is kept has to be given back.
 */
static void read_machine(struct example *ex, const struct pmig_notice *n)
{
	const struct pmig_snapshot *old = pmig_notice_old(n), *new = pmig_notice_new(n);
	struct example_facts before;

	if (!new) {
		pr_info("what the machine is now is not known\n");
		return;
	}
	mutex_lock(&ex->machine_lock);
	before = ex->facts;
	if (old)
		read_facts(old, ex->cpu, &before);
	read_facts(new, ex->cpu, &ex->facts);
	if (ex->facts.node != before.node)
		pr_info("processor %u was in node %llu, and is in node %llu\n", ex->cpu,
			before.node, ex->facts.node);
	if (ex->machine)
		pmig_snapshot_put(ex->machine);
	ex->machine = pmig_snapshot_get(new);
	mutex_unlock(&ex->machine_lock);
}

/* --- migrations --- */

static int may_move(struct example *ex, struct pmig_notice *n)
{
	if (READ_ONCE(ex->updating))
		return pmig_refuse(n, -EBUSY, "a firmware update is running");
	return 0;
}

/*
 * It may sleep here. A driver whose device says by an interrupt that it is drained returns
 * PMIG_LATER instead, and calls pmig_complete() from there.
 */
static int get_ready(struct example *ex, struct pmig_notice *n)
{
	int err = may_move(ex, n); /* an update may have begun since CHECK */

	if (err || drain(ex))
		return err;
	/* POST_ERROR follows, and makes it go on. */
	return pmig_refuse(n, -EBUSY, "its requests have not ended within %u ms", DRAIN_MS);
}

/* POST may come without CHECK and PRE, where somebody else has moved the partition. */
static int example_notify(struct pmig_notice *n)
{
	struct example *ex = pmig_notice_data(n);

	switch (pmig_notice_phase(n)) {
	case PMIG_PHASE_CHECK:
		return may_move(ex, n);
	case PMIG_PHASE_PRE:
		return get_ready(ex, n);
	case PMIG_PHASE_POST:
		read_machine(ex, n);
		resume(ex);
		return 0;
	case PMIG_PHASE_POST_ERROR:
		resume(ex);
		return 0;
	default:
		return 0;
	}
}

/* --- debugfs, in the place of users --- */

static int request_set(void *data, u64 ms)
{
	return ms > REQUEST_MAX_MS ? -ERANGE : submit(data, ms);
}
DEFINE_DEBUGFS_ATTRIBUTE(request_fops, NULL, request_set, "%llu\n");

static int state_show(struct seq_file *m, void *v)
{
	struct example *ex = m->private;
	const char *model = NULL;

	spin_lock(&ex->lock);
	seq_printf(m, "quiet: %d\nunder-way: %u\nheld: %u\nserved: %u\n", ex->quiet, ex->under_way,
		   ex->nr_held, ex->served);
	spin_unlock(&ex->lock);
	mutex_lock(&ex->machine_lock);
	if (ex->machine) /* whose text is good as long as it is kept */
		model = pmig_snapshot_text(ex->machine, PMIG_MODEL, PMIG_KEY_NONE);
	seq_printf(m, "cpu: %u\nnode: %llu\nline-size: %llu\nmodel: %s\n", ex->cpu, ex->facts.node,
		   ex->facts.line_size, model ?: "unknown");
	mutex_unlock(&ex->machine_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static void make_folder(struct example *ex)
{
	ex->folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file_unsafe("request", 0200, ex->folder, ex, &request_fops);
	debugfs_create_bool("updating", 0600, ex->folder, &ex->updating);
	debugfs_create_file("state", 0400, ex->folder, ex, &state_fops);
}

/* --- load and unload --- */

static struct example example = {
	.handler = {
		.name = KBUILD_MODNAME,
		.notify = example_notify,
		.data = &example,
		.phases = PMIG_PHASES_ALL,
		.timeout_ms = DEADLINE_MS,
	},
	.lock = __SPIN_LOCK_UNLOCKED(example.lock),
	.held = LIST_HEAD_INIT(example.held),
	.drained = __WAIT_QUEUE_HEAD_INITIALIZER(example.drained),
	.machine_lock = __MUTEX_INITIALIZER(example.machine_lock),
};

static int __init example_init(void)
{
	int err;

	example.cpu = cpumask_first(cpu_online_mask);
	example.facts.node = cpu_to_node(example.cpu);
	example.facts.line_size = cache_line_size();
	example.wq = alloc_ordered_workqueue(KBUILD_MODNAME, WQ_MEM_RECLAIM);
	if (!example.wq)
		return -ENOMEM;
	/*
	 * Before there are users, or requests would be under way that nobody drains. The handler
	 * may be called before this returns: all that it needs is there.
	 */
	err = pmig_register_handler(&example.handler);
	if (err) {
		destroy_workqueue(example.wq);
		return err;
	}
	make_folder(&example);
	return 0;
}

/*
 * The module stays loaded from PRE to POST or POST_ERROR, so nothing is held back here. Users go
 * first, then pmig, and then what both need.
 */
static void __exit example_exit(void)
{
	debugfs_remove(example.folder);
	pmig_unregister_handler(&example.handler);
	wait_event(example.drained, is_idle(&example));
	destroy_workqueue(example.wq);
	if (example.machine)
		pmig_snapshot_put(example.machine);
}

module_init(example_init);
module_exit(example_exit);
/* It is a string since 6.13. */
#if LINUX_VERSION_MAJOR * 1000 + LINUX_VERSION_PATCHLEVEL >= 6013
MODULE_IMPORT_NS("PMIG");
#else
MODULE_IMPORT_NS(PMIG);
#endif
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An example of a driver that is told of migrations");
