/* SPDX-License-Identifier: MIT */
/*
 * The MC146818A real-time clock and its battery-backed RAM: index port 0x70, data port 0x71, IRQ 8.
 *
 * Source: Motorola MC146818A data sheet (ADI-1025); the RAM's use: IBM PC/AT Technical Reference,
 * "Real-time clock / CMOS RAM".
 *
 * - Virtual time 0 is 2026-01-01 00:00:00 UTC. The wall clock is never read, so that a run is a
 *   function of its inputs.
 * - The time bytes are kept as the guest sees them (BCD or binary, 12 or 24 hours) and are not
 *   converted when the guest changes the format, as on the chip. Values that cannot be are taken as
 *   the nearest that can when the clock next steps.
 * - Seconds step when the update cycle ends; UIP is set for the 244 us before it and the 1984 us of
 *   it. The clock runs only with the divider set for the 32768 Hz crystal (DV = 2); 500 ms after
 *   the divider leaves another setting, the first update comes. DV = 0 and 1 stop the clock here;
 *   with this crystal they would run it 128 and 32 times too slow.
 * - Century at 0x32, counted on with the year, in the format of the year. Every fourth year is a
 *   leap year, as on the chip. Daylight saving (DSE) and the square wave (SQWE) are stored and have
 *   no effect. The NMI mask in bit 7 of the index is ignored.
 *
 * Bound on timer events: none are timed while the interrupt line is high, until the guest reads
 * register C; else at most 8192 a second of virtual time (rate 3).
 */
#ifndef VMM_DEV_RTC_H
#define VMM_DEV_RTC_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/bus.h"

#define RTC_BYTES 128u

struct rtc_state {
	uint8_t index;
	uint8_t ram[RTC_BYTES]; /* registers A..D at 0x0a..0x0d, UIP and IRQF computed on read */
	uint64_t phase_ns;	/* added to the time: the divider chain's time (wraps) */
	uint64_t seconds;	/* of the divider chain, up to which the clock has stepped */
	uint64_t periods;	/* of the periodic interrupt, up to which PF was set */
};

struct rtc {
	struct rtc_state state;
	struct bus *bus;
	struct bus_timer timer; /* the next enabled interrupt */
};

/*
 * `ram_bytes` goes to the memory size bytes. -ENOMEM, or what bus_add_ports says; after that, and
 * after rtc_destroy, do not use the bus.
 */
int rtc_create(struct rtc **out, struct bus *bus, uint64_t ram_bytes);
void rtc_destroy(struct rtc *r);

#endif
