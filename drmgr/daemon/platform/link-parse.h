/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes from the kernel, checked as if it came from a stranger. */
#ifndef DRMGRD_LINK_PARSE_H
#define DRMGRD_LINK_PARSE_H

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "daemon/platform/backend.h"

struct link_family {
	uint16_t id;
	uint32_t group; /* of the events */
	uint32_t version;
	char name[GENL_NAMSIZ];
};

/* The controller's word on a family. -ENOENT: it is none of ours; -EPROTONOSUPPORT: of another version. */
int link_parse_family(const struct nlmsghdr *nlh, struct link_family *ret);
/* The same of what was parsed. */
int link_family_check(const struct link_family *f);
/* One message of the family; *ret is owned by the caller also when it fails. -EBADMSG. */
int link_parse_session(const struct nlmsghdr *nlh, struct kernel_state *ret);
/* Adds the rows of one message of a dump, and sets which comparison they are of if it says so. -EBADMSG, -ENOMEM. */
int link_parse_rows(const struct nlmsghdr *nlh, struct rows *ret, uint32_t *generation);
/* The machine has changed without a migration, or once more. -EBADMSG. */
int link_parse_changed(const struct nlmsghdr *nlh, struct kernel_change *ret);
/* The text of an extended acknowledgment, "" where there is none. */
void link_parse_ack(const struct nlmsghdr *nlh, int *ret_error, char *text, size_t size);

#endif /* DRMGRD_LINK_PARSE_H */
