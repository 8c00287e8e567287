/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the session may ask of the kernel's side. Two stand behind it: link.c (the module, over netlink)
 * and sysfs.c (no module: a plain write). Both speak the module's language: commands start something, and
 * how it ended is in the state that comes later.
 */
#ifndef DRMGRD_BACKEND_H
#define DRMGRD_BACKEND_H

#include "daemon/base/util.h"
#include "shared/rows.h"
#include "shared/wire.h"
#include "uapi/linux/pmig.h"

struct kernel_refusal {
	char handler[PMIG_NAME_LEN];
	char reason[PMIG_REASON_LEN];
	uint32_t phase;
	uint32_t error;
};

/* The module's session as last heard; state PMIG_STATE_NONE where there is none. */
struct kernel_state {
	uint64_t stream;
	uint64_t blackout_us;
	uint32_t state;
	uint32_t vasi;
	uint32_t flags;
	uint32_t seq;
	uint32_t error;
	uint32_t owner;
	char engine[PMIG_NAME_LEN];
	char reason[PMIG_REASON_LEN];
	struct kernel_refusal *refusals;
	size_t nr_refusals;
	uint32_t generation; /* of the comparison that @rows are of; 0: there is none yet */
	uint32_t operation;  /* enum pmig_operation */
	struct rows rows;    /* what differs after the move */
};

/* A comparison in which the machine differs without a migration, or once more after one. */
struct kernel_change {
	char engine[PMIG_NAME_LEN];
	uint32_t generation;
};

void kernel_state_clear(struct kernel_state *state);
/* "none", "enabled", ...; never NULL */
const char *kernel_state_name(uint32_t state);

struct backend_args {
	uint64_t stream;
	uint32_t flags;
	uint32_t error;
	uint32_t pre_ms; /* BEGIN: what there may be between QUIESCE and SUSPENDING */
	const char *engine;
};

/* @error: 0 or a negative errno; @text: what the kernel says about it, "" where it says nothing. */
typedef void (*backend_done_t)(void *userdata, int error, const char *text);
typedef void (*backend_listener_t)(void *userdata, const struct kernel_state *state);

struct backend;

struct backend_ops {
	const char *name;
	const char *engine; /* its only one, or NULL */
	/*
	 * Starts @command. @done comes exactly once, never from inside this call, unless backend_forget() is
	 * called with the same userdata. A negative return: nothing was started, @done does not come.
	 */
	int (*command)(struct backend *b, enum pmig_cmd command, const struct backend_args *args,
		       backend_done_t done, void *userdata);
	void (*forget)(struct backend *b, void *userdata);
	/* There, and able to take a command. */
	bool (*ready)(struct backend *b);
	void (*free)(struct backend *b);
};

#define BACKEND_LISTENERS_MAX 4

struct backend {
	const struct backend_ops *ops;
	struct kernel_state state;
	struct {
		backend_listener_t call;
		void *userdata;
	} listeners[BACKEND_LISTENERS_MAX];
};

int backend_listen(struct backend *b, backend_listener_t call, void *userdata);
void backend_unlisten(struct backend *b, void *userdata);
/* Takes the contents of @state over and tells the listeners. */
void backend_set_state(struct backend *b, struct kernel_state *state);

static inline int backend_command(struct backend *b, enum pmig_cmd command,
				  const struct backend_args *args, backend_done_t done,
				  void *userdata)
{
	return b->ops->command(b, command, args, done, userdata);
}

#endif /* DRMGRD_BACKEND_H */
