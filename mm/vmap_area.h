/* SPDX-License-Identifier: MIT */
/*
 * The addresses of the vmalloc area: who has which. For vmalloc.c, ioremap.c and vmalloc_check.c
 * alone.
 *
 * Areas, live and lazily freed, lie in a sorted list and in a tree by address. Each node of the
 * tree knows the hole before its area and the largest hole in its subtree, so that the first hole
 * that is large enough is found in logarithmic time, and exactly the first.
 *
 *	VMALLOC_START                                                        VMALLOC_END
 *	|  hole  | live       G | lazy  G | hole | live                    G |  hole  |
 *	         `--- area ---'                  `- its `gap` is the hole before it
 *
 * G is the guard page. An area goes from live to lazy with its page-table entries cleared; a purge
 * flushes the translations of all lazy areas at once, and only then are they holes. Lazy areas side
 * by side are one (in Linux 2.6.32 they stay apart until the purge).
 *
 * Not from interrupts. A caller that waits for memory in between must expect other areas to come
 * and go.
 */
#ifndef MM_VMAP_AREA_H
#define MM_VMAP_AREA_H

#include "mm/list.h"
#include "mm/rbtree.h"
#include "mm/vmalloc.h"

struct vmap_area {
	vaddr_t start, end; /* the guard page included */
	bool lazy;
	uint32_t gap;	      /* free bytes between the area before it and this one */
	uint32_t largest_gap; /* in the subtree */
	struct rb_node node;
	struct list_head list;	/* all areas, by address */
	struct list_head purge; /* while lazy */
	struct vm_struct vm;	/* while live */
};

/*
 * Lazily freed pages, guard pages too, that may pile up: fls(num_online_cpus) * 32 MiB, with one
 * CPU.
 */
#define LAZY_MAX_PAGES (1 * (32u << 20 >> PAGE_SHIFT))

struct vmap {
	struct rb_root root;
	struct list_head list;	/* struct vmap_area, by address */
	struct list_head purge; /* lazily freed ones, as they came */
	uint32_t lazy_pages;
	struct vm_struct *vms; /* the live ones: what Linux calls vmlist */
};

extern struct vmap vmap_state;

void vmap_area_init(void);

/*
 * Reserve `bytes` and a guard page behind them, aligned to `align` (a power of two), first fit.
 * When there is no room, lazily freed areas are purged and the search repeated. vm.addr, size,
 * flags and caller are filled in. NULL: bytes is 0, no room, or no memory. Panics in an interrupt.
 */
struct vmap_area *vmap_area_alloc(uint32_t bytes, uint32_t align, uint32_t flags, gfp_t gfp,
				  vaddr_t caller);

/*
 * Clear the page-table entries of a live area and free it lazily: va may be gone afterwards. Purges
 * when more than LAZY_MAX_PAGES are lazy.
 */
void vmap_area_free(struct vmap_area *va);

/* The live area that starts at `start`, or NULL. */
struct vmap_area *vmap_area_find(vaddr_t start);

/*
 * For what frees by address: the live area that starts at `addr`, if it is of that kind (VM_ALLOC,
 * VM_IOREMAP, or 0 for vmap's). Else NULL, and a warning that says what is wrong. Linux has the
 * kinds mixed up silently, which leaks pages. Panics in an interrupt.
 */
struct vmap_area *vmap_area_claim(vaddr_t addr, uint32_t kind, const char *who, vaddr_t caller);

/* Flush the translations of all lazily freed areas and make them holes. */
void vmap_area_purge(void);

#endif
