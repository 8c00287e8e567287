// SPDX-License-Identifier: GPL-2.0
/*
 * The folder streams/: a migration each, named by its ID in hexadecimal. While it is pending, its
 * script and destination can be set. Once it is live, the platform knows it and its script plays.
 * force_state puts it into a state from outside, foreign lets somebody else suspend.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "destination.h"
#include "stream.h"

#define DEFAULT_SCRIPT "enabled:100 suspending resumed:100 completed"

static struct config_group folder;
static LIST_HEAD(all);		       /* under pmig_sim_lock */
static unsigned int nr;		       /* under pmig_sim_lock */
static int (*suspend_foreign)(u64 id); /* set once before the folder is there */

static void start_script(struct pmig_sim_stream *stream)
{
	lockdep_assert_held(&pmig_sim_lock);
	stream->at = 0;
	stream->since = ktime_get();
	stream->forced = false;
	stream->cancel_reason = 0;
	stream->polls = 0;
}

/**
 * pmig_sim_stream_state() - where the stream stands now
 * @stream: the stream
 *
 * Return: enum pmig_vasi or PMIG_SIM_GONE.
 */
int pmig_sim_stream_state(struct pmig_sim_stream *stream)
{
	struct pmig_sim_script *script = &stream->script;
	ktime_t end;

	lockdep_assert_held(&pmig_sim_lock);
	if (stream->forced)
		return stream->forced_state;
	if (stream->cancel_reason && !READ_ONCE(pmig_sim_slow_cancel))
		return PMIG_VASI_ABORTED;
	while (stream->at + 1 < script->nr && script->step[stream->at].timed) {
		end = ktime_add_ms(stream->since, script->step[stream->at].ms);
		if (ktime_before(ktime_get(), end))
			break;
		stream->since = end;
		stream->at++;
	}
	return script->step[stream->at].state;
}

/*
 * The partition has suspended: go on behind Suspending, or to Completed where the script says no
 * more.
 */
void pmig_sim_stream_resume(struct pmig_sim_stream *stream)
{
	struct pmig_sim_script *script = &stream->script;

	lockdep_assert_held(&pmig_sim_lock);
	stream->forced = false;
	stream->since = ktime_get();
	while (stream->at < script->nr && script->step[stream->at].state != PMIG_VASI_SUSPENDING)
		stream->at++;
	stream->at++;
	if (stream->at >= script->nr) {
		stream->at = 0;
		stream->forced = true;
		stream->forced_state = PMIG_VASI_COMPLETED;
	}
}

static struct pmig_sim_stream *to_stream(struct config_item *item)
{
	return container_of(to_config_group(item), struct pmig_sim_stream, group);
}

static ssize_t stream_destination_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n", to_stream(item)->destination);
}

static ssize_t stream_destination_store(struct config_item *item, const char *page, size_t len)
{
	struct pmig_sim_stream *stream = to_stream(item);
	size_t n = len && page[len - 1] == '\n' ? len - 1 : len;
	int err = 0;

	if (n >= sizeof(stream->destination))
		return -EINVAL;
	mutex_lock(&pmig_sim_lock);
	if (stream->live) {
		err = -EBUSY;
	} else {
		memcpy(stream->destination, page, n);
		stream->destination[n] = 0;
	}
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

static ssize_t stream_script_show(struct config_item *item, char *page)
{
	int len;

	mutex_lock(&pmig_sim_lock);
	len = pmig_sim_script_show(&to_stream(item)->script, page);
	mutex_unlock(&pmig_sim_lock);
	return len;
}

static ssize_t stream_script_store(struct config_item *item, const char *page, size_t len)
{
	struct pmig_sim_stream *stream = to_stream(item);
	int err;

	mutex_lock(&pmig_sim_lock);
	err = stream->live ? -EBUSY : pmig_sim_script_parse(&stream->script, page);
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

static ssize_t stream_state_show(struct config_item *item, char *page)
{
	struct pmig_sim_stream *stream = to_stream(item);
	int state = PMIG_SIM_GONE;

	mutex_lock(&pmig_sim_lock);
	if (stream->live)
		state = pmig_sim_stream_state(stream);
	mutex_unlock(&pmig_sim_lock);
	return sysfs_emit(page, "%s\n", pmig_sim_state_name(state));
}

static ssize_t stream_force_state_store(struct config_item *item, const char *page, size_t len)
{
	struct pmig_sim_stream *stream = to_stream(item);
	char word[16];
	int state;

	if (strscpy(word, page, sizeof(word)) < 0)
		return -EINVAL;
	state = pmig_sim_state_parse(strim(word));
	if (state == -EINVAL)
		return -EINVAL;
	mutex_lock(&pmig_sim_lock);
	stream->forced = true;
	stream->forced_state = state;
	mutex_unlock(&pmig_sim_lock);
	return len;
}

static ssize_t stream_cancel_reason_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "0x%08x\n", to_stream(item)->cancel_reason);
}

static ssize_t stream_polls_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%u\n", to_stream(item)->polls);
}

static ssize_t stream_live_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%d\n", to_stream(item)->live);
}

static ssize_t stream_live_store(struct config_item *item, const char *page, size_t len)
{
	struct pmig_sim_stream *stream = to_stream(item);
	bool live;
	int err;

	err = kstrtobool(page, &live);
	if (err)
		return err;
	mutex_lock(&pmig_sim_lock);
	if (live && !pmig_sim_destination_find(stream->destination))
		err = -ENODEV;
	if (!err && live && !stream->live)
		start_script(stream);
	if (!err)
		stream->live = live;
	mutex_unlock(&pmig_sim_lock);
	return err ?: len;
}

/* Whoever writes suspends the stream without asking anyone; returns when that has ended. */
static ssize_t stream_foreign_store(struct config_item *item, const char *page, size_t len)
{
	int err = suspend_foreign(to_stream(item)->id);

	return err ?: len;
}

CONFIGFS_ATTR(stream_, destination);
CONFIGFS_ATTR(stream_, script);
CONFIGFS_ATTR_RO(stream_, state);
CONFIGFS_ATTR_WO(stream_, force_state);
CONFIGFS_ATTR_RO(stream_, cancel_reason);
CONFIGFS_ATTR_RO(stream_, polls);
CONFIGFS_ATTR(stream_, live);
CONFIGFS_ATTR_WO(stream_, foreign);

static struct configfs_attribute *attrs[] = {
	&stream_attr_destination, &stream_attr_script,	      &stream_attr_state,
	&stream_attr_force_state, &stream_attr_cancel_reason, &stream_attr_polls,
	&stream_attr_live,	  &stream_attr_foreign,	      NULL,
};

static void release_stream(struct config_item *item)
{
	kfree(to_stream(item));
}

static struct configfs_item_operations item_ops = { .release = release_stream };

static const struct config_item_type type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = attrs,
	.ct_owner = THIS_MODULE,
};

/* Add to the list, unless the ID is there already under another spelling. */
static int add_stream(struct pmig_sim_stream *stream)
{
	struct pmig_sim_stream *pos;

	lockdep_assert_held(&pmig_sim_lock);
	if (nr == PMIG_SIM_OBJECTS_MAX)
		return -ENOSPC;
	list_for_each_entry(pos, &all, node)
		if (pos->id == stream->id)
			return -EEXIST;
	list_add_tail(&stream->node, &all);
	nr++;
	return 0;
}

static struct config_group *make_stream(struct config_group *group, const char *name)
{
	struct pmig_sim_stream *stream;
	u64 id;
	int err;

	if (strncmp(name, "0x", 2) || kstrtou64(name, 16, &id) || !id)
		return ERR_PTR(-EINVAL);
	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return ERR_PTR(-ENOMEM);
	stream->id = id;
	mutex_lock(&pmig_sim_lock);
	err = pmig_sim_script_parse(&stream->script, DEFAULT_SCRIPT);
	if (!err)
		err = add_stream(stream);
	mutex_unlock(&pmig_sim_lock);
	if (err) {
		kfree(stream);
		return ERR_PTR(err);
	}
	config_group_init_type_name(&stream->group, name, &type);
	return &stream->group;
}

static void drop_stream(struct config_group *group, struct config_item *item)
{
	mutex_lock(&pmig_sim_lock);
	list_del(&to_stream(item)->node);
	to_stream(item)->live = false;
	nr--;
	mutex_unlock(&pmig_sim_lock);
	config_item_put(item);
}

static struct configfs_group_operations group_ops = { .make_group = make_stream,
						      .drop_item = drop_stream };

static const struct config_item_type folder_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

/**
 * pmig_sim_stream_find() - a live stream that is not gone
 * @id: stream ID
 *
 * Return: the stream, good as long as pmig_sim_lock is held, or NULL.
 */
struct pmig_sim_stream *pmig_sim_stream_find(u64 id)
{
	struct pmig_sim_stream *pos;

	lockdep_assert_held(&pmig_sim_lock);
	list_for_each_entry(pos, &all, node)
		if (pos->live && pos->id == id && pmig_sim_stream_state(pos) != PMIG_SIM_GONE)
			return pos;
	return NULL;
}

struct config_group *pmig_sim_streams_init(int (*foreign)(u64 id))
{
	suspend_foreign = foreign;
	config_group_init_type_name(&folder, "streams", &folder_type);
	return &folder;
}
