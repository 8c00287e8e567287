/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to user space. */
#ifndef _PMIG_MESSAGE_H
#define _PMIG_MESSAGE_H

#include <net/genetlink.h>

#include "session.h"

extern const struct pmig_session_listener pmig_message_listener;

void pmig_message_init(struct genl_family *to);

/* With pmig_session_lock held, so that messages leave in the order of their numbers. */
struct sk_buff *pmig_message(const struct pmig_session *s, u32 portid, u32 seq, int flags, u8 cmd);

/* Without it. */
void pmig_message_changed(const struct pmig_changes *changes);

#endif /* _PMIG_MESSAGE_H */
