/* SPDX-License-Identifier: GPL-2.0 */
/* Tell one handler one thing, and wait for its answer. */
#ifndef _PMIG_NOTICE_H
#define _PMIG_NOTICE_H

#include "handler.h"
#include "news.h"

void pmig_notice_work(struct kthread_work *work);
struct pmig_notice *pmig_notice_alloc(void);
struct pmig_notice *pmig_notice_send(struct pmig_handler_ctx *ctx, enum pmig_phase phase,
				     const struct pmig_news *news);
int pmig_notice_wait(struct pmig_notice *n, struct pmig_refusal *refusal);
void pmig_notice_abandon(struct pmig_notice *n);
void pmig_notice_forget(struct pmig_notice *n);
int pmig_notice_unsent(struct pmig_handler_ctx *ctx, enum pmig_phase phase, int err,
		       struct pmig_refusal *refusal);

#endif /* _PMIG_NOTICE_H */
