// SPDX-License-Identifier: MIT
/*
 * Control registers under the shadow MMU, and what 4 MiB pages have to do with tables: hard cases,
 * each with its audit.
 */
#include "mmu/shadow.h"

#include "shadow_rig.h"
#include "unit.h"

#define FRAME(n) ((uint32_t)(n) << PAGE_SHIFT)
#define PAGE_AT(n) (SR_LIN + FRAME(n))
#define LARGE 0x00800000u /* PDE 2: a 4 MiB page of all RAM there is */

static void begin(struct shadow_rig *r, enum shadow_sync sync)
{
	shadow_rig_begin(r, sync, X86_TLB_NORMAL, 64);
	sr_entry(r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	sr_entry(r, SR_DIR, 2, SR_USER_RW | PTE_PS);
}

/* Under the CR3 of now each table is used; no exit is left to come. */
static void warm(struct shadow_rig *r)
{
	sr_write(r, SR_LIN, 1);
	sr_write(r, LARGE + FRAME(SR_DATA + 1), 2);
	CU_ASSERT_EQUAL(sr_write(r, SR_LIN, 1).exits, 0);
	CU_ASSERT_EQUAL(sr_write(r, LARGE + FRAME(SR_DATA + 1), 2).exits, 0);
}

static void cr3_reload_of_the_same_value_keeps_all_that_is_right(void)
{
	static const enum shadow_sync kinds[] = { SHADOW_STRICT, SHADOW_UNSYNC };

	for (unsigned n = 0; n < ARRAY_SIZE(kinds); n++) {
		uint64_t root, fills;
		struct shadow_rig r;

		begin(&r, kinds[n]);
		warm(&r);
		root = shadow_root(r.s);
		fills = sr_stats(&r).fills;
		sr_set_cr3(&r, FRAME(SR_DIR));
		CU_ASSERT_EQUAL(shadow_root(r.s), root);
		warm(&r);
		CU_ASSERT_EQUAL(sr_stats(&r).fills, fills);
		/* what changed before it is seen after it, whoever stored it */
		sr_write(&r, LARGE + FRAME(SR_TABLE), FRAME(SR_DATA + 3) | SR_USER_RW);
		sr_set_cr3(&r, FRAME(SR_DIR));
		CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 3));
		shadow_rig_end(&r);
	}
}

static void two_directories_take_turns_without_a_fill(void)
{
	uint64_t fills, misses;
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT);
	sr_entry(&r, SR_DIR2, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_DIR2, 2, SR_USER_RW | PTE_PS);
	sr_entry(&r, SR_TABLE2, 0, FRAME(SR_DATA + 2) | SR_USER_RW);
	warm(&r);
	sr_set_cr3(&r, FRAME(SR_DIR2));
	warm(&r);
	fills = sr_stats(&r).fills;
	misses = sr_stats(&r).root_misses;
	for (unsigned n = 0; n < 10; n++) {
		sr_set_cr3(&r, n % 2 ? FRAME(SR_DIR2) : FRAME(SR_DIR));
		CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(n % 2 ? SR_DATA + 2 : SR_DATA));
		warm(&r);
	}
	CU_ASSERT_EQUAL(sr_stats(&r).fills, fills);
	CU_ASSERT_EQUAL(sr_stats(&r).root_misses, misses);
	shadow_rig_end(&r);
}

/* A table in use may be stored to at its own address while paging is off. */
static void pg_toggle_is_one_to_one_and_back_to_the_tables_of_now(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT);
	warm(&r);
	sr_set_cr0(&r, r.cr0 & ~CR0_PG);
	CU_ASSERT_EQUAL(sr_read(&r, FRAME(SR_DATA)).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(sr_read(&r, LARGE).mmio);
	CU_ASSERT_TRUE(sr_write(&r, FRAME(SR_TABLE), FRAME(SR_DATA + 3) | SR_USER_RW).emulated);
	sr_set_cr0(&r, r.cr0 | CR0_PG);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 3));
	CU_ASSERT_EQUAL(sr_read(&r, LARGE).gpa, 0);
	shadow_rig_end(&r);
}

/* The same PDE: a 4 MiB page, and the table that lies where its frame says. */
static void pse_toggle_changes_what_a_directory_entry_is(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT);
	/* bits 21 to 12 of the address are 0, so frame 0 is the table */
	sr_put(&r, FRAME(SR_DATA + 1) >> PAGE_SHIFT << 2, FRAME(SR_DATA + 5) | SR_USER_RW);
	for (unsigned n = 0; n < 3; n++) {
		sr_set_cr4(&r, r.cr4 | CR4_PSE);
		CU_ASSERT_EQUAL(sr_read(&r, LARGE + FRAME(SR_DATA + 1)).gpa, FRAME(SR_DATA + 1));
		sr_set_cr4(&r, r.cr4 & ~CR4_PSE);
		CU_ASSERT_EQUAL(sr_read(&r, LARGE + FRAME(SR_DATA + 1)).gpa, FRAME(SR_DATA + 5));
		CU_ASSERT_TRUE(sr_read(&r, LARGE + FRAME(SR_DATA + 2)).fault);
	}
	shadow_rig_end(&r);
}

/* The only way to the table and to the directory is a 4 MiB page that is mapped writable before. */
static void tables_mapped_by_a_4_mib_page_are_read_only_pieces_of_it(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT);
	sr_write(&r, LARGE + FRAME(SR_DATA), 5);
	sr_write(&r, LARGE + FRAME(SR_TABLE) + 800 * 4, 0);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA)); /* a table from now on */
	CU_ASSERT_TRUE(sr_write(&r, LARGE + FRAME(SR_TABLE) + 4, FRAME(SR_DATA + 1) | SR_USER_RW)
			       .emulated);
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(1)).gpa, FRAME(SR_DATA + 1));
	CU_ASSERT_TRUE(
		sr_write(&r, LARGE + FRAME(SR_DIR) + 3 * 4, FRAME(SR_TABLE) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c01000).gpa, FRAME(SR_DATA + 1));
	/* its other pages are writable all the same, and stay so */
	CU_ASSERT_FALSE(sr_write(&r, LARGE + FRAME(SR_DATA), 6).emulated);
	CU_ASSERT_EQUAL(sr_write(&r, LARGE + FRAME(SR_DATA), 7).exits, 0);
	/* the page itself is taken away by a store through it */
	CU_ASSERT_TRUE(sr_write(&r, LARGE + FRAME(SR_DIR) + 2 * 4, 0).emulated);
	CU_ASSERT_TRUE(sr_read(&r, LARGE + FRAME(SR_DATA)).fault);
	shadow_rig_end(&r);
}

static const struct unit_test tests[] = {
	UNIT_TEST(cr3_reload_of_the_same_value_keeps_all_that_is_right),
	UNIT_TEST(two_directories_take_turns_without_a_fill),
	UNIT_TEST(pg_toggle_is_one_to_one_and_back_to_the_tables_of_now),
	UNIT_TEST(pse_toggle_changes_what_a_directory_entry_is),
	UNIT_TEST(tables_mapped_by_a_4_mib_page_are_read_only_pieces_of_it),
	UNIT_END,
};

extern const struct unit_suite suite_shadow_control;
const struct unit_suite suite_shadow_control = { "shadow_control", tests };
