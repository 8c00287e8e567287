// SPDX-License-Identifier: GPL-2.0
/*
 * The machine changes without a migration: its processors and memory are placed anew, or once more
 * after one. An engine says when to look; what has changed is told to user space only.
 */
#include <linux/err.h>

#include "changed.h"
#include "message.h"
#include "uevent.h"

/**
 * pmig_changed_look() - compare the machine with what it was, and tell if it differs
 * @engine: the engine
 * @busy: does a migration explain that it does? NULL for a session that is about to move the
 *	partition, and has not yet
 *
 * In process context, with no lock held.
 *
 * Return: false if @busy has kept it from looking.
 */
bool pmig_changed_look(struct pmig_engine *engine, bool (*busy)(void))
{
	struct pmig_changes *changes;

	if (busy && busy())
		return false;
	changes = pmig_engine_compare_idle(engine, busy);
	if (IS_ERR(changes))
		return false;
	if (changes) {
		pmig_message_changed(changes);
		pmig_uevent_changed(changes);
		pmig_changes_put(changes);
	}
	return true;
}
