// SPDX-License-Identifier: GPL-2.0
/*
 * A security module, for the selftests: nobody may open sysfs's file "migration" for writing
 * through a mount that no process sees. No lab kernel has a policy that says so, and the debug
 * kernel has no security modules at all, so the probe is on what opens any file.
 */
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mount.h>

static int enter_open(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct path *path = (const struct path *)regs->gpr[3];
	const struct file *file = (const struct file *)regs->gpr[4];

	if (!(file->f_mode & FMODE_WRITE) || strcmp(path->dentry->d_name.name, "migration"))
		return 1;
	return !(path->mnt->mnt_flags & MNT_INTERNAL);
}

NOKPROBE_SYMBOL(enter_open);

static int leave_open(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	regs_set_return_value(regs, -EACCES);
	return 0;
}

NOKPROBE_SYMBOL(leave_open);

static struct kretprobe probe = {
	.kp.symbol_name = "vfs_open",
	.entry_handler = enter_open,
	.handler = leave_open,
	.maxactive = 16,
};

static int __init pmig_deny_init(void)
{
	return register_kretprobe(&probe);
}

static void __exit pmig_deny_exit(void)
{
	unregister_kretprobe(&probe);
}

module_init(pmig_deny_init);
module_exit(pmig_deny_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Denies the module what a security module could, for the selftests of pmig");
