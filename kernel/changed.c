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
 * @here: on another server it has moved, which is not told here
 *
 * In process context, with no lock held.
 *
 * Return: 0; -EBUSY if @busy has kept it from looking; -EXDEV where the partition is not @here.
 */
int pmig_changed_look(struct pmig_engine *engine, bool (*busy)(void), bool here)
{
	struct pmig_changes *changes;

	if (busy && busy())
		return -EBUSY;
	changes = pmig_engine_compare_idle(engine, busy, here);
	if (IS_ERR(changes))
		return PTR_ERR(changes);
	if (changes) {
		pmig_message_changed(changes);
		pmig_uevent_changed(changes);
		pmig_changes_put(changes);
	}
	return 0;
}
