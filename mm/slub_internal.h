/* SPDX-License-Identifier: MIT */
/*
 * What the files of SLUB share. Nobody else includes this but its tests and what tells the host
 * where the fields lie (VMCOREINFO).
 *
 * A slab is a block of pages, cut into slots of s->size bytes. A slot, `p` being the address that a
 * caller gets:
 *
 *   p - red_left_pad   left red zone                                            (Z)
 *   p                  object, objsize bytes; free pointer if offset is 0
 *   p + objsize        red zone, or padding to the next word, up to inuse       (Z)
 *   p + offset         free pointer, if it may not lie in the object            (P, constructor)
 *   .. + pointer       struct track of the allocation, and of the freeing       (U)
 *   ..                 padding, up to the next slot's left red zone
 *
 * The left red zone is of Linux 4.7. It takes the place of the pointer-sized padding by which
 * 2.6.32 finds a write before an object (as "Object padding overwritten" of the slot before it, and
 * never in front of a slab's first object). So the sizes of 2.6.32 hold for all objects that are a
 * multiple of 8 bytes. With 8-byte pointers (the host) free pointers, red zones and so slots are
 * larger.
 *
 * A slab is in one of three places: frozen, as the CPU slab of its cache; on its node's partial
 * list, with free objects; or nowhere, when it is full. page->inuse counts all objects of the CPU's
 * freelist as being out.
 */
#ifndef MM_SLUB_INTERNAL_H
#define MM_SLUB_INTERNAL_H

#include "mm/arch.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define SLAB_DEBUG_FLAGS                                                                           \
	(SLAB_DEBUG_FREE | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE)
#define DEBUG_DEFAULT_FLAGS (SLAB_DEBUG_FREE | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)
/* Flags in which two caches must agree to share slabs. */
#define SLAB_MERGE_SAME (SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA)
/* SLAB_POISON, and nobody keeps state in free objects as a constructor does. */
#define SLAB_OBJECT_POISON 0x80000000u

#define SLUB_RED_INACTIVE 0xbb
#define SLUB_RED_ACTIVE 0xcc
#define POISON_INUSE 0x5a
#define POISON_FREE 0x6b
#define POISON_END 0xa5

/* Empty slabs that a node keeps: ilog2(size) within these. */
#define MIN_PARTIAL 5
#define MAX_PARTIAL 10

#define SLUB_MAX_ORDER 3   /* PAGE_ALLOC_COSTLY_ORDER: slabs are not made larger by choice */
#define SLUB_MIN_OBJECTS 8 /* 4 * (fls(CPUs) + 1), with one CPU */
#define SLAB_MINALIGN 8	   /* of a uint64_t on i386, outside of structures */
#define CACHE_LINE 32	   /* i686 before the Pentium 4 */
/*
 * Objects in a slab at most: a slab of objects below 256 bytes is one page, as its waste is below
 * 1/16, and of larger ones eight pages.
 */
#define SLAB_MAX_OBJECTS (PAGE_SIZE / SLAB_MINALIGN)

#define KMALLOC_CACHES 14 /* by log2 of the size, from 3; 1 is 96, 2 is 192 */
#define KMALLOC_SMALL 192 /* up to here a table tells the cache */

struct track {
	vaddr_t addr; /* of the call; 0: none yet */
	uint32_t cpu;
	int32_t pid;
	uint32_t when; /* jiffies */
};

enum track_item { TRACK_ALLOC, TRACK_FREE };

/*
 * The CPU slab. The fast paths do not switch interrupts off: they set `slow` while they are inside,
 * and an interrupt handler that sees it keeps its hands off `freelist` and `page`. That is enough
 * on one CPU without preemption in the kernel, as handlers nest.
 */
struct kmem_cache_cpu {
	void *freelist;
	struct page *page;
	uint8_t slow;
};
#define SLOW_BUSY 1  /* a fast path has been interrupted */
#define SLOW_DEBUG 2 /* the cache has debugging: always, and freelist is always empty */

struct kmem_cache_node {
	struct list_head partial;
	uint32_t nr_partial;
	uint32_t nr_slabs;
	uint32_t total_objects;
};

struct kmem_cache {
	struct kmem_cache_cpu cpu;
	uint32_t offset; /* of the free pointer */
	uint32_t flags;
	uint32_t size;	  /* of a slot */
	uint32_t objsize; /* asked for */
	uint32_t inuse;	  /* offset to metadata */
	uint32_t align;
	uint32_t red_left_pad; /* in front of an object */
	uint8_t order;	       /* of its slabs, */
	uint8_t min_order;     /* and when there is no memory for that */
	uint32_t min_partial;
	int refcount; /* caches merged into it, itself included; 0: destroyed while busy */
	void (*ctor)(void *);
	const char *name;
	struct list_head list;
	struct kmem_cache_node node[MAX_NUMNODES];
	struct {
		uint32_t slabs, objects, partial;
	} seen; /* by slub_check() */
};

struct slub_globals {
	struct list_head caches; /* newest first */
	uint32_t debug;		 /* flags that slub_debug= sets, */
	const char *debug_slabs; /* in caches whose names begin so; NULL: all */
	bool nomerge;
	struct kmem_cache *kmalloc_small[KMALLOC_SMALL / 8]; /* by (size - 1) / 8 */
	struct kmem_cache *kmalloc_dma[KMALLOC_CACHES];	     /* made when first used */
	struct kmem_cache kmalloc[KMALLOC_CACHES];
};

extern struct slub_globals slub;

/* --- objects and slabs ------------------------------------------------------------------------ */

static inline void *get_freepointer(const struct kmem_cache *s, const void *object)
{
	return *(void *const *)((const char *)object + s->offset);
}

static inline void set_freepointer(const struct kmem_cache *s, void *object, void *next)
{
	*(void **)((char *)object + s->offset) = next;
}

static inline uint32_t slab_bytes(const struct page *page)
{
	return PAGE_SIZE << page->order;
}

/* The n-th object of a slab. */
static inline void *slab_object(const struct kmem_cache *s, const struct page *page, uint32_t n)
{
	return (char *)page_address(page) + s->red_left_pad + n * s->size;
}

/* Frame of x; not below mm.max_low_pfn if it is outside of the direct map. */
static inline pfn_t lowmem_pfn(const void *x)
{
	return (arch_vaddr(x) - PAGE_OFFSET) >> PAGE_SHIFT;
}

/*
 * The page, or the first of the compound page, that holds x; NULL if it has none: report_wild()
 * tells.
 */
static inline struct page *virt_to_head_page(const void *x)
{
	pfn_t pfn = lowmem_pfn(x);
	struct page *page = pfn_to_page(pfn);

	if (unlikely(pfn >= mm.max_low_pfn))
		return NULL;
	return page->state == PAGE_USED_TAIL ? page->first_page : page;
}

static inline int fls(uint32_t x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline uint32_t align_up(uint32_t x, uint32_t align)
{
	return (x + align - 1) & ~(align - 1);
}

/* --- slub.c: slow paths; interrupts as the caller has them ------------------------------------ */

/* The last act of a fast path, which needs no stack frame for it: jumped to, and never inline. */
#define SLOW_CALL MM_REGPARM __attribute__((noinline))

SLOW_CALL void *slab_alloc_slow(struct kmem_cache *s, gfp_t gfp, vaddr_t caller);
/* `page` is the first of x's slab. */
SLOW_CALL void slab_free_slow(struct page *page, void *x, vaddr_t caller);
/* Any way: mm.fail_alloc is asked, the object zeroed if gfp says so. */
SLOW_CALL void *slab_alloc_any(struct kmem_cache *s, gfp_t gfp, vaddr_t caller);
/* Give the CPU slab back to its list. Interrupts off. */
void deactivate_slab(struct kmem_cache *s);
/* Slab off its list and back to the page allocator. Interrupts off. */
void remove_partial(struct kmem_cache *s, struct page *page);
void discard_slab(struct kmem_cache *s, struct page *page);

/* --- slub_cache.c ----------------------------------------------------------------------------- */

/* Layout and order from objsize, align and flags. False: such an object fits no slab. */
bool calculate_sizes(struct kmem_cache *s, uint32_t align);
/* Order of the slabs of objects of `size` bytes; MAX_ORDER: none. */
unsigned calculate_order(uint32_t size);
/* Fill in a cache and list it. */
bool kmem_cache_open(struct kmem_cache *s, const char *name, uint32_t size, uint32_t align,
		     uint32_t flags, void (*ctor)(void *));

/* --- slub_debug.c: checks; false means that something was wrong, and is reported and mended --- */

void slub_debug_setup(const char *value);
/* `flags` and what slub_debug= adds for a cache of this name. */
uint32_t kmem_cache_flags(uint32_t flags, const char *name);
void init_object(const struct kmem_cache *s, void *object, uint8_t red);
void setup_object_debug(const struct kmem_cache *s, void *object);
bool check_valid_pointer(const struct kmem_cache *s, const struct page *page, const void *object);
bool check_object(struct kmem_cache *s, struct page *page, void *object, bool active);
bool slab_pad_check(struct kmem_cache *s, struct page *page);
bool alloc_debug_processing(struct kmem_cache *s, struct page *page, void *object, vaddr_t caller);
bool free_debug_processing(struct kmem_cache *s, struct page *page, void *object, vaddr_t caller);

/* --- slub_report.c ---------------------------------------------------------------------------- */

struct track *get_track(const struct kmem_cache *s, void *object, enum track_item item);
/* Offset from an object to the padding behind all its metadata. */
uint32_t metadata_end(const struct kmem_cache *s);
void print_section(const char *label, const void *from, uint32_t bytes);
void print_tracking(const struct kmem_cache *s, void *object);
void slab_bug(const struct kmem_cache *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void slab_fix(const struct kmem_cache *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A report about a slab, and about an object in it. */
void slab_err(const struct kmem_cache *s, const struct page *page, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void object_err(const struct kmem_cache *s, const struct page *page, void *object,
		const char *reason);
void print_trailer(const struct kmem_cache *s, const struct page *page, void *object);
/* The objects of a slab that are not free. */
void list_slab_objects(const struct kmem_cache *s, const struct page *page, const char *text);
/* A pointer that is no object of the cache it is given back to. */
void report_wild(const char *function, const void *x, vaddr_t caller);
void slab_out_of_memory(const struct kmem_cache *s, gfp_t gfp);

/* --- slub_info.c ------------------------------------------------------------------------------ */

/* First slab at *pfn or above, of any cache or of s; *pfn is then behind it. NULL: no more. */
struct page *next_slab(pfn_t *pfn, const struct kmem_cache *s);
/* Free objects on a node's partial list. */
uint32_t count_free(const struct kmem_cache_node *n);
/* Set the bits of the objects that are on a slab's freelist. */
struct object_map {
	uint32_t word[SLAB_MAX_OBJECTS / 32];
};
void map_free(const struct kmem_cache *s, const struct page *page, struct object_map *map);
static inline bool object_in_map(const struct object_map *map, uint32_t n)
{
	return map->word[n / 32] >> n % 32 & 1;
}

/* --- the fast paths --------------------------------------------------------------------------- */

/* NULL: not this way, call slab_alloc_slow(). `offset` is s->offset, for callers that know it. */
static inline __attribute__((always_inline)) void *slab_alloc_fast(struct kmem_cache *s,
								   uint32_t offset)
{
	struct kmem_cache_cpu *c = &s->cpu;
	void *object;

	if (unlikely(c->slow))
		return NULL;
	c->slow = SLOW_BUSY;
	barrier();
	object = c->freelist;
	if (likely(object))
		c->freelist = *(void **)((char *)object + offset);
	barrier();
	c->slow = 0;
	return object;
}

/* False: not this way, call slab_free_slow(). */
static inline __attribute__((always_inline)) bool slab_free_fast(struct kmem_cache *s,
								 const struct page *page, void *x)
{
	struct kmem_cache_cpu *c = &s->cpu;

	if (unlikely(c->slow))
		return false;
	c->slow = SLOW_BUSY;
	barrier();
	if (unlikely(c->page != page)) {
		c->slow = 0;
		return false;
	}
	set_freepointer(s, x, c->freelist);
	c->freelist = x;
	barrier();
	c->slow = 0;
	return true;
}

#endif
