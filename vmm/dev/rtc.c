// SPDX-License-Identifier: MIT
#include "dev/rtc.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/rtc_time.h"

#define PORT_INDEX 0x70u
#define RTC_IRQ 8u
#define NS_PER_SECOND 1000000000u
#define UIP_NS (244000u + 1984000u)
#define HALF_SECOND_NS 500000000u

#define A_UIP 0x80u
#define A_DV 0x70u
#define A_DV_RUN 0x20u
#define A_RS 0x0fu
#define B_UIE 0x10u
#define B_AIE 0x20u
#define B_PIE 0x40u
/* The flags of register C stand where register B has their enables. */
#define C_UF 0x10u
#define C_AF 0x20u
#define C_PF 0x40u
#define C_FLAGS 0x70u
#define C_IRQF 0x80u
#define D_VRT 0x80u

/* One period of the 32768 Hz crystal is 1953125 / 64 ns. */
#define CRYSTAL_NS_NUM 1953125u
#define CRYSTAL_NS_DEN 64u

static bool rtc_running(const struct rtc_state *s)
{
	return (s->ram[RTC_A] & A_DV) == A_DV_RUN;
}

/* Does the clock step? */
static bool rtc_updating(const struct rtc_state *s)
{
	return rtc_running(s) && !(s->ram[RTC_B] & RTC_B_SET);
}

/* Flags whose interrupts are enabled. */
static uint8_t rtc_irq_flags(const struct rtc_state *s)
{
	return s->ram[RTC_C] & s->ram[RTC_B] & C_FLAGS;
}

/* Crystal periods in one of the periodic interrupt (data sheet, table 5); 0: none. */
static unsigned rtc_period(const struct rtc_state *s)
{
	unsigned rate = s->ram[RTC_A] & A_RS;

	if (!rate)
		return 0;
	return 1u << (rate < 3 ? rate + 6 : rate - 1);
}

static uint64_t rtc_periods(const struct rtc_state *s, uint64_t chain_ns)
{
	unsigned period = rtc_period(s);

	if (!period)
		return 0;
	return (uint64_t)((unsigned __int128)chain_ns * CRYSTAL_NS_DEN / CRYSTAL_NS_NUM / period);
}

/* When period `n` begins, in time of the divider chain. */
static uint64_t rtc_period_ns(const struct rtc_state *s, uint64_t n)
{
	unsigned __int128 num = (unsigned __int128)n * rtc_period(s) * CRYSTAL_NS_NUM;

	return (uint64_t)((num + CRYSTAL_NS_DEN - 1) / CRYSTAL_NS_DEN);
}

/* Bring the clock and the flags up to `now_ns`. */
static void rtc_advance(struct rtc *r, uint64_t now_ns)
{
	struct rtc_state *s = &r->state;
	uint64_t chain_ns = now_ns + s->phase_ns;
	uint64_t seconds = chain_ns / NS_PER_SECOND;
	uint64_t steps = seconds - s->seconds;
	uint64_t periods = rtc_periods(s, chain_ns);

	if (!rtc_running(s))
		return;
	if (steps && rtc_updating(s)) {
		if (rtc_alarm_in(s->ram) <= steps)
			s->ram[RTC_C] |= C_AF;
		rtc_time_advance(s->ram, steps);
		s->ram[RTC_C] |= C_UF;
	}
	s->seconds = seconds;
	if (periods != s->periods)
		s->ram[RTC_C] |= C_PF;
	s->periods = periods;
}

/* When the next enabled interrupt comes, in time of the divider chain. */
static uint64_t rtc_next_ns(const struct rtc_state *s)
{
	uint8_t enabled = s->ram[RTC_B];
	uint64_t next = BUS_NEVER;
	uint32_t alarm;

	if (enabled & B_PIE && rtc_period(s))
		next = rtc_period_ns(s, s->periods + 1);
	if (!rtc_updating(s))
		return next;
	alarm = enabled & B_UIE ? 1 : enabled & B_AIE ? rtc_alarm_in(s->ram) : RTC_NO_ALARM;
	if (alarm != RTC_NO_ALARM && (s->seconds + alarm) * NS_PER_SECOND < next)
		next = (s->seconds + alarm) * NS_PER_SECOND;
	return next;
}

/* Drive the line, and set the timer if it is low. */
static void rtc_update(struct rtc *r)
{
	struct rtc_state *s = &r->state;
	bool level = rtc_irq_flags(s);
	uint64_t next = level || !rtc_running(s) ? BUS_NEVER : rtc_next_ns(s);

	bus_set_irq(r->bus, RTC_IRQ, level);
	bus_timer_set(r->bus, &r->timer, next == BUS_NEVER ? BUS_NEVER : next - s->phase_ns);
}

static void rtc_timer(void *dev, uint64_t now_ns)
{
	struct rtc *r = dev;

	rtc_advance(r, now_ns);
	rtc_update(r);
}

static uint8_t rtc_read_a(const struct rtc *r, uint64_t now_ns)
{
	const struct rtc_state *s = &r->state;
	uint64_t into = (now_ns + s->phase_ns) % NS_PER_SECOND;

	if (rtc_updating(s) && into >= NS_PER_SECOND - UIP_NS)
		return s->ram[RTC_A] | A_UIP;
	return s->ram[RTC_A];
}

static uint8_t rtc_read_c(struct rtc_state *s)
{
	uint8_t value = s->ram[RTC_C] | (rtc_irq_flags(s) ? C_IRQF : 0);

	s->ram[RTC_C] = 0;
	return value;
}

static uint8_t rtc_read_register(struct rtc *r, uint64_t now_ns)
{
	struct rtc_state *s = &r->state;

	if (s->index == RTC_A)
		return rtc_read_a(r, now_ns);
	if (s->index == RTC_C)
		return rtc_read_c(s);
	return s->ram[s->index];
}

static uint32_t rtc_read(void *dev, uint16_t port, unsigned size)
{
	struct rtc *r = dev;
	uint64_t now_ns = bus_now(r->bus);
	uint8_t value;

	if (port == PORT_INDEX)
		return 0xff; /* write-only on a PC */
	rtc_advance(r, now_ns);
	value = rtc_read_register(r, now_ns);
	rtc_update(r);
	return value;
}

static void rtc_write_a(struct rtc_state *s, uint8_t value, uint64_t now_ns)
{
	bool was_running = rtc_running(s);

	s->ram[RTC_A] = value & (uint8_t)~A_UIP;
	if (!was_running && rtc_running(s)) {
		s->phase_ns = HALF_SECOND_NS - now_ns;
		s->seconds = 0;
	}
	s->periods = rtc_periods(s, now_ns + s->phase_ns);
}

static void rtc_write_register(struct rtc_state *s, uint8_t value, uint64_t now_ns)
{
	switch (s->index) {
	case RTC_A:
		rtc_write_a(s, value, now_ns);
		break;
	case RTC_B:
		/* SET clears UIE (data sheet, "Register B"). */
		s->ram[RTC_B] = value & RTC_B_SET ? value & (uint8_t)~B_UIE : value;
		break;
	case RTC_C:
	case RTC_D:
		break; /* read-only */
	default:
		s->ram[s->index] = value;
	}
}

static void rtc_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct rtc *r = dev;
	uint64_t now_ns = bus_now(r->bus);

	if (port == PORT_INDEX) {
		r->state.index = value & (RTC_BYTES - 1);
		return;
	}
	rtc_advance(r, now_ns);
	rtc_write_register(&r->state, (uint8_t)value, now_ns);
	rtc_update(r);
}

static const struct bus_port_ops rtc_ops = { 1, rtc_read, rtc_write };

/* What a BIOS has put there; times in BCD. 2026-01-01 is a Thursday. */
static const struct {
	uint8_t index, value;
} bios_bytes[] = {
	{ RTC_WEEKDAY, 5 },    { RTC_DAY, 0x01 },	{ RTC_MONTH, 0x01 }, { RTC_YEAR, 0x26 },
	{ RTC_CENTURY, 0x20 }, { RTC_A, A_DV_RUN | 6 }, /* 1024 Hz, as the IBM BIOS sets it */
	{ RTC_B, RTC_B_24H },  { RTC_D, D_VRT },
};

static void put_word(uint8_t *ram, unsigned at, uint64_t value)
{
	uint16_t word = value < 0xffff ? (uint16_t)value : 0xffff;

	ram[at] = (uint8_t)word;
	ram[at + 1] = (uint8_t)(word >> 8);
}

static void rtc_reset(struct rtc_state *s, uint64_t ram_bytes)
{
	uint64_t kib = ram_bytes >> 10;
	uint16_t sum = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(bios_bytes); i++)
		s->ram[bios_bytes[i].index] = bios_bytes[i].value;
	put_word(s->ram, 0x15, kib < 640 ? kib : 640);
	put_word(s->ram, 0x17, kib > 1024 ? kib - 1024 : 0);
	put_word(s->ram, 0x30, kib > 1024 ? kib - 1024 : 0);
	/* Above 16 MiB, in units of 64 KiB. */
	put_word(s->ram, 0x34, kib > 16384 ? (kib - 16384) / 64 : 0);
	/* The checksum is big-endian. */
	for (unsigned i = 0x10; i <= 0x2d; i++)
		sum += s->ram[i];
	s->ram[0x2e] = (uint8_t)(sum >> 8);
	s->ram[0x2f] = (uint8_t)sum;
}

int rtc_create(struct rtc **out, struct bus *bus, uint64_t ram_bytes)
{
	struct rtc *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->bus = bus;
	r->timer.fn = rtc_timer;
	r->timer.dev = r;
	r->timer.due_ns = BUS_NEVER;
	rtc_reset(&r->state, ram_bytes);
	err = bus_add_ports(bus, PORT_INDEX, 2, &rtc_ops, r);
	if (err) {
		rtc_destroy(r);
		return err;
	}
	*out = r;
	return 0;
}

void rtc_destroy(struct rtc *r)
{
	free(r);
}
