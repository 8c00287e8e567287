/* SPDX-License-Identifier: GPL-2.0 */
/* The worker: does what takes long, one state after the other. */
#ifndef _PMIG_WORKER_H
#define _PMIG_WORKER_H

#include "session.h"

extern const struct pmig_session_listener pmig_worker_listener;

int pmig_worker_init(void);
void pmig_worker_exit(void);

#endif /* _PMIG_WORKER_H */
