// SPDX-License-Identifier: MIT
/*
 * SLUB's reports: the kind, the place, the mending, and on it goes. Sizes of slots are those of
 * 8-byte pointers:
 *
 * kmalloc-64, FZPU    | left red zone 8 | object 64 | red zone 8 | free pointer 8 | tracks 2 * 16 |
 * offset from object   -8                0           64           72               80          112
 */
#include <stdlib.h>

#include "slub_rig.h"

/* "INFO: WHAT in 0xADDRESS age=A cpu=0 pid=0", the address in `function`. */
static void assert_track(const char *what, uint32_t age, void *function)
{
	char text[60];
	const char *at;
	uint32_t ip, start = (uint32_t)(uintptr_t)function;

	snprintf(text, sizeof(text), "INFO: %s in 0x", what);
	at = strstr(mm_host_log(), text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	ip = (uint32_t)strtoul(at + strlen(text), NULL, 16);
	/* A sanitizer makes them large. */
	CU_ASSERT(ip > start && ip - start < 1024);
	LOGGED("INFO: %s in 0x%08x age=%u cpu=0 pid=0\n", what, ip, age);
}

/* --- corruption: the kind, the place, the mending, and on it goes ----------------------------- */

static void overrun_by_one_byte_is_reported_whole(void)
{
	uint8_t *p;
	vaddr_t at;

	slub_begin(ALL_DEBUG);
	mm_host.jiffies = 1000;
	p = allocate_here(64);
	at = arch_vaddr(p);
	memset(p, 'x', 65); /* one too many */
	mm_host.jiffies = 1053;
	free_here(p);

	CU_ASSERT_EQUAL(mm_host_log_count("BUG "), 1);
	LOGGED("====================================="
	       "========================================\n"
	       "BUG kmalloc-64: Redzone overwritten\n"
	       "-------------------------------------"
	       "----------------------------------------\n\n"
	       "INFO: 0x%08x-0x%08x. First byte 0x78 instead of 0xcc\n"
	       "INFO: Allocated in ",
	       at + 64, at + 64);
	assert_track("Allocated", 53, (void *)(uintptr_t)allocate_here);
	CU_ASSERT_FALSE(mm_host_logged("Freed in")); /* never was */
	/*
	 * 4096 / 120 = 34. In zone Normal: 1 << 30; PG_slab, PG_active (frozen), PG_error (debug).
	 */
	LOGGED("INFO: Slab 0x%08x objects=34 used=1 fp=0x%08x flags=0x400000c2\n",
	       arch_vaddr(virt_to_head_page(p)), at + 120);
	LOGGED("INFO: Object 0x%08x @offset=8 fp=0x%08x\n\n", at, at + 120);
	LOGGED("Bytes b4 0x%08x:  cc cc cc cc cc cc cc cc                         ........        \n",
	       at - 8);
	for (unsigned line = 0; line < 64; line += 16)
		LOGGED("  Object 0x%08x:  78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 78 "
		       "xxxxxxxxxxxxxxxx\n",
		       at + line);
	LOGGED(" Redzone 0x%08x:  78 cc cc cc cc cc cc cc                         x.......        \n"
	       "FIX kmalloc-64: Restoring 0x%08x-0x%08x=0xcc\n",
	       at + 64, at + 64, at + 64);

	CU_ASSERT_EQUAL(p[64], 0xcc);
	/* As in Linux it was not freed. Once more, and nothing is wrong any more. */
	CU_ASSERT_EQUAL(slub_info("kmalloc-64").total_objects, 34);
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 1);
	free_here(p);
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 0);
	assert_goes_on(64);
	slub_end();
}

static void overrun_of_several_bytes_names_first_and_last(void)
{
	uint8_t *p;
	vaddr_t at;

	slub_begin("Z");
	p = allocate_here(64);
	at = arch_vaddr(p);
	p[66] = 1;
	p[69] = 2;
	free_here(p);
	LOGGED("BUG kmalloc-64: Redzone overwritten\n");
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x1 instead of 0xcc\n", at + 66, at + 69);
	LOGGED("FIX kmalloc-64: Restoring 0x%08x-0x%08x=0xcc\n", at + 66, at + 69);
	CU_ASSERT_EQUAL(p[66], 0xcc);
	CU_ASSERT_EQUAL(p[69], 0xcc);
	assert_goes_on(64);
	slub_end();
}

static void bulk_free_checks_each_object(void)
{
	void *p[3];

	slub_begin(ALL_DEBUG);
	CU_ASSERT_EQUAL(kmem_cache_alloc_bulk(&slub.kmalloc[6], GFP_KERNEL, 3, p), 0);
	((uint8_t *)p[1])[64] = 0;
	kmem_cache_free_bulk(&slub.kmalloc[6], 3, p);
	CU_ASSERT_EQUAL(mm_host_log_count("BUG "), 1);
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x0 instead of 0xcc\n", arch_vaddr(p[1]) + 64,
	       arch_vaddr(p[1]) + 64);
	CU_ASSERT_EQUAL(virt_to_head_page(p[1])->inuse, 1);
	slub_end();
}

static void underrun_by_one_byte_is_reported(void)
{
	uint8_t *first, *second;

	slub_begin(ALL_DEBUG);
	first = allocate_here(64);
	second = allocate_here(64);
	CU_ASSERT_EQUAL(second - first, 120);
	first[-1] = 0x41; /* of a slab's first object, too */
	free_here(first);
	LOGGED("BUG kmalloc-64: Left Redzone overwritten\n");
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x41 instead of 0xcc\n", arch_vaddr(first) - 1,
	       arch_vaddr(first) - 1);
	LOGGED("INFO: Object 0x%08x @offset=8 ", arch_vaddr(first));
	LOGGED("FIX kmalloc-64: Restoring 0x%08x-0x%08x=0xcc\n", arch_vaddr(first) - 1,
	       arch_vaddr(first) - 1);
	CU_ASSERT_EQUAL(first[-1], 0xcc);
	mm_host_log_clear();
	second[-8] = 0x42;
	free_here(second);
	LOGGED("BUG kmalloc-64: Left Redzone overwritten\n");
	LOGGED("INFO: Object 0x%08x @offset=128 ", arch_vaddr(second));
	LOGGED("Bytes b4 0x%08x: ", arch_vaddr(second) - 16);
	assert_goes_on(64);
	slub_end();
}

static void write_after_free_is_found_when_it_is_given_again(void)
{
	uint8_t *p, *q;
	vaddr_t at;

	slub_begin(ALL_DEBUG);
	mm_host.jiffies = 10;
	p = allocate_here(64);
	at = arch_vaddr(p);
	mm_host.jiffies = 20;
	free_here(p);
	p[10] = 0x55;
	p[12] = 0x66;
	mm_host.jiffies = 50;
	q = allocate_here(64);

	CU_ASSERT_EQUAL(mm_host_log_count("BUG "), 1);
	LOGGED("BUG kmalloc-64: Poison overwritten\n");
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x55 instead of 0x6b\n", at + 10, at + 12);
	assert_track("Allocated", 40, (void *)(uintptr_t)allocate_here);
	assert_track("Freed", 30, (void *)(uintptr_t)free_here);
	LOGGED("  Object 0x%08x:  6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 55 6b 66 6b 6b 6b "
	       "kkkkkkkkkkUkfkkk\n",
	       at);
	LOGGED(" Redzone 0x%08x:  bb bb bb bb bb bb bb bb ", at + 64);
	LOGGED("FIX kmalloc-64: Restoring 0x%08x-0x%08x=0x6b\n"
	       "FIX kmalloc-64: Marking all objects used\n",
	       at + 10, at + 12);
	CU_ASSERT_EQUAL(p[10], 0x6b);
	CU_ASSERT_PTR_NOT_EQUAL(virt_to_head_page(q), virt_to_head_page(p));
	free_here(q);
	assert_goes_on(64);
	/* Objects that nobody has, and that are not free: 34 are lost with the slab. */
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 34);
	slub_end();
}

static void last_poison_byte_is_another_one(void)
{
	uint8_t *p;
	vaddr_t at;

	slub_begin("P");
	p = allocate_here(64);
	at = arch_vaddr(p);
	free_here(p);
	CU_ASSERT_EQUAL(p[62], 0x6b);
	CU_ASSERT_EQUAL(p[63], 0xa5);
	p[63] = 0x6b;
	allocate_here(64);
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x6b instead of 0xa5\n", at + 63, at + 63);
	mm_host_end();
}

static void double_free_is_refused(void)
{
	uint8_t *p, *other;

	slub_begin(ALL_DEBUG);
	other = allocate_here(64);
	p = allocate_here(64);
	free_here(p);
	free_here(p);
	CU_ASSERT_EQUAL(mm_host_log_count("BUG "), 1);
	LOGGED("BUG kmalloc-64: Object already free\n");
	LOGGED("INFO: Object 0x%08x @offset=128 ", arch_vaddr(p));
	assert_track("Freed", 0, (void *)(uintptr_t)free_here);
	LOGGED("FIX kmalloc-64: Object at 0x%08x not freed\n", arch_vaddr(p));
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 1);
	free_here(other);
	assert_goes_on(64);
	slub_end();
}

static void pointer_into_an_object_is_refused(void)
{
	uint8_t *p;

	slub_begin("F");
	p = allocate_here(64);
	free_here(p + 8);
	LOGGED("BUG kmalloc-64: Invalid object pointer 0x%08x\n", arch_vaddr(p) + 8);
	LOGGED("FIX kmalloc-64: Object at 0x%08x not freed\n", arch_vaddr(p) + 8);
	free_here(p);
	assert_goes_on(64);
	slub_end();
}

/* Without poison it lies in the object. */
static void free_pointer_that_was_overwritten_is_found_when_its_object_is_given(void)
{
	struct page *page;
	void **p, *q;

	slub_begin("F");
	p = allocate_here(64);
	page = virt_to_head_page(p);
	free_here(p);
	*p = arch_ptr(arch_vaddr(p) + 12);
	q = allocate_here(64);
	CU_ASSERT_PTR_NOT_EQUAL(virt_to_head_page(q), page);
	LOGGED("BUG kmalloc-64: Freepointer corrupt\n");
	LOGGED("INFO: Object 0x%08x @offset=0 fp=0x%08x\n", arch_vaddr(p), arch_vaddr(p) + 12);
	LOGGED("FIX kmalloc-64: Marking all objects used\n");
	CU_ASSERT_EQUAL(page->inuse, 64);
	assert_goes_on(64);
	free_here(q);
	slub_end();
}

static void freelist_is_cut_where_it_breaks(void)
{
	void *p, **q, *r;

	slub_begin("F");
	p = allocate_here(64);
	q = allocate_here(64);
	r = allocate_here(64);
	free_here(q);
	free_here(p); /* p -> q -> 61 more */
	*q = arch_ptr(arch_vaddr(q) + 12);
	free_here(r);
	LOGGED("BUG kmalloc-64: Freechain corrupt\n");
	LOGGED("INFO: Object 0x%08x @offset=64 fp=0x%08x\n", arch_vaddr(q), arch_vaddr(q) + 12);
	/* r is out, and two are left free. */
	LOGGED("BUG kmalloc-64: Wrong object count. Counter is 1 but counted were 62\n");
	LOGGED("FIX kmalloc-64: Object count adjusted.\n");
	CU_ASSERT_EQUAL(virt_to_head_page(r)->inuse, 61);
	assert_goes_on(64);
	slub_end();
}

static void freelist_that_begins_outside_is_cleared(void)
{
	struct page *page;
	void *p;

	slub_begin("F");
	p = allocate_here(64);
	page = virt_to_head_page(p);
	page->freelist = (char *)page_address(page) + 4100;
	free_here(p);
	LOGGED("BUG kmalloc-64: Freepointer corrupt\n");
	LOGGED("INFO: Slab 0x%08x objects=64 used=1 fp=0x%08x flags=0x400000c2\n", arch_vaddr(page),
	       arch_vaddr(page_address(page)) + 4100);
	LOGGED("FIX kmalloc-64: Freelist cleared\n");
	CU_ASSERT_EQUAL(page->inuse, 63);
	assert_goes_on(64);
	slub_end();
}

static void freelist_that_leads_outside_gives_nothing(void)
{
	struct page *page;
	void *p;

	slub_begin("FZPU");
	p = allocate_here(64);
	page = virt_to_head_page(p);
	page->freelist = arch_ptr(0x1234); /* nothing there: it must not be looked at */
	CU_ASSERT_PTR_NOT_EQUAL(virt_to_head_page(allocate_here(64)), page);
	LOGGED("BUG kmalloc-64: Freelist Pointer check fails\n");
	LOGGED("FIX kmalloc-64: Marking all objects used\n");
	assert_goes_on(64);
	slub_end();
}

static void freelist_with_a_cycle_is_cleared(void)
{
	void **p, *q;

	slub_begin("F");
	p = allocate_here(64);
	q = allocate_here(64);
	free_here(p);
	*p = p;
	free_here(q);
	LOGGED("BUG kmalloc-64: Freelist has a cycle\n");
	LOGGED("FIX kmalloc-64: Freelist cleared\n");
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 63); /* q is back */
	assert_goes_on(64);
	slub_end();
}

static void padding_behind_the_last_slot_is_watched(void)
{
	uint8_t *p, *pad;

	slub_begin("P");
	p = allocate_here(64); /* slots of 72: 4096 % 72 = 64 left */
	pad = (uint8_t *)page_address(virt_to_head_page(p)) + 4096 - 64;
	CU_ASSERT_EQUAL(pad[0], 0x5a);
	pad[3] = 0;
	free_here(p);
	LOGGED("BUG kmalloc-64: Padding overwritten. 0x%08x-0x%08x\n", arch_vaddr(pad) + 3,
	       arch_vaddr(pad) + 3);
	LOGGED(" Padding 0x%08x:  5a 5a 5a 00 5a 5a", arch_vaddr(pad));
	LOGGED("FIX kmalloc-64: Restoring 0x%08x-0x%08x=0x5a\n", arch_vaddr(pad) + 3,
	       arch_vaddr(pad) + 3);
	CU_ASSERT_EQUAL(pad[3], 0x5a);
	assert_goes_on(64);
	slub_end();
}

/* Objects of 60: padded to 64, where the free pointer is; 72 rounded up to 96 by the alignment. */
static void padding_within_a_slot_is_watched(void)
{
	struct kmem_cache *s;
	uint8_t *p;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("padded", 60, 32, SLAB_POISON, NULL);
	CU_ASSERT_EQUAL(s->size, 96);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	p[61] = 1;
	p[80] = 2;
	kmem_cache_free(s, p);
	LOGGED("BUG padded: Alignment padding overwritten\n");
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x1 instead of 0x5a\n", arch_vaddr(p) + 61,
	       arch_vaddr(p) + 61);
	LOGGED("BUG padded: Object padding overwritten\n");
	LOGGED("INFO: 0x%08x-0x%08x. First byte 0x2 instead of 0x5a\n", arch_vaddr(p) + 80,
	       arch_vaddr(p) + 80);
	/* Both mended, and the object freed. */
	CU_ASSERT_EQUAL(virt_to_head_page(p)->inuse, 0);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

static void slab_with_impossible_counters_is_left_alone(void)
{
	struct page *page;
	void *p;

	slub_begin("F");
	p = allocate_here(64);
	page = virt_to_head_page(p);
	page->inuse = 65;
	free_here(p);
	LOGGED("BUG kmalloc-64: inuse 65 > max 64\n");
	LOGGED("FIX kmalloc-64: Object at 0x%08x not freed\n", arch_vaddr(p));
	page->inuse = 1;
	page->objects = 100;
	free_here(p);
	LOGGED("BUG kmalloc-64: objects 100 > max 64\n");
	page->objects = 60;
	free_here(p);
	LOGGED("BUG kmalloc-64: Wrong number of objects. Found 60 but should be 64\n");
	LOGGED("FIX kmalloc-64: Number of objects adjusted.\n");
	CU_ASSERT_EQUAL(page->objects, 64);
	assert_goes_on(64);
	slub_end();
}

static void checker_sees_bytes_of_caches_with_debugging(void)
{
	uint8_t *p, *q;

	slub_begin(ALL_DEBUG);
	p = allocate_here(64);
	q = allocate_here(64);
	free_here(q);
	CU_ASSERT_EQUAL(slub_check(), 0);
	p[64] = 0;
	q[5] = 0;
	CU_ASSERT_EQUAL(slub_check(), 2);
	LOGGED("BUG kmalloc-64: Redzone overwritten\n");
	LOGGED("BUG kmalloc-64: Poison overwritten\n");
	CU_ASSERT_EQUAL(slub_check(), 0); /* mended */
	free_here(p);
	slub_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(overrun_by_one_byte_is_reported_whole),
	UNIT_TEST(overrun_of_several_bytes_names_first_and_last),
	UNIT_TEST(bulk_free_checks_each_object),
	UNIT_TEST(underrun_by_one_byte_is_reported),
	UNIT_TEST(write_after_free_is_found_when_it_is_given_again),
	UNIT_TEST(last_poison_byte_is_another_one),
	UNIT_TEST(double_free_is_refused),
	UNIT_TEST(pointer_into_an_object_is_refused),
	UNIT_TEST(free_pointer_that_was_overwritten_is_found_when_its_object_is_given),
	UNIT_TEST(freelist_is_cut_where_it_breaks),
	UNIT_TEST(freelist_that_begins_outside_is_cleared),
	UNIT_TEST(freelist_that_leads_outside_gives_nothing),
	UNIT_TEST(freelist_with_a_cycle_is_cleared),
	UNIT_TEST(padding_behind_the_last_slot_is_watched),
	UNIT_TEST(padding_within_a_slot_is_watched),
	UNIT_TEST(slab_with_impossible_counters_is_left_alone),
	UNIT_TEST(checker_sees_bytes_of_caches_with_debugging),
	UNIT_END,
};

const struct unit_suite suite_slub_debug = { "slub_debug", tests };
