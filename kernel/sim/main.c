// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/config/pmig_sim: destinations/, streams/, and the switches. fail_X is "ERRNO COUNT":
 * so many calls of X fail.
 *
 *	suspend		a try of ibm,suspend-me, of which there are five
 *	wait		the wait for Suspending inside the suspension; the stream stays as it is
 *	cancel, state	H_VASI_SIGNAL, H_VASI_STATE
 *	snapshot	reading what the machine is
 *
 * early_return: see engine.c; quiesce_now: NX-GZIP windows are in use; slow_cancel: a stream that
 * has been cancelled stays as it is until force_state says otherwise; hold_state: whoever asks for
 * a stream's state gets no answer before it is cleared.
 *
 * home_shift: that of the machine of now (see topology.h), 0 to 63. A write gives its processors
 * and memory other home nodes, without a migration, and says so to the module.
 */
#include <linux/configfs.h>
#include <linux/module.h>

#include "destination.h"
#include "engine.h"
#include "stream.h"
#include "switches.h"

static ssize_t store_failure(struct pmig_sim_failure *failure, const char *page, size_t len)
{
	unsigned int count;
	int err, n = 0;

	if (sscanf(page, "%d %u %n", &err, &count, &n) != 2 || page[n])
		return -EINVAL;
	if (err < 1 || err > MAX_ERRNO || count > 1000000)
		return -ERANGE;
	mutex_lock(&pmig_sim_lock);
	failure->err = err;
	failure->count = count;
	mutex_unlock(&pmig_sim_lock);
	return len;
}

#define FAILURE(name)                                                                             \
	static ssize_t sim_##name##_show(struct config_item *item, char *page)                    \
	{                                                                                         \
		return sysfs_emit(page, "%d %u\n", pmig_sim_##name.err, pmig_sim_##name.count);   \
	}                                                                                         \
	static ssize_t sim_##name##_store(struct config_item *item, const char *page, size_t len) \
	{                                                                                         \
		return store_failure(&pmig_sim_##name, page, len);                                \
	}                                                                                         \
	CONFIGFS_ATTR(sim_, name)

FAILURE(fail_suspend);
FAILURE(fail_wait);
FAILURE(fail_cancel);
FAILURE(fail_state);
FAILURE(fail_snapshot);

#define SWITCH(name)                                                                              \
	static ssize_t sim_##name##_show(struct config_item *item, char *page)                    \
	{                                                                                         \
		return sysfs_emit(page, "%d\n", pmig_sim_##name);                                 \
	}                                                                                         \
	static ssize_t sim_##name##_store(struct config_item *item, const char *page, size_t len) \
	{                                                                                         \
		return kstrtobool(page, &pmig_sim_##name) ?: (ssize_t)len;                        \
	}                                                                                         \
	CONFIGFS_ATTR(sim_, name)

SWITCH(early_return);
SWITCH(quiesce_now);
SWITCH(slow_cancel);
SWITCH(hold_state);

static ssize_t sim_machine_show(struct config_item *item, char *page)
{
	return pmig_sim_show_machine(page);
}

CONFIGFS_ATTR_RO(sim_, machine);

static ssize_t sim_home_shift_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%u\n", pmig_sim_home_shift());
}

static ssize_t sim_home_shift_store(struct config_item *item, const char *page, size_t len)
{
	u32 shift;

	return kstrtou32(page, 0, &shift) ?: pmig_sim_rehome(shift) ?: (ssize_t)len;
}

CONFIGFS_ATTR(sim_, home_shift);

static struct configfs_attribute *attrs[] = {
	&sim_attr_fail_suspend, &sim_attr_fail_wait,	 &sim_attr_fail_cancel,
	&sim_attr_fail_state,	&sim_attr_fail_snapshot, &sim_attr_early_return,
	&sim_attr_quiesce_now,	&sim_attr_slow_cancel,	 &sim_attr_hold_state,
	&sim_attr_machine,	&sim_attr_home_shift,	 NULL,
};

static const struct config_item_type type = {
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "pmig_sim",
			.ci_type = &type,
		},
	},
};

static int __init pmig_sim_init(void)
{
	int err;

	config_group_init(&subsystem.su_group);
	mutex_init(&subsystem.su_mutex);
	configfs_add_default_group(pmig_sim_destinations_init(), &subsystem.su_group);
	configfs_add_default_group(pmig_sim_streams_init(pmig_sim_foreign), &subsystem.su_group);
	err = pmig_register_engine(&pmig_sim_engine);
	if (err)
		return err;
	err = configfs_register_subsystem(&subsystem);
	if (err)
		pmig_unregister_engine(&pmig_sim_engine);
	return err;
}

static void __exit pmig_sim_exit(void)
{
	configfs_unregister_subsystem(&subsystem);
	pmig_unregister_engine(&pmig_sim_engine);
}

module_init(pmig_sim_init);
module_exit(pmig_sim_exit);
PMIG_IMPORT_NS();
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A simulated hypervisor for pmig, with destinations and failures by configfs");
