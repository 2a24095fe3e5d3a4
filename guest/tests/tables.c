// SPDX-License-Identifier: MIT
#include "tables.h"
#include <arch/processor.h>
#include <lib/string.h>

pgd_t own_dir[NR_OWN_DIRS][PTRS_PER_PGD] __page_aligned;
pte_t own_table[NR_OWN_TABLES][PTRS_PER_PTE] __page_aligned;

static u32 old_cr3;

void tables_open(void)
{
	window_open();
	memset(own_table, 0, sizeof(own_table));
	for (u32 d = 0; d < NR_OWN_DIRS; d++)
		memcpy(own_dir[d], swapper_pg_dir, sizeof(own_dir[d]));
	for (u32 n = 0; n < NR_FRAMES; n++)
		for (u32 i = 0; i < PAGE_SIZE / 4; i++)
			window_frame(n)[i] = COLOUR(n, i);
	old_cr3 = read_cr3();
	tables_use(0);
}

void tables_close(void)
{
	write_cr3(old_cr3);
	window_close();
}

void tables_use(u32 dir)
{
	write_cr3(__pa(own_dir[dir]));
}

u32 frame_entry(u32 n, u32 flags)
{
	return entry_of(window_frame(n), flags);
}

u32 entry_of(const volatile void *page, u32 flags)
{
	return __pa(page) | flags;
}

void store_entry(volatile u32 *entry, u32 value, u32 va)
{
	*entry = value;
	invlpg(va);
}

void link_table(u32 d, u32 area, u32 t)
{
	store_entry(&own_dir[d][pgd_index(AREA(area))], entry_of(own_table[t], MAP_USER_RW),
		    AREA(area));
}

void link_frame(u32 t, u32 i, u32 n)
{
	*(volatile pte_t *)&own_table[t][i] = frame_entry(n, MAP_USER_RW);
}

static void load_it(u32 va)
{
	load_word(va);
}

static void store_it(u32 va)
{
	put_word(va, 1);
}

struct trapped try_load(u32 va)
{
	return probe_kernel(load_it, va);
}

struct trapped try_store(u32 va)
{
	return probe_kernel(store_it, va);
}
