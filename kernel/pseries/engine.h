/* SPDX-License-Identifier: GPL-2.0 */
/* The engine of PowerVM; where the kernel is for no such machine there is none. */
#ifndef _PMIG_PSERIES_ENGINE_H
#define _PMIG_PSERIES_ENGINE_H

#ifdef CONFIG_PPC_PSERIES
int pmig_pseries_init(void);
void pmig_pseries_exit(void);
#else
static inline int pmig_pseries_init(void)
{
	return 0;
}

static inline void pmig_pseries_exit(void)
{
}
#endif

#endif /* _PMIG_PSERIES_ENGINE_H */
