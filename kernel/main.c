// SPDX-License-Identifier: GPL-2.0
/*
 * Partition migration awareness: order of beginning and end.
 *
 * The family comes before the engines: without an engine, commands are answered with a sentence
 * that says so. At the end there is no session but those that have ended and have no owner.
 */
#include <linux/module.h>
#include <net/genetlink.h>

#include "deadline.h"
#include "foreign.h"
#include "message.h"
#include "netlink.h"
#include "poll.h"
#include "pseries/engine.h"
#include "slot.h"
#include "uevent.h"
#include "worker.h"

/* In this order: user space hears of a state before anything is done in it. */
static const struct pmig_session_listener *const listeners[] = {
	&pmig_message_listener, &pmig_uevent_listener, &pmig_deadline_listener,
	&pmig_poll_listener,	&pmig_worker_listener, NULL,
};

static int __init pmig_init(void)
{
	int err;

	pmig_session_listen(listeners);
	pmig_engine_listen(&pmig_foreign_events);
	err = pmig_uevent_init();
	if (err)
		return err;
	err = pmig_worker_init();
	if (err)
		goto uevent;
	err = pmig_poll_init();
	if (err)
		goto run;
	err = pmig_deadline_init();
	if (err)
		goto poll;
	err = pmig_netlink_init();
	if (err)
		goto deadline;
	err = pmig_pseries_init();
	if (err)
		goto netlink;
	return 0;
netlink:
	pmig_netlink_exit();
deadline:
	pmig_deadline_exit();
poll:
	pmig_poll_exit();
run:
	pmig_worker_exit();
uevent:
	pmig_uevent_exit();
	pmig_snapshot_exit();
	return err;
}

static void __exit pmig_exit(void)
{
	pmig_pseries_exit();
	pmig_netlink_exit();
	pmig_deadline_exit();
	pmig_poll_exit();
	pmig_worker_exit();
	pmig_slot_exit();
	pmig_uevent_exit();
	pmig_snapshot_exit();
}

module_init(pmig_init);
module_exit(pmig_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tells a partition that it is about to move to another server, and that it has");
MODULE_ALIAS_GENL_FAMILY(PMIG_GENL_NAME);
