/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own symbols: which function an address lies in.
 *
 * The table is made from a first link of the kernel, by kernel/kallsyms.sh, and lies behind all
 * code, so that linking it in moves no function.
 */
#ifndef KERNEL_KALLSYMS_H
#define KERNEL_KALLSYMS_H

#include <lib/types.h>

struct kallsym {
	const char *name;
	u32 start, bytes; /* up to the next symbol */
};

/* The last symbol at or below the address. False: it is not in the kernel's code. */
bool kallsyms_lookup(u32 address, struct kallsym *sym);

#endif
