/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated hypervisor for one migration. */
#ifndef DRMGRD_SIMULATE_H
#define DRMGRD_SIMULATE_H

#include <stdint.h>

int simulate_prepare(uint64_t stream, uint64_t enabled_ms, uint64_t blackout_ms);
void simulate_clean_up(uint64_t stream);

#endif /* DRMGRD_SIMULATE_H */
