/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_EXPORT_H
#define LIBDR_EXPORT_H

#include "dr.h"

/* Marks what programs may call; all else is hidden (-fvisibility=hidden). */
#define DR_EXPORT __attribute__((visibility("default")))

#endif /* LIBDR_EXPORT_H */
