// SPDX-License-Identifier: GPL-2.0
/*
 * The files in which a pseries kernel shows NX-GZIP windows, for the selftests on machines that
 * have none:
 *
 *	/sys/devices/virtual/misc/vas/vas0/gzip/default_capabilities/nr_used_credits
 *	/sys/devices/virtual/misc/vas/vas0/gzip/qos_capabilities/nr_used_credits
 *
 * The numbers are the parameters default_credits and qos_credits. Names and layout are those of
 * arch/powerpc/platforms/pseries/vas-sysfs.c; where that one has registered, this one does not
 * load.
 */
#include <linux/kobject.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sysfs.h>

static unsigned int default_credits;
module_param(default_credits, uint, 0644);
MODULE_PARM_DESC(default_credits, "windows with default credits (0)");
static unsigned int qos_credits;
module_param(qos_credits, uint, 0644);
MODULE_PARM_DESC(qos_credits, "windows with QoS credits (0)");

static struct miscdevice vas = { .minor = MISC_DYNAMIC_MINOR, .name = "vas" };
static struct kobject *vas0, *gzip, *default_dir, *qos_dir;

static ssize_t nr_used_credits_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", kobj == qos_dir ? qos_credits : default_credits);
}

static const struct kobj_attribute credits = __ATTR_RO(nr_used_credits);

static struct kobject *add_kind(const char *name)
{
	struct kobject *dir = kobject_create_and_add(name, gzip);

	if (dir && sysfs_create_file(dir, &credits.attr)) {
		kobject_put(dir);
		return NULL;
	}
	return dir;
}

static void remove_all(void)
{
	kobject_put(qos_dir);
	kobject_put(default_dir);
	kobject_put(gzip);
	kobject_put(vas0);
	misc_deregister(&vas);
}

static int __init pmig_vas_init(void)
{
	int err = misc_register(&vas);

	if (err)
		return err;
	vas0 = kobject_create_and_add("vas0", &vas.this_device->kobj);
	if (vas0)
		gzip = kobject_create_and_add("gzip", vas0);
	if (gzip) {
		default_dir = add_kind("default_capabilities");
		qos_dir = add_kind("qos_capabilities");
	}
	if (default_dir && qos_dir)
		return 0;
	remove_all();
	return -ENOMEM;
}

static void __exit pmig_vas_exit(void)
{
	remove_all();
}

module_init(pmig_vas_init);
module_exit(pmig_vas_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The sysfs files of NX-GZIP windows, for the selftests of pmig");
