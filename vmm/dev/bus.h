/* SPDX-License-Identifier: MIT */
/*
 * Where devices hang: ports, MMIO ranges, interrupt lines, and timers in virtual time.
 *
 * Devices know this header and nothing of machines or engines. All callbacks run on the vCPU's
 * thread. What no device claims reads as all ones, and writes to it are dropped, as on a PC.
 */
#ifndef VMM_DEV_BUS_H
#define VMM_DEV_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/types.h"

#define BUS_PORT_RANGES 32u
#define BUS_MMIO_RANGES 16u
#define BUS_IRQS 16u
#define BUS_NEVER UINT64_MAX
/*
 * Virtual time ends after 146 years, so that devices may add and multiply times without a thought
 * of overflow: no timer is set beyond, and the machine stops there.
 */
#define BUS_TIME_END (1ull << 62)

struct bus;

/*
 * A range of ports. `width` is the widest access the device takes as one (1, 2 or 4); wider ones,
 * and those that reach beyond the range, are halved into accesses to successive ports, lowest
 * first, as an ISA bus does; a narrower one is passed on with its size.
 */
struct bus_port_ops {
	unsigned width;
	uint32_t (*read)(void *dev, uint16_t port, unsigned size);
	void (*write)(void *dev, uint16_t port, unsigned size, uint32_t value);
};

struct bus_mmio_ops {
	uint32_t (*read)(void *dev, gpa_t offset, unsigned size);
	void (*write)(void *dev, gpa_t offset, unsigned size, uint32_t value);
};

/*
 * A one-shot timer in virtual nanoseconds. The owner embeds it, sets fn and dev once and due_ns to
 * BUS_NEVER. fn gets the time at which timers are run, which may be later than due_ns; a timer that
 * arms itself again from fn must do so for later than that, so that running timers ends.
 */
struct bus_timer {
	void (*fn)(void *dev, uint64_t now_ns);
	void *dev;
	uint64_t due_ns; /* BUS_NEVER while not armed */
	struct bus_timer *next;
	bool listed;
};

/* What the machine gives to its bus. */
struct bus_host {
	void *ctx;
	uint64_t (*now_ns)(void *ctx);
	/*
	 * An interrupt line or the earliest timer changed: look again before the next instruction.
	 */
	void (*attention)(void *ctx);
};

struct bus_port_range {
	uint16_t first, count;
	const struct bus_port_ops *ops;
	void *dev;
};

struct bus_mmio_range {
	gpa_t start;
	uint64_t bytes;
	const struct bus_mmio_ops *ops;
	void *dev;
};

/* Who is told that a request on an edge-triggered line was taken. */
struct bus_irq_watch {
	void (*fn)(void *dev);
	void *dev;
};

struct bus {
	struct bus_host host;
	struct bus_port_range port[BUS_PORT_RANGES];
	unsigned ports;
	unsigned port_hit; /* the range found last: most accesses come in runs */
	struct bus_mmio_range mmio[BUS_MMIO_RANGES];
	unsigned mmios;
	struct bus_timer *timers; /* sorted by due_ns, then by order of arming */
	uint64_t firing_ns;	  /* when the timer that fires now was due; 0 outside */
	void (*set_irq)(void *pic, unsigned irq, bool level);
	void *pic;
	struct bus_irq_watch watch[BUS_IRQS];
};

void bus_init(struct bus *b, const struct bus_host *host);

/* -ENOSPC: table full; -EEXIST: overlaps another range; -EINVAL: empty or wrapping. */
int bus_add_ports(struct bus *b, uint16_t first, uint16_t count, const struct bus_port_ops *ops,
		  void *dev);
int bus_add_mmio(struct bus *b, gpa_t start, uint64_t bytes, const struct bus_mmio_ops *ops,
		 void *dev);

/* Size 1, 2 or 4. Ports wrap at 64K. Values are cut to the size, both ways. */
uint32_t bus_port_read(struct bus *b, uint16_t port, unsigned size);
void bus_port_write(struct bus *b, uint16_t port, unsigned size, uint32_t value);
uint32_t bus_mmio_read(struct bus *b, gpa_t gpa, unsigned size);
void bus_mmio_write(struct bus *b, gpa_t gpa, unsigned size, uint32_t value);

/* Set the level of ISA interrupt line 0..15. */
void bus_set_irq(struct bus *b, unsigned irq, bool level);

/*
 * A device whose requests come by themselves (the PIT) need not time edges that fall on a request
 * which is still waiting: it watches its line and goes on when the controller says that the request
 * is gone, because the CPU took it or the controller was reset, but not because the line fell. This
 * bounds the device's timer events by what the guest does. `fn` must not change interrupt lines.
 */
void bus_watch_irq(struct bus *b, unsigned irq, void (*fn)(void *dev), void *dev);
/* For the interrupt controller. */
void bus_irq_taken(struct bus *b, unsigned irq);

uint64_t bus_now(const struct bus *b);
/*
 * Arm (or move, or with BUS_NEVER disarm) a timer. From BUS_TIME_END on it is never due; one that
 * is armed by a timer's function is due later than that timer was.
 */
void bus_timer_set(struct bus *b, struct bus_timer *t, uint64_t due_ns);
/* When the earliest timer is due; BUS_NEVER if none. */
uint64_t bus_next_due(const struct bus *b);
/* Fire every timer that is due at `now_ns`, in order. A timer may arm itself again. */
void bus_run_timers(struct bus *b, uint64_t now_ns);

#endif
