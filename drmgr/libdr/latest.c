// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The newest events of the AIX side. dr_reconfig() is called from signal handlers, which may interrupt a thread
 * anywhere in this file. So there is no lock, and no call waits for another one, which may be the very call that the
 * handler has interrupted.
 *
 * A writer takes a ticket, which gives it a slot that nobody else writes to. It fills the slot in, writes the ticket
 * into it, and then makes it the newest by a compare-and-swap of one word, gen << 32 | ticket. Two threads that took
 * events 7 and 8 from the socket may get there in any order; the larger gen stays. A reader copies the slot that the
 * word names, and uses the copy if the slot had that ticket before and after. It starts again only if newer events
 * came meanwhile, so some thread always makes progress.
 *
 * A slot is used again after NR_SLOTS events of its kind. A migration has only 3, which may be ten seconds apart if it
 * goes wrong, and changes are seconds apart.
 */
#include "libdr/latest.h"

#include "dr.h"

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

static struct state {
	_Atomic uint32_t tickets;
	_Atomic uint64_t newest; /* gen << 32 | ticket; 0: none, as tickets begin at 1 */
	struct slot slots[NR_SLOTS];
} states[_LATEST_MAX];

enum latest_kind latest_kind(const struct wire_event *event)
{
	return event->phase == DR_PHASE_CHANGED ? LATEST_CHANGE : LATEST_QUESTION;
}

static uint32_t take_ticket(struct state *state)
{
	uint32_t ticket;

	do
		ticket = atomic_fetch_add(&state->tickets, 1) + 1;
	while (ticket == 0);
	return ticket;
}

static bool is_older(uint32_t gen, uint64_t newest)
{
	return newest != 0 && (int32_t)(gen - (uint32_t)(newest >> 32)) < 0;
}

void latest_put(const struct wire_event *event)
{
	struct state *state = &states[latest_kind(event)];
	uint64_t newest = atomic_load(&state->newest);
	struct slot *slot;
	uint32_t ticket;
	uint64_t mine;

	/* Before it takes a slot: an old event must not overwrite the slot of the newest. */
	if (is_older(event->gen, newest))
		return;
	ticket = take_ticket(state);
	slot = &state->slots[ticket % NR_SLOTS];
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
	while (!atomic_compare_exchange_weak(&state->newest, &newest, mine));
}

/* Returns false if a newer event has been written to the slot of @newest meanwhile. */
static bool read_slot(const struct state *state, uint64_t newest, struct wire_event *ret)
{
	uint32_t ticket = (uint32_t)newest;
	const struct slot *slot = &state->slots[ticket % NR_SLOTS];

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

bool latest_get(enum latest_kind kind, struct wire_event *ret)
{
	const struct state *state = &states[kind];
	struct wire_event copy;
	uint64_t newest;
	int i;

	/* The bound is never reached, but without it a mistake here would hang a program in its signal handler. */
	for (i = 0; i < NR_SLOTS; i++) {
		newest = atomic_load(&state->newest);
		if (newest == 0)
			return false;
		if (read_slot(state, newest, &copy)) {
			*ret = copy;
			return true;
		}
	}
	return false;
}

void latest_reset(void)
{
	for (int i = 0; i < _LATEST_MAX; i++)
		atomic_store(&states[i].newest, 0);
}
