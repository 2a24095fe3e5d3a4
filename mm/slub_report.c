// SPDX-License-Identifier: MIT
/*
 * SLUB: what is said when something is wrong, in the words and layout of Linux 2.6.32:
 *
 *   =============================================================================
 *   BUG kmalloc-64: Redzone overwritten                        slab_bug()
 *   -----------------------------------------------------------------------------
 *
 *   INFO: 0xc0a1b048-0xc0a1b048. First byte 0x41 instead of 0xcc
 *   INFO: Allocated in f+0x1/0x2 age=3 cpu=0 pid=0             print_tracking()
 *   INFO: Slab 0xc0801234 objects=36 used=1 fp=0x.. flags=0x.. print_page_info()
 *   INFO: Object 0xc0a1b008 @offset=8 fp=0xc0a1b078
 *
 *     Object 0xc0a1b008:  6b 6b ...                            print_section()
 *    Redzone 0xc0a1b048:  41 cc cc cc                 A...
 *    Padding 0xc0a1b070:  ...
 *   FIX kmalloc-64: Restoring 0xc0a1b048-0xc0a1b048=0xcc       slab_fix()
 *
 * Linux's call trace behind it is missing: the line "Allocated in" and "Freed in" tell the callers.
 */
#include "mm/slub_internal.h"

#define LINE_BYTES 16
#define REPORT_CHARS 160
#define BEFORE_BYTES 16 /* shown in front of an object */

/* Bits of page->flags in 2.6.32, as SLUB uses them; the zone is in the top two. */
#define PG_SLUB_DEBUG 0x02u  /* PG_error */
#define PG_SLUB_FROZEN 0x40u /* PG_active */
#define PG_SLAB 0x80u
#define ZONE_SHIFT 30

/* A pointer as %p has it. */
struct pointer_text {
	char text[12];
};

static struct pointer_text pointer(const void *p)
{
	struct pointer_text t = { "(null)" };

	if (p)
		snprintf(t.text, sizeof(t.text), "%08x", arch_vaddr(p));
	return t;
}

static bool is_graphic(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

void print_section(const char *label, const void *from, uint32_t bytes)
{
	const uint8_t *p = from;

	for (uint32_t at = 0; at < bytes; at += LINE_BYTES) {
		char hex[3 * LINE_BYTES + 1], text[LINE_BYTES + 1];

		for (uint32_t i = 0; i < LINE_BYTES; i++) {
			bool inside = at + i < bytes;

			snprintf(hex + 3 * i, 4, inside ? " %02x" : "   ", inside ? p[at + i] : 0);
			text[i] = ' ';
			if (inside)
				text[i] = is_graphic(p[at + i]) ? (char)p[at + i] : '.';
		}
		text[LINE_BYTES] = '\0';
		arch_printk("%8s 0x%08x: %s %s\n", label, arch_vaddr(p + at), hex, text);
	}
}

struct track *get_track(const struct kmem_cache *s, void *object, enum track_item item)
{
	uint32_t offset = s->offset ? s->offset + sizeof(void *) : s->inuse;

	return (struct track *)(void *)((char *)object + offset) + item;
}

uint32_t metadata_end(const struct kmem_cache *s)
{
	uint32_t end = s->inuse;

	if (s->offset)
		end += sizeof(void *);
	if (s->flags & SLAB_STORE_USER)
		end += 2 * sizeof(struct track);
	return end;
}

static void print_track(const char *what, const struct track *t)
{
	char where[64];

	if (!t->addr)
		return;
	arch_format_ip(t->addr, where, sizeof(where));
	arch_printk("INFO: %s in %s age=%u cpu=%u pid=%d\n", what, where, arch_jiffies() - t->when,
		    t->cpu, t->pid);
}

void print_tracking(const struct kmem_cache *s, void *object)
{
	if (!(s->flags & SLAB_STORE_USER))
		return;
	print_track("Allocated", get_track(s, object, TRACK_ALLOC));
	print_track("Freed", get_track(s, object, TRACK_FREE));
}

static void print_page_info(const struct kmem_cache *s, const struct page *page)
{
	uint32_t flags = (uint32_t)page->zone << ZONE_SHIFT;

	if (page->state == PAGE_SLAB)
		flags |= PG_SLAB;
	if (page->frozen)
		flags |= PG_SLUB_FROZEN;
	if (s->flags & SLAB_DEBUG_FLAGS)
		flags |= PG_SLUB_DEBUG;
	arch_printk("INFO: Slab 0x%08x objects=%u used=%u fp=0x%s flags=0x%04x\n", arch_vaddr(page),
		    page->objects, page->inuse, pointer(page->freelist).text, flags);
}

static void print_heading(const struct kmem_cache *s, const char *what)
{
	char rule[78];

	memset(rule, '=', sizeof(rule) - 1);
	rule[sizeof(rule) - 1] = '\0';
	arch_printk("%s\n", rule);
	arch_printk("BUG %s: %s\n", s->name, what);
	memset(rule, '-', sizeof(rule) - 1);
	arch_printk("%s\n\n", rule);
}

void slab_bug(const struct kmem_cache *s, const char *fmt, ...)
{
	char what[REPORT_CHARS];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	print_heading(s, what);
}

void slab_fix(const struct kmem_cache *s, const char *fmt, ...)
{
	char what[REPORT_CHARS];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	arch_printk("FIX %s: %s\n", s->name, what);
}

void slab_err(const struct kmem_cache *s, const struct page *page, const char *fmt, ...)
{
	char what[REPORT_CHARS];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	print_heading(s, what);
	print_page_info(s, page);
}

void print_trailer(const struct kmem_cache *s, const struct page *page, void *object)
{
	char *p = object;
	uint32_t offset = (uint32_t)(p - (char *)page_address(page));
	uint32_t before = offset < BEFORE_BYTES ? offset : BEFORE_BYTES;
	uint32_t end = metadata_end(s), room = s->size - s->red_left_pad;

	print_tracking(s, object);
	print_page_info(s, page);
	arch_printk("INFO: Object 0x%08x @offset=%u fp=0x%s\n\n", arch_vaddr(p), offset,
		    pointer(get_freepointer(s, p)).text);
	print_section("Bytes b4", p - before, before);
	print_section("Object", p, s->objsize < PAGE_SIZE ? s->objsize : PAGE_SIZE);
	if (s->flags & SLAB_RED_ZONE)
		print_section("Redzone", p + s->objsize, s->inuse - s->objsize);
	print_section("Padding", p + end, room - end);
}

void object_err(const struct kmem_cache *s, const struct page *page, void *object,
		const char *reason)
{
	print_heading(s, reason);
	print_trailer(s, page, object);
}

void list_slab_objects(const struct kmem_cache *s, const struct page *page, const char *text)
{
	struct object_map free;

	slab_err(s, page, "%s", text);
	map_free(s, page, &free);
	for (uint32_t n = 0; n < page->objects && n < SLAB_MAX_OBJECTS; n++) {
		char *p = slab_object(s, page, n);

		if (object_in_map(&free, n))
			continue;
		arch_printk("INFO: Object 0x%08x @offset=%u\n", arch_vaddr(p),
			    (uint32_t)(p - (char *)page_address(page)));
		print_tracking(s, p);
	}
}

void report_wild(const char *function, const void *x, vaddr_t caller)
{
	pfn_t pfn = lowmem_pfn(x);
	const struct page *head = virt_to_head_page(x);
	const char *what = "not in the direct map";
	char where[64];

	if (head && head->state == PAGE_USED && head->compound)
		what = "inside a block of pages";
	else if (pfn < mm.max_low_pfn)
		what = page_state_name(pfn_to_page(pfn)->state);
	arch_format_ip(caller, where, sizeof(where));
	arch_printk("%s of 0x%08x, which is %s, from %s\n", function, arch_vaddr(x), what, where);
}

void slab_out_of_memory(const struct kmem_cache *s, gfp_t gfp)
{
	arch_printk("SLUB: Unable to allocate memory on node %d (gfp=0x%x)\n", -1, gfp);
	arch_printk("  cache: %s, object size: %u, buffer size: %u, default order: %u, "
		    "min order: %u\n",
		    s->name, s->objsize, s->size, s->order, s->min_order);
	for (unsigned n = 0; n < mm.nodes; n++)
		arch_printk("  node %u: slabs: %u, objs: %u, free: %u\n", n, s->node[n].nr_slabs,
			    s->node[n].total_objects, count_free(&s->node[n]));
}
