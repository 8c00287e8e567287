// SPDX-License-Identifier: GPL-2.0-or-later
/* All of the facts, and which of them a migration has to leave as they are. */
#include <stdlib.h>
#include <string.h>

#include "daemon/platform/fact.h"
#include "daemon/platform/facts-parts.h"
#include "daemon/platform/facts.h"

/*
 * What is not named here may change: an adapter's location names the server, of an adapter's two port names the other
 * one is used after a move, and whoever may mount may do so meanwhile.
 */
static const struct {
	const char *section;
	const char *field;
} stays[] = {
	{ "platform", "partition-type" },
	{ "platform", "architecture" },
	{ "platform", "smt-control" },
	{ "platform", "smt-active" },
	{ "platform", "threads-per-core" },
	{ "platform", "cpus-online" },
	{ "platform", "lmb-size" },
	{ "platform", "entitled-capacity" },
	{ "platform", "max-entitled-capacity" },
	{ "platform", "capacity-weight" },
	{ "platform", "capped" },
	{ "platform", "active-processors" },
	{ "platform", "potential-processors" },
	{ "platform", "max-memory" },
	{ "adapter", "type" },
	{ "adapter", "drc-index" },
	{ "adapter", "mac" },
};

static void mark(struct row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(stays); i++)
		if (strcmp(row->section, stays[i].section) == 0 &&
		    strcmp(row->field, stays[i].field) == 0)
			row->flags |= ROW_F_STAYS;
}

static int order(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int r = strcmp(a->section, b->section);

	if (r == 0)
		r = strcmp(a->key, b->key);
	return r ? r : strcmp(a->field, b->field);
}

int facts_read(struct rows *ret)
{
	static int (*const parts[])(struct rows *) = {
		facts_platform,
		facts_lparcfg,
		facts_adapters,
		facts_mounts,
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
		r = parts[i](ret);
	for (size_t i = 0; i < ret->n; i++)
		mark(&ret->v[i]);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), order);
	return r;
}
