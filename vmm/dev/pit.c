// SPDX-License-Identifier: MIT
#include "dev/pit.h"

#include <errno.h>
#include <stdlib.h>

#include "dev/pit_channel.h"

#define PORT_PIT 0x40u
#define PORT_CONTROL 0x43u
#define PORT_B 0x61u
#define PIT_IRQ 0u
#define NS_PER_SECOND 1000000000u
#define REFRESH_TICKS 18u

#define CONTROL_CHANNEL_SHIFT 6
#define CONTROL_READ_BACK 3u
#define CONTROL_RW 0x30u
#define READ_BACK_NO_COUNT 0x20u
#define READ_BACK_NO_STATUS 0x10u

#define PORT_B_GATE2 0x01u
#define PORT_B_WRITABLE 0x0fu
#define PORT_B_REFRESH 0x10u
#define PORT_B_OUT2 0x20u

static uint64_t ns_to_tick(uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * PIT_HZ / NS_PER_SECOND);
}

/* The first nanosecond of a tick. */
static uint64_t tick_to_ns(uint64_t tick)
{
	unsigned __int128 ns = ((unsigned __int128)tick * NS_PER_SECOND + PIT_HZ - 1) / PIT_HZ;

	return ns < BUS_NEVER ? (uint64_t)ns : BUS_NEVER;
}

/* Raise IRQ 0 by an edge, and let time go on without events until it is taken. */
static void pit_raise(struct pit *p)
{
	p->state.waiting = true;
	bus_set_irq(p->bus, PIT_IRQ, false);
	bus_set_irq(p->bus, PIT_IRQ, true);
}

static void pit_lower(struct pit *p)
{
	p->state.waiting = false;
	bus_set_irq(p->bus, PIT_IRQ, false);
}

/* Bring everything up to now. All entries into this file begin with it and end with pit_arm. */
static uint64_t pit_advance(struct pit *p, uint64_t now_ns)
{
	uint64_t tick = ns_to_tick(now_ns);

	if (tick >= p->state.rise) {
		p->state.rise = PIT_NEVER;
		pit_raise(p);
	}
	for (unsigned i = 0; i < PIT_CHANNELS; i++)
		channel_sync(&p->state.channel[i], tick);
	return tick;
}

static void pit_arm(struct pit *p, uint64_t tick)
{
	struct pit_state *s = &p->state;

	s->rise = s->waiting ? PIT_NEVER : channel_next_rise(&s->channel[0], tick);
	bus_timer_set(p->bus, &p->timer, s->rise == PIT_NEVER ? BUS_NEVER : tick_to_ns(s->rise));
}

static void pit_timer(void *dev, uint64_t now_ns)
{
	struct pit *p = dev;

	pit_arm(p, pit_advance(p, now_ns));
}

static void pit_irq_taken(void *dev)
{
	struct pit *p = dev;
	uint64_t tick = pit_advance(p, bus_now(p->bus));

	p->state.waiting = false;
	pit_arm(p, tick);
}

/* A write changed channel 0's output at once. */
static void pit_follow_out(struct pit *p, uint64_t tick, bool before)
{
	bool out = channel_out(&p->state.channel[0], tick);

	if (out && !before)
		pit_raise(p);
	else if (!out && p->state.channel[0].mode == 0)
		pit_lower(p);
}

static void pit_control(struct pit *p, uint64_t tick, uint8_t value)
{
	unsigned which = value >> CONTROL_CHANNEL_SHIFT;

	if (which == CONTROL_READ_BACK) {
		for (unsigned i = 0; i < PIT_CHANNELS; i++) {
			struct pit_channel *ch = &p->state.channel[i];

			if (!(value & 2u << i))
				continue;
			if (!(value & READ_BACK_NO_COUNT))
				channel_latch_count(ch, tick);
			if (!(value & READ_BACK_NO_STATUS))
				channel_latch_status(ch, tick);
		}
	} else if (value & CONTROL_RW) {
		channel_control(&p->state.channel[which], tick, value);
	} else {
		channel_latch_count(&p->state.channel[which], tick);
	}
}

static void pit_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct pit *p = dev;
	uint64_t tick = pit_advance(p, bus_now(p->bus));
	bool before = channel_out(&p->state.channel[0], tick);

	if (port == PORT_CONTROL)
		pit_control(p, tick, (uint8_t)value);
	else
		channel_write(&p->state.channel[port - PORT_PIT], tick, (uint8_t)value);
	pit_follow_out(p, tick, before);
	pit_arm(p, tick);
}

static uint32_t pit_read(void *dev, uint16_t port, unsigned size)
{
	struct pit *p = dev;
	uint64_t tick;
	uint8_t value;

	if (port == PORT_CONTROL)
		return 0xff; /* cannot be read: nobody drives the bus */
	tick = pit_advance(p, bus_now(p->bus));
	value = channel_read(&p->state.channel[port - PORT_PIT], tick);
	pit_arm(p, tick);
	return value;
}

static uint32_t port_b_read(void *dev, uint16_t port, unsigned size)
{
	struct pit *p = dev;
	uint64_t tick = pit_advance(p, bus_now(p->bus));
	uint8_t value = p->state.port61;

	if (tick / REFRESH_TICKS & 1)
		value |= PORT_B_REFRESH;
	if (channel_out(&p->state.channel[2], tick))
		value |= PORT_B_OUT2;
	pit_arm(p, tick);
	return value;
}

static void port_b_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct pit *p = dev;
	uint64_t tick = pit_advance(p, bus_now(p->bus));

	p->state.port61 = value & PORT_B_WRITABLE;
	channel_gate(&p->state.channel[2], tick, value & PORT_B_GATE2);
	pit_arm(p, tick);
}

static const struct bus_port_ops pit_ops = { 1, pit_read, pit_write };
static const struct bus_port_ops port_b_ops = { 1, port_b_read, port_b_write };

/* Control word and count of each channel after a PC BIOS. */
static const struct {
	uint8_t control, low, high;
	bool gate;
} bios_channels[PIT_CHANNELS] = {
	{ 0x36, 0, 0, true },
	{ 0x34, REFRESH_TICKS, 0, true },
	{ 0x36, 0, 0, false },
};

static void pit_reset(struct pit *p)
{
	uint64_t tick = ns_to_tick(bus_now(p->bus));

	for (unsigned i = 0; i < PIT_CHANNELS; i++) {
		struct pit_channel *ch = &p->state.channel[i];

		ch->gate = bios_channels[i].gate;
		channel_control(ch, tick, bios_channels[i].control);
		channel_write(ch, tick, bios_channels[i].low);
		channel_write(ch, tick, bios_channels[i].high);
	}
	pit_arm(p, tick);
}

int pit_create(struct pit **out, struct bus *bus)
{
	struct pit *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->bus = bus;
	p->timer.fn = pit_timer;
	p->timer.dev = p;
	p->timer.due_ns = BUS_NEVER;
	err = bus_add_ports(bus, PORT_PIT, 4, &pit_ops, p);
	if (!err)
		err = bus_add_ports(bus, PORT_B, 1, &port_b_ops, p);
	if (err) {
		pit_destroy(p);
		return err;
	}
	bus_watch_irq(bus, PIT_IRQ, pit_irq_taken, p);
	pit_reset(p);
	*out = p;
	return 0;
}

void pit_destroy(struct pit *p)
{
	free(p);
}
