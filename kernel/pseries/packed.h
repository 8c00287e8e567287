/* SPDX-License-Identifier: GPL-2.0 */
/* Domains as the hypervisor packs them. User space builds it, too, after its own stdbool.h. */
#ifndef _PMIG_PSERIES_PACKED_H
#define _PMIG_PSERIES_PACKED_H

#include <linux/types.h>

/* Six registers of four fields each. */
#define PMIG_PACKED_REGS   6
#define PMIG_PACKED_FIELDS (PMIG_PACKED_REGS * 4)

unsigned int pmig_unpack(const unsigned long reg[PMIG_PACKED_REGS],
			 __u32 domain[PMIG_PACKED_FIELDS]);

#endif /* _PMIG_PSERIES_PACKED_H */
