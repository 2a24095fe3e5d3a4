// SPDX-License-Identifier: MIT
#include "dev/debugcon.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_DEBUGCON 0xe9u

static uint32_t debugcon_read(void *dev, uint16_t port, unsigned size)
{
	return PORT_DEBUGCON;
}

static void debugcon_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct debugcon *d = dev;

	d->host.put(d->host.ctx, (uint8_t)value);
}

static const struct bus_port_ops debugcon_ops = { 1, debugcon_read, debugcon_write };

int debugcon_create(struct debugcon **out, struct bus *bus, const struct debugcon_host *host)
{
	struct debugcon *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->host = *host;
	err = bus_add_ports(bus, PORT_DEBUGCON, 1, &debugcon_ops, d);
	if (err) {
		debugcon_destroy(d);
		return err;
	}
	*out = d;
	return 0;
}

void debugcon_destroy(struct debugcon *d)
{
	free(d);
}
