/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All of the kernel's handlers. Each of these tells those that want to hear it; process context,
 * may take as long as all deadlines together.
 */
#ifndef _PMIG_CHAIN_H
#define _PMIG_CHAIN_H

#include "news.h"

void pmig_chain_check(const struct pmig_news *news, struct pmig_refusals *refusals);
int pmig_chain_pre(const struct pmig_news *news, const bool *stop, struct pmig_refusals *refusals);
void pmig_chain_post(const struct pmig_news *news);
void pmig_chain_undo(const struct pmig_news *news);

/*
 * Between the beginning of PRE and the end of POST or POST_ERROR. A handler that is added meanwhile
 * is told nothing before that is over.
 */
void pmig_chain_set_busy(bool busy);

#endif /* _PMIG_CHAIN_H */
