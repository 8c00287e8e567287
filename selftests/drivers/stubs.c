// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that is built without pmig, as Kbuild leaves PMIG_OUT_OF_TREE out for this file: all of
 * linux/pmig.h is there, and does nothing.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/pmig.h>

#include "stubs.h"

static int notify(struct pmig_notice *n)
{
	const struct pmig_snapshot *old = pmig_notice_old(n), *new = pmig_notice_new(n);
	u64 size = 0;

	if (pmig_notice_force(n) || pmig_notice_stream(n) || pmig_notice_data(n) ||
	    pmig_notice_operation(n) != PMIG_OPERATION_MIGRATE)
		return pmig_refuse(n, -EINVAL, "not %d", pmig_notice_phase(n));
	pmig_snapshot_put(pmig_snapshot_get(old));
	if (pmig_snapshot_u64(new, PMIG_CACHE_SIZE, PMIG_CACHE_KEY(0, 2, PMIG_CACHE_UNIFIED),
			      &size) ||
	    pmig_snapshot_text(new, PMIG_MODEL, PMIG_KEY_NONE))
		return -EINVAL;
	pmig_complete(n, 0, NULL);
	return PMIG_LATER;
}

int pmig_test_stubs(void)
{
	static struct pmig_handler handler = {
		.name = "test-a", /* taken, if anybody looked */
		.notify = notify,
		.phases = PMIG_PHASES_ALL,
	};
	int err = pmig_register_handler(&handler);

	pmig_unregister_handler(&handler);
	return err ?: notify(NULL) == PMIG_LATER ? 0 : -EINVAL;
}
