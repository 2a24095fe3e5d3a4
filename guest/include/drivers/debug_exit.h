/* SPDX-License-Identifier: MIT */
/*
 * The debug exit device at port 0xf4. vmm ends with the value written (design, section 6), QEMU
 * with (value << 1) | 1.
 */
#ifndef DRIVERS_DEBUG_EXIT_H
#define DRIVERS_DEBUG_EXIT_H

#define DEBUG_EXIT_PORT 0xf4

#ifndef __ASSEMBLER__
#include <lib/types.h>

/* Returns only where there is no such device. */
void debug_exit(u32 status);
#endif
#endif
