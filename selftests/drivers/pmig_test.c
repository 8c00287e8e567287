// SPDX-License-Identifier: GPL-2.0
/*
 * Handlers that do as they are told, for the selftests: test-a with the lowest priority value,
 * test-b, ... in <debugfs>/pmig_test:
 *
 * control, one command a line; X is a handler's letter, PHASE check, pre, post or post-error:
 *	refuse X PHASE ERRNO REASON	answer so
 *	later X PHASE MS [ERRNO]	answer with PMIG_LATER, and complete after MS, or at
 *					"release" for -1
 *	block X PHASE			do not return from the call until "release"
 *	release				end what blocks and what is late
 *	deadline X MS			register anew with this deadline
 *	unregister X			and not before its call has returned
 *	register X
 *	clear				all do as they ought to, and the log is empty;
 *					releases, too
 *
 * log: who was told what, in order, "overlap" where a handler was called twice at a time, and
 *	"may do I/O" where its allocations could wait for a driver that is quiet
 *
 * post: what test-a was given at the last POST, and has kept: on a line for the old machine and
 *	one for the new the model, and the size of the first processor's data cache
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pmig.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "stubs.h"

#define MAX_HANDLERS 26
#define MAX_LINE     256
#define LOG_SIZE     4096

static unsigned int handlers = 3;
module_param(handlers, uint, 0444);
MODULE_PARM_DESC(handlers, "how many, up to 26 (3)");
static unsigned int timeout_ms = 20000;
module_param(timeout_ms, uint, 0444);
MODULE_PARM_DESC(timeout_ms, "deadline of each, unless changed (20000)");

enum kind { GOOD, REFUSE, LATER, BLOCK };

struct behaviour {
	enum kind kind;
	int err;
	int ms;
	char reason[PMIG_REASON_LEN];
};

struct late {
	struct list_head node;
	struct delayed_work work;
	struct pmig_notice *notice;
	int err;
	bool queued;
};

struct tester {
	struct pmig_handler handler;
	char name[16];
	bool registered;
	atomic_t calls;
	struct behaviour behaviour[__PMIG_PHASE_MAX];
};

static struct tester testers[MAX_HANDLERS];
static struct dentry *folder;
static struct workqueue_struct *late_wq;

/* Guards behaviour[], lates, record, kept_old and kept_new. */
static DEFINE_MUTEX(lock);
static const struct pmig_snapshot *kept_old, *kept_new;
static LIST_HEAD(lates);
static char record[LOG_SIZE];
static size_t recorded;
static unsigned int generation; /* "release" ends what began before it */
static DECLARE_WAIT_QUEUE_HEAD(released);
/* One command at a time: register and unregister sleep without the lock above. */
static DEFINE_MUTEX(command_lock);

static const char *const phases[__PMIG_PHASE_MAX] = {
	[PMIG_PHASE_CHECK] = "check",
	[PMIG_PHASE_PRE] = "pre",
	[PMIG_PHASE_POST] = "post",
	[PMIG_PHASE_POST_ERROR] = "post-error",
};

static void note(const char *name, const char *what)
{
	lockdep_assert_held(&lock);
	recorded += scnprintf(record + recorded, sizeof(record) - recorded, "%s %s\n", name, what);
}

static void late_work(struct work_struct *work)
{
	struct late *late = container_of(to_delayed_work(work), struct late, work);

	mutex_lock(&lock);
	list_del(&late->node);
	mutex_unlock(&lock);
	pmig_complete(late->notice, late->err, late->err ? "refused late" : NULL);
	kfree(late);
}

static int answer_later(struct pmig_notice *n, const struct behaviour *b)
{
	struct late *late = kzalloc(sizeof(*late), GFP_KERNEL);

	lockdep_assert_held(&lock);
	if (!late)
		return -ENOMEM;
	late->notice = n;
	late->err = -b->err;
	INIT_DELAYED_WORK(&late->work, late_work);
	list_add_tail(&late->node, &lates);
	late->queued = b->ms >= 0;
	if (late->queued)
		queue_delayed_work(late_wq, &late->work, msecs_to_jiffies(b->ms));
	return PMIG_LATER;
}

static void forget_snapshots(void)
{
	if (kept_old)
		pmig_snapshot_put(kept_old);
	if (kept_new)
		pmig_snapshot_put(kept_new);
	kept_old = NULL;
	kept_new = NULL;
}

static void keep_snapshots(const struct pmig_notice *n)
{
	lockdep_assert_held(&lock);
	forget_snapshots();
	if (pmig_notice_old(n))
		kept_old = pmig_snapshot_get(pmig_notice_old(n));
	if (pmig_notice_new(n))
		kept_new = pmig_snapshot_get(pmig_notice_new(n));
}

static int tester_notify(struct pmig_notice *n)
{
	struct tester *t = pmig_notice_data(n);
	struct behaviour *b = &t->behaviour[pmig_notice_phase(n)];
	unsigned int began;
	enum kind kind;
	int ret = 0;

	if (atomic_inc_return(&t->calls) != 1) {
		mutex_lock(&lock);
		note(t->name, "overlap");
		mutex_unlock(&lock);
	}
	mutex_lock(&lock);
	note(t->name, phases[pmig_notice_phase(n)]);
	if (pmig_notice_force(n))
		note(t->name, "is forced");
	if (!(current->flags & PF_MEMALLOC_NOIO))
		note(t->name, "may do I/O");
	if (!pmig_notice_stream(n))
		note(t->name, "has no stream");
	if (pmig_notice_operation(n) != PMIG_OPERATION_MIGRATE)
		note(t->name, "is not migrated");
	if (pmig_notice_phase(n) != PMIG_PHASE_POST && (pmig_notice_old(n) || pmig_notice_new(n)))
		note(t->name, "a snapshot without post");
	if (pmig_notice_phase(n) == PMIG_PHASE_POST && t == &testers[0])
		keep_snapshots(n);
	began = generation;
	kind = b->kind;
	if (kind == REFUSE)
		ret = pmig_refuse(n, -b->err, "%s", b->reason);
	else if (kind == LATER)
		ret = answer_later(n, b);
	mutex_unlock(&lock);
	if (kind == BLOCK)
		wait_event(released, READ_ONCE(generation) != began);
	atomic_dec(&t->calls);
	return ret;
}

static void release_all(void)
{
	struct late *late;

	mutex_lock(&lock);
	WRITE_ONCE(generation, generation + 1);
	wake_up_all(&released);
	list_for_each_entry(late, &lates, node) {
		/* One that runs already will free itself. */
		if (!late->queued || delayed_work_pending(&late->work))
			mod_delayed_work(late_wq, &late->work, 0);
		late->queued = true;
	}
	mutex_unlock(&lock);
	flush_workqueue(late_wq);
}

static int register_one(struct tester *t)
{
	int err;

	if (t->registered)
		return -EEXIST;
	err = pmig_register_handler(&t->handler);
	t->registered = !err;
	return err;
}

static int unregister_one(struct tester *t)
{
	if (!t->registered)
		return -ENOENT;
	pmig_unregister_handler(&t->handler);
	t->registered = false;
	return 0;
}

static int set_deadline(struct tester *t, unsigned int ms)
{
	unregister_one(t);
	t->handler.timeout_ms = ms;
	return register_one(t);
}

static void clear_all(void)
{
	unsigned int i;

	mutex_lock(&lock);
	for (i = 0; i < MAX_HANDLERS; i++)
		memset(testers[i].behaviour, 0, sizeof(testers[i].behaviour));
	mutex_unlock(&lock);
	release_all();
	for (i = 0; i < handlers; i++)
		if (!testers[i].registered || testers[i].handler.timeout_ms != timeout_ms)
			set_deadline(&testers[i], timeout_ms);
	mutex_lock(&lock);
	recorded = 0;
	mutex_unlock(&lock);
}

static struct tester *find(char letter)
{
	unsigned int i = letter - 'a';

	return i < handlers ? &testers[i] : NULL;
}

static int behave(const char *line)
{
	char kind[8], phase[12], letter;
	struct behaviour b = {};
	struct tester *t;
	int n = 0, p;

	if (sscanf(line, "%7s %c %11s%n", kind, &letter, phase, &n) != 3)
		return -EINVAL;
	t = find(letter);
	p = match_string(phases + 1, ARRAY_SIZE(phases) - 1, phase) + 1;
	if (!t || p < 1)
		return -EINVAL;
	line = skip_spaces(line + n);
	if (!strcmp(kind, "refuse")) {
		b.kind = REFUSE;
		if (sscanf(line, "%d %n", &b.err, &n) != 1)
			return -EINVAL;
		strscpy(b.reason, line + n, sizeof(b.reason));
	} else if (!strcmp(kind, "later")) {
		b.kind = LATER;
		if (sscanf(line, "%d %d", &b.ms, &b.err) < 1)
			return -EINVAL;
	} else if (!strcmp(kind, "block")) {
		b.kind = BLOCK;
	} else {
		return -EINVAL;
	}
	mutex_lock(&lock);
	t->behaviour[p] = b;
	mutex_unlock(&lock);
	return 0;
}

static int command(const char *line)
{
	unsigned int ms;
	char letter;

	if (!strcmp(line, "release"))
		release_all();
	else if (!strcmp(line, "clear"))
		clear_all();
	else if (sscanf(line, "deadline %c %u", &letter, &ms) == 2)
		return find(letter) ? set_deadline(find(letter), ms) : -EINVAL;
	else if (sscanf(line, "unregister %c", &letter) == 1)
		return find(letter) ? unregister_one(find(letter)) : -EINVAL;
	else if (sscanf(line, "register %c", &letter) == 1)
		return find(letter) ? register_one(find(letter)) : -EINVAL;
	else
		return behave(line);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *user, size_t len, loff_t *pos)
{
	char *text, *at, *line;
	int err = 0;

	if (len > MAX_LINE)
		return -E2BIG;
	text = memdup_user_nul(user, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	mutex_lock(&command_lock);
	for (at = text; !err && (line = strsep(&at, "\n"));)
		if (*line)
			err = command(line);
	mutex_unlock(&command_lock);
	kfree(text);
	return err ?: len;
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = control_write,
};

static int log_show(struct seq_file *m, void *v)
{
	mutex_lock(&lock);
	seq_write(m, record, recorded);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(log);

static void show_snapshot(struct seq_file *m, const struct pmig_snapshot *snap)
{
	const char *model;
	u64 size = 0;

	if (!snap) {
		seq_puts(m, "none\n");
		return;
	}
	model = pmig_snapshot_text(snap, PMIG_MODEL, PMIG_KEY_NONE);
	pmig_snapshot_u64(snap, PMIG_CACHE_SIZE, PMIG_CACHE_KEY(0, 1, PMIG_CACHE_DATA), &size);
	seq_printf(m, "%s %llu\n", model ?: "?", size);
	/* A text is no number, and there is no such cache. */
	if (pmig_snapshot_u64(snap, PMIG_MODEL, PMIG_KEY_NONE, &size) ||
	    pmig_snapshot_text(snap, PMIG_CACHE_SIZE, PMIG_CACHE_KEY(0, 1, PMIG_CACHE_DATA)) ||
	    pmig_snapshot_u64(snap, PMIG_CACHE_SIZE, PMIG_CACHE_KEY(0, 99, 0), &size))
		seq_puts(m, "found what is not there\n");
}

static int post_show(struct seq_file *m, void *v)
{
	mutex_lock(&lock);
	show_snapshot(m, kept_old);
	show_snapshot(m, kept_new);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(post);

static void unregister_all(void)
{
	unsigned int i;

	mutex_lock(&lock);
	for (i = 0; i < MAX_HANDLERS; i++)
		memset(testers[i].behaviour, 0, sizeof(testers[i].behaviour));
	mutex_unlock(&lock);
	release_all();
	for (i = 0; i < handlers; i++)
		unregister_one(&testers[i]);
	release_all();
	destroy_workqueue(late_wq);
	forget_snapshots();
}

static int __init pmig_test_init(void)
{
	unsigned int i;
	int err;

	if (!handlers || handlers > MAX_HANDLERS)
		return -EINVAL;
	late_wq = alloc_ordered_workqueue("pmig_test", 0);
	if (!late_wq)
		return -ENOMEM;
	for (i = 0; i < handlers; i++) {
		struct tester *t = &testers[i];

		scnprintf(t->name, sizeof(t->name), "test-%c", 'a' + i);
		t->handler = (struct pmig_handler){
			.name = t->name,
			.notify = tester_notify,
			.data = t,
			.phases = PMIG_PHASES_ALL,
			.timeout_ms = timeout_ms,
			.priority = i,
		};
		err = register_one(t);
		if (err) {
			unregister_all();
			return err;
		}
	}
	if (WARN_ON(pmig_test_stubs()))
		pr_err("linux/pmig.h does something without pmig\n");
	folder = debugfs_create_dir("pmig_test", NULL);
	debugfs_create_file("control", 0200, folder, NULL, &control_fops);
	debugfs_create_file("log", 0400, folder, NULL, &log_fops);
	debugfs_create_file("post", 0400, folder, NULL, &post_fops);
	return 0;
}

static void __exit pmig_test_exit(void)
{
	debugfs_remove(folder);
	unregister_all();
}

module_init(pmig_test_init);
module_exit(pmig_test_exit);
PMIG_IMPORT_NS();
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Handlers that misbehave on request, for the selftests of pmig");
