/* SPDX-License-Identifier: GPL-2.0 */
/* The engine "sim": a simulated hypervisor. */
#ifndef _PMIG_SIM_ENGINE_H
#define _PMIG_SIM_ENGINE_H

#include "../engine.h"

extern struct pmig_engine pmig_sim_engine;

int pmig_sim_show_machine(char *page);
int pmig_sim_foreign(u64 id);
int pmig_sim_rehome(u32 shift);
u32 pmig_sim_home_shift(void);

#endif /* _PMIG_SIM_ENGINE_H */
