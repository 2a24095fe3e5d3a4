/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer of a PC, ports 0x40..0x43, and system control port B at 0x61, which gates
 * channel 2 and shows its output.
 *
 * Source: Intel 8254 data sheet (231164-005); port 0x61: Intel 82371AB (PIIX4) data sheet, 4.2.7.
 *
 * - Time is counted in ticks of the 1193182 Hz clock since virtual time 0:
 *   tick(t) = floor(t_ns * 1193182 / 10^9), in 128 bits. Everything is computed from tick numbers,
 *   so nothing drifts. Counters are not advanced: their value is a function of the tick.
 * - The GATE inputs of channels 0 and 1 are always high; channel 2's is bit 0 of port 0x61. Channel
 *   0's output is IRQ 0. Bit 4 of port 0x61 toggles every 18 ticks (15.09 us), whatever channel 1,
 *   the refresh timer of a PC, is made to do.
 * - A count of 1 in modes 2 and 3, which the data sheet forbids, gives an output that never
 *   changes. BCD digits above 9 count as their value; the sum is taken modulo 10000.
 * - At start as a PC BIOS leaves it: channel 0 in mode 3, count 65536; channel 1 in mode 2, count
 *   18; channel 2 in mode 3, gated off.
 *
 * Bound on timer events: while channel 0's request waits in the interrupt controller, further edges
 * would change nothing, so none are timed; the controller says when it is taken (bus_watch_irq). So
 * there is at most one event for each interrupt that the guest takes and each access to the ports.
 * The line stays high meanwhile. Deviation: a PC's controller would forget the request while the
 * output of mode 2 or 3 is low.
 */
#ifndef VMM_DEV_PIT_H
#define VMM_DEV_PIT_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"

#define PIT_HZ 1193182u
#define PIT_CHANNELS 3u
#define PIT_NEVER UINT64_MAX /* of a tick */

struct pit_channel {
	/* From the control word. */
	uint8_t control; /* its low six bits: RW, mode, BCD, as the status byte shows them */
	uint8_t mode;	 /* 0..5 */
	bool gate;
	/* The counting element. */
	bool running;	 /* holds a count that was loaded after the control word */
	bool low_first;	 /* mode 3: it was loaded at the start of a low half */
	uint32_t count;	 /* what was loaded: 1..65536, or 1..10000 */
	uint64_t start;	 /* tick of the load, moved on by the time that GATE was low */
	uint64_t frozen; /* ticks counted, while GATE holds the counting */
	uint16_t held;	 /* what it shows while not running */
	/* The count register. */
	bool written;	 /* holds a whole count */
	bool null_count; /* that was not loaded yet */
	bool write_msb;	 /* low byte came, high byte is awaited */
	uint8_t low_byte;
	uint32_t next;
	uint64_t load_at; /* tick at which it goes to the counting element, or PIT_NEVER */
	bool load_low;	  /* low_first of that load */
	/* The output latches. */
	bool read_msb;	 /* low byte was read, high byte is next */
	uint8_t latched; /* bytes of `latch` not read yet */
	bool status_latched;
	uint8_t status;
	uint16_t latch;
};

struct pit_state {
	struct pit_channel channel[PIT_CHANNELS];
	uint64_t rise;	/* next tick at which channel 0's output rises, or PIT_NEVER */
	bool waiting;	/* IRQ 0 was raised and not taken */
	uint8_t port61; /* bits 0..3, as written */
};

struct pit {
	struct pit_state state;
	struct bus *bus;
	struct bus_timer timer; /* the next rise of channel 0 */
};

/* -ENOMEM, or what bus_add_ports says; after that, and after pit_destroy, do not use the bus. */
int pit_create(struct pit **out, struct bus *bus);
void pit_destroy(struct pit *p);

#endif
