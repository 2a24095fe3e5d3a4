// SPDX-License-Identifier: MIT
#include "dev/debug_exit.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_DEBUG_EXIT 0xf4u
#define PORTS 4u

static uint32_t debug_exit_read(void *dev, uint16_t port, unsigned size)
{
	return 0;
}

static void debug_exit_write(void *dev, uint16_t port, unsigned size, uint32_t value)
{
	struct debug_exit *d = dev;

	d->host.exit(d->host.ctx, value);
}

static const struct bus_port_ops debug_exit_ops = { 4, debug_exit_read, debug_exit_write };

int debug_exit_create(struct debug_exit **out, struct bus *bus, const struct debug_exit_host *host)
{
	struct debug_exit *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->host = *host;
	err = bus_add_ports(bus, PORT_DEBUG_EXIT, PORTS, &debug_exit_ops, d);
	if (err) {
		debug_exit_destroy(d);
		return err;
	}
	*out = d;
	return 0;
}

void debug_exit_destroy(struct debug_exit *d)
{
	free(d);
}
