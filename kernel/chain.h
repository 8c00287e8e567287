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

#endif /* _PMIG_CHAIN_H */
