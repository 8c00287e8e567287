/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lab: partition migration as a pseries guest sees it. See spapr_lpm.c.
 */
#ifndef HW_PPC_SPAPR_LPM_H
#define HW_PPC_SPAPR_LPM_H

#include "hw/ppc/spapr.h"

/* Machine properties; when the machine object is made. */
void spapr_lpm_instance_init(Object *obj);
/* Hypervisor and RTAS calls; when the machine is put together. */
void spapr_lpm_init(SpaprMachineState *spapr);
/* What such a partition has in its device tree; after the CPU nodes. */
void spapr_lpm_dt(SpaprMachineState *spapr, void *fdt);
/* H_JOIN is called. */
void spapr_lpm_join(void);
/* A processor is about to run guest code; called outside the BQL. */
void spapr_lpm_cpu_runs(CPUState *cs);
/* ibm,configure-connector: true if the DRC is one of the lab's; then *status is the answer. */
bool spapr_lpm_connector(uint32_t drc_index, uint64_t work_area, int *status);
/* ibm,suspend-me is called: an injected RTAS status, or 0. */
int spapr_lpm_suspend_called(void);
/* ibm,suspend-me, all other CPUs having joined: RTAS status, 0 when the partition is to stand still now. */
int spapr_lpm_suspend_me(void);

#endif
