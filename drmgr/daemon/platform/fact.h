/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One fact as a row; its texts are made printable and cut to what a row has room for. */
#ifndef DRMGRD_FACT_H
#define DRMGRD_FACT_H

#include "daemon/base/util.h"
#include "shared/rows.h"
#include "uapi/linux/pmig.h"

/* A fact as it is now; @key may be "". Return 0 or -ENOMEM. */
int fact_text(struct rows *rows, const char *section, const char *key, const char *field,
	      const char *value);
int fact_number(struct rows *rows, const char *section, const char *key, const char *field,
		uint32_t unit, uint64_t value);

#endif /* DRMGRD_FACT_H */
