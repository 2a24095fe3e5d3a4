// SPDX-License-Identifier: MIT
#include <arch/irq.h>
#include <arch/processor.h>
#include <arch/ptrace.h>
#include <drivers/i8253.h>
#include <drivers/rtc.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#define PIT_DIVISOR ((PIT_TICK_RATE + HZ / 2) / HZ) /* pit_init()'s */

volatile unsigned long jiffies;

static void timer_interrupt(void)
{
	jiffies++;
	scheduler_tick(user_mode(get_irq_regs()));
}

void time_init(void)
{
	pit_init(HZ);
	request_irq(PIT_IRQ, timer_interrupt);
}

/*
 * Steps of the PIT. It counts down from PIT_DIVISOR; after it has begun anew and before the
 * interrupt was served, the time would seem to go back: then a tick is missing.
 */
static u64 pit_clocks(void)
{
	static u64 last;
	u32 flags = local_irq_save();
	u64 clocks = (u64)jiffies * PIT_DIVISOR + (PIT_DIVISOR - pit_read_count());

	if (clocks < last)
		clocks += PIT_DIVISOR;
	if (clocks < last)
		clocks = last;
	last = clocks;
	local_irq_restore(flags);
	return clocks;
}

u64 monotonic_ns(void)
{
	u64 clocks = pit_clocks();
	u64 seconds = clocks / PIT_TICK_RATE;

	return seconds * NSEC_PER_SEC +
	       (clocks - seconds * PIT_TICK_RATE) * NSEC_PER_SEC / PIT_TICK_RATE;
}

/* --- the date --------------------------------------------------------------------------------- */

static u32 from_bcd(u8 value, bool binary)
{
	return binary ? value : (u32)(value >> 4) * 10 + (value & 0xf);
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, years that begin in March. */
static u32 days_since_1970(u32 year, u32 month, u32 day)
{
	u32 y = month > 2 ? year : year - 1;
	u32 m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

/*
 * Seconds since 1970 by the RTC; 0 if it does not answer. The chip knows no century: it is 2000 on.
 */
static u64 rtc_seconds(void)
{
	bool binary = rtc_read(RTC_STATUS_B) & RTC_STATUS_B_BINARY;
	struct rtc_regs r;

	if (!rtc_read_regs(&r))
		return 0;
	return (u64)days_since_1970(2000 + from_bcd(r.year, binary), from_bcd(r.month, binary),
				    from_bcd(r.day, binary)) *
		       86400 +
	       from_bcd(r.hours, binary) * 3600 + from_bcd(r.minutes, binary) * 60 +
	       from_bcd(r.seconds, binary);
}

u64 realtime_ns(void)
{
	static bool known;
	static u64 offset;
	u64 now = monotonic_ns();

	if (!known) {
		offset = rtc_seconds() * NSEC_PER_SEC - now;
		known = true;
	}
	return now + offset;
}
