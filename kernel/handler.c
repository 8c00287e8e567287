// SPDX-License-Identifier: GPL-2.0
/* One registered handler: what a driver may register, and how long the module's half lives. */
#include <linux/slab.h>

#include "handler.h"

DEFINE_MUTEX(pmig_handlers_lock); /* see handler.h */

static void release_handler(struct kref *ref)
{
	struct pmig_handler_ctx *ctx = container_of(ref, struct pmig_handler_ctx, ref);

	kfree(ctx->spare);
	kfree(ctx);
}

void pmig_handler_put(struct pmig_handler_ctx *ctx)
{
	kref_put(&ctx->ref, release_handler);
}

static bool phases_valid(const struct pmig_handler *h)
{
	u32 ends = PMIG_PHASES(PMIG_PHASE_POST) | PMIG_PHASES(PMIG_PHASE_POST_ERROR);

	if (!h->notify || !h->phases || (h->phases & ~PMIG_PHASES_ALL) ||
	    h->timeout_ms > PMIG_TIMEOUT_MAX)
		return false;
	return !(h->phases & PMIG_PHASES(PMIG_PHASE_PRE)) || (h->phases & ends) == ends;
}

/* Does it keep to what linux/pmig.h asks for? */
bool pmig_handler_valid(const struct pmig_handler *h)
{
	return h && h->name && *h->name && strnlen(h->name, PMIG_NAME_LEN) < PMIG_NAME_LEN &&
	       phases_valid(h);
}
