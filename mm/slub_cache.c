// SPDX-License-Identifier: MIT
/*
 * SLUB: caches come and go. What a slot looks like, how large a slab is, and which caches share.
 */
#include "mm/errno.h"
#include "mm/slub_internal.h"

#define MAX_OBJECT_BYTES (PAGE_SIZE << (MAX_ORDER - 1))

/* --- order ------------------------------------------------------------------------------------ */

/*
 * Smallest order up to max_order with min_objects, that wastes at most 1/fraction; else max_order +
 * 1.
 */
static unsigned slab_order(uint32_t size, uint32_t min_objects, unsigned max_order,
			   uint32_t fraction)
{
	unsigned order = 0;

	for (; order <= max_order; order++) {
		uint32_t bytes = PAGE_SIZE << order;

		if (bytes >= min_objects * size && bytes % size <= bytes / fraction)
			break;
	}
	return order;
}

/*
 * Many objects in a slab mean that lists change seldom; little waste comes second, a small order
 * last. So: first give up on waste, 1/16, 1/8, 1/4, then on objects, then on the limit of the
 * order.
 */
unsigned calculate_order(uint32_t size)
{
	uint32_t fit = (PAGE_SIZE << SLUB_MAX_ORDER) / size, order;

	for (uint32_t objects = fit < SLUB_MIN_OBJECTS ? fit : SLUB_MIN_OBJECTS; objects > 1;
	     objects--)
		for (uint32_t fraction = 16; fraction >= 4; fraction /= 2) {
			order = slab_order(size, objects, SLUB_MAX_ORDER, fraction);
			if (order <= SLUB_MAX_ORDER)
				return order;
		}
	return slab_order(size, 1, MAX_ORDER - 1, 1);
}

/* --- layout ----------------------------------------------------------------------------------- */

static uint32_t calculate_alignment(uint32_t flags, uint32_t align, uint32_t size)
{
	if (flags & SLAB_HWCACHE_ALIGN) {
		uint32_t line = CACHE_LINE;

		/* Small objects share a line, and none lies in two. */
		while (size <= line / 2)
			line /= 2;
		if (align < line)
			align = line;
	}
	return align < SLAB_MINALIGN ? SLAB_MINALIGN : align;
}

bool calculate_sizes(struct kmem_cache *s, uint32_t align)
{
	uint32_t size = align_up(s->objsize, sizeof(void *));

	s->flags &= ~SLAB_OBJECT_POISON;
	if (s->flags & SLAB_POISON && !s->ctor)
		s->flags |= SLAB_OBJECT_POISON;
	s->align = calculate_alignment(s->flags, align, s->objsize);

	/* Padding to a word serves as red zone; there must be some. */
	if (s->flags & SLAB_RED_ZONE && size == s->objsize)
		size += sizeof(void *);
	s->inuse = size;
	s->offset = 0;
	/*
	 * Where the free pointer may not lie in the object:
	 * (a) poison fills it, (b) a constructor has filled it,
	 * (c) it is smaller, and the rest is red zone (Linux 5.14; 2.6.32 overwrites its own red
	 *     zone).
	 */
	if (s->flags & SLAB_POISON || s->ctor ||
	    (s->flags & SLAB_RED_ZONE && s->objsize < sizeof(void *))) {
		s->offset = size;
		size += sizeof(void *);
	}
	if (s->flags & SLAB_STORE_USER)
		size += 2 * sizeof(struct track);
	s->red_left_pad = s->flags & SLAB_RED_ZONE ? align_up(sizeof(void *), s->align) : 0;
	s->size = align_up(size + s->red_left_pad, s->align);
	if (s->size > MAX_OBJECT_BYTES)
		return false;
	s->order = (uint8_t)calculate_order(s->size);
	s->min_order = (uint8_t)get_order(s->size);
	return true;
}

static uint32_t min_partial_for(uint32_t size)
{
	uint32_t log2 = (uint32_t)fls(size) - 1;

	if (log2 < MIN_PARTIAL)
		return MIN_PARTIAL;
	return log2 > MAX_PARTIAL ? MAX_PARTIAL : log2;
}

bool kmem_cache_open(struct kmem_cache *s, const char *name, uint32_t size, uint32_t align,
		     uint32_t flags, void (*ctor)(void *))
{
	uint32_t irq;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->objsize = size;
	s->ctor = ctor;
	s->flags = kmem_cache_flags(flags, name);
	s->refcount = 1;
	if (!calculate_sizes(s, align))
		return false;
	s->min_partial = min_partial_for(s->size);
	if (s->flags & SLAB_DEBUG_FLAGS)
		s->cpu.slow = SLOW_DEBUG;
	for (unsigned n = 0; n < MAX_NUMNODES; n++)
		list_init(&s->node[n].partial);
	irq = arch_irq_save();
	list_add(&s->list, &slub.caches);
	arch_irq_restore(irq);
	return true;
}

/* --- merging ---------------------------------------------------------------------------------- */

/*
 * Can a cache for such objects live in the slabs of s? `size` is what a slot of its own would have.
 */
static bool is_mergeable(const struct kmem_cache *s, uint32_t size, uint32_t flags)
{
	/* (a) nobody prepares its objects, no debugging lays them out, and it is not going away, */
	if (s->flags & SLAB_NEVER_MERGE || s->ctor || s->refcount <= 0)
		return false;
	/* (b) its pages are of the same kind, */
	if ((s->flags ^ flags) & SLAB_MERGE_SAME)
		return false;
	/*
	 * (c) its slots are of that size. Linux takes slots that are less than a word larger, and
	 *     then asks for alignment; sizes are multiples of 8, so it comes to the same, and they
	 *     are aligned.
	 */
	return s->size == size;
}

/* 2.6.32 looks at the flags before slub_debug= has added its own; we do after, as later kernels. */
static struct kmem_cache *find_mergeable(const char *name, uint32_t size, uint32_t align,
					 uint32_t flags, void (*ctor)(void *))
{
	flags = kmem_cache_flags(flags, name);
	if (slub.nomerge || ctor || flags & SLAB_NEVER_MERGE)
		return NULL;
	size = align_up(size, sizeof(void *));
	align = calculate_alignment(flags, align, size);
	size = align_up(size, align);
	list_for_each(node, &slub.caches) {
		struct kmem_cache *s = list_entry(node, struct kmem_cache, list);

		if (is_mergeable(s, size, flags))
			return s;
	}
	return NULL;
}

static struct kmem_cache *merge(struct kmem_cache *s, uint32_t size)
{
	s->refcount++;
	/* kzalloc and kmem_cache_alloc(__GFP_ZERO) of each user clear its whole object. */
	if (s->objsize < size)
		s->objsize = size;
	size = align_up(size, sizeof(void *));
	if (s->inuse < size)
		s->inuse = size;
	return s;
}

/* --- create and destroy ----------------------------------------------------------------------- */

static bool is_valid_request(const char *name, size_t size, size_t align)
{
	const char *wrong = NULL;

	if (!name)
		wrong = "no name";
	else if (!size)
		wrong = "size 0";
	else if (size > MAX_OBJECT_BYTES)
		wrong = "larger than 4 MiB";
	else if (align & (align - 1) || align > PAGE_SIZE)
		wrong = "alignment is not a power of two up to a page";
	if (wrong)
		arch_printk("kmem_cache_create(%s): %s\n", name ? name : "", wrong);
	return !wrong;
}

static struct kmem_cache *make_cache(const char *name, uint32_t size, uint32_t align,
				     uint32_t flags, void (*ctor)(void *))
{
	struct kmem_cache *s = find_mergeable(name, size, align, flags, ctor);

	if (s)
		return merge(s, size);
	s = kmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return NULL;
	if (kmem_cache_open(s, name, size, align, flags, ctor))
		return s;
	arch_printk("Cannot create slab %s size=%u realsize=%u order=%u offset=%u flags=%x\n", name,
		    size, s->size, get_order(s->size), s->offset, flags);
	kfree(s);
	return NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, uint32_t flags,
				     void (*ctor)(void *))
{
	struct kmem_cache *s = NULL;

	if (is_valid_request(name, size, align))
		s = make_cache(name, (uint32_t)size, (uint32_t)align, flags, ctor);
	if (!s && flags & SLAB_PANIC)
		arch_panic("Cannot create slabcache %s", name ? name : "");
	return s;
}

static bool is_boot_cache(const struct kmem_cache *s)
{
	return s >= slub.kmalloc && s < slub.kmalloc + KMALLOC_CACHES;
}

/* Give all slabs back; those with objects are listed. Returns how many are left. */
static uint32_t kmem_cache_close(struct kmem_cache *s)
{
	uint32_t slabs = 0;
	pfn_t pfn = 0;
	struct page *page;

	kmem_cache_shrink(s);
	for (unsigned n = 0; n < MAX_NUMNODES; n++)
		slabs += s->node[n].nr_slabs;
	/* Full slabs are on no list: mem_map knows them. */
	for (uint32_t left = slabs; left && (page = next_slab(&pfn, s)); left--)
		list_slab_objects(s, page, "Objects remaining on kmem_cache_close()");
	return slabs;
}

/*
 * A cache that stays because it is busy remains listed with refcount 0, so that its objects can
 * still be freed and seen; another try destroys it once they are.
 */
int kmem_cache_destroy(struct kmem_cache *s)
{
	uint32_t irq;

	if (!s)
		return 0;
	if (s->refcount > 1) {
		s->refcount--;
		return 0;
	}
	if (is_boot_cache(s)) {
		arch_printk("SLUB %s: kmem_cache_destroy called for a kmalloc cache.\n", s->name);
		return -EBUSY;
	}
	s->refcount = 0;
	if (kmem_cache_close(s)) {
		arch_printk(
			"SLUB %s: kmem_cache_destroy called for cache that still has objects.\n",
			s->name);
		return -EBUSY;
	}
	irq = arch_irq_save();
	list_del(&s->list);
	arch_irq_restore(irq);
	kfree(s);
	return 0;
}
