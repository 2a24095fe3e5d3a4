// SPDX-License-Identifier: MIT
#include "dev/sandbox.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_SANDBOX 0x5b0u
#define PORTS 8u
#define OFFSET_SELECT 0u
#define OFFSET_DATA 4u
#define NOTHING 0xffffffffu

struct sandbox_register {
	uint32_t selector;
	uint32_t (*read)(struct sandbox *s);
	void (*write)(struct sandbox *s, uint32_t value); /* NULL: read only */
};

static uint32_t read_version(struct sandbox *s)
{
	return SANDBOX_VERSION;
}

/*
 * SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014,
 * fig. 17, with the mixing constants of the public SplitMix64). The upper half of each output.
 */
static uint32_t read_random(struct sandbox *s)
{
	uint64_t z = s->state.random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32);
}

static uint32_t read_vmcoreinfo(struct sandbox *s)
{
	return s->state.vmcoreinfo;
}

static void write_vmcoreinfo(struct sandbox *s, uint32_t value)
{
	s->state.vmcoreinfo = value;
}

static const struct sandbox_register registers[] = {
	{ 0, read_version, NULL },
	{ 1, read_random, NULL },
	{ 2, read_vmcoreinfo, write_vmcoreinfo },
};

/* The selected register, or NULL. */
static const struct sandbox_register *selected(const struct sandbox *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].selector == s->state.selected)
			return &registers[i];
	return NULL;
}

static uint32_t sandbox_read(void *dev, uint16_t port, unsigned size)
{
	struct sandbox *s = dev;
	unsigned offset = port - PORT_SANDBOX;
	const struct sandbox_register *r;

	if (size == 4 && offset == OFFSET_SELECT)
		return SANDBOX_MAGIC;
	if (size != 4 || offset != OFFSET_DATA)
		return NOTHING;
	r = selected(s);
	return r ? r->read(s) : NOTHING;
}

static void sandbox_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct sandbox *s = dev;
	unsigned offset = port - PORT_SANDBOX;
	const struct sandbox_register *r;

	if (size == 4 && offset == OFFSET_SELECT)
		s->state.selected = value;
	if (size != 4 || offset != OFFSET_DATA)
		return;
	r = selected(s);
	if (r && r->write)
		r->write(s, value);
}

static const struct bus_port_ops sandbox_ops = { 4, sandbox_read, sandbox_write };

int sandbox_create(struct sandbox **out, struct bus *bus, uint64_t seed)
{
	struct sandbox *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->state.random = seed;
	s->state.selected = NOTHING;
	s->state.vmcoreinfo = NOTHING;
	err = bus_add_ports(bus, PORT_SANDBOX, PORTS, &sandbox_ops, s);
	if (err) {
		sandbox_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

void sandbox_destroy(struct sandbox *s)
{
	free(s);
}
