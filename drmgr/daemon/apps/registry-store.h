/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a registration that outlives the daemon. */
#ifndef DRMGRD_REGISTRY_STORE_H
#define DRMGRD_REGISTRY_STORE_H

#include "daemon/apps/peer.h"

int registry_store_save(const char *directory, const struct application *app);
void registry_store_forget(const char *directory, const struct application *app);
/* Fills in what the file says; all of it is checked. */
int registry_store_load(const char *directory, uint64_t id, struct application *app);
/* Removes all files but those of @ids, which are in order: their descriptors have gone, as at systemctl stop. */
void registry_store_tidy(const char *directory, const uint64_t *ids, size_t n);
int registry_store_compare(const void *a, const void *b);

#endif /* DRMGRD_REGISTRY_STORE_H */
