/* SPDX-License-Identifier: GPL-2.0 */
/* The slot: it has the one session that there is. */
#ifndef _PMIG_SLOT_H
#define _PMIG_SLOT_H

#include "session.h"

/* With pmig_session_lock held. */
struct pmig_session *pmig_slot_current(void);
int pmig_slot_install(struct pmig_session *s, enum pmig_state state);
void pmig_slot_forget(struct pmig_session *s);
int pmig_slot_adopt(struct pmig_session *s, u32 portid);
void pmig_slot_orphan(struct pmig_session *s);
bool pmig_slot_end_late(u32 portid);
bool pmig_slot_has_room(void);
void pmig_slot_make_room(void);
struct pmig_session *pmig_slot_find(u64 stream);

/* Without it. */
struct pmig_session *pmig_slot_get(void);
void pmig_slot_done(struct pmig_session *s);
void pmig_slot_exit(void);

#endif /* _PMIG_SLOT_H */
