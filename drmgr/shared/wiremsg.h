/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DRMGR_WIREMSG_H
#define DRMGR_WIREMSG_H

#include "shared/wire.h"

#include <stddef.h>

/**
 * wire_event_check() - is this an event?
 * @event: its fixed part, which is all that is looked at
 * @len: length of the whole message, or more than sizeof(*event) bytes of it where it was truncated
 *
 * Return: 0, -EBADMSG.
 */
int wire_event_check(const struct wire_event *event, size_t len);

/**
 * wire_change_check() - are all strings of it terminated?
 *
 * Return: 0, -EBADMSG.
 */
int wire_change_check(const struct wire_change *change);

/**
 * wire_answer_check() - is this an answer?
 * @len: length of the message
 *
 * Return: 0, -EBADMSG.
 */
int wire_answer_check(const struct wire_answer *answer, size_t len);

/**
 * wire_text() - make a line out of what somebody else sent
 *
 * Replaces control characters, so that a reason cannot forge a line of the log or drive the operator's
 * terminal, and each byte of what is not UTF-8, which D-Bus would not carry.
 *
 * Return: @s.
 */
char *wire_text(char *s);

#endif /* DRMGR_WIREMSG_H */
