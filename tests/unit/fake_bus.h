/* SPDX-License-Identifier: MIT */
/*
 * A bus with a clock that the test moves, and, until a PIC is put on it, interrupt lines that are
 * recorded. For the tests of vmm/dev.
 */
#ifndef TESTS_UNIT_FAKE_BUS_H
#define TESTS_UNIT_FAKE_BUS_H

#include <string.h>

#include "dev/bus.h"

struct fake_bus {
	struct bus bus;
	uint64_t now_ns;
	unsigned attentions;
	unsigned events; /* times that timers were run */
	bool line[BUS_IRQS];
	unsigned edges[BUS_IRQS]; /* rising */
};

static inline uint64_t fake_now(void *ctx)
{
	return ((struct fake_bus *)ctx)->now_ns;
}

static inline void fake_attention(void *ctx)
{
	((struct fake_bus *)ctx)->attentions++;
}

static inline void fake_set_irq(void *ctx, unsigned irq, bool level)
{
	struct fake_bus *f = ctx;

	if (level && !f->line[irq])
		f->edges[irq]++;
	f->line[irq] = level;
}

static inline void fake_init(struct fake_bus *f)
{
	struct bus_host host = { f, fake_now, fake_attention };

	memset(f, 0, sizeof(*f));
	bus_init(&f->bus, &host);
	f->bus.set_irq = fake_set_irq;
	f->bus.pic = f;
}

/* Let time pass, with every timer run when it is due. */
static inline void fake_run_to(struct fake_bus *f, uint64_t ns)
{
	while (bus_next_due(&f->bus) <= ns) {
		f->now_ns = bus_next_due(&f->bus);
		f->events++;
		bus_run_timers(&f->bus, f->now_ns);
	}
	f->now_ns = ns;
}

static inline void fake_outb(struct fake_bus *f, uint16_t port, uint8_t value)
{
	bus_port_write(&f->bus, port, 1, value);
}

static inline uint8_t fake_inb(struct fake_bus *f, uint16_t port)
{
	return (uint8_t)bus_port_read(&f->bus, port, 1);
}

#endif
