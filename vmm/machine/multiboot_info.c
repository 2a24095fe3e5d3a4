// SPDX-License-Identifier: MIT
/*
 * What the guest finds at EBX (Multiboot Specification 0.6.96, 3.3).
 *
 * The map and its place are those that QEMU 7.2 gives on its microvm machine (measured), so that
 * a guest prints the same lines on both: the map at 0x9000, the structure at 0x9500. Ours differs
 * in the strings, which QEMU puts above the image and we behind the structure, and in the boot
 * device, which we leave out since there is none.
 */
#include <stdio.h>
#include <string.h>

#include "machine/loader_plan.h"

#define INFO_BASE 0x9000u   /* preferred place of the whole area */
#define INFO_OFFSET 0x500u  /* of the structure in it */
#define EBDA_START 0x9fc00u /* the last KiB below 640K is not for the guest, as on a PC */

/* Longest command line or module name with its NUL; a guest has a buffer of about a page. */
#define STRING_BYTES 4096u

#define INFO_MEMORY (1u << 0)
#define INFO_CMDLINE (1u << 2)
#define INFO_MODULES (1u << 3)
#define INFO_MAP (1u << 6)
#define INFO_LOADER_NAME (1u << 9)

#define LOADER_NAME "shadowbox"

struct info {
	uint32_t flags;
	uint32_t mem_lower, mem_upper; /* KiB from 0; KiB from 1 MiB */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count, mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length, mmap_addr;
	uint32_t drives_length, drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
};

struct map_entry {
	uint32_t size; /* of what follows */
	uint64_t start, bytes;
	uint32_t type;
} __attribute__((packed));

struct module {
	uint32_t start, end; /* end: first byte behind it */
	uint32_t string;
	uint32_t reserved;
};

#define MAP_ENTRIES 6u

_Static_assert(sizeof(struct info) == 68, "fields up to boot_loader_name");
_Static_assert(sizeof(struct map_entry) == 24, "as QEMU: size field and 20 bytes");
_Static_assert(MAP_ENTRIES * sizeof(struct map_entry) <= INFO_OFFSET, "the map fits below info");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are copied as they are");

/*
 * The BIOS areas are RAM or absent here, but a guest sees the same types as under QEMU. The last,
 * empty entry is QEMU's, too.
 */
static void fill_map(const struct ram *ram, struct map_entry map[MAP_ENTRIES])
{
	const struct map_entry entries[MAP_ENTRIES] = {
		{ .start = 0, .bytes = EBDA_START, .type = 1 },
		{ .start = EBDA_START, .bytes = RAM_LOW_END - EBDA_START, .type = 2 },
		{ .start = 0xd0000, .bytes = 0x20000, .type = 4 },
		{ .start = 0xf0000, .bytes = 0x10000, .type = 2 },
		{ .start = RAM_HIGH_START, .bytes = ram->bytes - RAM_HIGH_START, .type = 1 },
		{ .type = 0 },
	};

	memcpy(map, entries, sizeof(entries));
	for (unsigned i = 0; i < MAP_ENTRIES; i++)
		map[i].size = sizeof(map[i]) - sizeof(map[i].size);
}

/*
 * Where a word "--" begins, or the end: what follows it are arguments of the guest's init (Linux).
 */
static const char *find_dashes(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, "--"))) {
		if ((at == text || at[-1] == ' ') && (!at[2] || at[2] == ' '))
			return at;
		at += 2;
	}
	return text + strlen(text);
}

/* "IMAGE APPEND tty=N", or "IMAGE BEFORE tty=N -- AFTER"; what snprintf returns. */
static int format_cmdline(const struct loader_request *request, char *buf, size_t bytes)
{
	const char *append = request->append ? request->append : "";
	const char *after = find_dashes(append);
	int before = (int)(after - append);

	/* The blank before the dashes is ours. */
	if (*after && before)
		before--;
	return snprintf(buf, bytes, "%s%s%.*s tty=%d%s%s", request->image.name, before ? " " : "",
			before, append, request->tty, *after ? " " : "", after);
}

/* Lay the area out from `base` on; returns its end. */
static uint64_t lay_out(struct multiboot_layout *l, const struct loader_request *request,
			uint64_t base, size_t cmdline_bytes)
{
	uint64_t at = base + INFO_OFFSET;

	l->map = (uint32_t)base;
	l->info = (uint32_t)at;
	at += sizeof(struct info);
	l->module = (uint32_t)at;
	at += request->initrd ? sizeof(struct module) : 0;
	l->cmdline = (uint32_t)at;
	at += cmdline_bytes;
	l->loader_name = (uint32_t)at;
	at += sizeof(LOADER_NAME);
	l->module_name = (uint32_t)at;
	at += request->initrd ? strlen(request->initrd->name) + 1 : 0;
	return at;
}

static uint64_t page_up(uint64_t at)
{
	return (at + PAGE_OFFSET_MASK) & ~(uint64_t)PAGE_OFFSET_MASK;
}

static int check_strings(const struct load_plan *p, const struct loader_request *request,
			 size_t cmdline_bytes)
{
	if (cmdline_bytes > STRING_BYTES)
		return plan_refuse(p,
				   "the command line has %zu bytes, more than %u; give a shorter "
				   "--append or image path",
				   cmdline_bytes - 1, STRING_BYTES - 1);
	if (request->initrd && strlen(request->initrd->name) >= STRING_BYTES)
		return plan_refuse(
			p, "the path of the initrd has more than %u bytes; give a shorter one",
			STRING_BYTES - 1);
	return 0;
}

/* The module: page-aligned above the image (and above the information, if that is there). */
static int place_module(const struct load_plan *p, const struct loader_image *initrd, uint64_t at,
			struct multiboot_layout *l)
{
	if (!ram_span(p->ram, at, initrd->bytes))
		return plan_refuse(p,
				   "no room for the initrd %.*s of %zu bytes above the image at "
				   "0x%llx, RAM ends at 0x%llx; give a larger -m",
				   100, initrd->name, initrd->bytes, (unsigned long long)at,
				   (unsigned long long)p->ram->bytes);
	l->initrd = (uint32_t)at;
	l->end = (uint32_t)page_up(at + initrd->bytes);
	return 0;
}

int plan_info(const struct load_plan *p, const struct loader_request *request,
	      struct multiboot_layout *layout)
{
	size_t cmdline_bytes = (size_t)format_cmdline(request, NULL, 0) + 1;
	uint64_t image_end = plan_end(p), end;
	int err = check_strings(p, request, cmdline_bytes);

	if (err)
		return err;
	end = lay_out(layout, request, INFO_BASE, cmdline_bytes);
	if (plan_overlaps(p, INFO_BASE, end - INFO_BASE)) {
		end = lay_out(layout, request, image_end, cmdline_bytes);
		if (!ram_span(p->ram, image_end, end - image_end))
			return plan_refuse(p,
					   "no room for the boot information above the image at "
					   "0x%llx, RAM ends at 0x%llx; give a larger -m",
					   (unsigned long long)image_end,
					   (unsigned long long)p->ram->bytes);
		image_end = page_up(end);
	}
	layout->end = (uint32_t)image_end;
	layout->initrd = 0;
	return request->initrd ? place_module(p, request->initrd, image_end, layout) : 0;
}

static void put(struct ram *ram, uint32_t at, const void *data, size_t bytes)
{
	memcpy(ram_span(ram, at, bytes), data, bytes);
}

static void write_module(struct ram *ram, const struct loader_image *initrd,
			 const struct multiboot_layout *l)
{
	const struct module module = {
		.start = l->initrd,
		.end = l->initrd + (uint32_t)initrd->bytes,
		.string = l->module_name,
	};

	put(ram, l->module, &module, sizeof(module));
	put(ram, l->module_name, initrd->name, strlen(initrd->name) + 1);
	put(ram, l->initrd, initrd->data, initrd->bytes);
}

void info_write(struct ram *ram, const struct loader_request *request,
		const struct multiboot_layout *l)
{
	const struct info info = {
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MAP | INFO_LOADER_NAME,
		.mem_lower = EBDA_START >> 10,
		.mem_upper = (uint32_t)((ram->bytes - RAM_HIGH_START) >> 10),
		.cmdline = l->cmdline,
		.mods_count = request->initrd ? 1 : 0,
		.mods_addr = l->module,
		.mmap_length = MAP_ENTRIES * sizeof(struct map_entry),
		.mmap_addr = l->map,
		.boot_loader_name = l->loader_name,
	};
	struct map_entry map[MAP_ENTRIES];
	char cmdline[STRING_BYTES];

	fill_map(ram, map);
	put(ram, l->map, map, sizeof(map));
	put(ram, l->info, &info, sizeof(info));
	format_cmdline(request, cmdline, sizeof(cmdline));
	put(ram, l->cmdline, cmdline, strlen(cmdline) + 1);
	put(ram, l->loader_name, LOADER_NAME, sizeof(LOADER_NAME));
	if (request->initrd)
		write_module(ram, request->initrd, l);
}
