// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/devices/virtual/pmig/pmig sends a "change" uevent at every change of the session's state:
 * PMIG_EVENT=what happens, STREAM=0x..., ENGINE=..., and after the move CHANGED=names,
 * comma-separated. Its attribute others_seen_by says how a migration that somebody else starts is
 * noticed: "tracepoints", when the partition has stood still; "probe", at once; "device-tree", when
 * it is over; "none".
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "uevent.h"

/* A uevent has 2048 bytes in all; names that do not fit are left out, and "..." says so. */
#define CHANGED_LEN 1024

static struct class class = { .name = "pmig" };
static struct device *device;

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

static void send_uevent(struct pmig_session *s)
{
	char event[32], stream[32], engine[PMIG_NAME_LEN + 8];
	char *names = s->changes ? changed_names(s->changes) : NULL;
	char *env[5] = { event, stream, engine, names, NULL };

	scnprintf(event, sizeof(event), "PMIG_EVENT=%s", pmig_states[s->state].uevent);
	scnprintf(stream, sizeof(stream), "STREAM=0x%llx", s->stream);
	scnprintf(engine, sizeof(engine), "ENGINE=%s", s->engine_name);
	kobject_uevent_env(&device->kobj, KOBJ_CHANGE, env);
	kfree(names);
}

const struct pmig_session_listener pmig_uevent_listener = {
	.entered = send_uevent,
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
	int err = class_register(&class);

	if (err)
		return err;
	device = device_create_with_groups(&class, NULL, MKDEV(0, 0), NULL, pmig_groups, "pmig");
	err = PTR_ERR_OR_ZERO(device);
	if (err)
		class_unregister(&class);
	return err;
}

void pmig_uevent_exit(void)
{
	device_unregister(device);
	class_unregister(&class);
}
