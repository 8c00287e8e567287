// SPDX-License-Identifier: GPL-2.0
/* The folder destinations/: a server each, edited while it is pending, frozen once it is live. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "destination.h"

static struct config_group folder;
static LIST_HEAD(all);	/* under pmig_sim_lock */
static unsigned int nr; /* under pmig_sim_lock */

static struct pmig_sim_destination *to_destination(struct config_item *item)
{
	return container_of(to_config_group(item), struct pmig_sim_destination, group);
}

/* Where an attribute is kept: a text if there is no max, else a number of so many bytes. */
struct field {
	size_t offset;
	size_t size;
	u64 max;
};

static void *field_address(struct config_item *item, const struct field *f)
{
	return (void *)to_destination(item) + f->offset;
}

static ssize_t show_field(struct config_item *item, const struct field *f, char *page)
{
	void *at = field_address(item, f);
	ssize_t len;

	mutex_lock(&pmig_sim_lock);
	if (!f->max)
		len = sysfs_emit(page, "%s\n", (char *)at);
	else if (f->size == sizeof(u64))
		len = sysfs_emit(page, "%llu\n", *(u64 *)at);
	else
		len = sysfs_emit(page, "%u\n", *(u32 *)at);
	mutex_unlock(&pmig_sim_lock);
	return len;
}

static int set_text(char *at, size_t size, const char *page, size_t len)
{
	size_t n = len && page[len - 1] == '\n' ? len - 1 : len;

	lockdep_assert_held(&pmig_sim_lock);
	if (!n || n >= size)
		return -EINVAL;
	memcpy(at, page, n);
	at[n] = 0;
	return 0;
}

static int set_number(void *at, const struct field *f, const char *page)
{
	u64 value;
	int err;

	lockdep_assert_held(&pmig_sim_lock);
	err = kstrtou64(page, 0, &value);
	if (err)
		return err;
	if (value > f->max)
		return -ERANGE;
	if (f->size == sizeof(u64))
		*(u64 *)at = value;
	else
		*(u32 *)at = value;
	return 0;
}

static ssize_t store_field(struct config_item *item, const struct field *f, const char *page,
			   size_t len)
{
	int err;

	mutex_lock(&pmig_sim_lock);
	if (to_destination(item)->live)
		err = -EBUSY;
	else if (f->max)
		err = set_number(field_address(item, f), f, page);
	else
		err = set_text(field_address(item, f), f->size, page, len);
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

/* An attribute of this name, from the field name##_field. */
#define ATTRIBUTE(name)                                                                       \
	static ssize_t destination_##name##_show(struct config_item *item, char *page)        \
	{                                                                                     \
		return show_field(item, &name##_field, page);                                 \
	}                                                                                     \
	static ssize_t destination_##name##_store(struct config_item *item, const char *page, \
						  size_t len)                                 \
	{                                                                                     \
		return store_field(item, &name##_field, page, len);                           \
	}                                                                                     \
	CONFIGFS_ATTR(destination_, name)

#define PLACE(member) offsetof(struct pmig_sim_destination, member)

static const struct field serial_field = { PLACE(machine.serial), PMIG_SIM_TEXT_LEN };
static const struct field model_field = { PLACE(machine.model), PMIG_SIM_TEXT_LEN };
static const struct field blackout_ms_field = { PLACE(blackout_ms), sizeof(u32), 600000 };
static const struct field lpar_id_field = { PLACE(machine.lpar_id), sizeof(u32), U16_MAX };
static const struct field clock_hz_field = { PLACE(machine.clock_hz), sizeof(u64),
					     1000000000000ULL };
static const struct field l1d_size_field = { PLACE(machine.l1d_size), sizeof(u32), U32_MAX };
static const struct field l1i_size_field = { PLACE(machine.l1i_size), sizeof(u32), U32_MAX };
static const struct field l2_size_field = { PLACE(machine.l2_size), sizeof(u32), U32_MAX };
static const struct field l3_size_field = { PLACE(machine.l3_size), sizeof(u32), U32_MAX };

ATTRIBUTE(serial);
ATTRIBUTE(model);
ATTRIBUTE(blackout_ms);
ATTRIBUTE(lpar_id);
ATTRIBUTE(clock_hz);
ATTRIBUTE(l1d_size);
ATTRIBUTE(l1i_size);
ATTRIBUTE(l2_size);
ATTRIBUTE(l3_size);

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
	&destination_attr_serial,
	&destination_attr_model,
	&destination_attr_blackout_ms,
	&destination_attr_lpar_id,
	&destination_attr_clock_hz,
	&destination_attr_l1d_size,
	&destination_attr_l1i_size,
	&destination_attr_l2_size,
	&destination_attr_l3_size,
	&destination_attr_live,
	NULL,
};

static void release_destination(struct config_item *item)
{
	kfree(to_destination(item));
}

static struct configfs_item_operations item_ops = { .release = release_destination };

static const struct config_item_type type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

static struct config_group *make_destination(struct config_group *group, const char *name)
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

static void drop_destination(struct config_group *group, struct config_item *item)
{
	mutex_lock(&pmig_sim_lock);
	list_del(&to_destination(item)->node);
	nr--;
	mutex_unlock(&pmig_sim_lock);
	config_item_put(item);
}

static struct configfs_group_operations group_ops = { .make_group = make_destination,
						      .drop_item = drop_destination };

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
