// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading of kernel modules. It waits for the module's init function, which is short in ours. */
#include <libkmod.h>

#include "daemon/module.h"
#include "daemon/util.h"

DEFINE_CLEANUP(struct kmod_ctx *, kmod_unref)

int module_load(const char *name)
{
	_cleanup_(kmod_unrefp) struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_list *list = NULL, *item;
	int r;

	if (!ctx)
		return log_oom();
	r = kmod_module_new_from_lookup(ctx, name, &list);
	if (r < 0)
		return r;
	if (!list)
		return -ENOENT;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *m = kmod_module_get_module(item);

		r = kmod_module_probe_insert_module(m, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL,
						    NULL);
		kmod_module_unref(m);
		if (r > 0)
			r = -EPERM; /* blacklisted */
		if (r < 0)
			break;
	}
	kmod_module_unref_list(list);
	return r;
}
