// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads lists of processors. */
#include <ctype.h>
#include <stdlib.h>

#include "daemon/platform/cpulist.h"

#define CPU_MAX (1UL << 20) /* none has so large a number: a list that names one is a mistake */

static bool number(const char **text, unsigned *ret)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtoul(*text, &end, 10);
	*text = end;
	*ret = (unsigned)value;
	return value <= CPU_MAX;
}

bool cpulist_next(const char **text, unsigned *first, unsigned *last)
{
	if (**text == ',')
		(*text)++;
	if (!number(text, first))
		return false;
	*last = *first;
	if (**text != '-')
		return true;
	(*text)++;
	return number(text, last) && *last >= *first;
}

unsigned cpulist_count(const char *text)
{
	unsigned first, last, n = 0;

	while (cpulist_next(&text, &first, &last))
		n += last - first + 1;
	return n;
}
