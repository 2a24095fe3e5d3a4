/* SPDX-License-Identifier: MIT */
/*
 * A PIT on a fake bus: moving to a tick, programming and reading channels. For test_pit*.c.
 */
#ifndef TESTS_UNIT_PIT_RIG_H
#define TESTS_UNIT_PIT_RIG_H

#include "dev/pit.h"
#include "fake_bus.h"
#include "unit.h"

#define CONTROL 0x43

/* The first nanosecond of a tick: the smallest t with t * 1193182 >= tick * 10^9. */
static inline uint64_t ns_of(uint64_t tick)
{
	uint64_t t = tick / 1193182 * 1000000000;
	uint64_t rest = tick % 1193182 * 1000000000;

	return t + rest / 1193182 + (rest % 1193182 != 0);
}

static inline void to_tick(struct fake_bus *f, uint64_t tick)
{
	fake_run_to(f, ns_of(tick));
}

static inline struct pit *start(struct fake_bus *f)
{
	struct pit *p = 0;

	fake_init(f);
	CU_ASSERT_EQUAL_FATAL(pit_create(&p, &f->bus), 0);
	return p;
}

static inline void program(struct fake_bus *f, unsigned channel, uint8_t mode_and_bcd,
			   uint16_t count)
{
	fake_outb(f, CONTROL, (uint8_t)(channel << 6 | 0x30 | mode_and_bcd));
	fake_outb(f, (uint16_t)(0x40 + channel), (uint8_t)count);
	fake_outb(f, (uint16_t)(0x40 + channel), (uint8_t)(count >> 8));
}

static inline uint8_t read_status(struct fake_bus *f, unsigned channel)
{
	fake_outb(f, CONTROL, (uint8_t)(0xe0 | 2u << channel));
	return fake_inb(f, (uint16_t)(0x40 + channel));
}

static inline uint16_t read_count(struct fake_bus *f, unsigned channel)
{
	uint8_t low;

	fake_outb(f, CONTROL, (uint8_t)(channel << 6));
	low = fake_inb(f, (uint16_t)(0x40 + channel));
	return (uint16_t)(low | fake_inb(f, (uint16_t)(0x40 + channel)) << 8);
}

static inline bool read_out(struct fake_bus *f, unsigned channel)
{
	return read_status(f, channel) & 0x80;
}

#endif
