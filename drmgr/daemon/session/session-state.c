// SPDX-License-Identifier: GPL-2.0-or-later
/* What names this kernel and the machine it runs on. The first stays over a migration, the second does not. */
#include <fcntl.h>
#include <string.h>

#include "daemon/session/session.h"

static void read_word(const char *path, char *buf, size_t size)
{
	char text[256];

	buf[0] = '\0';
	if (read_text_file(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return;
	text[strcspn(text, " \n")] = '\0';
	text_copy(buf, size, text, sizeof(text));
}

void session_identity(char *buf, size_t size)
{
	read_word("/proc/device-tree/system-id", buf, size);
}

void session_boot_id(char *buf, size_t size)
{
	read_word("/proc/sys/kernel/random/boot_id", buf, size);
}
