// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/devices/virtual/pmig/pmig sends a "change" uevent at every change of the session's state:
 * PMIG_EVENT=what happens, OPERATION=migrate, STREAM=0x..., ENGINE=..., and after the move
 * CHANGED=sections of what differs, with spaces between them. PMIG_EVENT=changed says that the
 * machine has changed without a move: it has ENGINE and CHANGED. They are sent in order by work of
 * their own, so that the session does not wait: the kernel has one mutex for all uevents, and a
 * process that has it may be waiting for memory, and so for a driver that is quiet.
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
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "uevent.h"

/* At most so many wait to be sent, of all sessions together; further ones are lost, and logged. */
#define QUEUE_LEN 64

static struct class class = { .name = "pmig" };
static struct device *device;

static const char *const operations[] = {
	[PMIG_OPERATION_MIGRATE] = "migrate",
	[PMIG_OPERATION_HIBERNATE] = "hibernate",
};

/**
 * struct pmig_uevent_record - what is to be sent
 * @event: a constant string
 * @has_session: it is about a session, and has @operation and @stream
 * @operation: of the session at that time, as all here
 * @stream: its stream ID
 * @engine: its name
 * @nr: how many rows differ, by section
 */
struct pmig_uevent_record {
	const char *event;
	bool has_session;
	enum pmig_operation operation;
	u64 stream;
	char engine[PMIG_NAME_LEN];
	unsigned int nr[PMIG_NR_SECTIONS];
};

static DEFINE_SPINLOCK(queue_lock); /* guards the three that follow */
static struct pmig_uevent_record queue[QUEUE_LEN];
static unsigned int queued; /* so many in all, put at this place, modulo QUEUE_LEN */
static unsigned int sent;   /* likewise */

static struct workqueue_struct *uevent_wq;
static void send_all(struct work_struct *work);
static DECLARE_WORK(send_work, send_all);

/* All names fit. Returns whether there is one. */
static bool list_sections(const struct pmig_uevent_record *r, char *text, size_t size)
{
	unsigned int i, len = scnprintf(text, size, "CHANGED=");
	const char *space = "";

	for (i = 0; i < PMIG_NR_SECTIONS; i++) {
		if (!r->nr[i])
			continue;
		len += scnprintf(text + len, size - len, "%s%s", space, pmig_sections[i]);
		space = " ";
	}
	return *space;
}

static void send_record(const struct pmig_uevent_record *r)
{
	char event[32], engine[PMIG_NAME_LEN + 8], operation[32], stream[32], changed[64];
	char *env[6] = { event, engine };
	unsigned int n = 2;

	scnprintf(event, sizeof(event), "PMIG_EVENT=%s", r->event);
	scnprintf(engine, sizeof(engine), "ENGINE=%s", r->engine);
	scnprintf(operation, sizeof(operation), "OPERATION=%s", operations[r->operation]);
	scnprintf(stream, sizeof(stream), "STREAM=0x%llx", r->stream);
	if (r->has_session) {
		env[n++] = operation;
		env[n++] = stream;
	}
	if (list_sections(r, changed, sizeof(changed)))
		env[n++] = changed;
	kobject_uevent_env(&device->kobj, KOBJ_CHANGE, env);
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

	while (take_record(&r))
		send_record(&r);
	memalloc_noio_restore(noio);
}

/* Nothing here waits or needs memory. */
static void queue_record(const struct pmig_uevent_record *r)
{
	bool full;

	spin_lock(&queue_lock);
	full = queued - sent == QUEUE_LEN;
	if (!full)
		queue[queued++ % QUEUE_LEN] = *r;
	spin_unlock(&queue_lock);
	if (full)
		pr_warn("uevents can't be sent; \"%s\" of stream 0x%llx is lost\n", r->event,
			r->stream);
	queue_work(uevent_wq, &send_work);
}

static void queue_entered(struct pmig_session *s)
{
	struct pmig_uevent_record r = {
		.event = pmig_states[s->state].uevent,
		.has_session = true,
		.operation = s->operation,
		.stream = s->stream,
	};

	lockdep_assert_held(&pmig_session_lock);
	pmig_strcpy(r.engine, s->engine_name);
	if (s->changes)
		memcpy(r.nr, s->changes->nr, sizeof(r.nr));
	queue_record(&r);
}

/**
 * pmig_uevent_changed() - tell udev that the machine has changed without a migration
 * @changes: the comparison
 */
void pmig_uevent_changed(const struct pmig_changes *changes)
{
	struct pmig_uevent_record r = { .event = "changed" };

	pmig_strcpy(r.engine, changes->new->engine);
	memcpy(r.nr, changes->nr, sizeof(r.nr));
	queue_record(&r);
}

const struct pmig_session_listener pmig_uevent_listener = {
	.entered = queue_entered,
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
