/* SPDX-License-Identifier: MIT */
/*
 * The sandbox port, 0x5b0..0x5b7: what the host offers to a guest that knows shadowbox. Where it is
 * absent (QEMU, hardware) the ports read all ones.
 *
 *   0x5b0  read: SANDBOX_MAGIC        write: select a register
 *   0x5b4  the selected register
 *
 * All accesses are aligned dwords; others read all ones and write nothing, and so do registers that
 * do not exist or cannot be read or written. Registers are rows of a table in sandbox.c.
 *
 *   0  version of this interface, SANDBOX_VERSION              (read)
 *   1  next 32 random bits of the stream that --seed chooses   (read)
 *   2  physical address of the guest's VMCOREINFO note; all ones until it is written (read, write)
 */
#ifndef VMM_DEV_SANDBOX_H
#define VMM_DEV_SANDBOX_H

#include <stdint.h>

#include "dev/bus.h"

#define SANDBOX_MAGIC 0x584f4253u /* "SBOX" as bytes in memory */
#define SANDBOX_VERSION 1u

struct sandbox_state {
	uint32_t selected;
	uint64_t random;     /* SplitMix64's state: the seed plus the steps taken */
	uint32_t vmcoreinfo; /* guest-physical, as the guest wrote it: not to be trusted */
};

struct sandbox {
	struct sandbox_state state;
};

/* -ENOMEM, or what bus_add_ports says. */
int sandbox_create(struct sandbox **out, struct bus *bus, uint64_t seed);
void sandbox_destroy(struct sandbox *s);

#endif
