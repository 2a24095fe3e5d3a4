/* SPDX-License-Identifier: MIT */
/*
 * The port by which a guest ends the machine: 0xf4..0xf7, QEMU's isa-debug-exit. A write of 1, 2 or
 * 4 bytes anywhere in it gives its value to the host; the host decides what it means. Reads are
 * zero, as QEMU's.
 */
#ifndef VMM_DEV_DEBUG_EXIT_H
#define VMM_DEV_DEBUG_EXIT_H

#include <stdint.h>

#include "dev/bus.h"

struct debug_exit_host {
	void *ctx;
	void (*exit)(void *ctx, uint32_t value);
};

struct debug_exit {
	struct debug_exit_host host;
};

/* -ENOMEM, or what bus_add_ports says. */
int debug_exit_create(struct debug_exit **out, struct bus *bus, const struct debug_exit_host *host);
void debug_exit_destroy(struct debug_exit *d);

#endif
