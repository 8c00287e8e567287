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
	u64 min;
	u64 max;
};

static void *field_address(struct config_item *item, const struct field *f)
{
	return (void *)to_destination(item) + f->offset;
}

static u64 get_number(struct config_item *item, const struct field *f)
{
	void *at = field_address(item, f);

	return f->size == sizeof(u64) ? *(u64 *)at : *(u32 *)at;
}

static void put_number(struct config_item *item, const struct field *f, u64 value)
{
	void *at = field_address(item, f);

	if (f->size == sizeof(u64))
		*(u64 *)at = value;
	else
		*(u32 *)at = value;
}

static ssize_t show_field(struct config_item *item, const struct field *f, char *page)
{
	ssize_t len;

	mutex_lock(&pmig_sim_lock);
	if (f->max)
		len = sysfs_emit(page, "%llu\n", get_number(item, f));
	else
		len = sysfs_emit(page, "%s\n", (char *)field_address(item, f));
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

/* A number outside of its range, or with which there are too many processors, changes nothing. */
static int set_number(struct config_item *item, const struct field *f, const char *page)
{
	u64 value, old;
	int err;

	lockdep_assert_held(&pmig_sim_lock);
	err = kstrtou64(page, 0, &value);
	if (err)
		return err;
	if (value < f->min || value > f->max)
		return -ERANGE;
	old = get_number(item, f);
	put_number(item, f, value);
	if (pmig_sim_topology_cpus(&to_destination(item)->machine.topology) > PMIG_SIM_CPUS_MAX) {
		put_number(item, f, old);
		return -ERANGE;
	}
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
		err = set_number(item, f, page);
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
#define TEXT(member)                             \
	{                                        \
		PLACE(member), PMIG_SIM_TEXT_LEN \
	}
#define NUMBER(type, member, min, max)                \
	{                                             \
		PLACE(member), sizeof(type), min, max \
	}
#define TOPOLOGY(member, min, max) NUMBER(u32, machine.topology.member, min, max)

static const struct field serial_field = TEXT(machine.serial);
static const struct field model_field = TEXT(machine.model);
static const struct field blackout_ms_field = NUMBER(u32, blackout_ms, 0, 600000);
static const struct field lpar_id_field = NUMBER(u32, machine.lpar_id, 0, U16_MAX);
static const struct field pvr_field = NUMBER(u32, machine.pvr, 0, U32_MAX);
static const struct field clock_hz_field = NUMBER(u64, machine.clock_hz, 0, 1000000000000ULL);
static const struct field nodes_field = TOPOLOGY(nodes, 1, PMIG_SIM_NODES_MAX);
static const struct field cores_per_node_field = TOPOLOGY(cores, 1, PMIG_SIM_CORES_MAX);
static const struct field threads_per_core_field = TOPOLOGY(threads, 1, PMIG_SIM_THREADS_MAX);
static const struct field lmbs_per_node_field = TOPOLOGY(lmbs, 0, PMIG_SIM_LMBS_MAX);
static const struct field home_shift_field = TOPOLOGY(home_shift, 0, PMIG_SIM_NODES_MAX - 1);
static const struct field l1d_size_field = TOPOLOGY(size[0], 0, U32_MAX);
static const struct field l1i_size_field = TOPOLOGY(l1i_size, 0, U32_MAX);
static const struct field l2_size_field = TOPOLOGY(size[1], 0, U32_MAX);
static const struct field l3_size_field = TOPOLOGY(size[2], 0, U32_MAX);
static const struct field l4_size_field = TOPOLOGY(size[3], 0, U32_MAX);
static const struct field l5_size_field = TOPOLOGY(size[4], 0, U32_MAX);
static const struct field l6_size_field = TOPOLOGY(size[5], 0, U32_MAX);
static const struct field l7_size_field = TOPOLOGY(size[6], 0, U32_MAX);
static const struct field l8_size_field = TOPOLOGY(size[7], 0, U32_MAX);

ATTRIBUTE(serial);
ATTRIBUTE(model);
ATTRIBUTE(blackout_ms);
ATTRIBUTE(lpar_id);
ATTRIBUTE(pvr);
ATTRIBUTE(clock_hz);
ATTRIBUTE(nodes);
ATTRIBUTE(cores_per_node);
ATTRIBUTE(threads_per_core);
ATTRIBUTE(lmbs_per_node);
ATTRIBUTE(home_shift);
ATTRIBUTE(l1d_size);
ATTRIBUTE(l1i_size);
ATTRIBUTE(l2_size);
ATTRIBUTE(l3_size);
ATTRIBUTE(l4_size);
ATTRIBUTE(l5_size);
ATTRIBUTE(l6_size);
ATTRIBUTE(l7_size);
ATTRIBUTE(l8_size);

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
	&destination_attr_pvr,
	&destination_attr_clock_hz,
	&destination_attr_nodes,
	&destination_attr_cores_per_node,
	&destination_attr_threads_per_core,
	&destination_attr_lmbs_per_node,
	&destination_attr_home_shift,
	&destination_attr_l1d_size,
	&destination_attr_l1i_size,
	&destination_attr_l2_size,
	&destination_attr_l3_size,
	&destination_attr_l4_size,
	&destination_attr_l5_size,
	&destination_attr_l6_size,
	&destination_attr_l7_size,
	&destination_attr_l8_size,
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
		.pvr = PMIG_SIM_PVR,
		.clock_hz = 4000000000ULL,
		.topology = {
			.nodes = 2,
			.cores = 1,
			.threads = 2,
			.lmbs = 2,
			.l1i_size = 65536,
			.size = { 65536, 1048576, 16777216 },
		},
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
