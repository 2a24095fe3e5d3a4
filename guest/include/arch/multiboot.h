/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1: what the kernel asks of the loader and what it gets.
 * (Multiboot Specification 0.6.96)
 */
#ifndef ARCH_MULTIBOOT_H
#define ARCH_MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_BOOT_MAGIC 0x2badb002 /* in EAX at entry */

#define MULTIBOOT_PAGE_ALIGN 0x1  /* modules begin at page borders */
#define MULTIBOOT_MEMORY_INFO 0x2 /* mem_* and mmap are wanted */

/* struct multiboot_info.flags */
#define MULTIBOOT_INFO_MEMORY 0x001
#define MULTIBOOT_INFO_CMDLINE 0x004
#define MULTIBOOT_INFO_MODS 0x008
#define MULTIBOOT_INFO_MMAP 0x040

#ifndef __ASSEMBLER__
#include <lib/types.h>

struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* KiB from 0, KiB from 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
};

struct multiboot_mmap {
	u32 size; /* of the rest of the entry */
	u64 addr, len;
	u32 type;
} __packed;

struct multiboot_module {
	u32 start, end; /* end: first byte after it */
	u32 string;
	u32 reserved;
};
#endif
#endif
