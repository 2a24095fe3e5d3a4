// SPDX-License-Identifier: MIT
/*
 * VMCOREINFO, read as the host's tools will: the parser and the readers below know memory by what
 * the note says alone, and compute again what mm/show.h shows. (Addresses are those of this
 * process.)
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm/mm.h"
#include "mm/show.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "mm/vmcoreinfo.h"
#include "mm_host.h"
#include "tests/unit/unit.h"

#define MIB (1u << 20)

/* --- the note --------------------------------------------------------------------------------- */

/* The value of a line "KEY=value", or "". */
static const char *value_of(const char *key)
{
	static char value[128];
	const char *end = vmcoreinfo_note.text + vmcoreinfo_note.text_bytes;
	size_t n = strlen(key);

	for (const char *p = vmcoreinfo_note.text; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		CU_ASSERT_PTR_NOT_NULL_FATAL(eol);
		if ((size_t)(eol - p) > n && !strncmp(p, key, n) && p[n] == '=') {
			snprintf(value, sizeof(value), "%.*s", (int)((size_t)(eol - p) - n - 1),
				 p + n + 1);
			return value;
		}
		p = eol + 1;
	}
	fprintf(stderr, "VMCOREINFO has no %s\n", key);
	CU_FAIL("a line is missing");
	return "";
}

__attribute__((format(printf, 2, 3))) static uint64_t fact(int base, const char *fmt, ...)
{
	char key[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(key, sizeof(key), fmt, args);
	va_end(args);
	return strtoull(value_of(key), NULL, base);
}

static uint64_t offset(const char *field)
{
	return fact(10, "OFFSET(%s)", field);
}

static uint64_t size(const char *type)
{
	return fact(10, "SIZE(%s)", type);
}

static uint64_t number(const char *name)
{
	return fact(10, "NUMBER(%s)", name);
}

static uint64_t symbol(const char *name)
{
	return fact(16, "SYMBOL(%s)", name);
}

/* --- memory ----------------------------------------------------------------------------------- */

static uint32_t read_u32(uint64_t at)
{
	return *(const uint32_t *)(uintptr_t)at;
}

static uint64_t read_pointer(uint64_t at)
{
	return *(const uintptr_t *)(uintptr_t)at;
}

static const char *read_text(uint64_t at)
{
	return (const char *)(uintptr_t)read_pointer(at);
}

static char text[8192];
static struct show_buf out;

static void begin(const struct mm_host_config *config)
{
	mm_host_begin(config);
	vmcoreinfo_init("2.6.32-test");
	out = (struct show_buf){ text, sizeof(text), 0 };
	text[0] = '\0';
}

static void expect_as_shown(const char *file)
{
	static char shown[sizeof(text)];
	struct show_buf b = { shown, sizeof(shown), 0 };

	show_find(file)->show(&b);
	CU_ASSERT(b.needed > 0);
	CU_ASSERT_STRING_EQUAL(text, shown);
	mm_host_end();
}

/* --- tests ------------------------------------------------------------------------------------ */

static bool is_name(const char *p, size_t n, const char *also)
{
	bool good = n > 0;

	for (size_t i = 0; i < n; i++)
		good = good && (isalnum((unsigned char)p[i]) || p[i] == '_' || strchr(also, p[i]));
	return good;
}

/* KEY=value, or KIND(name)=number in the kind's base. */
static bool is_line(const char *line, size_t n)
{
	static const char *const kinds[] = { "SYMBOL", "SIZE", "OFFSET", "LENGTH", "NUMBER" };
	const char *equals = memchr(line, '=', n), *paren = memchr(line, '(', n);
	const char *end = line + n, *digits = equals + 1;

	if (!equals || end == digits)
		return false;
	if (!paren || paren > equals)
		return is_name(line, (size_t)(equals - line), "");
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (strncmp(line, kinds[k], (size_t)(paren - line)) || kinds[k][paren - line])
			continue;
		return equals[-1] == ')' &&
		       is_name(paren + 1, (size_t)(equals - paren) - 2, k >= 2 ? "." : "") &&
		       strspn(digits, k ? "0123456789" : "0123456789abcdef") ==
			       (size_t)(end - digits);
	}
	return false;
}

static void note_is_an_elf_note_of_lines_that_parse(void)
{
	const char *p = vmcoreinfo_note.text, *end;
	unsigned lines = 0;

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	end = p + vmcoreinfo_note.text_bytes;
	CU_ASSERT_EQUAL(vmcoreinfo_note.name_bytes, 11);
	CU_ASSERT_EQUAL(vmcoreinfo_note.type, 0);
	CU_ASSERT_NSTRING_EQUAL(vmcoreinfo_note.name, "VMCOREINFO\0", 12);
	/* The descriptor follows the padded name (System V ABI, figure 5-4). */
	CU_ASSERT_EQUAL(offsetof(struct vmcoreinfo_note, text), 12 + 12);
	CU_ASSERT_EQUAL(strlen(p), vmcoreinfo_note.text_bytes);
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		CU_ASSERT_PTR_NOT_NULL_FATAL(eol);
		if (!is_line(p, (size_t)(eol - p))) {
			fprintf(stderr, "not a line: %.*s\n", (int)(eol - p), p);
			CU_FAIL("VMCOREINFO: a line does not parse");
		}
		p = eol + 1;
		lines++;
	}
	CU_ASSERT(lines > 100);
	CU_ASSERT_STRING_EQUAL(value_of("OSRELEASE"), "2.6.32-test");
	CU_ASSERT_STRING_EQUAL(value_of("PAGESIZE"), "4096");
	CU_ASSERT_STRING_EQUAL(value_of("NUMBER(PAGE_OFFSET)"), "3221225472");
	CU_ASSERT_STRING_EQUAL(value_of("LENGTH(zone.free_area)"), "11");
	mm_host_end();
}

/* Blocks on a free list, counted one by one. */
static uint32_t list_length(uint64_t head)
{
	uint64_t next = offset("list_head.next");
	uint32_t n = 0;

	for (uint64_t at = read_pointer(head + next); at != head; at = read_pointer(at + next))
		n++;
	return n;
}

static void buddyinfo_can_be_computed_from_the_note(void)
{
	uint64_t mm_at, orders, areas, area_size, list;

	begin(&(struct mm_host_config){ .ram_bytes = 128 * MIB, .highmem = 32 * MIB, .numa = 2 });
	CU_ASSERT_PTR_NOT_NULL(alloc_pages(GFP_KERNEL, 3));
	mm_at = symbol("mm");
	orders = fact(10, "LENGTH(zone.free_area)");
	areas = offset("zone.free_area"), area_size = size("free_area");
	list = offset("free_area.free_list");
	for (uint32_t n = 0; n < read_u32(mm_at + offset("mm_globals.nodes")); n++) {
		uint64_t node = mm_at + offset("mm_globals.node") + n * size("pglist_data");

		for (uint32_t z = 0; z < fact(10, "LENGTH(pglist_data.zone)"); z++) {
			uint64_t zone = node + offset("pglist_data.zone") + z * size("zone");

			if (!read_u32(zone + offset("zone.present_pages")))
				continue;
			show_printf(&out, "Node %u, zone %8s ", n,
				    read_text(zone + offset("zone.name")));
			for (uint64_t order = 0; order < orders; order++)
				show_printf(&out, "%6u ",
					    list_length(zone + areas + order * area_size + list));
			show_printf(&out, "\n");
		}
	}
	expect_as_shown("buddyinfo");
}

static void note_tells_where_zone_counters_are(void)
{
	const struct zone *normal = &mm.node[0].zone[ZONE_NORMAL];
	uint64_t zone, watermarks, stats;
	char expected[128];

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	zone = symbol("mm") + offset("mm_globals.node") + offset("pglist_data.zone") +
	       number("ZONE_NORMAL") * size("zone");
	watermarks = zone + offset("zone.watermark");
	stats = zone + offset("zone.stat");
	show_printf(&out, "low %u of %u, free %u, %u tables",
		    read_u32(watermarks + 4 * number("WMARK_LOW")),
		    read_u32(zone + offset("zone.spanned_pages")),
		    read_u32(stats + 4 * number("NR_FREE_PAGES")),
		    read_u32(stats + 4 * number("NR_PAGETABLE")));
	snprintf(expected, sizeof(expected), "low %u of %u, free %u, %u tables",
		 normal->watermark[WMARK_LOW], normal->spanned_pages, normal->stat[NR_FREE_PAGES],
		 normal->stat[NR_PAGETABLE]);
	CU_ASSERT_STRING_EQUAL(text, expected);
	mm_host_end();
}

/* Frames of each state, by mem_map, against the zones' counters. */
static void note_tells_the_state_of_every_frame(void)
{
	uint64_t map, bytes, state, order;
	uint32_t free = 0, frames;

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	map = read_pointer(symbol("mm") + offset("mm_globals.mem_map"));
	frames = read_u32(symbol("mm") + offset("mm_globals.max_pfn"));
	bytes = size("page"), state = offset("page.state"), order = offset("page.order");
	for (uint32_t pfn = 0; pfn < frames; pfn++) {
		const uint8_t *page = (const uint8_t *)(uintptr_t)(map + pfn * bytes);

		if (page[state] == number("PAGE_FREE"))
			free += 1u << page[order];
	}
	CU_ASSERT(free > 0);
	CU_ASSERT_EQUAL(free, nr_free_pages());
	mm_host_end();
}

/* Free objects in the slabs of a list. */
static uint32_t unused_objects(uint64_t partial)
{
	uint64_t next = offset("list_head.next"), link = offset("page.slab_list");
	uint32_t unused = 0;

	for (uint64_t at = read_pointer(partial + next); at != partial;
	     at = read_pointer(at + next)) {
		const char *page = (const char *)(uintptr_t)(at - link);
		uint16_t all, used;

		memcpy(&all, page + offset("page.objects"), sizeof(all));
		memcpy(&used, page + offset("page.inuse"), sizeof(used));
		unused += (uint32_t)all - used;
	}
	return unused;
}

static void read_cache(uint64_t s)
{
	uint64_t nodes = fact(10, "LENGTH(kmem_cache.node)");
	uint32_t bytes = read_u32(s + offset("kmem_cache.size")), slabs = 0, total = 0, unused = 0;
	uint8_t order = *(const uint8_t *)(uintptr_t)(s + offset("kmem_cache.order"));

	for (uint64_t n = 0; n < nodes; n++) {
		uint64_t node = s + offset("kmem_cache.node") + n * size("kmem_cache_node");

		slabs += read_u32(node + offset("kmem_cache_node.nr_slabs"));
		total += read_u32(node + offset("kmem_cache_node.total_objects"));
		unused += unused_objects(node + offset("kmem_cache_node.partial"));
	}
	show_printf(&out,
		    "%-17s %6u %6u %6u %4u %4u : tunables %4u %4u %4u : slabdata %6u %6u %6u\n",
		    read_text(s + offset("kmem_cache.name")), total - unused, total, bytes,
		    (PAGE_SIZE << order) / bytes, 1u << order, 0, 0, 0, slabs, slabs, 0);
}

static void slabinfo_can_be_computed_from_the_note(void)
{
	uint64_t head, next;
	void *objects[300];

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	for (unsigned n = 0; n < ARRAY_SIZE(objects); n++)
		objects[n] = kmalloc(40, GFP_KERNEL);
	for (unsigned n = 0; n < ARRAY_SIZE(objects); n += 3)
		kfree(objects[n]);
	show_printf(&out,
		    "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		    "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		    "<active_slabs> <num_slabs> <sharedavail>\n");
	head = symbol("slub") + offset("slub_globals.caches");
	next = offset("list_head.next");
	for (uint64_t at = read_pointer(head + next); at != head; at = read_pointer(at + next))
		read_cache(at - offset("kmem_cache.list"));
	expect_as_shown("slabinfo");
}

static void vmallocinfo_can_be_computed_from_the_note(void)
{
	uint64_t place;

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	CU_ASSERT_PTR_NOT_NULL(vmalloc(100000));
	CU_ASSERT_PTR_NOT_NULL(ioremap(0xfeb00000, 0x2000));
	vfree(vmalloc(5000)); /* lazily freed areas are not shown */
	place = offset("page.place");
	for (uint64_t vm = read_pointer(symbol("vmap_state") + offset("vmap.vms")); vm;
	     vm = read_pointer(vm + offset("vm_struct.next"))) {
		uint32_t addr = read_u32(vm + offset("vm_struct.addr"));
		uint32_t bytes = read_u32(vm + offset("vm_struct.size"));
		uint32_t flags = read_u32(vm + offset("vm_struct.flags"));
		uint32_t count = read_u32(vm + offset("vm_struct.nr_pages"));
		uint64_t pages = read_pointer(vm + offset("vm_struct.pages"));
		uint32_t on_node_0 = 0;

		for (uint32_t n = 0; n < count; n++) {
			uint64_t page = read_pointer(pages + n * sizeof(void *));

			on_node_0 += !(*(const uint8_t *)(uintptr_t)(page + place) >> 2 & 3);
		}
		show_printf(&out, "0x%08x-0x%08x %7u 0x%08x", addr, addr + bytes, bytes,
			    read_u32(vm + offset("vm_struct.caller")));
		if (flags & number("VM_IOREMAP"))
			show_printf(&out, " phys=%x ioremap\n",
				    read_u32(vm + offset("vm_struct.phys_addr")));
		else
			show_printf(&out, " pages=%u vmalloc N0=%u\n", count, on_node_0);
	}
	expect_as_shown("vmallocinfo");
}

/* One line of maps; without names, which are made of more than the note's structures. */
static void read_vma(uint64_t vma)
{
	uint32_t flags = read_u32(vma + offset("vm_area_struct.vm_flags"));
	uint64_t file = read_pointer(vma + offset("vm_area_struct.vm_file"));
	uint64_t pgoff = read_u32(vma + offset("vm_area_struct.vm_pgoff"));
	uint32_t dev = file ? read_u32(file + offset("file.f_dev")) : 0;

	show_printf(&out, "%08x-%08x %c%c%c%c %08llx %02x:%02x %u ",
		    read_u32(vma + offset("vm_area_struct.vm_start")),
		    read_u32(vma + offset("vm_area_struct.vm_end")),
		    flags & number("VM_READ") ? 'r' : '-', flags & number("VM_WRITE") ? 'w' : '-',
		    flags & number("VM_EXEC") ? 'x' : '-',
		    flags & number("VM_MAYSHARE") ? 's' : 'p',
		    file ? (unsigned long long)pgoff * PAGE_SIZE : 0, dev >> 8, dev & 0xff,
		    file ? read_u32(file + offset("file.f_ino")) : 0);
	if (file)
		show_printf(&out, "         %s", read_text(file + offset("file.f_path")));
	show_printf(&out, "\n");
}

static void maps_of_every_space_can_be_computed_from_the_note(void)
{
	static char shown[sizeof(text)];
	struct show_buf b = { shown, sizeof(shown), 0 };
	const uint32_t flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
	struct mm_struct *spaces[2];
	uint64_t head, next = offset("list_head.next");

	begin(&(struct mm_host_config){ .ram_bytes = 64 * MIB });
	for (unsigned n = 0; n < 2; n++) {
		spaces[n] = mm_alloc();
		CU_ASSERT_PTR_NOT_NULL_FATAL(spaces[n]);
		do_mmap_pgoff(spaces[n], NULL, 0x08048000, PAGE_SIZE, PROT_READ, flags, 0);
		do_mmap_pgoff(spaces[n], NULL, 0x0804a000 + n * PAGE_SIZE, PAGE_SIZE,
			      PROT_WRITE | PROT_EXEC, flags, 0);
		do_mmap_pgoff(spaces[n], NULL, 0, 3 * PAGE_SIZE, PROT_NONE,
			      MAP_SHARED | MAP_ANONYMOUS, 0);
		show_maps(&b, spaces[n]);
	}
	head = symbol("mm_list");
	for (uint64_t at = read_pointer(head + next); at != head; at = read_pointer(at + next)) {
		uint64_t mm = at - offset("mm_struct.mmlist");

		CU_ASSERT_EQUAL(read_u32(mm + offset("mm_struct.map_count")), 3);
		for (uint64_t vma = read_pointer(mm + offset("mm_struct.mmap")); vma;
		     vma = read_pointer(vma + offset("vm_area_struct.vm_next")))
			read_vma(vma);
	}
	CU_ASSERT_STRING_EQUAL(text, shown);
	CU_ASSERT(b.needed > 0);
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(note_is_an_elf_note_of_lines_that_parse),
	UNIT_TEST(buddyinfo_can_be_computed_from_the_note),
	UNIT_TEST(note_tells_where_zone_counters_are),
	UNIT_TEST(note_tells_the_state_of_every_frame),
	UNIT_TEST(slabinfo_can_be_computed_from_the_note),
	UNIT_TEST(vmallocinfo_can_be_computed_from_the_note),
	UNIT_TEST(maps_of_every_space_can_be_computed_from_the_note),
	UNIT_END,
};

const struct unit_suite suite_vmcoreinfo = { "vmcoreinfo", tests };
