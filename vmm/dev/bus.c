// SPDX-License-Identifier: MIT
#include "dev/bus.h"

#include <errno.h>
#include <string.h>

#define PORT_SPACE 0x10000u

void bus_init(struct bus *b, const struct bus_host *host)
{
	memset(b, 0, sizeof(*b));
	b->host = *host;
}

int bus_add_ports(struct bus *b, uint16_t first, uint16_t count, const struct bus_port_ops *ops,
		  void *dev)
{
	uint32_t end = (uint32_t)first + count;

	if (!count || end > PORT_SPACE)
		return -EINVAL;
	for (unsigned i = 0; i < b->ports; i++) {
		const struct bus_port_range *r = &b->port[i];

		if (first < (uint32_t)r->first + r->count && r->first < end)
			return -EEXIST;
	}
	if (b->ports == BUS_PORT_RANGES)
		return -ENOSPC;
	b->port[b->ports++] = (struct bus_port_range){ first, count, ops, dev };
	return 0;
}

int bus_add_mmio(struct bus *b, gpa_t start, uint64_t bytes, const struct bus_mmio_ops *ops,
		 void *dev)
{
	if (!bytes || start + bytes - 1 < start)
		return -EINVAL;
	for (unsigned i = 0; i < b->mmios; i++) {
		const struct bus_mmio_range *r = &b->mmio[i];

		/* Last bytes, because a range may end at the top of the address space. */
		if (start <= r->start + r->bytes - 1 && r->start <= start + bytes - 1)
			return -EEXIST;
	}
	if (b->mmios == BUS_MMIO_RANGES)
		return -ENOSPC;
	b->mmio[b->mmios++] = (struct bus_mmio_range){ start, bytes, ops, dev };
	return 0;
}

/* The range that takes this access as one, or NULL: then it is halved, or nobody is there. */
static const struct bus_port_range *port_find(struct bus *b, uint16_t port, unsigned size)
{
	for (unsigned n = 0; n < b->ports; n++) {
		unsigned i = b->port_hit + n < b->ports ? b->port_hit + n
							: b->port_hit + n - b->ports;
		const struct bus_port_range *r = &b->port[i];
		unsigned offset = (unsigned)(port - r->first);

		if (port < r->first || offset >= r->count)
			continue;
		b->port_hit = i;
		return size <= r->ops->width && offset + size <= r->count ? r : 0;
	}
	return 0;
}

/* Bytes of an access: what a device answers beyond them is nobody's. */
static uint32_t size_mask(unsigned size)
{
	return size < 4 ? (1u << (size * 8)) - 1 : 0xffffffff;
}

uint32_t bus_port_read(struct bus *b, uint16_t port, unsigned size)
{
	const struct bus_port_range *r = port_find(b, port, size);
	unsigned half = size / 2;
	uint32_t low;

	if (r)
		return r->ops->read(r->dev, port, size) & size_mask(size);
	if (size == 1)
		return 0xff;
	low = bus_port_read(b, port, half);
	return low | bus_port_read(b, (uint16_t)(port + half), half) << (half * 8);
}

void bus_port_write(struct bus *b, uint16_t port, unsigned size, uint32_t value)
{
	const struct bus_port_range *r = port_find(b, port, size);
	unsigned half = size / 2;

	if (r) {
		r->ops->write(r->dev, port, size, value & size_mask(size));
	} else if (size > 1) {
		bus_port_write(b, port, half, value & size_mask(half));
		bus_port_write(b, (uint16_t)(port + half), half, value >> (half * 8));
	}
}

static const struct bus_mmio_range *mmio_find(const struct bus *b, gpa_t gpa, unsigned size)
{
	for (unsigned i = 0; i < b->mmios; i++) {
		const struct bus_mmio_range *r = &b->mmio[i];

		if (gpa >= r->start && gpa - r->start < r->bytes)
			return r->bytes - (gpa - r->start) >= size ? r : 0;
	}
	return 0;
}

uint32_t bus_mmio_read(struct bus *b, gpa_t gpa, unsigned size)
{
	const struct bus_mmio_range *r = mmio_find(b, gpa, size);
	unsigned half = size / 2;
	uint32_t low;

	if (r)
		return r->ops->read(r->dev, gpa - r->start, size) & size_mask(size);
	if (size == 1)
		return 0xff;
	low = bus_mmio_read(b, gpa, half);
	return low | bus_mmio_read(b, gpa + half, half) << (half * 8);
}

void bus_mmio_write(struct bus *b, gpa_t gpa, unsigned size, uint32_t value)
{
	const struct bus_mmio_range *r = mmio_find(b, gpa, size);
	unsigned half = size / 2;

	if (r) {
		r->ops->write(r->dev, gpa - r->start, size, value & size_mask(size));
	} else if (size > 1) {
		bus_mmio_write(b, gpa, half, value & size_mask(half));
		bus_mmio_write(b, gpa + half, half, value >> (half * 8));
	}
}

void bus_set_irq(struct bus *b, unsigned irq, bool level)
{
	if (b->set_irq)
		b->set_irq(b->pic, irq, level);
}

void bus_watch_irq(struct bus *b, unsigned irq, void (*fn)(void *dev), void *dev)
{
	b->watch[irq] = (struct bus_irq_watch){ fn, dev };
}

void bus_irq_taken(struct bus *b, unsigned irq)
{
	if (b->watch[irq].fn)
		b->watch[irq].fn(b->watch[irq].dev);
}

uint64_t bus_now(const struct bus *b)
{
	return b->host.now_ns(b->host.ctx);
}

static void timer_unlink(struct bus *b, struct bus_timer *t)
{
	struct bus_timer **at = &b->timers;

	while (*at && *at != t)
		at = &(*at)->next;
	*at = t->next;
	t->next = 0;
	t->listed = false;
}

void bus_timer_set(struct bus *b, struct bus_timer *t, uint64_t due_ns)
{
	uint64_t before = bus_next_due(b);
	struct bus_timer **at = &b->timers;

	if (t->listed)
		timer_unlink(b, t);
	if (due_ns >= BUS_TIME_END)
		due_ns = BUS_NEVER;
	else if (due_ns <= b->firing_ns)
		due_ns = b->firing_ns + 1;
	t->due_ns = due_ns;
	if (due_ns != BUS_NEVER) {
		while (*at && (*at)->due_ns <= due_ns)
			at = &(*at)->next;
		t->next = *at;
		t->listed = true;
		*at = t;
	}
	if (bus_next_due(b) != before)
		b->host.attention(b->host.ctx);
}

uint64_t bus_next_due(const struct bus *b)
{
	return b->timers ? b->timers->due_ns : BUS_NEVER;
}

void bus_run_timers(struct bus *b, uint64_t now_ns)
{
	while (b->timers && b->timers->due_ns <= now_ns) {
		struct bus_timer *t = b->timers;

		timer_unlink(b, t);
		b->firing_ns = t->due_ns;
		t->due_ns = BUS_NEVER;
		t->fn(t->dev, now_ns);
	}
	b->firing_ns = 0;
}
