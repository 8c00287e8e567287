/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode=observe: what would have been done, as lines in the log. */
#ifndef DRMGRD_OBSERVE_H
#define DRMGRD_OBSERVE_H

#include "daemon/base/config.h"
#include "daemon/session/plan.h"

struct backend;
struct registry;

/* What it reads and does not change. */
struct observer {
	const struct config *config;
	const struct eventlog *log;
	struct registry *registry;
	struct backend *module;
};

/* Who would have been asked or told what in this phase, in which order, and who may refuse. Nobody is asked. */
void observe_plan(const struct observer *o, const struct plan *plan);

#endif /* DRMGRD_OBSERVE_H */
