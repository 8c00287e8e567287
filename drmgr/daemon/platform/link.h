/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end that speaks with pmig.ko. */
#ifndef DRMGRD_LINK_H
#define DRMGRD_LINK_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <systemd/sd-event.h>

#include "daemon/platform/backend.h"

/* A missing module is no error: the link waits for it to come. */
int link_new(struct backend **ret, sd_event *event);
/*
 * Looks for the family again, after the module has been loaded. 0, or -ENOPROTOOPT: it is not there,
 * -EPROTONOSUPPORT: it is of another version than this daemon.
 */
int link_refresh(struct backend *b);
/* It is there, as the kernel has announced it. */
bool link_present(const struct backend *b);
/* It has not answered, so it counts as gone. */
bool link_is_silent(const struct backend *b);

/* ---- link-parse.c: what comes from the kernel, checked as if it came from a stranger ---- */

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
/* The text of an extended acknowledgment, "" where there is none. */
void link_parse_ack(const struct nlmsghdr *nlh, int *ret_error, char *text, size_t size);

#endif /* DRMGRD_LINK_H */
