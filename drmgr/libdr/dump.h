/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel for a list by generic netlink, and goes through what it answers. */
#ifndef LIBDR_DUMP_H
#define LIBDR_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection to the kernel, or a negative errno. A test puts another function here. */
extern int (*dr_dump_open)(void);

/* What is left of a message. */
struct attrs {
	const char *p;
	size_t left;
};

struct attr {
	uint16_t type;
	const void *data;
	size_t size;
};

/* The next attribute; false at the end, or where the message is damaged. */
bool attr_next(struct attrs *attrs, struct attr *ret);

bool attr_u32(const struct attr *attr, uint32_t *ret);
bool attr_u64(const struct attr *attr, uint64_t *ret);
/* NULL where it has no end. */
const char *attr_text(const struct attr *attr);
/* The attributes in it. */
struct attrs attr_nest(const struct attr *attr);

/*
 * dr_dump() - one list
 * @fd: from dr_dump_open()
 * @type: of the request: the family
 * @cmd: and its command
 * @attr: an attribute of 4 bytes for the request, 0 for none
 * @value: its value
 * @message: called for each message; other than 0 ends it and is returned, with what is left not read
 *
 * Return: 0 at the end of the list, -EAGAIN instead of that, or of what is positive, where the list has changed while it
 * was told, -ETIMEDOUT, or another negative errno.
 */
int dr_dump(int fd, uint16_t type, uint8_t cmd, uint16_t attr, uint32_t value,
	    int (*message)(void *userdata, struct attrs attrs), void *userdata);

#endif /* LIBDR_DUMP_H */
