// SPDX-License-Identifier: MIT
#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/memblock.h"
#include "mm/mmzone.h"

struct range {
	uint64_t start, end;
};

/* Sorted by address; ranges neither overlap nor touch. */
struct table {
	unsigned count;
	struct range range[MEMBLOCK_REGIONS];
};

static struct table memory, reserved;

static void boot_only(void)
{
	if (mm.buddy_up)
		arch_panic("memblock: used after mem_init()");
}

/*
 * All ranges from `first` to before `last` touch the new one, and become one with it:
 *
 *      table:  [..0..]   [..1..]  [..2..]      [..3..]
 *      new:                   [........)
 *      result: [..0..]   [..1.............]    [..3..]      first 1, last 3
 */
static int table_add(struct table *t, uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes;
	unsigned first = 0, last, tail;

	boot_only();
	if (!bytes)
		return -EINVAL;
	while (first < t->count && t->range[first].end < start)
		first++;
	for (last = first; last < t->count && t->range[last].start <= end; last++) {
		if (t->range[last].start < start)
			start = t->range[last].start;
		if (t->range[last].end > end)
			end = t->range[last].end;
	}
	tail = t->count - last;
	if (first == last && t->count == MEMBLOCK_REGIONS)
		return -ENOSPC;
	memmove(&t->range[first + 1], &t->range[last], tail * sizeof(t->range[0]));
	t->range[first] = (struct range){ start, end };
	t->count = first + 1 + tail;
	return 0;
}

static bool table_contains(const struct table *t, uint64_t addr)
{
	for (unsigned n = 0; n < t->count; n++)
		if (addr >= t->range[n].start && addr < t->range[n].end)
			return true;
	return false;
}

static bool table_get(const struct table *t, unsigned n, uint64_t *start, uint64_t *end)
{
	boot_only();
	if (n >= t->count)
		return false;
	*start = t->range[n].start;
	*end = t->range[n].end;
	return true;
}

int memblock_add(paddr_t start, uint64_t bytes)
{
	return table_add(&memory, start, bytes);
}

int memblock_reserve(paddr_t start, uint64_t bytes)
{
	return table_add(&reserved, start, bytes);
}

/* The highest reserved range that overlaps [start, end), or NULL. */
static const struct range *reserved_in(uint64_t start, uint64_t end)
{
	for (unsigned n = reserved.count; n--;)
		if (reserved.range[n].start < end && reserved.range[n].end > start)
			return &reserved.range[n];
	return NULL;
}

/*
 * The highest place in r, below `limit`, that nothing has taken; 0 if there is none (page 0 is
 * never given out). Goes down from the end, below each reserved range in its way.
 */
static uint64_t find_place(const struct range *r, uint64_t limit, uint32_t bytes, uint32_t align)
{
	uint64_t end = r->end < limit ? r->end : limit;
	uint64_t at;
	const struct range *taken;

	while (end >= r->start + bytes) {
		at = (end - bytes) & ~(uint64_t)(align - 1);
		if (at < r->start)
			return 0;
		taken = reserved_in(at, at + bytes);
		if (!taken)
			return at;
		end = taken->start;
	}
	return 0;
}

void *memblock_alloc(uint32_t bytes, uint32_t align)
{
	/* Before zones_init() knows better, the direct map is as large as it may be. */
	uint64_t limit = mm.max_low_pfn ? (uint64_t)mm.max_low_pfn << PAGE_SHIFT : MAXMEM;
	uint64_t at = 0;
	void *p;

	boot_only();
	for (unsigned n = memory.count; n-- && !at;)
		at = find_place(&memory.range[n], limit, bytes, align);
	if (!at || memblock_reserve((paddr_t)at, bytes))
		arch_panic("memblock: cannot allocate %u bytes", bytes);
	p = arch_ptr(PAGE_OFFSET + (vaddr_t)at);
	memset(p, 0, bytes);
	return p;
}

void memblock_enforce_limit(uint64_t end)
{
	boot_only();
	while (memory.count && memory.range[memory.count - 1].start >= end)
		memory.count--;
	if (memory.count && memory.range[memory.count - 1].end > end)
		memory.range[memory.count - 1].end = end;
}

void memblock_reset(void)
{
	memory.count = reserved.count = 0;
}

bool memblock_is_memory(paddr_t addr)
{
	boot_only();
	return table_contains(&memory, addr);
}

bool memblock_is_reserved(paddr_t addr)
{
	boot_only();
	return table_contains(&reserved, addr);
}

bool memblock_memory(unsigned n, uint64_t *start, uint64_t *end)
{
	return table_get(&memory, n, start, end);
}

bool memblock_reserved(unsigned n, uint64_t *start, uint64_t *end)
{
	return table_get(&reserved, n, start, end);
}
