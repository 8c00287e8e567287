// SPDX-License-Identifier: GPL-2.0
/*
 * The machine as PowerVM shows it: from the device tree, which mainline has brought up to date when
 * its write returns; where processors are, the hypervisor itself says. It is never read while the
 * partition stands still. The tree may change meanwhile, and the machine is then looked at again.
 */
#include <linux/errno.h>

#include "caches.h"
#include "cpus.h"
#include "identity.h"
#include "memory.h"
#include "processors.h"
#include "snapshot.h"

int pmig_pseries_snapshot(struct pmig_snapshot *snap)
{
	struct pmig_processors *all = pmig_processors_find();
	int err;

	if (!all)
		return -ENOMEM;
	err = pmig_identity_snapshot(snap);
	if (!err)
		err = pmig_cpus_snapshot(snap, all);
	if (!err)
		err = pmig_caches_snapshot(snap, all);
	if (!err)
		err = pmig_memory_snapshot(snap);
	pmig_processors_free(all);
	if (err != -ENOSPC)
		return err;
	/* A part of it is better than none: who the machine is comes first. */
	pr_warn_once("the machine is larger than a snapshot: the rest is not compared\n");
	return 0;
}
