/* SPDX-License-Identifier: MIT */
/*
 * The state behind mm/highmem.h: for highmem.c and highmem_check.c alone.
 */
#ifndef MM_PKMAP_H
#define MM_PKMAP_H

#include "mm/highmem.h"

#define PKMAP_HASH_BITS 7

struct pkmap_slot {
	struct page *page; /* shown there; NULL exactly when count is 0 */
	int32_t count;	   /* 0 free and flushed, 1 unused, n: n - 1 users */
	int16_t next;	   /* slot in the same bucket, -1 for none */
};

struct highmem {
	pte_t *pkmap;			      /* the table of PKMAP_BASE */
	pte_t *fixmap;			      /* the entry of FIXADDR_START */
	unsigned last;			      /* slot given last: the search goes on behind it */
	int16_t bucket[1 << PKMAP_HASH_BITS]; /* first slot, by hash of the page; -1 for none */
	struct pkmap_slot slot[LAST_PKMAP];
};

extern struct highmem highmem;

static inline vaddr_t pkmap_addr(unsigned slot)
{
	return PKMAP_BASE + ((vaddr_t)slot << PAGE_SHIFT);
}

#endif
