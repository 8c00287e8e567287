/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thing that differs after the move. Apart from pmig.h, because the comparison is pure and is
 * also built in user space, where its test runs.
 */
#ifndef _LINUX_PMIG_CHANGE_H
#define _LINUX_PMIG_CHANGE_H

#include <linux/types.h>
#include <uapi/linux/pmig.h>

/**
 * struct pmig_change - one thing that differs after the move
 * @name: what, as PMIG_A_CHANGE_NAME
 * @old: value before, empty where it was not there
 * @new: value now, empty where it is gone
 * @flags: PMIG_CHANGE_F_*
 */
struct pmig_change {
	char name[PMIG_NAME_LEN];
	char old[PMIG_VALUE_LEN];
	char new[PMIG_VALUE_LEN];
	__u32 flags;
};

#endif /* _LINUX_PMIG_CHANGE_H */
