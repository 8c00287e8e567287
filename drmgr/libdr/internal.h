/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_INTERNAL_H
#define LIBDR_INTERNAL_H

#include "dr.h"

#include <signal.h>
#include <stdint.h>

#define DR_EXPORT __attribute__((visibility("default")))

/* register.c: asks the daemon. Returns 0 with the descriptor of wire.h in *@ret_fd, or as dr_open(). */
int dr_register(const struct dr_options *options, int *ret_fd);

/* register.c: sends an answer; may be called from a signal handler. Returns 0, -EAGAIN, -EPIPE. */
int dr_send_answer(int fd, uint32_t gen, uint32_t error, const char *reason);

/* interpose.c: what the process has for SIGRECONFIG, as the kernel says. */
void (*dr_aix_handler(void))(int);

/* dr_reconfig.c: SIGRECONFIG has another handler: register, or end the registration. */
void dr_aix_handler_changed(void);

/* dr_reconfig.c, for tests: take @fd for a registration of this process, as if the daemon had sent it. */
int dr_aix_adopt(int fd);

#endif /* LIBDR_INTERNAL_H */
