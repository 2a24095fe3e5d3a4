// SPDX-License-Identifier: MIT
#include "window.h"
#include <arch/processor.h>
#include <lib/string.h>

extern const char user_code_start[], user_code_end[];

static pte_t tables[2][PTRS_PER_PTE] __page_aligned;
static u32 frames[NR_FRAMES][PAGE_SIZE / 4] __page_aligned;
static u8 user_code_frame[PAGE_SIZE] __page_aligned;
static u8 user_stack_frame[PAGE_SIZE] __page_aligned;

_Static_assert(DATA_WINDOW - USER_WINDOW == PGDIR_SIZE, "window_pte() counts on it");

pgd_t *window_pde(u32 va)
{
	return &swapper_pg_dir[pgd_index(va)];
}

pte_t *window_pte(u32 va)
{
	return &tables[pgd_index(va) - pgd_index(USER_WINDOW)][pte_index(va)];
}

u32 *window_frame(u32 n)
{
	return frames[n];
}

void window_open(void)
{
	memset(tables, 0, sizeof(tables));
	memset(frames, 0, sizeof(frames));
	memcpy(user_code_frame, user_code_start, (size_t)(user_code_end - user_code_start));
	*window_pte(USER_CODE_PAGE) = __pa(user_code_frame) | MAP_USER_RO;
	*window_pte(USER_STACK_PAGE) = __pa(user_stack_frame) | MAP_USER_RW;
	*window_pde(USER_WINDOW) = __pa(tables[0]) | MAP_USER_RW;
	*window_pde(DATA_WINDOW) = __pa(tables[1]) | MAP_USER_RW;
}

void window_close(void)
{
	*window_pde(USER_WINDOW) = 0;
	*window_pde(DATA_WINDOW) = 0;
	flush_tlb();
}

void window_map(u32 va, u32 n, u32 flags)
{
	*window_pte(va) = __pa(frames[n]) | flags;
	invlpg(va);
}

u32 window_user_address(const char *label)
{
	return USER_CODE_PAGE + (u32)(label - user_code_start);
}

struct trapped window_run_user(const char *routine, u32 ax, u32 dx)
{
	const struct user_state state = {
		.ip = window_user_address(routine),
		.sp = USER_STACK_PAGE + PAGE_SIZE,
		.ax = ax,
		.dx = dx,
	};

	return probe_user(&state);
}
