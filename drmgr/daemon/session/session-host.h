/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_SESSION_HOST_H
#define DRMGRD_SESSION_HOST_H

#include "daemon/session/audience.h"

extern const struct audience_host_ops session_host_ops;

#endif /* DRMGRD_SESSION_HOST_H */
