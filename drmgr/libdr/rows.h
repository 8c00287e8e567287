/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pmig.ko tells of the machine. */
#ifndef LIBDR_ROWS_H
#define LIBDR_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* One fact, as long as it is told; @text and the numbers are what is true, @kernels what the kernel believes. */
struct dr_row {
	const char *section, *key, *field, *text;
	uint64_t number, kernels;
	bool has_number, has_kernels;
};

/* Other than 0 ends it: a negative errno, or 1 where the rest does not matter. */
typedef int (*dr_each_row_t)(void *userdata, const struct dr_row *row);

/* Needs pmig.ko. 0, also where @each has ended it by 1; -EOPNOTSUPP, -EAGAIN, -ETIMEDOUT, as dr_cpu_home_nodes(). */
int dr_rows(dr_each_row_t each, void *userdata);

/* Which processor, or which address. */
bool dr_row_key(const struct dr_row *row, uint64_t *ret);

#endif /* LIBDR_ROWS_H */
