// SPDX-License-Identifier: MIT
#include <arch/multiboot.h>
#include <arch/page.h>
#include <arch/setup.h>
#include <kernel/panic.h>
#include <kernel/params.h>
#include <kernel/printk.h>
#include <lib/string.h>

/* Less low memory than this is not worth having; highmem= may not take it (as in Linux). */
#define MIN_LOWMEM (64u << 20)

struct e820_entry e820[E820MAX];
u32 e820_nr;

struct boot_module boot_modules[BOOT_MODULES_MAX];
u32 boot_modules_nr;

u32 max_pfn, max_low_pfn, ram_pages;

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

bool e820_usable(const struct e820_entry *e, u32 *start_pfn, u32 *end_pfn)
{
	u64 limit = 1ull << 32, end = e->addr + e->size;

	if (boot_params.mem_bytes && boot_params.mem_bytes < limit)
		limit = boot_params.mem_bytes;
	if (e->type != E820_RAM || end < e->addr || e->addr >= limit)
		return false;
	if (end > limit)
		end = limit;
	*start_pfn = PFN_UP(e->addr);
	*end_pfn = PFN_DOWN(end);
	return *start_pfn < *end_pfn;
}

/*
 * HIGHMEM is what the direct map cannot hold; highmem= makes it larger, so that a small machine has
 * one too.
 */
static void find_low_pfn_range(void)
{
	u32 start, end;
	u64 highmem = boot_params.highmem_bytes;

	for (u32 i = 0; i < e820_nr; i++) {
		if (!e820_usable(&e820[i], &start, &end))
			continue;
		ram_pages += end - start;
		if (end > max_pfn)
			max_pfn = end;
	}
	max_low_pfn = max_pfn < PFN_DOWN(MAXMEM) ? max_pfn : PFN_DOWN(MAXMEM);
	if (!boot_params.has_highmem || (u64)(max_pfn - max_low_pfn) << PAGE_SHIFT >= highmem)
		return;
	if (((u64)max_pfn << PAGE_SHIFT) < highmem + MIN_LOWMEM) {
		printk("highmem=%lluK ignored: it would leave less than %u MiB of low memory\n",
		       highmem >> 10, MIN_LOWMEM >> 20);
		return;
	}
	max_low_pfn = max_pfn - PFN_UP(highmem);
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
	find_low_pfn_range();
	if (!max_low_pfn)
		panic("the boot loader reported no RAM");
}

static const char *e820_type(u32 type)
{
	switch (type) {
	case E820_RAM:
		return "usable";
	case E820_ACPI:
		return "ACPI data";
	case E820_NVS:
		return "ACPI NVS";
	case E820_UNUSABLE:
		return "unusable";
	default:
		return "reserved";
	}
}

void print_boot_info(void)
{
	printk("Command line: %s\n", saved_command_line);
	printk("Memory map from the boot loader:\n");
	for (u32 i = 0; i < e820_nr; i++) {
		const struct e820_entry *e = &e820[i];

		printk("  %09llx - %09llx %-9s %8llu KiB\n", e->addr, e->addr + e->size,
		       e820_type(e->type), e->size >> 10);
	}
	printk("Memory: %u KiB usable, %u KiB low, %u KiB high\n", ram_pages << 2, max_low_pfn << 2,
	       (max_pfn - max_low_pfn) << 2);
	for (u32 i = 0; i < boot_modules_nr; i++) {
		const struct boot_module *b = &boot_modules[i];

		printk("Module %u: %08x - %08x %u KiB %s\n", i, b->start, b->end,
		       (b->end - b->start + 1023) >> 10, b->name);
	}
}
