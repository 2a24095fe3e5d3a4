/* SPDX-License-Identifier: MIT */
/*
 * Memory before the buddy is up: what RAM there is, what of it is taken.
 *
 * Two sorted tables of ranges, as in Linux: memory and reserved. memblock_alloc() takes from the
 * low memory that the direct map shows, highest address first, so that DMA memory lasts. All
 * functions are for boot alone: after mem_init() they panic.
 */
#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

#include "mm/types.h"

#define MEMBLOCK_REGIONS 64

/* Add RAM of a node; overlapping and adjacent ranges merge. -ENOSPC: table full; -EINVAL: empty. */
int memblock_add(paddr_t start, uint64_t bytes);
/* Mark a range as taken (it need not be RAM). The same errors. */
int memblock_reserve(paddr_t start, uint64_t bytes);

/* Zeroed memory of `bytes`, aligned to `align` (a power of two). Panics when there is none. */
void *memblock_alloc(uint32_t bytes, uint32_t align);

/* mem=: forget memory from `end` on. */
void memblock_enforce_limit(uint64_t end);

/* Forget everything: a test's machine is gone. */
void memblock_reset(void);

bool memblock_is_memory(paddr_t addr);
bool memblock_is_reserved(paddr_t addr);

/* Walk the ranges, 0 first; false after the last. `end` is the first byte after. */
bool memblock_memory(unsigned n, uint64_t *start, uint64_t *end);
bool memblock_reserved(unsigned n, uint64_t *start, uint64_t *end);

#endif
