/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DRMGR_WIREMSG_H
#define DRMGR_WIREMSG_H

#include "shared/wire.h"

#include <stddef.h>

/**
 * wire_event_check() - check that this is an event
 * @event: its fixed part, which is all that is checked
 * @len: length of the whole message, even if the caller has read only its fixed part
 *
 * Return: 0, -EBADMSG.
 */
int wire_event_check(const struct wire_event *event, size_t len);

/**
 * wire_change_check() - check that all its strings are terminated
 *
 * Return: 0, -EBADMSG.
 */
int wire_change_check(const struct wire_change *change);

/**
 * wire_answer_check() - check that this is an answer
 * @len: length of the message
 *
 * Return: 0, -EBADMSG.
 */
int wire_answer_check(const struct wire_answer *answer, size_t len);

/**
 * wire_text() - make one harmless line of what somebody else sent
 *
 * Replaces control characters, so that a reason cannot forge a line of the log or control the operator's terminal. Also
 * replaces each byte that is not part of valid UTF-8, which D-Bus would refuse.
 *
 * Return: @s.
 */
char *wire_text(char *s);

#endif /* DRMGR_WIREMSG_H */
