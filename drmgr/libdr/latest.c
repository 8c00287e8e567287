// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The newest event of the AIX side. dr_reconfig() is called from signal handlers, which may interrupt a
 * thread anywhere in this file: so there is no lock, and nothing waits for another
 * call, which may be the one that was interrupted, further down on the same stack.
 *
 * A writer takes a ticket, which gives it a slot nobody else writes to, fills the slot in, puts the ticket
 * on it, and last of all makes it the newest with a compare-and-swap on one word, gen << 32 | ticket. Two
 * threads that took event 7 and event 8 from the socket may get there in any order: the larger gen stays.
 * A reader copies the slot that the word names, and believes the copy when the slot had that ticket before
 * and after. It starts again only when newer events came meanwhile, so some thread always gets on.
 *
 * A slot is used again after NR_SLOTS events. A migration has 3, ten seconds apart where it goes wrong.
 */
#include "libdr/latest.h"

#include <stdatomic.h>
#include <string.h>

#define NR_SLOTS 64

struct slot {
	_Atomic uint32_t ticket; /* 0 while it is being written */
	_Atomic uint32_t phase;
	_Atomic uint32_t gen;
	_Atomic uint32_t flags;
	_Atomic uint64_t stream;
	_Atomic uint64_t deadline_us;
};

static struct {
	_Atomic uint32_t tickets;
	_Atomic uint64_t newest; /* gen << 32 | ticket; 0: none, as tickets begin at 1 */
	struct slot slots[NR_SLOTS];
} state;

static uint32_t take_ticket(void)
{
	uint32_t ticket;

	do
		ticket = atomic_fetch_add(&state.tickets, 1) + 1;
	while (ticket == 0);
	return ticket;
}

static bool is_older(uint32_t gen, uint64_t newest)
{
	return newest != 0 && (int32_t)(gen - (uint32_t)(newest >> 32)) < 0;
}

void latest_put(const struct wire_event *event)
{
	uint64_t newest = atomic_load(&state.newest);
	struct slot *slot;
	uint32_t ticket;
	uint64_t mine;

	/* before it takes a slot: an old event must not take the one that has the newest in it */
	if (is_older(event->gen, newest))
		return;
	ticket = take_ticket();
	slot = &state.slots[ticket % NR_SLOTS];
	mine = (uint64_t)event->gen << 32 | ticket;

	atomic_store(&slot->ticket, 0);
	atomic_store(&slot->phase, event->phase);
	atomic_store(&slot->gen, event->gen);
	atomic_store(&slot->flags, event->flags);
	atomic_store(&slot->stream, event->stream);
	atomic_store(&slot->deadline_us, event->deadline_us);
	atomic_store(&slot->ticket, ticket);

	do
		if (is_older(event->gen, newest))
			return;
	while (!atomic_compare_exchange_weak(&state.newest, &newest, mine));
}

/* Returns false when the slot of @newest is somebody else's by now. */
static bool read_slot(uint64_t newest, struct wire_event *ret)
{
	uint32_t ticket = (uint32_t)newest;
	const struct slot *slot = &state.slots[ticket % NR_SLOTS];

	if (atomic_load(&slot->ticket) != ticket)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->phase = atomic_load(&slot->phase);
	ret->gen = atomic_load(&slot->gen);
	ret->flags = atomic_load(&slot->flags);
	ret->stream = atomic_load(&slot->stream);
	ret->deadline_us = atomic_load(&slot->deadline_us);
	return atomic_load(&slot->ticket) == ticket;
}

bool latest_get(struct wire_event *ret)
{
	struct wire_event copy;
	uint64_t newest;
	int i;

	/* The bound is never reached; without it a mistake here would hang a program in its signal handler. */
	for (i = 0; i < NR_SLOTS; i++) {
		newest = atomic_load(&state.newest);
		if (newest == 0)
			return false;
		if (read_slot(newest, &copy)) {
			*ret = copy;
			return true;
		}
	}
	return false;
}

void latest_reset(void)
{
	atomic_store(&state.newest, 0);
}
