/* SPDX-License-Identifier: MIT */
/*
 * The debug console at port 0xe9: each byte written goes to the host at once. Reading gives 0xe9,
 * which tells a guest that it is there (QEMU's isa-debugcon, and Bochs before it).
 */
#ifndef VMM_DEV_DEBUGCON_H
#define VMM_DEV_DEBUGCON_H

#include <stdint.h>

#include "dev/bus.h"

struct debugcon_host {
	void *ctx;
	void (*put)(void *ctx, uint8_t byte);
};

struct debugcon {
	struct debugcon_host host;
};

/* -ENOMEM, or what bus_add_ports says. */
int debugcon_create(struct debugcon **out, struct bus *bus, const struct debugcon_host *host);
void debugcon_destroy(struct debugcon *d);

#endif
