/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader told us, in the kernel's own memory.
 *
 * setup_arch() copies everything out of the loader's structures once; nothing reads them later, so
 * the RAM that holds them is free for use, except the modules themselves.
 */
#ifndef ARCH_SETUP_H
#define ARCH_SETUP_H

#include <lib/types.h>

#define E820MAX 64
#define BOOT_MODULES_MAX 16

#define E820_RAM 1
#define E820_RESERVED 2
#define E820_ACPI 3
#define E820_NVS 4
#define E820_UNUSABLE 5

struct e820_entry {
	u64 addr, size;
	u32 type;
};

struct boot_module {
	u32 start, end; /* physical; end is the first byte after it */
	char name[64];
};

/* The map as the loader gave it, in its order, with entries that are of no use to us. */
extern struct e820_entry e820[E820MAX];
extern u32 e820_nr;

extern struct boot_module boot_modules[BOOT_MODULES_MAX];
extern u32 boot_modules_nr;

/* Reads the multiboot information at this physical address and parses the command line. */
void setup_arch(u32 boot_magic, u32 multiboot_info);

/* Prints command line, memory map and modules. */
void print_boot_info(void);

/*
 * Hands memblock the RAM below 4 GiB and what of it is taken, and sizes the zones by mem=, highmem=
 * and numa=. From here on memblock_alloc() works. Panics without RAM.
 */
void setup_memory(void);

#endif
