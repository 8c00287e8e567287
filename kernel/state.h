/* SPDX-License-Identifier: GPL-2.0 */
/* The states of a session and of a stream. Pure: no kernel call, also built in user space. */
#ifndef _PMIG_STATE_H
#define _PMIG_STATE_H

#include <linux/types.h>
#include <uapi/linux/pmig.h>

bool pmig_state_may_follow(enum pmig_state from, enum pmig_state to);
const char *pmig_state_name(enum pmig_state state);
const char *pmig_vasi_name(enum pmig_vasi vasi);

#endif /* _PMIG_STATE_H */
