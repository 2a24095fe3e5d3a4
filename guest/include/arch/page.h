/* SPDX-License-Identifier: MIT */
/*
 * Pages and the direct map. Usable from assembly and from the linker script.
 *
 * The direct map shows physical 0..high_memory at PAGE_OFFSET; __va() and __pa() are valid for
 * that range alone. MAXMEM is the most it can hold: what remains above it, 128 MiB, is for the
 * vmalloc area, kmap and the fixed slots. For the 3G split that is 896 MiB.
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#define PAGE_SHIFT 12
#define PGDIR_SHIFT 22

#define PAGE_OFFSET CONFIG_PAGE_OFFSET
#define VMALLOC_RESERVE 0x08000000
#define MAXMEM (0x100000000 - PAGE_OFFSET - VMALLOC_RESERVE)

#define PHYSICAL_START 0x00100000

#define THREAD_SIZE 8192

#ifndef __ASSEMBLER__
#include <lib/types.h>

#define PAGE_SIZE (1u << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PGDIR_SIZE (1u << PGDIR_SHIFT)
#define PGDIR_MASK (~(PGDIR_SIZE - 1))

#define PFN_DOWN(x) ((u32)((x) >> PAGE_SHIFT))
#define PFN_UP(x) ((u32)(((x) + PAGE_SIZE - 1) >> PAGE_SHIFT))

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
