/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_REGISTER_H
#define LIBDR_REGISTER_H

#include "dr.h"

/*
 * dr_register(): registers with the daemon. Returns 0 with the descriptor of wire.h in *@ret_fd, or the errors of
 * dr_open().
 */
int dr_register(const struct dr_options *options, int *ret_fd);

/* dr_send_answer(): sends without waiting. May be called from a signal handler. Returns 0, -EAGAIN, -EPIPE. */
int dr_send_answer(int fd, uint32_t gen, uint32_t error, const char *reason);

#endif /* LIBDR_REGISTER_H */
