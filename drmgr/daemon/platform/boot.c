// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel keeps the device tree with which it was booted, checks it, and shows it to root. A migration does not change
 * it, so that it tells of one that nobody has seen; of one to another server and back it does not.
 */
#include <string.h>

#include "daemon/platform/boot.h"
#include "daemon/platform/fact.h"
#include "daemon/platform/fdt.h"
#include "daemon/platform/identity.h"
#include "daemon/platform/tree.h"

#define AT_BOOT "/sys/firmware/fdt"

/* One line of text, "" where it is not there. */
static void at_boot(int fd, const char *name, char text[static ROW_VALUE_LEN])
{
	char raw[ROW_VALUE_LEN];
	ssize_t n = fd < 0 ? -1 : fdt_root_property(fd, name, raw, sizeof(raw));

	text_copy(text, ROW_VALUE_LEN, raw, n < 0 ? 0 : (size_t)n);
}

static int add(struct rows *ret, const char *field, const char *value)
{
	return value[0] ? fact_text(ret, "boot", "", field, value) : 0;
}

int boot_read(struct rows *ret)
{
	char server[ROW_VALUE_LEN], model[ROW_VALUE_LEN], now[ROW_VALUE_LEN];
	_cleanup_close_ int fd = tree_open(AT_BOOT);
	int r;

	at_boot(fd, "system-id", server);
	at_boot(fd, "model", model);
	identity_system_id(now);
	r = add(ret, "system-id", server);
	if (r == 0)
		r = add(ret, "model", model);
	if (r == 0 && server[0] && now[0])
		r = add(ret, "elsewhere", strcmp(server, now) == 0 ? "no" : "yes");
	return r;
}
