/* SPDX-License-Identifier: GPL-2.0 */
/* Results that nobody owns. All of these with pmig_session_lock held. */
#ifndef _PMIG_HISTORY_H
#define _PMIG_HISTORY_H

#include "session.h"

void pmig_history_add(struct pmig_session *s);
bool pmig_history_has(u64 stream);
struct pmig_session *pmig_history_take(const u64 *stream);
bool pmig_history_end_late(u32 portid);

#endif /* _PMIG_HISTORY_H */
