// SPDX-License-Identifier: MIT
#include <arch/multiboot.h>
#include <arch/page.h>
#include <arch/sections.h>
#include <arch/setup.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>

#include "mm/iomem.h"
#include "mm/memblock.h"
#include "mm/page_alloc.h"

#define FOUR_GIB (1ull << 32)

struct e820_entry e820[E820MAX];
u32 e820_nr;

struct boot_module boot_modules[BOOT_MODULES_MAX];
u32 boot_modules_nr;

/*
 * The loader's structures, seen through the direct map. Returns NULL if they lie outside of what
 * the boot page directory maps.
 */
static const void *loader_data(u32 pa, u32 len)
{
	if (pa >= MAXMEM || len > MAXMEM - pa)
		return NULL;
	return __va(pa);
}

static void e820_add(u64 addr, u64 size, u32 type)
{
	if (e820_nr < E820MAX)
		e820[e820_nr++] = (struct e820_entry){ addr, size, type };
}

static void read_mmap(const struct multiboot_info *mbi)
{
	const u8 *p = loader_data(mbi->mmap_addr, mbi->mmap_length);
	u32 left = p ? mbi->mmap_length : 0;

	while (left >= sizeof(struct multiboot_mmap)) {
		const struct multiboot_mmap *m = (const void *)p;
		u32 step = m->size + (u32)sizeof(m->size);

		e820_add(m->addr, m->len, m->type);
		if (step < sizeof(*m) || step > left)
			break;
		p += step;
		left -= step;
	}
}

static void read_memory_map(const struct multiboot_info *mbi)
{
	if (mbi->flags & MULTIBOOT_INFO_MMAP)
		read_mmap(mbi);
	if (e820_nr || !(mbi->flags & MULTIBOOT_INFO_MEMORY))
		return;
	e820_add(0, (u64)mbi->mem_lower << 10, E820_RAM);
	e820_add(1 << 20, (u64)mbi->mem_upper << 10, E820_RAM);
}

static void read_command_line(const struct multiboot_info *mbi)
{
	const char *s;
	size_t n;

	if (!(mbi->flags & MULTIBOOT_INFO_CMDLINE))
		return;
	s = loader_data(mbi->cmdline, COMMAND_LINE_SIZE);
	if (!s)
		return;
	strlcpy(saved_command_line, s, sizeof(saved_command_line));
	n = strlen(saved_command_line);
	while (n && saved_command_line[n - 1] == ' ')
		saved_command_line[--n] = '\0';
}

static void read_modules(const struct multiboot_info *mbi)
{
	const struct multiboot_module *m;
	u32 count = mbi->mods_count < BOOT_MODULES_MAX ? mbi->mods_count : BOOT_MODULES_MAX;

	if (!(mbi->flags & MULTIBOOT_INFO_MODS))
		return;
	m = loader_data(mbi->mods_addr, count * (u32)sizeof(*m));
	for (u32 i = 0; m && i < count; i++, m++) {
		struct boot_module *b = &boot_modules[boot_modules_nr++];
		const char *name = m->string ? loader_data(m->string, sizeof(b->name)) : NULL;

		b->start = m->start;
		b->end = m->end;
		strlcpy(b->name, name ? name : "", sizeof(b->name));
	}
}

void setup_arch(u32 boot_magic, u32 multiboot_info)
{
	const struct multiboot_info *mbi = loader_data(multiboot_info, sizeof(*mbi));

	if (boot_magic != MULTIBOOT_BOOT_MAGIC || !mbi)
		panic("not started by a multiboot loader: EAX %08x, EBX %08x", boot_magic,
		      multiboot_info);
	read_command_line(mbi);
	read_memory_map(mbi);
	read_modules(mbi);
	parse_params();
}

/* What we print of a type, and what Linux calls it in /proc/iomem. */
static const struct e820_type {
	const char *name, *resource;
} e820_types[] = {
	[E820_RAM] = { "usable", "System RAM" },
	[E820_RESERVED] = { "reserved", "reserved" },
	[E820_ACPI] = { "ACPI data", "ACPI Tables" },
	[E820_NVS] = { "ACPI NVS", "ACPI Non-volatile Storage" },
	[E820_UNUSABLE] = { "unusable", "Unusable memory" },
};

static const struct e820_type *e820_type(u32 type)
{
	if (type < E820_RAM || type > E820_UNUSABLE)
		type = E820_RESERVED;
	return &e820_types[type];
}

void print_boot_info(void)
{
	printk("Command line: %s\n", saved_command_line);
	printk("Memory map from the boot loader:\n");
	for (u32 i = 0; i < e820_nr; i++) {
		const struct e820_entry *e = &e820[i];

		printk("  %09llx - %09llx %-9s %8llu KiB\n", e->addr, e->addr + e->size,
		       e820_type(e->type)->name, e->size >> 10);
	}
	for (u32 i = 0; i < boot_modules_nr; i++) {
		const struct boot_module *b = &boot_modules[i];

		printk("Module %u: %08x - %08x %u KiB %s\n", i, b->start, b->end,
		       (b->end - b->start + 1023) >> 10, b->name);
	}
}

/* --- to mm/ ----------------------------------------------------------------------------------- */

static void add_resource(u64 start, u64 end, const char *name)
{
	int err = iomem_add((u32)start, (u32)(end - 1), name);

	if (err)
		printk("iomem: %08llx-%08llx : %s not shown, error %d\n", start, end - 1, name,
		       -err);
}

/* The part of an entry below 4 GiB; false if there is none. */
static bool e820_clip(const struct e820_entry *e, u64 *end)
{
	*end = e->addr + e->size;
	if (*end <= e->addr || e->addr >= FOUR_GIB)
		return false;
	if (*end > FOUR_GIB)
		*end = FOUR_GIB;
	return true;
}

/* RAM, and what is not: the map of a bad loader may say both of one range, and then it is not. */
static void add_memory_map(void)
{
	u64 end;

	for (u32 i = 0; i < e820_nr; i++) {
		const struct e820_entry *e = &e820[i];
		int err;

		if (!e820_clip(e, &end))
			continue;
		if (e->type == E820_RAM)
			err = memblock_add((u32)e->addr, end - e->addr);
		else
			err = memblock_reserve((u32)e->addr, end - e->addr);
		if (err)
			panic("memory map: entry %u of %u does not fit memblock's table", i,
			      e820_nr);
	}
}

static void reserve_modules(void)
{
	for (u32 i = 0; i < boot_modules_nr; i++) {
		const struct boot_module *b = &boot_modules[i];

		if (b->end > b->start && memblock_reserve(b->start, b->end - b->start))
			panic("module %u of %u does not fit memblock's table", i, boot_modules_nr);
	}
}

/* As in Linux, RAM is shown as far as mem= leaves it, and highmem= has no say. */
static void add_resources(void)
{
	u64 start, end;

	for (u32 i = 0; memblock_memory(i, &start, &end); i++)
		add_resource(start, end, e820_type(E820_RAM)->resource);
	for (u32 i = 0; i < e820_nr; i++)
		if (e820[i].type != E820_RAM && e820_clip(&e820[i], &end))
			add_resource(e820[i].addr, end, e820_type(e820[i].type)->resource);
	add_resource(__pa(_text), __pa(_etext), "Kernel code");
	add_resource(__pa(_etext), __pa(_edata), "Kernel data");
	add_resource(__pa(__bss_start), __pa(_end), "Kernel bss");
}

void setup_memory(void)
{
	const struct mm_boot boot = {
		.kernel_start = __pa(_text),
		.kernel_end = __pa(_end),
		.mem_limit = boot_params.mem_bytes,
		.highmem_bytes = boot_params.highmem_bytes,
		.has_highmem = boot_params.has_highmem,
		.numa = boot_params.numa,
	};
	u64 start, end;

	add_memory_map();
	if (!memblock_memory(0, &start, &end))
		panic("the boot loader reported no RAM");
	reserve_modules();
	zones_init(&boot);
	add_resources();
}
