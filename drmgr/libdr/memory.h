/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's calls that dr_memory_follow() makes. A test puts others here. */
#ifndef LIBDR_MEMORY_H
#define LIBDR_MEMORY_H

#define LONG_BITS    (8 * sizeof(unsigned long))
#define DR_NODES_MAX 1024 /* no kernel is built for more */

/* The nodes in which the process may have memory; 0 or a negative errno. */
extern int (*dr_nodes_allowed)(unsigned long *nodes);
/* Moves what the process has; returns how many pages stay, or a negative errno. */
extern long (*dr_nodes_migrate)(const unsigned long *from, const unsigned long *to);

#endif /* LIBDR_MEMORY_H */
