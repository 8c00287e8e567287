// SPDX-License-Identifier: GPL-2.0
/*
 * What says that the machine has to be looked at again: changes of the device tree that concern its
 * identity, processors, caches or memory; processors and memory that come or go; and a system that
 * has slept.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/suspend.h>

#include "identity.h"
#include "memory.h"
#include "triggers.h"

static const struct pmig_trigger_watcher *watcher; /* set once before the first trigger */

/* Which notifiers are registered, and what they are for. */
static bool noticing; /* changes of the device tree */
static bool sizing;   /* memory that comes or goes */
static bool resting;  /* sleep of the system */
static int cpu_state; /* processors that come or go; 0: not registered */

static bool is_topology(const struct device_node *np)
{
	return of_node_is_type(np, "cpu") || of_node_is_type(np, "cache") ||
	       of_node_is_type(np, "memory") || of_node_name_eq(np, PMIG_MEMORY_NODE);
}

static bool matters(unsigned long action, const struct of_reconfig_data *change)
{
	if (!change->dn)
		return false;
	if (!of_node_is_root(change->dn))
		return is_topology(change->dn);
	return change->prop && action != OF_RECONFIG_ATTACH_NODE &&
	       action != OF_RECONFIG_DETACH_NODE && pmig_is_identity(change->prop->name);
}

static int tree_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	if (matters(action, data))
		watcher->changed();
	return NOTIFY_OK;
}

static struct notifier_block tree_notifier = { .notifier_call = tree_changed };

static int memory_resized(struct notifier_block *nb, unsigned long action, void *data)
{
	if (action == MEM_ONLINE || action == MEM_OFFLINE)
		watcher->resized("memory");
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = { .notifier_call = memory_resized };

/* Those that are stopped while the system sleeps come back. */
static int cpu_resized(unsigned int cpu)
{
	if (!cpuhp_tasks_frozen)
		watcher->resized("processors");
	return 0;
}

static int system_rests(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		watcher->sleeps(true);
		break;
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		watcher->sleeps(false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block rest_notifier = { .notifier_call = system_rests };

/**
 * pmig_triggers_init() - from now on changes are seen
 * @w: is told of them
 *
 * Without one of the triggers the others still serve.
 *
 * Return: false where changes of the device tree cannot be seen.
 */
bool pmig_triggers_init(const struct pmig_trigger_watcher *w)
{
	watcher = w;
	noticing = !of_reconfig_notifier_register(&tree_notifier);
	sizing = !register_memory_notifier(&memory_notifier);
	resting = !register_pm_notifier(&rest_notifier);
	cpu_state = max(0, cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "pmig:online",
						     cpu_resized, cpu_resized));
	return noticing;
}

/* When it returns nothing here is called any more. */
void pmig_triggers_exit(void)
{
	if (cpu_state)
		cpuhp_remove_state_nocalls(cpu_state);
	if (resting)
		unregister_pm_notifier(&rest_notifier);
	if (sizing)
		unregister_memory_notifier(&memory_notifier);
	if (noticing)
		of_reconfig_notifier_unregister(&tree_notifier);
}
