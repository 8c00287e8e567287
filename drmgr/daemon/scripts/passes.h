/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_PASSES_H
#define DRMGRD_PASSES_H

#include "daemon/scripts/scripts.h"

/* The passes of a phase, in order; PASS_END is the last. */
const enum pass *passes_of(const struct notice *n);
/* Makes entry number @pos of the pass the job. 1: it is one; 0: it is none; -ENOENT: the pass is over. */
int pass_job(struct scripts *s, size_t pos);

#endif /* DRMGRD_PASSES_H */
