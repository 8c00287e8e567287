// SPDX-License-Identifier: GPL-2.0-or-later
/* What the link to pmig.ko and its dumps of rows, which have sockets of their own, do alike. */
#include <errno.h>
#include <linux/genetlink.h>
#include <sys/socket.h>

#include "daemon/platform/link-socket.h"

int link_socket_open(struct mnl_socket **ret, int flags)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | flags);

	if (!s)
		return -errno;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		mnl_socket_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct nlmsghdr *link_socket_request(char *buf, uint16_t family, uint16_t flags, uint32_t seq,
				     uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

ssize_t link_socket_receive(const struct mnl_socket *socket, char *buf, size_t size)
{
	struct sockaddr_nl from;
	socklen_t length = sizeof(from);
	ssize_t n = recvfrom(mnl_socket_get_fd(socket), buf, size, MSG_DONTWAIT,
			     (struct sockaddr *)&from, &length);

	if (n < 0)
		return -errno;
	return length == sizeof(from) && from.nl_pid == 0 ? n : 0;
}
