// SPDX-License-Identifier: MIT
#include "mm/errno.h"
#include "model_internal.h"

#define KMALLOCS 768
#define KMALLOC_BYTES 20000 /* up to here */
#define CACHES 12
#define CACHE_OBJECTS 40
#define BULK_MAX 16
#define CTOR_BYTE 0x5c

static struct kmalloc_slot {
	void *p; /* NULL: the slot is empty */
	uint32_t bytes, usable;
	uint32_t stamp;
} kmallocs[KMALLOCS];

static struct cache_slot {
	struct kmem_cache *s; /* NULL: the slot is empty */
	uint32_t bytes, align;
	bool ctor;
	struct {
		void *p;
		uint32_t stamp;
	} object[CACHE_OBJECTS];
} caches[CACHES];

/* --- kmalloc ---------------------------------------------------------------------------------- */

/* 0 now and then, small mostly, up to 20000. */
static uint32_t choose_bytes(uint32_t random)
{
	uint32_t shift = random % 16;

	if (shift == 15)
		return (random >> 8) % (KMALLOC_BYTES + 1);
	return (random >> 8) % (16u << (shift % 8));
}

static uint32_t large_pages(uint32_t bytes)
{
	return bytes > KMALLOC_MAX_CACHE ? 1u << get_order(bytes) : 0;
}

/*
 * An object of a cache is one in a block of this order at least, debugging's additions counted in.
 */
static unsigned slab_order(uint32_t bytes)
{
	return get_order(bytes > KMALLOC_MAX_CACHE ? bytes : bytes + 256);
}

static void hold_kmalloc(struct kmalloc_slot *slot, void *p, uint32_t bytes, gfp_t gfp)
{
	*slot = (struct kmalloc_slot){ .p = p, .bytes = bytes };
	if (!bytes) {
		MODEL_EXPECT(p == ZERO_SIZE_PTR, "kmalloc(0) = %p", p);
		return;
	}
	slot->usable = (uint32_t)ksize(p);
	MODEL_EXPECT(slot->usable >= bytes, "ksize is %u of %u bytes", slot->usable, bytes);
	claim_ram(virt_to_phys(p), slot->usable, "kmalloc");
	if (gfp & __GFP_DMA)
		MODEL_EXPECT(PFN_UP(virt_to_phys(p) + bytes) <= MAX_DMA_PFN,
			     "kmalloc for DMA at %08x", arch_vaddr(p));
	model.held_pages += large_pages(slot->usable);
}

static void refill_kmalloc(struct kmalloc_slot *slot, uint32_t stamp)
{
	slot->stamp = stamp;
	if (slot->bytes)
		fill_bytes(slot->p, slot->bytes, stamp);
}

/* It is about to be freed, or has been by krealloc. */
static void forget_kmalloc(struct kmalloc_slot *slot)
{
	if (slot->bytes)
		release_ram(virt_to_phys(slot->p), slot->usable);
	model.held_pages -= large_pages(slot->usable);
	memset(slot, 0, sizeof(*slot));
}

static void free_kmalloc(struct kmalloc_slot *slot)
{
	void *p = slot->p;

	expect_filled(p, slot->bytes, slot->stamp, "kmalloc object");
	forget_kmalloc(slot);
	kfree(p);
}

static gfp_t choose_gfp(uint32_t random)
{
	static const gfp_t choices[] = { GFP_KERNEL, GFP_KERNEL, GFP_KERNEL,	      GFP_KERNEL,
					 GFP_ATOMIC, GFP_NOWAIT, GFP_KERNEL | GFP_DMA };

	return choices[random % ARRAY_SIZE(choices)] | ((random >> 8) % 4 ? 0 : __GFP_ZERO) |
	       ((random >> 16) % 2 ? 0 : __GFP_NOWARN);
}

void op_kmalloc(const struct model_op *op)
{
	struct kmalloc_slot *slot = &kmallocs[op->slot % KMALLOCS];
	uint32_t bytes = choose_bytes(op->a);
	gfp_t gfp = choose_gfp(op->b);
	void *p;

	if (slot->p) {
		model_say("kfree(%08x), %u bytes", arch_vaddr(slot->p), slot->bytes);
		free_kmalloc(slot);
		return;
	}
	p = gfp & __GFP_ZERO ? kzalloc(bytes, gfp) : kmalloc(bytes, gfp);
	model_say("kmalloc(%u, %s) = %08x", bytes, gfp_text(gfp), bytes ? arch_vaddr(p) : 16);
	if (!p) {
		expect_no_memory(gfp, slab_order(bytes), 0, "kmalloc");
		return;
	}
	hold_kmalloc(slot, p, bytes, gfp);
	if (gfp & __GFP_ZERO)
		expect_byte(p, bytes, 0, "kzalloc object");
	refill_kmalloc(slot, op->a ^ op->b);
}

void op_krealloc(const struct model_op *op)
{
	struct kmalloc_slot *slot = &kmallocs[op->slot % KMALLOCS], old = *slot;
	uint32_t bytes = choose_bytes(op->a);
	void *p = krealloc(old.p, bytes, GFP_KERNEL);

	model_say("krealloc(%08x of %u bytes, %u) = %08x", old.bytes ? arch_vaddr(old.p) : 0,
		  old.bytes, bytes, bytes ? arch_vaddr(p) : 16);
	if (!p) {
		expect_no_memory(GFP_KERNEL, slab_order(bytes), 0, "krealloc");
		if (old.p)
			expect_filled(old.p, old.bytes, old.stamp, "object that stays");
		return;
	}
	if (bytes && bytes <= old.usable)
		MODEL_EXPECT(p == old.p, "krealloc moved what fits");
	if (old.p)
		forget_kmalloc(slot);
	hold_kmalloc(slot, p, bytes, GFP_KERNEL);
	expect_filled(p, bytes < old.bytes ? bytes : old.bytes, old.stamp, "krealloc object");
	refill_kmalloc(slot, op->b);
}

/* --- caches ----------------------------------------------------------------------------------- */

static void construct_16(void *p)
{
	memset(p, CTOR_BYTE, 16);
}

static void expect_object(const struct cache_slot *cache, unsigned n)
{
	expect_filled(cache->object[n].p, cache->bytes, cache->object[n].stamp, "cache's object");
}

/* As it must be to be freed: verified, nobody's, and constructed. */
static void let_object_go(struct cache_slot *cache, unsigned n)
{
	void *p = cache->object[n].p;

	expect_object(cache, n);
	release_ram(virt_to_phys(p), cache->bytes);
	if (cache->ctor)
		construct_16(p);
	cache->object[n].p = NULL;
}

static void free_object(struct cache_slot *cache, unsigned n)
{
	void *p = cache->object[n].p;

	let_object_go(cache, n);
	kmem_cache_free(cache->s, p);
}

static void hold_object(struct cache_slot *cache, unsigned n, void *p, gfp_t gfp, uint32_t stamp)
{
	MODEL_EXPECT(arch_vaddr(p) % cache->align == 0, "object at %08x, alignment %u",
		     arch_vaddr(p), cache->align);
	claim_ram(virt_to_phys(p), cache->bytes, "cache's object");
	if (gfp & __GFP_ZERO)
		expect_byte(p, cache->bytes, 0, "zeroed object");
	else if (cache->ctor)
		expect_byte(p, 16, CTOR_BYTE, "constructed object");
	fill_bytes(p, cache->bytes, stamp);
	cache->object[n].p = p;
	cache->object[n].stamp = stamp;
}

static void destroy_cache(struct cache_slot *cache)
{
	for (unsigned n = 0; n < CACHE_OBJECTS; n++)
		if (cache->object[n].p)
			free_object(cache, n);
	MODEL_EXPECT(!kmem_cache_destroy(cache->s),
		     "a cache without objects could not be destroyed");
	cache->s = NULL;
}

void op_cache(const struct model_op *op)
{
	static const char *const names[CACHES] = { "model-0", "model-1", "model-2",  "model-3",
						   "model-4", "model-5", "model-6",  "model-7",
						   "model-8", "model-9", "model-10", "model-11" };
	static const uint32_t flags[] = { 0, SLAB_HWCACHE_ALIGN, SLAB_RECLAIM_ACCOUNT };
	unsigned n = op->slot % CACHES;
	struct cache_slot *cache = &caches[n];
	/* Every other one is of few sizes, so that caches merge. */
	uint32_t bytes = op->a % 2 ? 33 + (op->a >> 8) % 16
				   : 1 + (op->a >> 8) % (8u << (op->a >> 1) % 10);
	uint32_t flag = flags[op->b % 3];
	uint32_t align = (op->b >> 8) % 4 ? 0 : 1u << (op->b >> 12) % 8;
	bool ctor = bytes >= 16 && (op->b >> 16) % 4 == 0;

	if (cache->s) {
		model_say("kmem_cache_destroy(%s)", names[n]);
		destroy_cache(cache);
		return;
	}
	memset(cache, 0, sizeof(*cache));
	cache->s = kmem_cache_create(names[n], bytes, align, flag, ctor ? construct_16 : NULL);
	model_say("kmem_cache_create(%s, %u, align %u, flags %x, %s)%s", names[n], bytes, align,
		  flag, ctor ? "constructor" : "no constructor", cache->s ? "" : " = NULL");
	if (!cache->s)
		expect_no_memory(GFP_KERNEL, 0, 0, "kmem_cache_create");
	cache->bytes = bytes;
	cache->align = align > 8 ? align : 8;
	cache->ctor = ctor;
}

/* The first cache at or behind the slot, or NULL. */
static struct cache_slot *find_cache(unsigned slot)
{
	for (unsigned n = 0; n < CACHES; n++)
		if (caches[(slot + n) % CACHES].s)
			return &caches[(slot + n) % CACHES];
	return NULL;
}

void op_cache_object(const struct model_op *op)
{
	struct cache_slot *cache = find_cache(op->slot % CACHES);
	unsigned n = op->slot / CACHES % CACHE_OBJECTS;
	/* Zeroes would undo what a constructor did, and a free object must be as constructed. */
	gfp_t gfp = choose_gfp(op->b) & ~__GFP_DMA;
	void *p;

	if (!cache)
		return;
	if (cache->object[n].p) {
		model_say("kmem_cache_free(%08x)", arch_vaddr(cache->object[n].p));
		free_object(cache, n);
		return;
	}
	p = kmem_cache_alloc(cache->s, gfp);
	model_say("kmem_cache_alloc(cache of %u bytes, %s) = %08x", cache->bytes, gfp_text(gfp),
		  arch_vaddr(p));
	if (p)
		hold_object(cache, n, p, gfp, op->a);
	else
		expect_no_memory(gfp, slab_order(cache->bytes + cache->align), 0,
				 "kmem_cache_alloc");
}

static void free_bulk(struct cache_slot *cache, unsigned first, unsigned count)
{
	void *p[BULK_MAX];
	unsigned got = 0;

	for (unsigned n = first; n < CACHE_OBJECTS && got < count; n++)
		if (cache->object[n].p) {
			p[got++] = cache->object[n].p;
			let_object_go(cache, n);
		}
	model_say("kmem_cache_free_bulk(%u)", got);
	kmem_cache_free_bulk(cache->s, got, p);
}

static void alloc_bulk(struct cache_slot *cache, unsigned first, unsigned count, gfp_t gfp,
		       uint32_t stamp)
{
	void *p[BULK_MAX];
	unsigned slots[BULK_MAX], got = 0;
	int err;

	for (unsigned n = first; n < CACHE_OBJECTS && got < count; n++)
		if (!cache->object[n].p)
			slots[got++] = n;
	err = kmem_cache_alloc_bulk(cache->s, gfp, got, p);
	model_say("kmem_cache_alloc_bulk(cache of %u bytes, %s, %u) = %d", cache->bytes,
		  gfp_text(gfp), got, err);
	if (err) {
		MODEL_EXPECT(err == -ENOMEM, "kmem_cache_alloc_bulk: %d", err);
		expect_no_memory(gfp, slab_order(cache->bytes + cache->align), SPARE_PAGES,
				 "kmem_cache_alloc_bulk");
		return;
	}
	for (unsigned n = 0; n < got; n++)
		hold_object(cache, slots[n], p[n], gfp, stamp + n);
}

void op_cache_bulk(const struct model_op *op)
{
	struct cache_slot *cache = find_cache(op->slot % CACHES);
	unsigned first = op->slot / CACHES % CACHE_OBJECTS, count = 1 + op->a % BULK_MAX;

	if (!cache)
		return;
	if (op->a >> 31)
		free_bulk(cache, first, count);
	else
		alloc_bulk(cache, first, count, choose_gfp(op->b) & ~__GFP_DMA, op->a);
}

void op_cache_shrink(const struct model_op *op)
{
	struct cache_slot *cache = find_cache(op->slot % CACHES);

	if (!cache)
		return;
	model_say("kmem_cache_shrink(cache of %u bytes)", cache->bytes);
	kmem_cache_shrink(cache->s);
}

void op_shrink_all(const struct model_op *op)
{
	model_say("kmem_cache_shrink_all()");
	kmem_cache_shrink_all();
}

/* --- all -------------------------------------------------------------------------------------- */

void objects_verify(void)
{
	for (unsigned n = 0; n < KMALLOCS; n++)
		if (kmallocs[n].p)
			expect_filled(kmallocs[n].p, kmallocs[n].bytes, kmallocs[n].stamp,
				      "kmalloc object");
	for (unsigned n = 0; n < CACHES; n++)
		for (unsigned i = 0; caches[n].s && i < CACHE_OBJECTS; i++)
			if (caches[n].object[i].p)
				expect_object(&caches[n], i);
}

void objects_free(void)
{
	for (unsigned n = 0; n < KMALLOCS; n++)
		if (kmallocs[n].p)
			free_kmalloc(&kmallocs[n]);
	for (unsigned n = 0; n < CACHES; n++)
		if (caches[n].s)
			destroy_cache(&caches[n]);
}
