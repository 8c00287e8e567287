/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket of generic netlink, on which only the kernel is heard. */
#ifndef DRMGRD_LINK_SOCKET_H
#define DRMGRD_LINK_SOCKET_H

#include <libmnl/libmnl.h>
#include <stdint.h>
#include <sys/types.h>

/* @flags: SOCK_NONBLOCK or 0. Returns 0 or a negative errno. */
int link_socket_open(struct mnl_socket **ret, int flags);

/* Begins a request to @family in @buf; @flags besides NLM_F_REQUEST. */
struct nlmsghdr *link_socket_request(char *buf, uint16_t family, uint16_t flags, uint32_t seq,
				     uint8_t cmd, uint8_t version);

/*
 * Reads without waiting what has come, one or more messages. Returns its length, 0 if it is not from the kernel, or a
 * negative errno; -EAGAIN: there is nothing.
 */
ssize_t link_socket_receive(const struct mnl_socket *socket, char *buf, size_t size);

#endif /* DRMGRD_LINK_SOCKET_H */
