/* SPDX-License-Identifier: GPL-2.0 */
/* The dump PMIG_CMD_ROWS. */
#ifndef _PMIG_ROWS_H
#define _PMIG_ROWS_H

#include <net/genetlink.h>

int pmig_rows_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif /* _PMIG_ROWS_H */
