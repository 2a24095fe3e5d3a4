// SPDX-License-Identifier: MIT
/*
 * Guest tables under the shadow MMU: each store to one is seen, whatever it goes through, or the
 * table is let go out of sync and comes back when the guest invalidates (Intel SDM vol. 3, 4.10.4).
 */
#include "mmu/shadow.h"

#include <string.h>

#include "shadow_rig.h"
#include "unit.h"

#define FRAME(n) ((uint32_t)(n) << PAGE_SHIFT)
#define USER_READ (ACCESS_READ | ACCESS_USER)
#define PAGE_AT(n) (SR_LIN + FRAME(n))

static void begin(struct shadow_rig *r, enum shadow_sync sync, enum x86_tlb_kind lazy)
{
	shadow_rig_begin(r, sync, lazy, 64);
	sr_entry(r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
}

#define BEGIN(r) begin(r, SHADOW_STRICT, X86_TLB_NORMAL)
#define BEGIN_UNSYNC(r) begin(r, SHADOW_UNSYNC, X86_TLB_NORMAL)

/* A second mapping of the table, at PAGE_AT(9). */
static void map_table(struct shadow_rig *r)
{
	sr_entry(r, SR_TABLE, 9, FRAME(SR_TABLE) | SR_USER_RW | PTE_A | PTE_D);
}

/* The entry that maps PAGE_AT(n), as a linear address. */
static gva_t pte_lin(uint32_t n)
{
	return PAGE_AT(9) + n * 4;
}

/* --- stores are seen -------------------------------------------------------------------------- */

static void store_to_a_table_is_emulated_and_followed(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	map_table(&r);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(sr_write(&r, pte_lin(0), FRAME(SR_DATA + 1) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	CU_ASSERT_EQUAL(sr_stats(&r).emulated_writes, 1);
	/* with A set, the new entry needs no fault */
	sr_write(&r, pte_lin(0), FRAME(SR_DATA + 2) | SR_USER_RW | PTE_A | PTE_D);
	CU_ASSERT_EQUAL(sr_write(&r, SR_LIN, 1).exits, 0);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA + 2)), 1);
	sr_write(&r, pte_lin(0), 0);
	CU_ASSERT_TRUE(sr_read(&r, SR_LIN).fault);
	shadow_rig_end(&r);
}

static void table_is_write_protected_through_all_its_aliases(void)
{
	/* 4 KiB page of the kernel, of the user, recursive slot, 4 MiB page */
	static const gva_t alias[] = { PAGE_AT(9), PAGE_AT(10), 0xffc01000,
				       0x00800000 + FRAME(SR_TABLE) };
	struct shadow_rig r;

	for (unsigned first = 0; first < ARRAY_SIZE(alias); first++) {
		BEGIN(&r);
		sr_entry(&r, SR_TABLE, 9, FRAME(SR_TABLE) | PTE_P | PTE_W);
		sr_entry(&r, SR_TABLE, 10, FRAME(SR_TABLE) | SR_USER_RW);
		sr_entry(&r, SR_DIR, 1023, FRAME(SR_DIR) | SR_USER_RW);
		sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
		sr_read(&r, SR_LIN); /* in use from now on */
		for (unsigned n = 0; n < ARRAY_SIZE(alias); n++) {
			gva_t lin = alias[(first + n) % ARRAY_SIZE(alias)];

			CU_ASSERT_TRUE(sr_write(&r, lin + 200 * 4, n).emulated);
			CU_ASSERT_EQUAL(sr_leaf(&r, lin) & (SPTE_P | SPTE_W), SPTE_P);
			CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, 200), n);
		}
		shadow_rig_end(&r);
	}
}

static void page_that_becomes_a_table_loses_its_writable_mappings(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_TABLE, 2, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	CU_ASSERT_FALSE(sr_write(&r, PAGE_AT(1), FRAME(SR_DATA) | SR_USER_RW).emulated);
	CU_ASSERT_FALSE(sr_write(&r, PAGE_AT(2) + 4, FRAME(SR_DATA + 1) | SR_USER_RW).emulated);
	CU_ASSERT_FALSE(sr_write(&r, 0x00800000 + FRAME(SR_TABLE2) + 8, 0).emulated);
	sr_entry(&r, SR_DIR, 3, FRAME(SR_TABLE2) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c00000).gpa, FRAME(SR_DATA));
	CU_ASSERT_EQUAL(r.events[SHADOW_EV_PROTECT], 3);
	/* hardware's TLB had all three */
	CU_ASSERT_TRUE(sr_write(&r, PAGE_AT(1), FRAME(SR_DATA + 2) | SR_USER_RW).emulated);
	CU_ASSERT_TRUE(sr_write(&r, PAGE_AT(2) + 4, 0).emulated);
	CU_ASSERT_TRUE(sr_write(&r, 0x00800000 + FRAME(SR_TABLE2) + 8, 0).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c00000).gpa, FRAME(SR_DATA + 2));
	shadow_rig_end(&r);
}

static void held_frame_is_write_protected_in_a_page_of_4_mib(void)
{
	const gva_t lin = 0x00800000 + FRAME(0x210); /* in 2 MiB of RAM without a table */
	struct shadow_rig r;

	for (unsigned before = 0; before < 2; before++) {
		BEGIN(&r);
		sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
		if (before)
			sr_write(&r, lin, 1);
		shadow_hold(r.s, 0x210, true);
		CU_ASSERT_TRUE(sr_write(&r, lin, 2).emulated);
		CU_ASSERT_FALSE(sr_write(&r, lin + PAGE_BYTES, 3).emulated);
		CU_ASSERT_EQUAL(shadow_audit(r.s, stderr), 0);
		shadow_hold(r.s, 0x210, false);
		CU_ASSERT_FALSE(sr_write(&r, lin, 4).emulated);
		shadow_rig_end(&r);
	}
}

static void directory_that_is_its_own_table_shows_and_takes_its_entries(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 1023, FRAME(SR_DIR) | SR_USER_RW);
	/* 0xfffff000 is the directory, 0xffc01000 the table of PDE 1 */
	CU_ASSERT_EQUAL(sr_read(&r, 0xfffff004).gpa, FRAME(SR_DIR) + 4);
	CU_ASSERT_EQUAL(sr_read(&r, 0xffc01000).gpa, FRAME(SR_TABLE));
	CU_ASSERT_TRUE(sr_write(&r, 0xfffff008, FRAME(SR_TABLE) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00800000).gpa, FRAME(SR_DATA));
	/* and takes away the very entry that the store went through */
	CU_ASSERT_TRUE(sr_write(&r, 0xfffffffc, 0).emulated);
	CU_ASSERT_TRUE(sr_read(&r, 0xfffff000).fault);
	shadow_rig_end(&r);
}

static void frame_may_be_directory_and_table_at_once(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_UNSYNC, X86_TLB_NORMAL);
	sr_entry(&r, SR_DIR, 2, FRAME(SR_DIR) | SR_USER_RW);
	sr_entry(&r, SR_DIR, 3, FRAME(SR_DATA) | SR_USER_RW);
	/*
	 * as a table, entry 3 of the directory maps the data page; as a directory it names it a
	 * table
	 */
	CU_ASSERT_EQUAL(sr_read(&r, 0x00803000).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(sr_read(&r, 0x00c00000).fault);
	/* also where leaf tables are let go: this one is a directory, too */
	CU_ASSERT_TRUE(sr_write(&r, 0x00802000 + 4 * 4, FRAME(SR_TABLE) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, 0x01000000).gpa, FRAME(SR_DATA));
	CU_ASSERT_EQUAL(sr_read(&r, 0x00804000).gpa, FRAME(SR_TABLE));
	shadow_rig_end(&r);
}

static void table_shared_by_directories_has_the_rights_of_each(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, FRAME(SR_TABLE) | PTE_P | PTE_U);
	sr_entry(&r, SR_DIR, 3, FRAME(SR_TABLE) | PTE_P | PTE_W);
	sr_entry(&r, SR_DIR2, 1, FRAME(SR_TABLE) | PTE_P);
	CU_ASSERT_FALSE(sr_write(&r, SR_LIN, 1).fault);
	CU_ASSERT_EQUAL(sr_access(&r, 0x00800000, ACCESS_WRITE | ACCESS_USER, 2).error,
			PF_P | PF_W | PF_U);
	CU_ASSERT_FALSE(sr_access(&r, 0x00800000, USER_READ, 0).fault);
	CU_ASSERT_EQUAL(sr_access(&r, 0x00c00000, USER_READ, 0).error, PF_P | PF_U);
	CU_ASSERT_FALSE(sr_write(&r, 0x00c00000, 3).fault);
	sr_set_cr3(&r, FRAME(SR_DIR2));
	CU_ASSERT_TRUE(sr_write(&r, SR_LIN, 4).fault);
	CU_ASSERT_FALSE(sr_read(&r, SR_LIN).fault);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA)), 3);
	/* one store changes all of them */
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	sr_set_cr3(&r, FRAME(SR_DIR));
	for (unsigned n = 1; n <= 3; n++)
		CU_ASSERT_EQUAL(sr_read(&r, n << 22).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
}

static void table_at_two_addresses_changes_at_both(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 4, FRAME(SR_TABLE) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x01000000).gpa, FRAME(SR_DATA));
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA));
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	CU_ASSERT_EQUAL(sr_read(&r, 0x01000000).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
}

static void store_over_two_entries_changes_both(void)
{
	struct shadow_rig r;
	const uint32_t pte = FRAME(SR_DATA + 4) | SR_USER_RW;

	BEGIN(&r);
	map_table(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, PAGE_AT(0));
	sr_read(&r, PAGE_AT(1));
	/* bytes 2..5: the high half of entry 0 and the low half of entry 1 */
	CU_ASSERT_TRUE(sr_write(&r, pte_lin(0) + 2, pte >> 16 | 0 << 16).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, (pte & 0xffff0000) | FRAME(SR_DATA & 0xf));
	CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(1)).fault);
	shadow_rig_end(&r);
}

static void host_store_goes_the_way_of_a_guest_store(void)
{
	struct shadow_rig r;
	uint8_t *table;

	BEGIN(&r);
	CU_ASSERT_FALSE(sr_write(&r, SR_LIN, 1).fault);
	/* what swap does: the page is taken away, and comes back elsewhere */
	sr_entry(&r, SR_TABLE, 0, 0x1234 << 12);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).error, 0);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	/* a device writes the whole frame, and those beside it */
	table = r.ram + FRAME(SR_TABLE);
	memset(table - PAGE_BYTES, 0, 3 * PAGE_BYTES);
	shadow_guest_store(r.s, FRAME(SR_TABLE) - PAGE_BYTES, 3ull * PAGE_BYTES);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN), 0);
	/* beyond the end of memory there is nothing to do */
	shadow_guest_store(r.s, SR_RAM_BYTES - 4, 1ull << 40);
	shadow_guest_store(r.s, ~0ull - 8, 8);
	shadow_rig_end(&r);
}

/* --- given up --------------------------------------------------------------------------------- */

static void table_that_is_only_written_is_given_up(void)
{
	struct shadow_rig r;
	unsigned emulated = 0;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	sr_read(&r, SR_LIN);
	for (uint32_t n = 16; n < 116; n++)
		emulated += sr_write(&r, 0x00800000 + FRAME(SR_TABLE) + n * 4, 0).emulated;
	/* dear are the first ones alone */
	CU_ASSERT_EQUAL(emulated, 5);
	CU_ASSERT_EQUAL(sr_stats(&r).unshadowed, 1);
	CU_ASSERT_FALSE(shadow_is_tracked(r.s, SR_TABLE));
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(shadow_is_tracked(r.s, SR_TABLE));
	/* a table that is of use between two stores stays one */
	for (uint32_t n = 16; n < 116; n++) {
		sr_entry(&r, SR_TABLE, n, FRAME(SR_DATA) | SR_USER_RW);
		sr_read(&r, PAGE_AT(n));
	}
	CU_ASSERT_EQUAL(sr_stats(&r).unshadowed, 1);
	shadow_rig_end(&r);
}

/* A guest that mends its tables one fault after another is no flood. */
static void table_that_guest_faults_go_through_stays_one(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_read(&r, SR_LIN);
	for (uint32_t n = 16; n < 116; n++) {
		CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(n)).fault);
		/* A set: the entry is made with the store, and the access needs no exit */
		sr_entry(&r, SR_TABLE, n, FRAME(SR_DATA) | SR_USER_RW | PTE_A | PTE_D);
		CU_ASSERT_EQUAL(sr_write(&r, PAGE_AT(n), n).exits, 0);
	}
	CU_ASSERT_EQUAL(sr_stats(&r).unshadowed, 0);
	shadow_rig_end(&r);
}

static void table_that_nothing_leads_to_is_data_at_its_next_store(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_DIR, 2, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_TABLE2, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, 0x00800000);
	sr_entry(&r, SR_DIR, 2, 0);
	CU_ASSERT_TRUE(shadow_is_tracked(r.s, SR_TABLE2));
	CU_ASSERT_FALSE(sr_write(&r, PAGE_AT(1), 0xdeadbeef).emulated);
	CU_ASSERT_FALSE(shadow_is_tracked(r.s, SR_TABLE2));
	CU_ASSERT_EQUAL(sr_write(&r, PAGE_AT(1) + 4, 0xdeadbeef).exits, 0);
	CU_ASSERT_EQUAL(sr_stats(&r).unshadowed, 1);
	shadow_rig_end(&r);
}

/* --- out of sync ------------------------------------------------------------------------------ */

static void table_out_of_sync_costs_one_exit_and_invlpg_brings_one_address_back(void)
{
	struct shadow_rig r;
	unsigned exits;

	BEGIN_UNSYNC(&r);
	map_table(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, PAGE_AT(0));
	sr_read(&r, PAGE_AT(1));
	sr_write(&r, pte_lin(0), FRAME(SR_DATA + 2) | SR_USER_RW);
	exits = r.faults;
	CU_ASSERT_EQUAL(sr_write(&r, pte_lin(1), FRAME(SR_DATA + 3) | SR_USER_RW).exits, 0);
	CU_ASSERT_EQUAL(r.faults, exits);
	CU_ASSERT_EQUAL(sr_stats(&r).unsyncs, 1);
	CU_ASSERT_EQUAL(sr_stats(&r).emulated_writes, 0);
	/* stale, as in any TLB */
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, FRAME(SR_DATA));
	sr_invlpg(&r, PAGE_AT(0));
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, FRAME(SR_DATA + 2));
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(1)).gpa, FRAME(SR_DATA + 1));
	sr_invlpg(&r, PAGE_AT(1));
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(1)).gpa, FRAME(SR_DATA + 3));
	shadow_rig_end(&r);
}

static void cr3_load_brings_all_back_and_protects_again(void)
{
	struct shadow_rig r;

	BEGIN_UNSYNC(&r);
	map_table(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_write(&r, PAGE_AT(0), 1);
	sr_read(&r, PAGE_AT(1));
	sr_write(&r, pte_lin(0), FRAME(SR_DATA) | PTE_P | PTE_A | PTE_D);
	sr_write(&r, pte_lin(1), 0);
	CU_ASSERT_FALSE(sr_write(&r, PAGE_AT(0), 2).fault);
	sr_set_cr3(&r, r.cr3);
	CU_ASSERT_TRUE(shadow_is_tracked(r.s, SR_TABLE));
	CU_ASSERT_TRUE(sr_write(&r, PAGE_AT(0), 3).fault);
	CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(1)).fault);
	CU_ASSERT_EQUAL(sr_leaf(&r, PAGE_AT(9)) & SPTE_W, 0);
	CU_ASSERT_EQUAL(sr_stats(&r).resyncs, 1);
	shadow_rig_end(&r);
}

static void fault_brings_its_address_back(void)
{
	struct shadow_rig r;

	BEGIN_UNSYNC(&r);
	map_table(&r);
	sr_read(&r, PAGE_AT(0));
	sr_write(&r, pte_lin(0), 0);
	CU_ASSERT_FALSE(sr_read(&r, PAGE_AT(0)).fault);
	/* the store is not allowed by the old entry: the walk, and with it the old entry's end */
	CU_ASSERT_EQUAL(sr_write(&r, PAGE_AT(0), 1).error, PF_W);
	CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(0)).fault);
	shadow_rig_end(&r);
}

static void table_out_of_sync_that_becomes_a_directory_is_right_again(void)
{
	struct shadow_rig r;

	BEGIN_UNSYNC(&r);
	map_table(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_read(&r, PAGE_AT(0));
	sr_write(&r, pte_lin(0), FRAME(SR_DATA + 2) | SR_USER_RW);
	CU_ASSERT_FALSE(shadow_is_tracked(r.s, SR_TABLE));
	/* in the midst of a CR3 load, before its flush */
	shadow_set_state(r.s, r.cr0, r.cr3 = FRAME(SR_TABLE), r.cr4);
	memset(r.tlb, 0, sizeof(r.tlb));
	/* PDE 1 of it is SR_TABLE2 */
	sr_entry(&r, SR_TABLE2, 0, FRAME(SR_DATA + 3) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 3));
	CU_ASSERT_TRUE(shadow_is_tracked(r.s, SR_TABLE));
	shadow_rig_end(&r);
}

static void table_out_of_sync_that_led_nowhere_is_right_when_it_leads_somewhere_again(void)
{
	struct shadow_rig r;

	BEGIN_UNSYNC(&r);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, PAGE_AT(0));
	sr_read(&r, PAGE_AT(1));
	/* the entry of page 1 goes, then the table; INVLPG finds no table to look at */
	CU_ASSERT_FALSE(sr_write(&r, 0x00800000 + FRAME(SR_TABLE) + 4, 0).emulated);
	CU_ASSERT_FALSE(shadow_is_tracked(r.s, SR_TABLE));
	sr_entry(&r, SR_DIR, 1, 0);
	sr_invlpg(&r, PAGE_AT(0));
	sr_invlpg(&r, PAGE_AT(1));
	CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(1)).fault);
	/* the same table at another address, by way of another page of it */
	sr_entry(&r, SR_DIR, 3, FRAME(SR_TABLE) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c00000).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(sr_read(&r, 0x00c01000).fault);
	shadow_rig_end(&r);
}

static void hoarded_table_that_led_nowhere_is_right_when_it_leads_somewhere_again(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT, X86_TLB_HOARD);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, PAGE_AT(0));
	sr_read(&r, PAGE_AT(1));
	sr_entry(&r, SR_TABLE, 1, 0);
	sr_entry(&r, SR_DIR, 1, 0);
	sr_invlpg(&r, PAGE_AT(0));
	sr_invlpg(&r, PAGE_AT(1));
	sr_entry(&r, SR_DIR, 1, FRAME(SR_TABLE) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, FRAME(SR_DATA));
	CU_ASSERT_TRUE(sr_read(&r, PAGE_AT(1)).fault);
	shadow_rig_end(&r);
}

static void wp_toggle_leaves_no_table_behind(void)
{
	struct shadow_rig r;

	BEGIN_UNSYNC(&r);
	map_table(&r);
	/* the tables of both roles know the page */
	sr_read(&r, PAGE_AT(0));
	sr_set_cr0(&r, r.cr0 & ~CR0_WP);
	sr_read(&r, PAGE_AT(0));
	sr_write(&r, pte_lin(0), FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_invlpg(&r, PAGE_AT(0));
	sr_set_cr0(&r, r.cr0 | CR0_WP);
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
}

/* --- a guest that misses INVLPG --------------------------------------------------------------- */

static gpa_t remapped_without_invlpg(enum shadow_sync sync, enum x86_tlb_kind lazy)
{
	struct shadow_rig r;
	gpa_t seen;

	begin(&r, sync, lazy);
	map_table(&r);
	sr_read(&r, PAGE_AT(0));
	sr_write(&r, pte_lin(0), FRAME(SR_DATA + 1) | SR_USER_RW);
	shadow_exit(r.s);
	seen = sr_read(&r, PAGE_AT(0)).gpa;
	shadow_rig_check(&r);
	sr_invlpg(&r, PAGE_AT(0));
	CU_ASSERT_EQUAL(sr_read(&r, PAGE_AT(0)).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
	return seen;
}

static void guest_that_misses_invlpg_sees_the_old_page_as_long_as_tlb_says(void)
{
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_STRICT, X86_TLB_HOARD), FRAME(SR_DATA));
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_UNSYNC, X86_TLB_HOARD), FRAME(SR_DATA));
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_UNSYNC, X86_TLB_NORMAL), FRAME(SR_DATA));
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_STRICT, X86_TLB_NORMAL), FRAME(SR_DATA + 1));
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_STRICT, X86_TLB_DROP), FRAME(SR_DATA + 1));
	CU_ASSERT_EQUAL(remapped_without_invlpg(SHADOW_UNSYNC, X86_TLB_DROP), FRAME(SR_DATA + 1));
}

static void hoard_keeps_directory_entries_until_any_of_their_pages_is_invalidated(void)
{
	struct shadow_rig r;

	begin(&r, SHADOW_STRICT, X86_TLB_HOARD);
	sr_entry(&r, SR_TABLE2, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, SR_LIN);
	sr_entry(&r, SR_DIR, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA));
	sr_invlpg(&r, SR_LIN);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
}

static const struct unit_test tests[] = {
	UNIT_TEST(store_to_a_table_is_emulated_and_followed),
	UNIT_TEST(table_is_write_protected_through_all_its_aliases),
	UNIT_TEST(page_that_becomes_a_table_loses_its_writable_mappings),
	UNIT_TEST(held_frame_is_write_protected_in_a_page_of_4_mib),
	UNIT_TEST(directory_that_is_its_own_table_shows_and_takes_its_entries),
	UNIT_TEST(frame_may_be_directory_and_table_at_once),
	UNIT_TEST(table_shared_by_directories_has_the_rights_of_each),
	UNIT_TEST(table_at_two_addresses_changes_at_both),
	UNIT_TEST(store_over_two_entries_changes_both),
	UNIT_TEST(host_store_goes_the_way_of_a_guest_store),
	UNIT_TEST(table_that_is_only_written_is_given_up),
	UNIT_TEST(table_that_guest_faults_go_through_stays_one),
	UNIT_TEST(table_that_nothing_leads_to_is_data_at_its_next_store),
	UNIT_TEST(table_out_of_sync_costs_one_exit_and_invlpg_brings_one_address_back),
	UNIT_TEST(cr3_load_brings_all_back_and_protects_again),
	UNIT_TEST(fault_brings_its_address_back),
	UNIT_TEST(table_out_of_sync_that_becomes_a_directory_is_right_again),
	UNIT_TEST(table_out_of_sync_that_led_nowhere_is_right_when_it_leads_somewhere_again),
	UNIT_TEST(hoarded_table_that_led_nowhere_is_right_when_it_leads_somewhere_again),
	UNIT_TEST(wp_toggle_leaves_no_table_behind),
	UNIT_TEST(guest_that_misses_invlpg_sees_the_old_page_as_long_as_tlb_says),
	UNIT_TEST(hoard_keeps_directory_entries_until_any_of_their_pages_is_invalidated),
	UNIT_END,
};

extern const struct unit_suite suite_shadow_track;
const struct unit_suite suite_shadow_track = { "shadow_track", tests };
