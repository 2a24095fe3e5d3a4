// SPDX-License-Identifier: MIT
/*
 * Translation: CR0.WP, the A and D bits, what INVLPG and MOV CR3 make visible, 4 MiB pages.
 *
 * A CPU may hold or drop any translation, and may set A early by speculation. So a stale value is
 * never demanded, only tolerated; and nothing demands that A stays clear.
 */
#include "selftest.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>

#define VA DATA_WINDOW
#define SECOND_VA (DATA_WINDOW + PAGE_SIZE)
#define ACCESSED_DIRTY (_PAGE_ACCESSED | _PAGE_DIRTY)

#define COLOUR_A 0xaaaa0000
#define COLOUR_B 0xbbbb0000

static u32 read_word(u32 va)
{
	return *(volatile u32 *)va;
}

static void write_word(u32 va)
{
	*(volatile u32 *)va = 1;
}

static void wp_set(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	window_map(VA, 0, MAP_USER_RO);
	t = probe_kernel(write_word, VA);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, *window_pte(VA) & _PAGE_DIRTY, 0);
	window_close();
}

static void wp_clear(struct selftest_result *r, const void *arg)
{
	u32 page_flags = *(const u32 *)arg;
	struct trapped t;

	window_open();
	window_map(VA, 0, page_flags);
	write_cr0(read_cr0() & ~(u32)X86_CR0_WP);
	t = probe_kernel(write_word, VA);
	write_cr0(read_cr0() | X86_CR0_WP);
	EXPECT_EQ(r, t.vector, NO_TRAP);
	EXPECT_EQ(r, window_frame(0)[0], 1);
	EXPECT_EQ(r, *window_pte(VA) & _PAGE_DIRTY, _PAGE_DIRTY);
	t = probe_kernel(write_word, VA);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	window_close();
}

static void wp_is_not_for_users(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	window_map(VA, 0, MAP_USER_RO);
	write_cr0(read_cr0() & ~(u32)X86_CR0_WP);
	t = window_run_user(user_write, VA, 1);
	write_cr0(read_cr0() | X86_CR0_WP);
	window_close();
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_WRITE | PF_USER);
}

static void read_sets_accessed(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	window_map(VA, 0, MAP_KERNEL_RW);
	*window_pde(VA) &= ~(u32)_PAGE_ACCESSED;
	invlpg(VA);
	read_word(VA);
	EXPECT_EQ(r, *window_pde(VA) & _PAGE_ACCESSED, _PAGE_ACCESSED);
	EXPECT_EQ(r, *window_pte(VA) & ACCESSED_DIRTY, _PAGE_ACCESSED);
	window_close();
}

static void write_sets_dirty(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	window_map(VA, 0, MAP_KERNEL_RW);
	read_word(VA);
	EXPECT_EQ(r, *window_pte(VA) & _PAGE_DIRTY, 0);
	write_word(VA);
	EXPECT_EQ(r, *window_pte(VA) & ACCESSED_DIRTY, ACCESSED_DIRTY);
	window_close();
}

/* Clearing D and invalidating is how a kernel learns of the next write. */
static void dirty_is_set_again(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	window_map(VA, 0, MAP_KERNEL_RW);
	write_word(VA);
	*window_pte(VA) &= ~(u32)ACCESSED_DIRTY;
	invlpg(VA);
	read_word(VA);
	EXPECT_EQ(r, *window_pte(VA) & ACCESSED_DIRTY, _PAGE_ACCESSED);
	write_word(VA);
	EXPECT_EQ(r, *window_pte(VA) & ACCESSED_DIRTY, ACCESSED_DIRTY);
	window_close();
}

static void user_access_sets_both(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	window_map(VA, 0, MAP_USER_RW);
	window_run_user(user_write, VA, 1);
	EXPECT_EQ(r, *window_pte(VA) & ACCESSED_DIRTY, ACCESSED_DIRTY);
	EXPECT_EQ(r, *window_pde(VA) & _PAGE_ACCESSED, _PAGE_ACCESSED);
	window_close();
}

static void fill_colours(void)
{
	for (u32 i = 0; i < PAGE_SIZE / 4; i++) {
		window_frame(0)[i] = COLOUR_A | i;
		window_frame(1)[i] = COLOUR_B | i;
	}
}

static void store_pte(u32 va, u32 frame, u32 flags)
{
	*(volatile pte_t *)window_pte(va) = __pa(window_frame(frame)) | flags;
}

/* Before the INVLPG either frame is a legal answer; after it only the new one. */
static void invlpg_shows_remap(struct selftest_result *r, const void *arg)
{
	u32 flags = *(const u32 *)arg, seen;

	window_open();
	fill_colours();
	window_map(VA, 0, flags);
	EXPECT_EQ(r, read_word(VA), COLOUR_A);
	store_pte(VA, 1, flags);
	seen = read_word(VA);
	EXPECT(r, seen == COLOUR_A || seen == COLOUR_B);
	invlpg(VA);
	EXPECT_EQ(r, read_word(VA), COLOUR_B);
	window_map(VA, 0, MAP_NONE); /* with G it would outlive window_close()'s flush */
	window_close();
}

static void invlpg_shows_revocation(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	window_map(VA, 0, MAP_KERNEL_RW);
	write_word(VA);
	window_map(VA, 0, MAP_KERNEL_RO);
	t = probe_kernel(write_word, VA);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_WRITE);
	window_map(VA, 0, MAP_NONE);
	t = probe_kernel(write_word, VA);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_WRITE);
	window_close();
}

/* Adding needs no INVLPG: a missing entry is never cached, and a fault drops what caused it. */
static void added_page_needs_no_invlpg(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	window_map(VA, 0, MAP_NONE);
	EXPECT_EQ(r, probe_kernel(write_word, VA).vector, TRAP_PF);
	store_pte(VA, 0, MAP_KERNEL_RO);
	EXPECT_EQ(r, read_word(VA), 0);
	EXPECT_EQ(r, probe_kernel(write_word, VA).vector, TRAP_PF);
	store_pte(VA, 0, MAP_KERNEL_RW);
	EXPECT_EQ(r, probe_kernel(write_word, VA).vector, NO_TRAP);
	window_close();
}

static void cr3_shows_remap(struct selftest_result *r, const void *arg)
{
	(void)arg;
	window_open();
	fill_colours();
	window_map(VA, 0, MAP_KERNEL_RW);
	window_map(SECOND_VA, 1, MAP_KERNEL_RW);
	EXPECT_EQ(r, read_word(VA), COLOUR_A);
	EXPECT_EQ(r, read_word(SECOND_VA), COLOUR_B);
	store_pte(VA, 1, MAP_KERNEL_RW);
	store_pte(SECOND_VA, 0, MAP_KERNEL_RW);
	flush_tlb();
	EXPECT_EQ(r, read_word(VA), COLOUR_B);
	EXPECT_EQ(r, read_word(SECOND_VA), COLOUR_A);
	window_close();
}

/* After MOV CR3 a global translation may be the old one or the new one; changing PGE drops it. */
static void pge_toggle_shows_global_remap(struct selftest_result *r, const void *arg)
{
	u32 cr4 = read_cr4(), seen;

	(void)arg;
	window_open();
	fill_colours();
	window_map(VA, 0, MAP_KERNEL_RW | _PAGE_GLOBAL);
	EXPECT_EQ(r, read_word(VA), COLOUR_A);
	store_pte(VA, 1, MAP_KERNEL_RW);
	flush_tlb();
	seen = read_word(VA);
	EXPECT(r, seen == COLOUR_A || seen == COLOUR_B);
	write_cr4(cr4 ^ X86_CR4_PGE);
	write_cr4(cr4);
	EXPECT_EQ(r, read_word(VA), COLOUR_B);
	window_close();
}

/* Another directory: the same address, another frame, and back. */
static void cr3_switches_address_space(struct selftest_result *r, const void *arg)
{
	static pgd_t other[PTRS_PER_PGD] __page_aligned;
	static pte_t other_table[PTRS_PER_PTE] __page_aligned;
	u32 cr3 = read_cr3(), seen;

	(void)arg;
	window_open();
	fill_colours();
	window_map(VA, 0, MAP_KERNEL_RW);
	EXPECT_EQ(r, read_word(VA), COLOUR_A);
	for (u32 i = 0; i < PTRS_PER_PGD; i++)
		other[i] = swapper_pg_dir[i];
	other[pgd_index(VA)] = __pa(other_table) | MAP_KERNEL_RW;
	other_table[pte_index(VA)] = __pa(window_frame(1)) | MAP_KERNEL_RW;
	write_cr3(__pa(other));
	seen = read_word(VA);
	write_cr3(cr3);
	EXPECT_EQ(r, seen, COLOUR_B);
	EXPECT_EQ(r, read_word(VA), COLOUR_A);
	window_close();
}

/* The 4 MiB page shows physical 0..4 MiB or the piece with frame 0 in it, at DATA_WINDOW. */
static u32 map_large(u32 flags)
{
	u32 pa = __pa(window_frame(0));

	*window_pde(VA) = (pa & PGDIR_MASK) | _PAGE_PSE | flags;
	invlpg(VA);
	return VA + (pa & ~PGDIR_MASK);
}

static void large_page_maps(struct selftest_result *r, const void *arg)
{
	u32 va;

	(void)arg;
	window_open();
	fill_colours();
	va = map_large(MAP_KERNEL_RW);
	EXPECT_EQ(r, read_word(va + 4), COLOUR_A + 1);
	EXPECT_EQ(r, read_word(va + PAGE_SIZE + 8), COLOUR_B + 2);
	EXPECT_EQ(r, *window_pde(VA) & ACCESSED_DIRTY, _PAGE_ACCESSED);
	write_word(va);
	EXPECT_EQ(r, window_frame(0)[0], 1);
	EXPECT_EQ(r, *window_pde(VA) & ACCESSED_DIRTY, ACCESSED_DIRTY);
	window_close();
}

static void large_page_protects(struct selftest_result *r, const void *arg)
{
	struct trapped t;
	u32 va;

	(void)arg;
	window_open();
	va = map_large(MAP_KERNEL_RO);
	t = probe_kernel(write_word, va);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, t.cr2, va);
	t = window_run_user(user_read, va, 0);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_USER);
	window_close();
}

/* One INVLPG anywhere in a 4 MiB page drops all of it, so a table can take its place. */
static void large_page_splits(struct selftest_result *r, const void *arg)
{
	pgd_t table = 0;
	u32 va;

	(void)arg;
	window_open();
	fill_colours();
	table = *window_pde(VA);
	va = map_large(MAP_KERNEL_RW);
	EXPECT_EQ(r, read_word(va), COLOUR_A);
	EXPECT_EQ(r, read_word(va + PAGE_SIZE), COLOUR_B);
	*window_pte(va) = __pa(window_frame(1)) | MAP_KERNEL_RW;
	*window_pte(va + PAGE_SIZE) = __pa(window_frame(0)) | MAP_KERNEL_RW;
	*(volatile pgd_t *)window_pde(VA) = table;
	invlpg(VA);
	EXPECT_EQ(r, read_word(va), COLOUR_B);
	EXPECT_EQ(r, read_word(va + PAGE_SIZE), COLOUR_A);
	window_close();
}

#define FLAGS(f)                                                                                   \
	&(const u32)                                                                               \
	{                                                                                          \
		f                                                                                  \
	}

const struct selftest paging_tests[] = {
	{ "wp_1_kernel_write_to_readonly_page_faults", wp_set, NULL },
	{ "wp_0_kernel_may_write_readonly_page", wp_clear, FLAGS(MAP_KERNEL_RO) },
	{ "wp_0_kernel_may_write_readonly_user_page", wp_clear, FLAGS(MAP_USER_RO) },
	{ "wp_0_user_still_may_not", wp_is_not_for_users, NULL },
	{ "read_sets_accessed_in_pde_and_pte_not_dirty", read_sets_accessed, NULL },
	{ "write_sets_dirty", write_sets_dirty, NULL },
	{ "write_sets_dirty_again_after_clear_and_invlpg", dirty_is_set_again, NULL },
	{ "user_write_sets_accessed_and_dirty", user_access_sets_both, NULL },
	{ "invlpg_makes_a_remap_visible", invlpg_shows_remap, FLAGS(MAP_KERNEL_RW) },
	{ "invlpg_makes_a_global_remap_visible", invlpg_shows_remap,
	  FLAGS(MAP_KERNEL_RW | _PAGE_GLOBAL) },
	{ "invlpg_makes_lost_rights_visible", invlpg_shows_revocation, NULL },
	{ "new_rights_need_no_invlpg_after_the_fault", added_page_needs_no_invlpg, NULL },
	{ "mov_cr3_makes_a_remap_visible", cr3_shows_remap, NULL },
	{ "pge_change_makes_a_global_remap_visible", pge_toggle_shows_global_remap, NULL },
	{ "mov_cr3_switches_the_address_space", cr3_switches_address_space, NULL },
	{ "large_page_maps_4_mib_and_has_its_own_dirty_bit", large_page_maps, NULL },
	{ "large_page_gives_the_same_error_codes", large_page_protects, NULL },
	{ "large_page_becomes_a_table_after_one_invlpg", large_page_splits, NULL },
	{ NULL, NULL, NULL },
};
