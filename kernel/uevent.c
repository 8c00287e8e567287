// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/devices/virtual/pmig/pmig sends a "change" uevent at every change of the session's state:
 * PMIG_EVENT=what happens, STREAM=0x..., ENGINE=..., and after the move CHANGED=names,
 * comma-separated. They are sent in order by work of their own, so that the session does not
 * wait: the kernel has one mutex for all uevents, and a process that has it may be waiting for
 * memory, and so for a driver that is quiet.
 *
 * Its attribute others_seen_by says how a migration that somebody else starts is noticed:
 * "tracepoints", when the partition has stood still; "probe", at once; "device-tree", when it is
 * over; "none".
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "uevent.h"

/* At most so many wait to be sent, of all sessions together; further ones are lost, and logged. */
#define QUEUE_LEN 64

/* A uevent has 2048 bytes in all; names that do not fit are left out, and "..." says so. */
#define CHANGED_LEN 1024

static struct class class = { .name = "pmig" };
static struct device *device;

/**
 * struct pmig_uevent_record - what is to be sent
 * @state: of the session at that time, as all here
 * @stream: its stream ID
 * @engine: its name
 * @changes: with a reference, or NULL
 */
struct pmig_uevent_record {
	enum pmig_state state;
	u64 stream;
	char engine[PMIG_NAME_LEN];
	struct pmig_changes *changes;
};

static DEFINE_SPINLOCK(queue_lock); /* guards the three that follow */
static struct pmig_uevent_record queue[QUEUE_LEN];
static unsigned int queued; /* so many in all, put at this place, modulo QUEUE_LEN */
static unsigned int sent;   /* likewise */

static struct workqueue_struct *uevent_wq;
static void send_all(struct work_struct *work);
static DECLARE_WORK(send_work, send_all);

static char *changed_names(const struct pmig_changes *changes)
{
	char *text = kmalloc(CHANGED_LEN, GFP_KERNEL);
	unsigned int i, len;

	if (!text)
		return NULL;
	len = scnprintf(text, CHANGED_LEN, "CHANGED=");
	for (i = 0; i < changes->nr; i++) {
		const char *name = changes->change[i].name;

		if (len + strlen(name) + sizeof(",...") >= CHANGED_LEN) {
			scnprintf(text + len, CHANGED_LEN - len, ",...");
			break;
		}
		len += scnprintf(text + len, CHANGED_LEN - len, "%s%s", i ? "," : "", name);
	}
	return text;
}

static void send_record(const struct pmig_uevent_record *r)
{
	char event[32], stream[32], engine[PMIG_NAME_LEN + 8];
	char *names = r->changes ? changed_names(r->changes) : NULL;
	char *env[5] = { event, stream, engine, names, NULL };

	scnprintf(event, sizeof(event), "PMIG_EVENT=%s", pmig_states[r->state].uevent);
	scnprintf(stream, sizeof(stream), "STREAM=0x%llx", r->stream);
	scnprintf(engine, sizeof(engine), "ENGINE=%s", r->engine);
	kobject_uevent_env(&device->kobj, KOBJ_CHANGE, env);
	kfree(names);
}

static bool take_record(struct pmig_uevent_record *r)
{
	bool there;

	spin_lock(&queue_lock);
	there = sent != queued;
	if (there)
		*r = queue[sent++ % QUEUE_LEN];
	spin_unlock(&queue_lock);
	return there;
}

static void send_all(struct work_struct *work)
{
	unsigned int noio = memalloc_noio_save();
	struct pmig_uevent_record r;

	while (take_record(&r)) {
		send_record(&r);
		if (r.changes)
			pmig_changes_put(r.changes);
	}
	memalloc_noio_restore(noio);
}

/* Nothing here waits or needs memory. */
static void queue_uevent(struct pmig_session *s)
{
	struct pmig_uevent_record *r;
	bool full;

	lockdep_assert_held(&pmig_session_lock);
	spin_lock(&queue_lock);
	full = queued - sent == QUEUE_LEN;
	if (!full) {
		r = &queue[queued++ % QUEUE_LEN];
		r->state = s->state;
		r->stream = s->stream;
		pmig_strcpy(r->engine, s->engine_name);
		r->changes = s->changes ? pmig_changes_get(s->changes) : NULL;
	}
	spin_unlock(&queue_lock);
	if (full)
		pr_warn("uevents can't be sent; \"%s\" of stream 0x%llx is lost\n",
			pmig_states[s->state].uevent, s->stream);
	queue_work(uevent_wq, &send_work);
}

const struct pmig_session_listener pmig_uevent_listener = {
	.entered = queue_uevent,
};

static ssize_t others_seen_by_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", pmig_engine_others_seen_by());
}

static DEVICE_ATTR_RO(others_seen_by);

static struct attribute *pmig_attrs[] = {
	&dev_attr_others_seen_by.attr,
	NULL,
};
ATTRIBUTE_GROUPS(pmig);

int pmig_uevent_init(void)
{
	int err;

	uevent_wq = alloc_ordered_workqueue("pmig_uevent", WQ_MEM_RECLAIM);
	if (!uevent_wq)
		return -ENOMEM;
	err = class_register(&class);
	if (err)
		goto destroy;
	device = device_create_with_groups(&class, NULL, MKDEV(0, 0), NULL, pmig_groups, "pmig");
	err = PTR_ERR_OR_ZERO(device);
	if (err)
		goto unregister;
	return 0;
unregister:
	class_unregister(&class);
destroy:
	destroy_workqueue(uevent_wq);
	return err;
}

/* What is queued is sent first. */
void pmig_uevent_exit(void)
{
	destroy_workqueue(uevent_wq);
	device_unregister(device);
	class_unregister(&class);
}
