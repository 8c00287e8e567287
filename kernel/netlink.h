/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family "pmig": its commands. */
#ifndef _PMIG_NETLINK_H
#define _PMIG_NETLINK_H

int pmig_netlink_init(void);
void pmig_netlink_exit(void);

#endif /* _PMIG_NETLINK_H */
