// SPDX-License-Identifier: GPL-2.0-or-later
/* Everything in which the kernel still believes what was true before. */
#include "daemon/platform/stale.h"
#include "daemon/platform/stale-parts.h"

int stale_measure(const struct rows *now, struct rows *ret)
{
	int r = stale_caches(now, ret);

	if (r == 0)
		r = stale_cpus(now, ret);
	if (r == 0)
		r = stale_nodes(now, ret);
	return r;
}
