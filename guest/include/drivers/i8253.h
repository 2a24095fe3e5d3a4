/* SPDX-License-Identifier: MIT */
/* The 8253/8254 interval timer; channel 0 drives IRQ 0. */
#ifndef DRIVERS_I8253_H
#define DRIVERS_I8253_H

#include <lib/types.h>

#define PIT_TICK_RATE 1193182u
#define PIT_IRQ 0

/* Channel 0 as rate generator (mode 2), hz interrupts a second, 19 <= hz <= PIT_TICK_RATE / 2. */
void pit_init(u32 hz);

/* Latches and reads channel 0; it counts down from the divisor to 1. */
u16 pit_read_count(void);

#endif
