/* SPDX-License-Identifier: MIT */
/*
 * One channel of the 8254, as a function of the tick number; for pit.c alone. Ticks never go back.
 * Every function wants channel_sync() done for its tick.
 */
#ifndef VMM_DEV_PIT_CHANNEL_H
#define VMM_DEV_PIT_CHANNEL_H

#include "dev/pit.h"

/* Do the load that is due by `tick`. */
void channel_sync(struct pit_channel *ch, uint64_t tick);

/* The OUT pin. */
bool channel_out(const struct pit_channel *ch, uint64_t tick);

/* The first tick after `tick` at which OUT rises by itself, or PIT_NEVER; GATE is high. */
uint64_t channel_next_rise(const struct pit_channel *ch, uint64_t tick);

/* A control word for this channel, counter latch commands apart. */
void channel_control(struct pit_channel *ch, uint64_t tick, uint8_t control);
void channel_gate(struct pit_channel *ch, uint64_t tick, bool gate);

/* The channel's data port. */
void channel_write(struct pit_channel *ch, uint64_t tick, uint8_t byte);
uint8_t channel_read(struct pit_channel *ch, uint64_t tick);

/* Latch commands; a latch that was not read yet stays. */
void channel_latch_count(struct pit_channel *ch, uint64_t tick);
void channel_latch_status(struct pit_channel *ch, uint64_t tick);

#endif
