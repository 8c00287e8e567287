// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads kernel modules. This waits for the module's init function, which is short in ours. */
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "daemon/base/util.h"
#include "daemon/platform/module.h"

DEFINE_CLEANUP(struct kmod_ctx *, kmod_unref)

/* Why the kernel has not taken a module. */
static const char *kernel_text(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "it is built for another kernel (vermagic), or damaged";
	case -ENOENT:
	case -EINVAL:
		return "it needs what this kernel does not have, or has in another version";
	case -EKEYREJECTED:
	case -ENOKEY:
	case -EBADMSG:
		return "it has no signature that this kernel trusts";
	case -EPERM:
		return "this kernel takes no modules (lockdown, or kernel.modules_disabled)";
	default:
		return errno_text(error);
	}
}

static int insert(struct kmod_module *m, const char *name, char *why, size_t size)
{
	int r = kmod_module_probe_insert_module(m, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL,
						NULL);

	if (r == KMOD_PROBE_APPLY_BLACKLIST) {
		snprintf(why, size, "%s.ko is blacklisted in modprobe.d", name);
		return -EPERM;
	}
	if (r < 0 && kmod_module_get_install_commands(m))
		snprintf(why, size, "%s.ko can't be loaded: its install line in modprobe.d fails",
			 name);
	else if (r < 0)
		snprintf(why, size, "%s.ko can't be loaded: %s", name, kernel_text(r));
	return r;
}

int module_load(const char *name, char *why, size_t size)
{
	_cleanup_(kmod_unrefp) struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	struct kmod_list *list = NULL, *item;
	struct utsname kernel;
	int r;

	if (!ctx)
		return log_oom();
	uname(&kernel);
	snprintf(why, size, "there is no %s.ko for kernel %s", name, kernel.release);
	r = kmod_module_new_from_lookup(ctx, name, &list);
	if (r < 0 || !list)
		return -ENOENT;
	kmod_list_foreach(item, list)
	{
		struct kmod_module *m = kmod_module_get_module(item);

		r = insert(m, name, why, size);
		kmod_module_unref(m);
		if (r < 0)
			break;
	}
	kmod_module_unref_list(list);
	return r;
}
