// SPDX-License-Identifier: MIT
/*
 * Rules of SLUB that hold with and without debugging, on 4-byte and on 8-byte pointers.
 */
#include "mm/errno.h"
#include "mm/page_alloc.h"
#include "mm/slub_internal.h"
#include "tests/mm/mm_test.h"

#define OBJECTS 600 /* more than a slab of the smallest has */

static void *objects[OBJECTS];

/* What caches keep for later goes back, so that the runner sees as many free pages as before. */
static bool done(void)
{
	kmem_cache_shrink_all();
	EXPECT(slub_check() == 0);
	return true;
}

static struct kmem_cache_info info_of(const char *name)
{
	struct kmem_cache_info info;

	for (unsigned n = 0; kmem_cache_info(n, &info); n++)
		if (!strcmp(info.name, name))
			return info;
	return (struct kmem_cache_info){ .name = NULL };
}

static bool all_bytes(const void *p, uint8_t value, size_t bytes)
{
	for (const uint8_t *b = p; bytes--; b++)
		if (*b != value)
			return false;
	return true;
}

/* --- kmalloc ---------------------------------------------------------------------------------- */

static bool kmalloc_takes_the_smallest_cache_that_fits(void)
{
	static const struct {
		size_t size, usable;
	} rows[] = {
		{ 1, 8 },	  { 8, 8 },	   { 9, 16 },
		{ 16, 16 },	  { 17, 32 },	   { 33, 64 },
		{ 64, 64 },	  { 65, 96 },	   { 96, 96 },
		{ 97, 128 },	  { 129, 192 },	   { 192, 192 },
		{ 193, 256 },	  { 257, 512 },	   { 513, 1024 },
		{ 1025, 2048 },	  { 2049, 4096 },  { 4097, 8192 },
		{ 8192, 8192 },	  { 8193, 16384 }, /* pages from here on, in powers of two */
		{ 16385, 32768 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		uint8_t *p = kmalloc(rows[n].size, GFP_KERNEL);

		EXPECT(p);
		EXPECT(ksize(p) == rows[n].usable);
		memset(p, 0xff, ksize(p));
		kfree(p);
	}
	return done();
}

static bool kmalloc_of_zero_bytes_may_be_freed(void)
{
	EXPECT(kmalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	EXPECT(kzalloc(0, GFP_KERNEL) == ZERO_SIZE_PTR);
	EXPECT(ksize(ZERO_SIZE_PTR) == 0);
	EXPECT(ksize(NULL) == 0);
	kfree(ZERO_SIZE_PTR);
	kfree(NULL);
	return done();
}

static bool kmalloc_beyond_the_largest_block_fails(void)
{
	EXPECT(!kmalloc((4u << 20) + 1, GFP_KERNEL | __GFP_NOWARN));
	EXPECT(!kmalloc(SIZE_MAX, GFP_KERNEL | __GFP_NOWARN));
	return done();
}

static bool kzalloc_clears_what_others_left(void)
{
	static const size_t sizes[] = { 8, 100, 1000, 8192, 20000 };

	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
		uint8_t *p = kmalloc(sizes[n], GFP_KERNEL);

		memset(p, 0xee, sizes[n]);
		kfree(p);
		p = kzalloc(sizes[n], GFP_KERNEL);
		EXPECT(p && all_bytes(p, 0, sizes[n]));
		kfree(p);
	}
	return done();
}

static bool kmalloc_for_dma_is_below_16_mib(void)
{
	static const size_t sizes[] = { 8, 96, 512, 8192, 20000 };
	void *p[ARRAY_SIZE(sizes)];

	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
		p[n] = kmalloc(sizes[n], GFP_KERNEL | GFP_DMA);
		EXPECT(p[n] && virt_to_phys(p[n]) < 16u << 20);
	}
	EXPECT(info_of("kmalloc_dma-96").active_objects > 0);
	EXPECT(info_of("kmalloc_dma-64").name == NULL); /* made when first used */
	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++)
		kfree(p[n]);
	/*
	 * The DMA caches stay; the pages below their kmem_cache structures must not count as lost.
	 */
	for (unsigned n = 0; n < KMALLOC_CACHES; n++) {
		if (!slub.kmalloc_dma[n])
			continue;
		EXPECT(kmem_cache_destroy(slub.kmalloc_dma[n]) == 0);
		slub.kmalloc_dma[n] = NULL;
	}
	return done();
}

static bool krealloc_keeps_what_fits(void)
{
	uint8_t *p = krealloc(NULL, 33, GFP_KERNEL), *q;

	EXPECT(p && ksize(p) == 64);
	memset(p, 0x11, 64);
	EXPECT(krealloc(p, 64, GFP_KERNEL) == p);
	EXPECT(krealloc(p, 1, GFP_KERNEL) == p);
	q = krealloc(p, 65, GFP_KERNEL);
	EXPECT(q && q != p && ksize(q) == 96);
	EXPECT(all_bytes(q, 0x11, 64));
	p = krealloc(q, 9000, GFP_KERNEL);
	EXPECT(p && ksize(p) == 16384 && all_bytes(p, 0x11, 64));
	EXPECT(krealloc(p, 0, GFP_KERNEL) == ZERO_SIZE_PTR);
	p = krealloc(ZERO_SIZE_PTR, 8, GFP_KERNEL);
	EXPECT(p && ksize(p) == 8);
	kfree(p);
	return done();
}

/* --- caches ----------------------------------------------------------------------------------- */

static bool objects_do_not_overlap(void)
{
	static const size_t sizes[] = { 1, 24, 100, 1000, 3000 };

	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		struct kmem_cache *s = kmem_cache_create("overlap", sizes[k], 0, 0, NULL);

		EXPECT(s);
		for (unsigned n = 0; n < OBJECTS; n++) {
			objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
			EXPECT(objects[n]);
			memset(objects[n], (uint8_t)n, sizes[k]);
		}
		EXPECT(slub_check() == 0);
		/* Every other one goes and comes, then all, from the middle outwards. */
		for (unsigned n = 0; n < OBJECTS; n += 2)
			kmem_cache_free(s, objects[n]);
		EXPECT(slub_check() == 0);
		for (unsigned n = 0; n < OBJECTS; n += 2) {
			objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
			memset(objects[n], (uint8_t)n, sizes[k]);
		}
		for (unsigned n = 0; n < OBJECTS; n++) {
			unsigned at = n % 2 ? OBJECTS / 2 - 1 - n / 2 : OBJECTS / 2 + n / 2;

			EXPECT(all_bytes(objects[at], (uint8_t)at, sizes[k]));
			kmem_cache_free(s, objects[at]);
		}
		EXPECT(kmem_cache_destroy(s) == 0);
	}
	return done();
}

static bool objects_are_aligned_as_asked(void)
{
	static const struct {
		size_t size, align;
		uint32_t flags, expected;
	} rows[] = {
		{ 1, 0, 0, 8 },
		{ 12, 4, 0, 8 },
		{ 20, 16, 0, 16 },
		{ 100, 128, 0, 128 },
		{ 100, 4096, 0, 4096 },
		/* A cache line is 32 bytes; small objects need the part of it that holds them. */
		{ 40, 0, SLAB_HWCACHE_ALIGN, 32 },
		{ 9, 0, SLAB_HWCACHE_ALIGN, 16 },
		{ 8, 0, SLAB_HWCACHE_ALIGN, 8 },
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		struct kmem_cache *s = kmem_cache_create("align", rows[k].size, rows[k].align,
							 rows[k].flags, NULL);

		for (unsigned n = 0; n < 20; n++) {
			objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
			EXPECT(objects[n] && arch_vaddr(objects[n]) % rows[k].expected == 0);
		}
		kmem_cache_free_bulk(s, 20, objects);
		EXPECT(kmem_cache_destroy(s) == 0);
	}
	return done();
}

static unsigned constructed;

static void construct(void *object)
{
	memset(object, 0x42, 40);
	constructed++;
}

static bool constructor_runs_once_for_each_object_of_a_slab(void)
{
	struct kmem_cache *s = kmem_cache_create("ctor", 40, 0, 0, construct);
	struct kmem_cache_info info;
	uint8_t *p, *q;

	constructed = 0;
	p = kmem_cache_alloc(s, GFP_KERNEL);
	info = info_of("ctor");
	EXPECT(constructed == info.objects_per_slab);
	EXPECT(p && all_bytes(p, 0x42, 40));
	/* What a caller left is what the next one finds: the free pointer lies outside. */
	p[0] = 7;
	kmem_cache_free(s, p);
	q = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT(q == p && q[0] == 7 && all_bytes(q + 1, 0x42, 39));
	EXPECT(constructed == info.objects_per_slab);
	kmem_cache_free(s, q);
	EXPECT(kmem_cache_destroy(s) == 0);
	return done();
}

static bool freed_last_is_given_first(void)
{
	struct kmem_cache *s = kmem_cache_create("lifo", 72, 0, 0, NULL);
	void *a = kmem_cache_alloc(s, GFP_KERNEL), *b = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, a);
	kmem_cache_free(s, b);
	EXPECT(kmem_cache_alloc(s, GFP_KERNEL) == b);
	EXPECT(kmem_cache_alloc(s, GFP_KERNEL) == a);
	kmem_cache_free(s, a);
	kmem_cache_free(s, b);
	EXPECT(kmem_cache_destroy(s) == 0);
	return done();
}

/*
 *   slabs of n objects, k of them:   full full full .. CPU
 *   first object of each freed:      partial x (k - 1), CPU
 *   the others freed:                gone, but for the CPU slab
 */
static bool slabs_go_from_full_to_partial_to_free(void)
{
	struct kmem_cache *s = kmem_cache_create("walk", 1000, 0, 0, NULL);
	struct kmem_cache_info info = info_of("walk");
	unsigned per = info.objects_per_slab, slabs = 5;

	EXPECT(per >= 2 && per * slabs <= OBJECTS);
	for (unsigned n = 0; n < per * slabs; n++)
		objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
	info = info_of("walk");
	EXPECT(info.slabs == slabs && info.partial_slabs == 0);
	EXPECT(info.total_objects == per * slabs && info.active_objects == per * slabs);
	for (unsigned n = 0; n < slabs; n++)
		kmem_cache_free(s, objects[n * per]);
	info = info_of("walk");
	EXPECT(info.slabs == slabs && info.partial_slabs == slabs - 1);
	EXPECT(info.active_objects == per * slabs - (slabs - 1));
	for (unsigned n = 0; n < per * slabs; n++)
		if (n % per)
			kmem_cache_free(s, objects[n]);
	info = info_of("walk");
	EXPECT(info.slabs == 1 && info.partial_slabs == 0);
	EXPECT(kmem_cache_shrink(s) == info.pages_per_slab);
	EXPECT(info_of("walk").slabs == 0);
	EXPECT(kmem_cache_destroy(s) == 0);
	EXPECT(info_of("walk").name == NULL);
	return done();
}

static bool shrink_sorts_the_fullest_slab_to_the_front(void)
{
	struct kmem_cache *s = kmem_cache_create("sorted", 1000, 0, 0, NULL);
	unsigned per = info_of("sorted").objects_per_slab;
	struct page *fullest;

	/* Three slabs; 3, 1 and 2 objects of them are freed. */
	for (unsigned n = 0; n < per * 3; n++)
		objects[n] = kmem_cache_alloc(s, GFP_KERNEL);
	fullest = virt_to_head_page(objects[per]);
	kmem_cache_free_bulk(s, 3, objects);
	kmem_cache_free_bulk(s, 1, objects + per);
	kmem_cache_free_bulk(s, 2, objects + per * 2);
	kmem_cache_shrink(s);
	objects[per] = kmem_cache_alloc(s, GFP_KERNEL);
	EXPECT(virt_to_head_page(objects[per]) == fullest);
	kmem_cache_free_bulk(s, per - 3, objects + 3);
	kmem_cache_free_bulk(s, per, objects + per);
	kmem_cache_free_bulk(s, per - 2, objects + per * 2 + 2);
	EXPECT(kmem_cache_destroy(s) == 0);
	return done();
}

static bool create_refuses_what_fits_no_slab(void)
{
	EXPECT(!kmem_cache_create("empty", 0, 0, 0, NULL));
	EXPECT(!kmem_cache_create("large", (4u << 20) + 1, 0, 0, NULL));
	EXPECT(!kmem_cache_create("align", 8, 24, 0, NULL));
	EXPECT(!kmem_cache_create(NULL, 8, 0, 0, NULL));
	EXPECT(kmem_cache_destroy(NULL) == 0);
	return done();
}

static bool busy_cache_is_destroyed_when_its_objects_are_back(void)
{
	struct kmem_cache *s = kmem_cache_create("busy", 56, 0, 0, construct);
	void *p = kmem_cache_alloc(s, GFP_KERNEL);

	EXPECT(kmem_cache_destroy(s) == -EBUSY);
	EXPECT(info_of("busy").refcount == 0);
	kmem_cache_free(s, p);
	EXPECT(kmem_cache_destroy(s) == 0);
	EXPECT(info_of("busy").name == NULL);
	return done();
}

/* --- many at once ----------------------------------------------------------------------------- */

static bool bulk_gives_all_and_takes_all(void)
{
	struct kmem_cache *s = kmem_cache_create("bulk", 80, 0, 0, NULL);
	void *odd;

	EXPECT(kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_ZERO, OBJECTS, objects) == 0);
	for (unsigned n = 0; n < OBJECTS; n++) {
		EXPECT(all_bytes(objects[n], 0, 80));
		memset(objects[n], (uint8_t)n, 80);
	}
	for (unsigned n = 0; n < OBJECTS; n++)
		EXPECT(all_bytes(objects[n], (uint8_t)n, 80));
	EXPECT(slub_check() == 0);
	kmem_cache_free_bulk(s, OBJECTS, objects);
	EXPECT(kmem_cache_alloc_bulk(s, GFP_KERNEL, 1, &odd) == 0);
	EXPECT(kmem_cache_alloc_bulk(s, GFP_KERNEL, 0, NULL) == 0);
	kmem_cache_free_bulk(s, 1, &odd);
	kmem_cache_free_bulk(s, 0, NULL);
	EXPECT(kmem_cache_destroy(s) == 0);
	return done();
}

/* --- an interrupt upon the fast path ---------------------------------------------------------- */

static bool interrupted_fast_path_keeps_its_slab(void)
{
	struct kmem_cache *s = kmem_cache_create("irq", 200, 0, 0, NULL);
	void *p = kmem_cache_alloc(s, GFP_KERNEL), *q, *freelist;
	struct page *page = s->cpu.page;
	uint8_t slow = s->cpu.slow;

	/* A cache with debugging has no fast path to interrupt. */
	if (!slow) {
		freelist = s->cpu.freelist;
		s->cpu.slow = SLOW_BUSY;
		q = kmem_cache_alloc(s, GFP_ATOMIC);
		EXPECT(q && virt_to_head_page(q) != page);
		kmem_cache_free(s, p);
		EXPECT(kmem_cache_alloc_bulk(s, GFP_ATOMIC, 50, objects) == 0);
		EXPECT(s->cpu.page == page && s->cpu.freelist == freelist);
		kmem_cache_free_bulk(s, 50, objects);
		EXPECT(s->cpu.page == page && s->cpu.freelist == freelist);
		s->cpu.slow = slow;
		EXPECT(slub_check() == 0);
		p = q;
	}
	kmem_cache_free(s, p);
	EXPECT(kmem_cache_destroy(s) == 0);
	return done();
}

/* --- failures --------------------------------------------------------------------------------- */

static unsigned calls_to_failure;

static bool fail_one(const char *what, size_t bytes, gfp_t gfp)
{
	return calls_to_failure && --calls_to_failure == 0;
}

/* Creates, allocates, grows; gives up, and all back, at the first failure. True: there was none. */
static bool use_everything(void)
{
	struct kmem_cache *s = kmem_cache_create("fails", 1500, 0, 0, construct);
	bool ok = s != NULL, bulk;
	uint8_t *p = kmalloc(100, GFP_KERNEL | __GFP_NOWARN), *q;

	ok &= p != NULL;
	if (p) {
		memset(p, 0x77, 100);
		q = krealloc(p, 10000, GFP_KERNEL | __GFP_NOWARN);
		ok &= q != NULL;
		p = q ? q : p; /* a krealloc that fails leaves the old object */
		EXPECT(all_bytes(p, 0x77, 100));
		kfree(p);
	}
	if (s) {
		bulk = kmem_cache_alloc_bulk(s, GFP_KERNEL | __GFP_NOWARN, 20, objects) == 0;
		ok &= bulk;
		if (bulk)
			kmem_cache_free_bulk(s, 20, objects);
		EXPECT(kmem_cache_destroy(s) == 0);
	}
	kmem_cache_shrink_all();
	drain_all_pages();
	return ok;
}

static bool failing_the_nth_allocation_leaks_nothing(void)
{
	bool (*hook)(const char *, size_t, gfp_t) = mm.fail_alloc;
	uint32_t before;
	unsigned nth = 0, failed = 0;
	bool reached = true;

	kmem_cache_shrink_all();
	drain_all_pages();
	before = nr_free_pages();
	mm.fail_alloc = fail_one;
	while (reached && nth < 100) {
		calls_to_failure = ++nth;
		failed += !use_everything();
		reached = calls_to_failure == 0;
		EXPECT(nr_free_pages() == before);
		EXPECT(slub_check() == 0);
	}
	mm.fail_alloc = hook;
	/*
	 * Each of: the cache, kmalloc, krealloc, the bulk. Failed large slabs are made up for by
	 * small ones.
	 */
	EXPECT(!reached && failed >= 4);
	return done();
}

/* --- all together ----------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static bool mixed_operations_keep_all_invariants(void)
{
	static uint32_t sizes[OBJECTS];
	uint32_t seed = 20260, slot, r;

	memset(sizes, 0, sizeof(sizes));
	for (unsigned n = 0; n < 20000; n++) {
		slot = next_random(&seed) % OBJECTS;
		r = next_random(&seed);
		if (sizes[slot]) {
			EXPECT(all_bytes(objects[slot], (uint8_t)slot, sizes[slot]));
			kfree(objects[slot]);
			sizes[slot] = 0;
		} else {
			sizes[slot] = r % 16 ? 1 + r % 300 : 1 + r % 9000;
			objects[slot] = kmalloc(sizes[slot], GFP_KERNEL);
			EXPECT(objects[slot]);
			memset(objects[slot], (uint8_t)slot, sizes[slot]);
		}
		if (n % 4000 == 0)
			EXPECT(slub_check() == 0);
	}
	for (slot = 0; slot < OBJECTS; slot++)
		if (sizes[slot])
			kfree(objects[slot]);
	return done();
}

const struct mm_test mm_tests_slub[] = {
	MM_TEST(kmalloc_takes_the_smallest_cache_that_fits),
	MM_TEST(kmalloc_of_zero_bytes_may_be_freed),
	MM_TEST(kmalloc_beyond_the_largest_block_fails),
	MM_TEST(kzalloc_clears_what_others_left),
	MM_TEST(kmalloc_for_dma_is_below_16_mib),
	MM_TEST(krealloc_keeps_what_fits),
	MM_TEST(objects_do_not_overlap),
	MM_TEST(objects_are_aligned_as_asked),
	MM_TEST(constructor_runs_once_for_each_object_of_a_slab),
	MM_TEST(freed_last_is_given_first),
	MM_TEST(slabs_go_from_full_to_partial_to_free),
	MM_TEST(shrink_sorts_the_fullest_slab_to_the_front),
	MM_TEST(create_refuses_what_fits_no_slab),
	MM_TEST(busy_cache_is_destroyed_when_its_objects_are_back),
	MM_TEST(bulk_gives_all_and_takes_all),
	MM_TEST(interrupted_fast_path_keeps_its_slab),
	MM_TEST(failing_the_nth_allocation_leaks_nothing),
	MM_TEST(mixed_operations_keep_all_invariants),
	MM_TEST_END,
};
