/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef DRMGRD_BUS_H
#define DRMGRD_BUS_H

#include <stdbool.h>
#include <systemd/sd-bus.h>

struct manager;

/* bus.c: answers on @bus from now on. */
int bus_serve(sd_bus *bus, struct manager *m, bool is_private);

/* Nobody hears what is answered to @sender, or with NULL to anybody on @bus, any more. */
void bus_forget(const sd_bus *bus, const char *sender, struct manager *m);

/* sysbus.c: the system bus, as soon as and whenever it is there. */
struct sysbus;
int sysbus_new(struct sysbus **ret, struct manager *m);
struct sysbus *sysbus_free(struct sysbus *s);

/* private.c: root's own socket. @fd: systemd's, which is taken, or -1: one is made in @run_directory. */
#define PRIVATE_NAME "private"
struct private_socket;
int private_new(struct private_socket **ret, struct manager *m, const char *run_directory, int fd);
struct private_socket *private_free(struct private_socket *p);

#endif /* DRMGRD_BUS_H */
