/* SPDX-License-Identifier: MIT */
/*
 * SLUB: caches of objects of one size, on pages of the buddy, as in Linux 2.6.32 (mm/slub.c).
 *
 * One CPU: each cache has a CPU slab whose free objects are taken without looking at the page, and
 * one list of partial slabs for each node. Order of locking: none; a cache's lists change with
 * interrupts off. All may be called from interrupt handlers (with GFP_ATOMIC), but for create,
 * destroy and shrink. The kernel itself must not be preempted inside: the fast paths leave
 * interrupts on (slub_internal.h). Debugging (enum slab_flags) makes every call take the slow way.
 */
#ifndef MM_SLUB_H
#define MM_SLUB_H

#include "mm/mmzone.h"

/* Flags of a cache; the letters are those of slub_debug=. */
#define SLAB_DEBUG_FREE 0x00000100u /* F: consistency checks on free */
#define SLAB_RED_ZONE 0x00000400u   /* Z: bytes behind and before an object */
#define SLAB_POISON 0x00000800u	    /* P: 0x6b when free, 0xa5 at the end, 0x5a when new */
#define SLAB_STORE_USER 0x00010000u /* U: who allocated and freed last */
#define SLAB_TRACE 0x00200000u	    /* T: print every call */
#define SLAB_HWCACHE_ALIGN 0x00002000u
#define SLAB_CACHE_DMA 0x00004000u
#define SLAB_RECLAIM_ACCOUNT 0x00020000u
#define SLAB_PANIC 0x00040000u /* kmem_cache_create panics instead of failing */
#define SLAB_NEVER_MERGE                                                                           \
	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | SLAB_TRACE | SLAB_DEBUG_FREE)

#define KMALLOC_MAX_CACHE 8192 /* larger goes to the page allocator */

struct kmem_cache;

/*
 * The kmalloc caches; before it, kmalloc must not be called. `debug` is the value of slub_debug=.
 */
void kmem_cache_init(const char *debug, bool nomerge);

/*
 * NULL: no memory, a size of 0 or above 4 MiB, or an alignment that is no power of two (a message
 * says which). A cache with a constructor is never merged. `name` must outlive the cache.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align, uint32_t flags,
				     void (*ctor)(void *));
/*
 * Take a reference away; the last one destroys. Busy: the objects left are reported by address and
 * allocator, and the cache is leaked, as Linux does: it stays listed with refcount 0, its objects
 * can be freed, and then another call destroys it. Returns 0 or -EBUSY, that also for kmalloc's
 * caches.
 */
int kmem_cache_destroy(struct kmem_cache *s);

/* NULL: no memory; told unless __GFP_NOWARN. __GFP_HIGHMEM panics. Zeroed with __GFP_ZERO. */
MM_REGPARM void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);
/*
 * An object of another cache goes back to that one, and what is no object is left alone: both are
 * told.
 */
MM_REGPARM void kmem_cache_free(struct kmem_cache *s, void *object);
/* All `count` or none: 0 or -ENOMEM. */
int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t count, void **objects);
void kmem_cache_free_bulk(struct kmem_cache *s, size_t count, void **objects);
/* Give empty slabs back. Returns how many pages. */
uint32_t kmem_cache_shrink(struct kmem_cache *s);
/* The same for all caches. */
uint32_t kmem_cache_shrink_all(void);

/* NULL: no memory. A size of 0 gives ZERO_SIZE_PTR, which may be freed and not touched. */
#define ZERO_SIZE_PTR ((void *)16)
MM_REGPARM void *kmalloc(size_t size, gfp_t gfp);
void *kzalloc(size_t size, gfp_t gfp);
/*
 * Keeps p if it is large enough already, else copies; NULL: no memory, and p stays. Size 0 frees p.
 */
void *krealloc(const void *p, size_t size, gfp_t gfp);
/*
 * NULL and ZERO_SIZE_PTR are fine. What no kmalloc gave is named with its page's state and left
 * alone.
 */
MM_REGPARM void kfree(const void *p);
/* Usable bytes behind p; 0 for NULL, ZERO_SIZE_PTR, and what no kmalloc gave, which is told. */
size_t ksize(const void *p);

/* Introspection: for slabinfo, checks and VMCOREINFO. */
struct kmem_cache_info {
	const char *name;
	uint32_t object_size; /* asked for */
	uint32_t size;	      /* with metadata */
	uint32_t objects_per_slab, order, pages_per_slab;
	uint32_t active_objects, total_objects, slabs, partial_slabs;
	uint32_t flags;
	int refcount; /* caches merged into it, itself included */
};
/* The n-th cache; false after the last. */
bool kmem_cache_info(unsigned n, struct kmem_cache_info *info);

/*
 * slub_check.c: freelists without cycles and in bounds, inuse agrees, states, poison. Violations.
 */
unsigned slub_check(void);

#endif
