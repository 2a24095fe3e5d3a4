/* SPDX-License-Identifier: MIT */
/*
 * Pages and the direct map. Usable from assembly and from the linker script. What the memory
 * manager must know, too, is in mm/layout.h.
 *
 * The direct map shows physical 0..high_memory at PAGE_OFFSET; __va() and __pa() are valid for
 * that range alone.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include "mm/layout.h"

#define PHYSICAL_START 0x00100000

#define THREAD_SIZE 8192

#ifndef __ASSEMBLER__
#include <lib/types.h>

static inline u32 __pa(const volatile void *va)
{
	return (u32)va - PAGE_OFFSET;
}

static inline void *__va(u32 pa)
{
	return (void *)(pa + PAGE_OFFSET);
}
#endif

#endif
