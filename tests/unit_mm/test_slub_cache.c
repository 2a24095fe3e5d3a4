// SPDX-License-Identifier: MIT
/*
 * SLUB's caches on the host: which share slabs, which have debugging, and how they end.
 */
#include "mm/errno.h"
#include "slub_rig.h"

/* --- merging ---------------------------------------------------------------------------------- */

static void like_caches_share_slabs(void)
{
	struct kmem_cache *a, *b;
	void *p;

	slub_begin(NO_DEBUG);
	a = kmem_cache_create("first", 1200, 0, 0, NULL);
	b = kmem_cache_create("second", 1199, 0, 0, NULL); /* 1200, rounded up to a pointer */
	CU_ASSERT_PTR_EQUAL(a, b);
	CU_ASSERT_EQUAL(slub_info("first").refcount, 2);
	p = kmem_cache_alloc(a, GFP_KERNEL);
	CU_ASSERT_EQUAL(kmem_cache_destroy(a), 0); /* takes one reference */
	CU_ASSERT_EQUAL(slub_info("first").refcount, 1);
	kmem_cache_free(b, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(b), 0);
	slub_end();
}

static void merged_cache_clears_the_larger_object(void)
{
	struct kmem_cache *a, *b;
	char *p;

	slub_begin(NO_DEBUG);
	a = kmem_cache_create("small", 1195, 0, 0, NULL);
	b = kmem_cache_create("large", 1200, 0, 0, NULL);
	CU_ASSERT_PTR_EQUAL(a, b);
	p = kmem_cache_alloc(b, GFP_KERNEL);
	memset(p, 0xff, 1200);
	kmem_cache_free(b, p);
	p = kmem_cache_alloc(b, GFP_KERNEL | __GFP_ZERO);
	CU_ASSERT_EQUAL(p[1199], 0);
	kmem_cache_free(b, p);
	slub_end();
}

static void unlike_caches_do_not_share(void)
{
	static const struct {
		size_t size, align;
		uint32_t flags;
	} others[] = {
		{ 1208, 0, 0 },			   /* larger */
		{ 1192, 0, 0 },			   /* a word smaller: would waste one */
		{ 1200, 64, 0 },		   /* 1200 is no multiple of 64 */
		{ 1200, 0, SLAB_CACHE_DMA },	   /* other pages */
		{ 1200, 0, SLAB_RECLAIM_ACCOUNT }, /* counted elsewhere */
		{ 1200, 0, SLAB_RED_ZONE },	   /* other layout */
		{ 1200, 0, SLAB_DEBUG_FREE },
	};
	struct kmem_cache *s;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("alone", 1200, 0, 0, NULL);
	for (size_t n = 0; n < ARRAY_SIZE(others); n++)
		CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("other", others[n].size, others[n].align,
							  others[n].flags, NULL),
					s);
	CU_ASSERT_EQUAL(slub_info("alone").refcount, 1);
	slub_end();
}

static void construct(void *object)
{
	memset(object, 1, 1200);
}

static void constructor_nomerge_and_slub_debug_forbid_merging(void)
{
	struct kmem_cache *s;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("ctor", 1200, 0, 0, construct);
	CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("plain", 1200, 0, 0, NULL), s);
	CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("ctor2", 1200, 0, 0, construct), s);
	slub_end();

	mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20, .slub_nomerge = true });
	s = kmem_cache_create("a", 1200, 0, 0, NULL);
	CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("b", 1200, 0, 0, NULL), s);
	slub_end();

	slub_begin("F,watched");
	s = kmem_cache_create("plain", 1200, 0, 0, NULL);
	CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("watched", 1200, 0, 0, NULL), s);
	slub_end();
}

/* --- slub_debug= ------------------------------------------------------------------------------ */

#define F SLAB_DEBUG_FREE
#define Z SLAB_RED_ZONE
#define P SLAB_POISON
#define U SLAB_STORE_USER

static void slub_debug_sets_flags_of_the_caches_it_names(void)
{
	static const struct {
		const char *value;
		uint32_t for_64, for_96;
	} rows[] = {
		{ NULL, 0, 0 },
		{ "", F | Z | P | U, F | Z | P | U },
		{ "-", 0, 0 },
		{ "F", F, F },
		{ "FZ", F | Z, F | Z },
		{ "fzpu", F | Z | P | U, F | Z | P | U },
		{ "P,kmalloc-64", P, 0 },
		{ ",kmalloc-9", 0, F | Z | P | U },
		{ "UP,kmalloc", U | P, U | P },
		{ "F,dentry", 0, 0 },
		{ "F,", F, F },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20,
							.slub_debug = rows[n].value });
		CU_ASSERT_EQUAL(slub_info("kmalloc-64").flags, rows[n].for_64);
		CU_ASSERT_EQUAL(slub_info("kmalloc-96").flags, rows[n].for_96);
		CU_ASSERT_FALSE(mm_host_logged("slub_debug"));
		slub_end();
	}
}

static void slub_debug_with_nonsense_is_quoted_and_ignored(void)
{
	static const struct {
		const char *value;
		char wrong;
	} rows[] = { { "FX", 'X' }, { "yes please", 'y' }, { "-F", '-' }, { "1,kmalloc-64", '1' } };

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		mm_host_begin(&(struct mm_host_config){ .ram_bytes = 64 << 20,
							.slub_debug = rows[n].value });
		LOGGED("slub_debug=%s: option '%c' unknown, ignored\n", rows[n].value,
		       rows[n].wrong);
		CU_ASSERT_EQUAL(slub_info("kmalloc-64").flags, 0);
		slub_end();
	}
}

static void trace_prints_every_call(void)
{
	struct kmem_cache *s;
	void *p;

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("traced", 64, 0, SLAB_TRACE, NULL);
	p = kmem_cache_alloc(s, GFP_KERNEL);
	LOGGED("TRACE traced alloc 0x%08x inuse=0 fp=0x%08x\n", arch_vaddr(p), arch_vaddr(p));
	kmem_cache_free(s, p);
	LOGGED("TRACE traced free 0x%08x inuse=1 fp=0x%08x\n", arch_vaddr(p), arch_vaddr(p) + 64);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/* --- destroy ---------------------------------------------------------------------------------- */

static void busy_cache_lists_what_is_out_and_stays(void)
{
	struct kmem_cache *s;
	uint8_t *p[3];

	slub_begin("U,leaky");
	s = kmem_cache_create("leaky", 64, 0, 0, NULL);
	for (unsigned n = 0; n < 3; n++)
		p[n] = kmem_cache_alloc(s, GFP_KERNEL);
	kmem_cache_free(s, p[1]);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), -EBUSY);
	LOGGED("BUG leaky: Objects remaining on kmem_cache_close()\n");
	LOGGED("INFO: Object 0x%08x @offset=0\nINFO: Allocated in 0x", arch_vaddr(p[0]));
	LOGGED("INFO: Object 0x%08x @offset=192\nINFO: Allocated in 0x", arch_vaddr(p[2]));
	CU_ASSERT_EQUAL(mm_host_log_count("INFO: Object"), 2);
	LOGGED("SLUB leaky: kmem_cache_destroy called for cache that still has objects.\n");
	CU_ASSERT_EQUAL(slub_check(), 0);
	kmem_cache_free(s, p[0]);
	kmem_cache_free(s, p[2]);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

/* Full slabs are on no list. */
static void objects_of_full_slabs_are_listed_too(void)
{
	struct kmem_cache *s;
	void *p[20];

	slub_begin(NO_DEBUG);
	s = kmem_cache_create("full", 1200, 0, 0, NULL);
	CU_ASSERT_EQUAL(kmem_cache_alloc_bulk(s, GFP_KERNEL, 20, p), 0);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), -EBUSY);
	CU_ASSERT_EQUAL(mm_host_log_count("INFO: Object"), 20);
	/* No new cache is merged into it. */
	CU_ASSERT_PTR_NOT_EQUAL(kmem_cache_create("next", 1200, 0, 0, NULL), s);
	kmem_cache_free_bulk(s, 20, p);
	CU_ASSERT_EQUAL(kmem_cache_destroy(s), 0);
	slub_end();
}

static void kmalloc_cache_cannot_be_destroyed(void)
{
	slub_begin(NO_DEBUG);
	CU_ASSERT_EQUAL(kmem_cache_destroy(&slub.kmalloc[6]), -EBUSY);
	assert_goes_on(64);
	slub_end();
}

static void create_or_panic(void *flags)
{
	kmem_cache_create("must", 0, 0, *(uint32_t *)flags, NULL);
}

static void slab_panic_makes_failure_final(void)
{
	uint32_t flags = SLAB_PANIC;

	slub_begin(NO_DEBUG);
	CU_ASSERT_TRUE(mm_host_expect_panic(create_or_panic, &flags));
	CU_ASSERT_STRING_EQUAL(mm_host.panic_text, "Cannot create slabcache must");
	LOGGED("kmem_cache_create(must): size 0\n");
	flags = 0;
	CU_ASSERT_FALSE(mm_host_expect_panic(create_or_panic, &flags));
	mm_host_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(like_caches_share_slabs),
	UNIT_TEST(merged_cache_clears_the_larger_object),
	UNIT_TEST(unlike_caches_do_not_share),
	UNIT_TEST(constructor_nomerge_and_slub_debug_forbid_merging),
	UNIT_TEST(slub_debug_sets_flags_of_the_caches_it_names),
	UNIT_TEST(slub_debug_with_nonsense_is_quoted_and_ignored),
	UNIT_TEST(trace_prints_every_call),
	UNIT_TEST(busy_cache_lists_what_is_out_and_stays),
	UNIT_TEST(objects_of_full_slabs_are_listed_too),
	UNIT_TEST(kmalloc_cache_cannot_be_destroyed),
	UNIT_TEST(slab_panic_makes_failure_final),
	UNIT_END,
};

const struct unit_suite suite_slub_cache = { "slub_cache", tests };
