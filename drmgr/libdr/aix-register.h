/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBDR_AIX_REGISTER_H
#define LIBDR_AIX_REGISTER_H

/* The registration of a process that catches SIGRECONFIG: it lasts as long as there is a handler. */

/* dr_aix_handler_changed(): SIGRECONFIG may have another handler. Registers, or ends the registration. */
void dr_aix_handler_changed(void);

/* dr_aix_fd(): the socket, or -ENXIO if this process is not registered. May be called from a signal handler. */
int dr_aix_fd(void);

/* dr_aix_adopt(): for tests, take @fd for a registration of this process, as if the daemon had sent it. */
int dr_aix_adopt(int fd);

#endif /* LIBDR_AIX_REGISTER_H */
