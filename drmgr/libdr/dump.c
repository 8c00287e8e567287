// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * As much of generic netlink as libdr needs. The socket is connected to the kernel, so nobody else's messages get into it.
 */
#include "libdr/dump.h"

#include "shared/cleanup.h"
#include "uapi/linux/pmig.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RECEIVE_BYTES 65536 /* the kernel makes none that is larger */
#define WAIT_SECONDS  5

struct request {
	struct nlmsghdr n;
	struct genlmsghdr g;
	struct nlattr a;
	uint32_t value;
};

static int open_netlink(void)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int (*dr_dump_open)(void) = open_netlink;

bool attr_next(struct attrs *attrs, struct attr *ret)
{
	struct nlattr a;
	size_t whole;

	if (attrs->left < sizeof(a))
		return false;
	memcpy(&a, attrs->p, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > attrs->left)
		return false;
	*ret = (struct attr){ a.nla_type & NLA_TYPE_MASK, attrs->p + sizeof(a),
			      a.nla_len - sizeof(a) };
	whole = NLA_ALIGN(a.nla_len);
	if (whole > attrs->left)
		whole = attrs->left;
	attrs->p += whole;
	attrs->left -= whole;
	return true;
}

bool attr_u32(const struct attr *attr, uint32_t *ret)
{
	if (attr->size != sizeof(*ret))
		return false;
	memcpy(ret, attr->data, sizeof(*ret));
	return true;
}

bool attr_u64(const struct attr *attr, uint64_t *ret)
{
	if (attr->size != sizeof(*ret))
		return false;
	memcpy(ret, attr->data, sizeof(*ret));
	return true;
}

const char *attr_text(const struct attr *attr)
{
	return memchr(attr->data, 0, attr->size) ? attr->data : NULL;
}

struct attrs attr_nest(const struct attr *attr)
{
	return (struct attrs){ attr->data, attr->size };
}

static int ask(int fd, uint16_t type, uint8_t cmd, uint16_t attr, uint32_t value)
{
	struct request r = {
		.n = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.g = { .cmd = cmd, .version = PMIG_GENL_VERSION },
		.a = { .nla_len = NLA_HDRLEN + sizeof(r.value), .nla_type = attr },
		.value = value,
	};

	r.n.nlmsg_len = (uint32_t)(attr ? sizeof(r) : offsetof(struct request, a));
	return send(fd, &r, r.n.nlmsg_len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* How the list ends, by the number that the last message has. */
static int end_of(const struct nlmsghdr *n)
{
	int32_t error = 0;

	if (n->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, (const char *)n + NLMSG_HDRLEN, sizeof(error));
	return error > 0 ? -EBADMSG : error;
}

struct list {
	bool over;
	bool torn; /* it has changed while it was told */
	int (*message)(void *userdata, struct attrs attrs);
	void *userdata;
};

static int take(struct list *list, const struct nlmsghdr *n)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;

	list->torn |= (n->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (n->nlmsg_type == NLMSG_DONE || n->nlmsg_type == NLMSG_ERROR) {
		list->over = true;
		return end_of(n);
	}
	if (n->nlmsg_type < NLMSG_MIN_TYPE || n->nlmsg_len < head)
		return 0;
	return list->message(list->userdata,
			     (struct attrs){ (const char *)n + head, n->nlmsg_len - head });
}

/* Several messages come at once. */
static int take_all(struct list *list, const char *buf, size_t size)
{
	int r = 0;

	while (r == 0 && !list->over && size >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *n = (const struct nlmsghdr *)buf;
		size_t whole = NLMSG_ALIGN(n->nlmsg_len);

		if (n->nlmsg_len < sizeof(*n) || n->nlmsg_len > size)
			return -EBADMSG;
		r = take(list, n);
		whole = whole < size ? whole : size;
		buf += whole;
		size -= whole;
	}
	return r;
}

int dr_dump(int fd, uint16_t type, uint8_t cmd, uint16_t attr, uint32_t value,
	    int (*message)(void *userdata, struct attrs attrs), void *userdata)
{
	struct list list = { .message = message, .userdata = userdata };
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	_cleanup_free_ char *buf = malloc(RECEIVE_BYTES);
	int r;

	if (!buf)
		return -ENOMEM;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	r = ask(fd, type, cmd, attr, value);
	while (r == 0 && !list.over) {
		ssize_t n = recv(fd, buf, RECEIVE_BYTES, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EPIPE : errno == EAGAIN ? -ETIMEDOUT : -errno;
		r = take_all(&list, buf, (size_t)n);
	}
	return r >= 0 && list.torn ? -EAGAIN : r;
}
