/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_JOB_H
#define DRMGRD_JOB_H

#include "daemon/scripts/scripts.h"

/* Starts the job; next() comes when it is over. Negative: it has not been started, and what that means is dealt with. */
int job_begin(struct scripts *s);

#endif /* DRMGRD_JOB_H */
