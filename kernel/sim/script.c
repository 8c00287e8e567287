// SPDX-License-Identifier: GPL-2.0
/*
 * The script of a stream: "enabled:500 suspending resumed:100 completed" are its states in order,
 * each with the milliseconds it lasts. A state without a time lasts until the partition has
 * suspended, or for good. Nothing runs in the background: where a stream stands is worked out when
 * somebody asks.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "script.h"

static const char *const names[] = {
	[PMIG_VASI_INVALID] = "invalid",     [PMIG_VASI_ENABLED] = "enabled",
	[PMIG_VASI_ABORTED] = "aborted",     [PMIG_VASI_SUSPENDING] = "suspending",
	[PMIG_VASI_SUSPENDED] = "suspended", [PMIG_VASI_RESUMED] = "resumed",
	[PMIG_VASI_COMPLETED] = "completed",
};

const char *pmig_sim_state_name(int state)
{
	return state == PMIG_SIM_GONE ? "gone" : names[state];
}

/* A state, PMIG_SIM_GONE, or -EINVAL. */
int pmig_sim_state_parse(const char *text)
{
	int state;

	if (!strcmp(text, "gone"))
		return PMIG_SIM_GONE;
	state = match_string(names, ARRAY_SIZE(names), text);
	return state < 0 ? -EINVAL : state;
}

static int parse_step(struct pmig_sim_step *step, char *word)
{
	char *ms = strchr(word, ':');
	int err;

	if (ms)
		*ms++ = 0;
	step->state = pmig_sim_state_parse(word);
	if (step->state == -EINVAL)
		return -EINVAL;
	step->timed = ms;
	if (!ms)
		return 0;
	err = kstrtou32(ms, 10, &step->ms);
	return err ?: step->ms > PMIG_SIM_MS_MAX ? -ERANGE : 0;
}

int pmig_sim_script_parse(struct pmig_sim_script *script, const char *text)
{
	char *copy = kstrdup(text, GFP_KERNEL), *at = copy, *word;
	struct pmig_sim_script new = {};
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&at, " \t\n"))) {
		if (!*word)
			continue;
		if (new.nr == PMIG_SIM_STEPS_MAX)
			err = -E2BIG;
		else
			err = parse_step(&new.step[new.nr++], word);
	}
	if (!err && !new.nr)
		err = -EINVAL;
	if (!err)
		*script = new;
	kfree(copy);
	return err;
}

int pmig_sim_script_show(const struct pmig_sim_script *script, char *page)
{
	const struct pmig_sim_step *step;
	int len = 0;

	for (step = script->step; step < script->step + script->nr; step++) {
		len += scnprintf(page + len, PAGE_SIZE - len, "%s%s", len ? " " : "",
				 pmig_sim_state_name(step->state));
		if (step->timed)
			len += scnprintf(page + len, PAGE_SIZE - len, ":%u", step->ms);
	}
	return len + scnprintf(page + len, PAGE_SIZE - len, "\n");
}
