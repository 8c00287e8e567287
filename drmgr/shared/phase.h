/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef SHARED_PHASE_H
#define SHARED_PHASE_H

#include "dr.h"

#include <stdbool.h>
#include <stdint.h>

/* Does this phase tell how it ended? Whoever was told to get ready is told one of these, and can't refuse it. */
static inline bool is_end(uint32_t phase)
{
	return phase == DR_PHASE_POST || phase == DR_PHASE_POST_ERROR;
}

#endif /* SHARED_PHASE_H */
