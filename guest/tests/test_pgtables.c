// SPDX-License-Identifier: MIT
/*
 * Tables that are more than tables: directories that map themselves, frames of two kinds, aliases,
 * and what is seen through them after the INVLPG that the manual asks for (SDM vol. 3, 4.10.4).
 */
#include "selftest.h"
#include "tables.h"
#include "user_code.h"
#include <arch/processor.h>

#define VA AREA(0)
#define ALIAS AREA(1)
#define ALIAS_OF_ENTRY(i) (ALIAS + (i)*4)

/* VA is table 0 with frame 0 as its first page; ALIAS shows table 0 in its first page. */
static void open_with_alias(void)
{
	tables_open();
	link_table(0, 0, 0);
	link_table(0, 1, 1);
	link_frame(0, 0, 0);
	own_table[1][0] = entry_of(own_table[0], MAP_USER_RW);
}

/* The directory's last free slot leads to itself: tables lie at SLOT, the directory at its end. */
static void recursive_slot(struct selftest_result *r, const void *arg)
{
	u32 slot = pgd_index(AREA(3)), tables = AREA(3), index = pgd_index(VA);
	u32 pte = tables + index * PAGE_SIZE, pde = tables + slot * PAGE_SIZE + index * 4;

	(void)arg;
	tables_open();
	own_dir[0][slot] = entry_of(own_dir[0], MAP_KERNEL_RW);
	link_table(0, 0, 0);
	link_frame(0, 0, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	EXPECT_EQ(r, load_word(pde) & PAGE_MASK, __pa(own_table[0]));
	EXPECT_EQ(r, load_word(pte) & PAGE_MASK, __pa(window_frame(0)));
	store_entry((u32 *)pte, frame_entry(1, MAP_USER_RW), VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	own_table[1][0] = frame_entry(2, MAP_USER_RW);
	store_entry((u32 *)pde, entry_of(own_table[1], MAP_USER_RW), VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(2, 0));
	store_entry((u32 *)pde, 0, VA);
	EXPECT_EQ(r, try_load(VA).vector, TRAP_PF);
	tables_close();
}

/*
 * Entry i of the directory is a PDE, and by the slot that leads back the PTE of the page i there.
 */
static void directory_as_table(struct selftest_result *r, const void *arg)
{
	u32 by_itself = AREA(3) + pgd_index(VA) * PAGE_SIZE;

	(void)arg;
	tables_open();
	own_dir[0][pgd_index(AREA(3))] = entry_of(own_dir[0], MAP_KERNEL_RW);
	/* Frame 0 is a page (by itself) and a table (at VA) now. */
	store_entry(&own_dir[0][pgd_index(VA)], frame_entry(0, MAP_KERNEL_RW), VA);
	put_word(by_itself, frame_entry(1, MAP_KERNEL_RW));
	put_word(by_itself + 4, frame_entry(2, MAP_KERNEL_RO));
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	EXPECT_EQ(r, load_word(VA + PAGE_SIZE), COLOUR(2, 0));
	EXPECT_EQ(r, try_store(VA + PAGE_SIZE).error_code, PF_PROT | PF_WRITE);
	store_entry((u32 *)by_itself, frame_entry(2, MAP_KERNEL_RW), VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(2, 0));
	tables_close();
}

static void shared_table(struct selftest_result *r, const void *arg)
{
	(void)arg;
	tables_open();
	link_table(0, 0, 0);
	link_frame(0, 0, 0);
	store_entry(&own_dir[0][pgd_index(ALIAS)], entry_of(own_table[0], MAP_KERNEL_RO), ALIAS);
	own_dir[1][pgd_index(VA)] = entry_of(own_table[0], MAP_USER_RO);
	EXPECT_EQ(r, window_run_user(user_write, VA, 5).vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, load_word(ALIAS), 5);
	EXPECT_EQ(r, try_store(ALIAS).error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, window_run_user(user_read, ALIAS, 0).error_code, PF_PROT | PF_USER);
	tables_use(1);
	EXPECT_EQ(r, window_run_user(user_read, VA, 0).regs.bx, 5);
	EXPECT_EQ(r, window_run_user(user_write, VA, 6).error_code, PF_PROT | PF_WRITE | PF_USER);
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	tables_use(0);
	EXPECT_EQ(r, window_run_user(user_write, VA, 7).vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, window_frame(0)[0], 7);
	tables_close();
}

/* A store through a 4 MiB page that holds the table. */
static void large_alias(struct selftest_result *r, const void *arg)
{
	u32 pa = __pa(own_table[0]), at = ALIAS + (pa & ~PGDIR_MASK);

	(void)arg;
	tables_open();
	link_table(0, 0, 0);
	link_frame(0, 0, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	store_entry(&own_dir[0][pgd_index(ALIAS)], (pa & PGDIR_MASK) | _PAGE_PSE | MAP_USER_RW,
		    ALIAS);
	store_entry((u32 *)at, frame_entry(1, MAP_USER_RW), VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	EXPECT_EQ(r, window_run_user(user_write, at, frame_entry(2, MAP_USER_RO)).vector,
		  SYSCALL_VECTOR);
	invlpg(VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(2, 0));
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	tables_close();
}

static void user_writes_table(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open_with_alias();
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	for (u32 n = 1; n < NR_FRAMES; n++) {
		struct trapped t = window_run_user(user_write, ALIAS, frame_entry(n, MAP_USER_RW));

		EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
		invlpg(VA);
		EXPECT_EQ(r, load_word(VA), COLOUR(n, 0));
	}
	tables_close();
}

/*
 * The alias is there, writable and dirty, before its frame becomes a table, and stays when it is
 * one.
 */
static void page_becomes_table(struct selftest_result *r, const void *arg)
{
	(void)arg;
	tables_open();
	link_table(0, 1, 1);
	own_table[1][0] = entry_of(own_table[0], MAP_USER_RW);
	put_word(ALIAS, frame_entry(0, MAP_USER_RW));
	link_table(0, 0, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	put_word(ALIAS, frame_entry(1, MAP_USER_RW));
	invlpg(VA);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	tables_close();
}

static void readonly_alias(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open_with_alias();
	store_entry(&own_table[1][0], entry_of(own_table[0], MAP_USER_RO), ALIAS);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	EXPECT_EQ(r, try_store(ALIAS).error_code, PF_PROT | PF_WRITE);
	EXPECT_EQ(r, window_run_user(user_write, ALIAS, 0).error_code,
		  PF_PROT | PF_WRITE | PF_USER);
	EXPECT_EQ(r, own_table[0][0] & PAGE_MASK, __pa(window_frame(0)));
	EXPECT_EQ(r, own_table[1][0] & _PAGE_DIRTY, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	tables_close();
}

/* A table gone from the directory is data: many stores, and none of them means anything. */
static void table_reused_as_data(struct selftest_result *r, const void *arg)
{
	u32 wrong = 0;

	(void)arg;
	open_with_alias();
	EXPECT_EQ(r, load_word(VA), COLOUR(0, 0));
	store_entry(&own_dir[0][pgd_index(VA)], 0, VA);
	for (u32 round = 0; round < 20; round++) {
		for (u32 i = 0; i < PTRS_PER_PTE; i++)
			put_word(ALIAS_OF_ENTRY(i), round * 4096 + i);
		for (u32 i = 0; i < PTRS_PER_PTE; i++)
			wrong += own_table[0][i] != round * 4096 + i;
	}
	EXPECT_EQ(r, wrong, 0);
	put_word(ALIAS, frame_entry(1, MAP_USER_RW));
	put_word(ALIAS_OF_ENTRY(1), 0);
	link_table(0, 0, 0);
	EXPECT_EQ(r, load_word(VA), COLOUR(1, 0));
	EXPECT_EQ(r, try_load(VA + PAGE_SIZE).vector, TRAP_PF);
	tables_close();
}

/* Many stores to a table in use, with an access now and then: each is seen after its INVLPG. */
static void table_written_in_a_flood(struct selftest_result *r, const void *arg)
{
	u32 wrong = 0;

	(void)arg;
	open_with_alias();
	for (u32 i = 0; i < 5000; i++) {
		u32 entry = i % 7, n = i % NR_FRAMES;

		put_word(ALIAS_OF_ENTRY(entry), frame_entry(n, MAP_USER_RW));
		if (i % 50)
			continue;
		invlpg(VA + entry * PAGE_SIZE);
		wrong += load_word(VA + entry * PAGE_SIZE) != COLOUR(n, 0);
	}
	EXPECT_EQ(r, wrong, 0);
	tables_close();
}

const struct selftest pgtables_tests[] = {
	{ "recursive_slot_shows_and_changes_tables_and_directory", recursive_slot, NULL },
	{ "one_frame_is_directory_and_table_at_once", directory_as_table, NULL },
	{ "shared_table_has_each_directorys_rights", shared_table, NULL },
	{ "table_changed_through_a_4_mib_page", large_alias, NULL },
	{ "table_changed_by_user_code_that_has_it_mapped", user_writes_table, NULL },
	{ "writable_page_that_becomes_a_table", page_becomes_table, NULL },
	{ "readonly_alias_keeps_the_table_from_being_written", readonly_alias, NULL },
	{ "table_freed_and_reused_as_data", table_reused_as_data, NULL },
	{ "table_written_in_a_flood_while_in_use", table_written_in_a_flood, NULL },
	{ NULL, NULL, NULL },
};
