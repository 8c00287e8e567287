// SPDX-License-Identifier: GPL-2.0
/* The folder destinations/: a server each, edited while it is pending, frozen once it is live. */
#include <linux/slab.h>
#include "sim.h"

static struct config_group folder;
static LIST_HEAD(all);	/* under pmig_sim_lock */
static unsigned int nr; /* under pmig_sim_lock */

static struct pmig_sim_destination *to_destination(struct config_item *item)
{
	return container_of(to_config_group(item), struct pmig_sim_destination, group);
}

static ssize_t store_text(struct config_item *item, char *field, const char *page, size_t len)
{
	struct pmig_sim_destination *d = to_destination(item);
	size_t n = len && page[len - 1] == '\n' ? len - 1 : len;
	int err = 0;

	if (!n || n >= PMIG_SIM_TEXT_LEN)
		return -EINVAL;
	mutex_lock(&pmig_sim_lock);
	if (d->live) {
		err = -EBUSY;
	} else {
		memcpy(field, page, n);
		field[n] = 0;
	}
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

static ssize_t store_number(struct config_item *item, u64 *wide, u32 *field, u64 max, const char *page,
			    size_t len)
{
	struct pmig_sim_destination *d = to_destination(item);
	u64 value;
	int err;

	err = kstrtou64(page, 0, &value);
	if (err)
		return err;
	if (value > max)
		return -ERANGE;
	mutex_lock(&pmig_sim_lock);
	if (d->live)
		err = -EBUSY;
	else if (wide)
		*wide = value;
	else
		*field = value;
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

#define TEXT(name)                                                                            \
	static ssize_t destination_##name##_show(struct config_item *item, char *page)        \
	{                                                                                     \
		return sysfs_emit(page, "%s\n", to_destination(item)->machine.name);          \
	}                                                                                     \
	static ssize_t destination_##name##_store(struct config_item *item, const char *page, \
						  size_t len)                                 \
	{                                                                                     \
		return store_text(item, to_destination(item)->machine.name, page, len);       \
	}                                                                                     \
	CONFIGFS_ATTR(destination_, name)

#define NUMBER(name, field, max)                                                              \
	static ssize_t destination_##name##_show(struct config_item *item, char *page)        \
	{                                                                                     \
		return sysfs_emit(page, "%u\n", to_destination(item)->field);                 \
	}                                                                                     \
	static ssize_t destination_##name##_store(struct config_item *item, const char *page, \
						  size_t len)                                 \
	{                                                                                     \
		return store_number(item, NULL, &to_destination(item)->field, max, page, len);\
	}                                                                                     \
	CONFIGFS_ATTR(destination_, name)

TEXT(serial);
TEXT(model);
NUMBER(blackout_ms, blackout_ms, 600000);
NUMBER(lpar_id, machine.lpar_id, U16_MAX);
NUMBER(l1d_size, machine.l1d_size, U32_MAX);
NUMBER(l1i_size, machine.l1i_size, U32_MAX);
NUMBER(l2_size, machine.l2_size, U32_MAX);
NUMBER(l3_size, machine.l3_size, U32_MAX);

static ssize_t destination_clock_hz_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%llu\n", to_destination(item)->machine.clock_hz);
}

static ssize_t destination_clock_hz_store(struct config_item *item, const char *page, size_t len)
{
	return store_number(item, &to_destination(item)->machine.clock_hz, NULL, 1000000000000ULL, page,
			    len);
}

CONFIGFS_ATTR(destination_, clock_hz);

static ssize_t destination_live_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%d\n", to_destination(item)->live);
}

static ssize_t destination_live_store(struct config_item *item, const char *page, size_t len)
{
	bool live;
	int err = kstrtobool(page, &live);

	if (err)
		return err;
	mutex_lock(&pmig_sim_lock);
	to_destination(item)->live = live;
	mutex_unlock(&pmig_sim_lock);
	return len;
}

CONFIGFS_ATTR(destination_, live);

static struct configfs_attribute *attrs[] = {
	&destination_attr_serial,   &destination_attr_model,	&destination_attr_blackout_ms,
	&destination_attr_lpar_id,  &destination_attr_clock_hz, &destination_attr_l1d_size,
	&destination_attr_l1i_size, &destination_attr_l2_size,	&destination_attr_l3_size,
	&destination_attr_live,	    NULL,
};

static void release(struct config_item *item)
{
	kfree(to_destination(item));
}

static struct configfs_item_operations item_ops = { .release = release };

static const struct config_item_type type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

static struct config_group *make(struct config_group *group, const char *name)
{
	struct pmig_sim_destination *d;

	if (strlen(name) >= PMIG_SIM_TEXT_LEN)
		return ERR_PTR(-ENAMETOOLONG);
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->blackout_ms = 100;
	d->machine = (struct pmig_sim_machine){
		.serial = "SIM0002",
		.model = "IBM,SIM-B",
		.lpar_id = 2,
		.clock_hz = 4000000000ULL,
		.l1d_size = 65536,
		.l1i_size = 65536,
		.l2_size = 1048576,
		.l3_size = 16777216,
	};
	mutex_lock(&pmig_sim_lock);
	if (nr == PMIG_SIM_OBJECTS_MAX) {
		mutex_unlock(&pmig_sim_lock);
		kfree(d);
		return ERR_PTR(-ENOSPC);
	}
	list_add_tail(&d->node, &all);
	nr++;
	mutex_unlock(&pmig_sim_lock);
	config_group_init_type_name(&d->group, name, &type);
	return &d->group;
}

static void drop(struct config_group *group, struct config_item *item)
{
	mutex_lock(&pmig_sim_lock);
	list_del(&to_destination(item)->node);
	nr--;
	mutex_unlock(&pmig_sim_lock);
	config_item_put(item);
}

static struct configfs_group_operations group_ops = { .make_group = make, .drop_item = drop };

static const struct config_item_type folder_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

/**
 * pmig_sim_destination_find() - a live destination by its name
 * @name: its folder's name
 *
 * Return: the destination, good as long as pmig_sim_lock is held, or NULL.
 */
struct pmig_sim_destination *pmig_sim_destination_find(const char *name)
{
	struct pmig_sim_destination *d;

	lockdep_assert_held(&pmig_sim_lock);
	list_for_each_entry(d, &all, node)
		if (d->live && !strcmp(config_item_name(&d->group.cg_item), name))
			return d;
	return NULL;
}

struct config_group *pmig_sim_destinations_init(void)
{
	config_group_init_type_name(&folder, "destinations", &folder_type);
	return &folder;
}
