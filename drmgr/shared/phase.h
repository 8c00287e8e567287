/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SHARED_PHASE_H
#define SHARED_PHASE_H

#include "dr.h"

#include <stdbool.h>
#include <stdint.h>

#define PHASE_MAX DR_PHASE_CHANGED
/* What an application may ask for: all of them. */
#define PHASES_ALL (DR_PHASES(PHASE_MAX + 1) - DR_PHASES(DR_PHASE_CHECK))

/* Does somebody wait for the answer of those who are told this phase? */
static inline bool wants_answer(uint32_t phase)
{
	return phase != DR_PHASE_BEGIN && phase != DR_PHASE_RESUMED && phase != DR_PHASE_CHANGED;
}

/* Does this phase tell how it ended? Whoever was told to get ready is told one of these, and can't refuse it. */
static inline bool is_end(uint32_t phase)
{
	return phase == DR_PHASE_POST || phase == DR_PHASE_POST_ERROR;
}

#endif /* SHARED_PHASE_H */
