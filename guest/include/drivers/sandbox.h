/* SPDX-License-Identifier: MIT */
/*
 * The sandbox port, 0x5b0..0x5b7: services that only vmm has. Elsewhere (QEMU, hardware) the ports
 * read all ones and sandbox_present() is false.
 *
 * A dword read at 0x5b0 gives the magic. A dword written to 0x5b0 selects a service, a dword read
 * at 0x5b4 then runs it, and one written there is told to it.
 */
#ifndef DRIVERS_SANDBOX_H
#define DRIVERS_SANDBOX_H

#include <lib/types.h>

#define SANDBOX_PORT 0x5b0
#define SANDBOX_DATA 0x5b4
#define SANDBOX_MAGIC 0x584f4253 /* "SBOX" */

enum sandbox_selector {
	SANDBOX_VERSION = 0,	/* the version of this interface */
	SANDBOX_RANDOM = 1,	/* the next 32 bits of the stream that vmm --seed chooses */
	SANDBOX_VMCOREINFO = 2, /* to be told: the physical address of the note (mm/vmcoreinfo.h) */
};

#define SANDBOX_INTERFACE_VERSION 1

bool sandbox_present(void);

/* The answer of a service; call only if sandbox_present(). */
u32 sandbox_read(enum sandbox_selector selector);

/* Tell a service a value. */
void sandbox_write(enum sandbox_selector selector, u32 value);

#endif
