// SPDX-License-Identifier: MIT
/*
 * The shadow MMU: lazy entries, A and D, rights, error codes, control registers (Intel SDM vol. 3,
 * 4.3, 4.6, 4.7, 4.8 and 4.10).
 */
#include "mmu/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "shadow_rig.h"
#include "unit.h"

#define BEGIN(r) shadow_rig_begin(r, SHADOW_STRICT, X86_TLB_NORMAL, 64)
#define FRAME(n) ((uint32_t)(n) << PAGE_SHIFT)
#define USER_READ (ACCESS_READ | ACCESS_USER)
#define USER_WRITE (ACCESS_WRITE | ACCESS_USER)

static void entry_is_not_present_until_the_guest_has_a_and_read_only_until_d(void)
{
	struct shadow_rig r;
	struct sr_access a;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN), 0);
	a = sr_read(&r, SR_LIN + 8);
	CU_ASSERT_EQUAL(a.exits, 1);
	CU_ASSERT_EQUAL(a.gpa, FRAME(SR_DATA) + 8);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, 0), FRAME(SR_DATA) | SR_USER_RW | PTE_A);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_DIR, 1), FRAME(SR_TABLE) | SR_USER_RW | PTE_A);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & (SPTE_P | SPTE_W), SPTE_P);
	CU_ASSERT_EQUAL(sr_write(&r, SR_LIN, 7).exits, 1);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, 0), FRAME(SR_DATA) | SR_USER_RW | PTE_A | PTE_D);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & SPTE_W, SPTE_W);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA)), 7);
	CU_ASSERT_EQUAL(sr_write(&r, SR_LIN, 8).exits, 0);
	/* D cleared: the next store sets it again */
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW | PTE_A);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & SPTE_W, 0);
	sr_write(&r, SR_LIN, 9);
	CU_ASSERT_TRUE(sr_entry_get(&r, SR_TABLE, 0) & PTE_D);
	/* A cleared: nothing is left */
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN), 0);
	shadow_rig_end(&r);
}

static void a_and_d_stay_clear_where_the_access_faults(void)
{
	struct shadow_rig r;
	struct sr_access a;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | PTE_P);
	a = sr_access(&r, SR_LIN, USER_READ, 0);
	CU_ASSERT_TRUE(a.fault);
	CU_ASSERT_EQUAL(a.error, PF_P | PF_U);
	a = sr_write(&r, SR_LIN, 1);
	CU_ASSERT_TRUE(a.fault);
	CU_ASSERT_EQUAL(a.error, PF_P | PF_W);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_DIR, 1) & PTE_A, 0);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, 0) & (PTE_A | PTE_D), 0);
	shadow_rig_end(&r);
}

/* Another CPU or a device takes the page away between the walk and the setting of A. */
static void race_on_cas(struct shadow_rig *r, gpa_t gpa)
{
	uint32_t zero = 0;

	memcpy(r->ram + FRAME(SR_TABLE), &zero, sizeof(zero));
}

static void lost_race_for_a_walks_again(void)
{
	struct shadow_rig r;
	struct sr_access a;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 1, FRAME(SR_TABLE) | SR_USER_RW | PTE_A);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	r.on_cas = race_on_cas;
	a = sr_read(&r, SR_LIN);
	CU_ASSERT_TRUE(a.fault);
	CU_ASSERT_EQUAL(a.error, 0);
	CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, 0), 0);
	shadow_rig_end(&r);
}

static void user_mode_never_gets_what_wp_0_gives_the_supervisor(void)
{
	struct shadow_rig r;
	struct sr_access a;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | PTE_P | PTE_U);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | PTE_P);
	CU_ASSERT_TRUE(sr_write(&r, SR_LIN, 1).fault);
	sr_set_cr0(&r, r.cr0 & ~CR0_WP);
	CU_ASSERT_FALSE(sr_write(&r, SR_LIN, 1).fault);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA)), 1);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & (SPTE_W | SPTE_U), SPTE_W);
	a = sr_access(&r, SR_LIN, USER_WRITE, 2);
	CU_ASSERT_TRUE(a.fault);
	CU_ASSERT_EQUAL(a.error, PF_P | PF_W | PF_U);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA)), 1);
	CU_ASSERT_FALSE(sr_access(&r, SR_LIN, USER_READ, 0).fault);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & (SPTE_W | SPTE_U), SPTE_U);
	CU_ASSERT_FALSE(sr_write(&r, SR_LIN, 3).fault);
	CU_ASSERT_FALSE(sr_write(&r, SR_LIN + 4096, 4).fault);
	shadow_rig_check(&r);
	/* back to WP = 1: what hardware cached under WP = 0 is gone */
	sr_set_cr0(&r, r.cr0 | CR0_WP);
	CU_ASSERT_EQUAL(sr_write(&r, SR_LIN, 5).error, PF_P | PF_W);
	CU_ASSERT_EQUAL(sr_write(&r, SR_LIN + 4096, 5).error, PF_P | PF_W);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(SR_DATA)), 3);
	shadow_rig_end(&r);
}

static void ps_is_ignored_while_cr4_pse_is_clear(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	/* as a table: SR_TABLE; as a 4 MiB page: the first one of RAM */
	sr_entry(&r, SR_DIR, 1, FRAME(SR_TABLE) | SR_USER_RW);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	sr_entry(&r, 0, 5, FRAME(SR_DATA + 3) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00805010).gpa, 0x5010);
	CU_ASSERT_TRUE(sr_leaf(&r, 0x00805010) & SPTE_PIECE);
	sr_set_cr4(&r, 0);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00805010).gpa, FRAME(SR_DATA + 3) + 0x10);
	sr_set_cr4(&r, CR4_PSE);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00805010).gpa, 0x5010);
	shadow_rig_end(&r);
}

static void reserved_bit_of_a_4_mib_entry_is_an_error_of_its_own(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS | 1u << 21);
	CU_ASSERT_EQUAL(sr_access(&r, 0x00800000, USER_WRITE, 0).error,
			PF_P | PF_RSVD | PF_W | PF_U);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00800000).error, PF_P | PF_RSVD);
	shadow_rig_end(&r);
}

/* The second half of the bench's 4 MiB is RAM without a hole. */
#define WHOLE_LIN 0x00a00000u
#define WHOLE_FRAME 0x200u

static void half_of_a_4_mib_page_is_one_leaf_where_all_of_it_is_ram(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	CU_ASSERT_EQUAL(sr_read(&r, WHOLE_LIN + 0x5008).gpa, FRAME(WHOLE_FRAME + 5) + 8);
	for (uint32_t n = 0; n < 512; n += 37)
		CU_ASSERT_EQUAL(sr_read(&r, WHOLE_LIN + FRAME(n)).exits, 0);
	/* the first half has the hole below 1 MiB in it */
	CU_ASSERT_EQUAL(sr_read(&r, 0x00800000).exits, 1);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00801000).exits, 1);
	/* D is one for all, and so is its loss */
	CU_ASSERT_EQUAL(sr_write(&r, WHOLE_LIN, 1).exits, 1);
	CU_ASSERT_EQUAL(sr_write(&r, WHOLE_LIN + FRAME(511), 1).exits, 0);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS | PTE_A);
	CU_ASSERT_EQUAL(sr_leaf(&r, WHOLE_LIN) & SPTE_W, 0);
	shadow_rig_check(&r);
	sr_write(&r, WHOLE_LIN, 2);
	CU_ASSERT_TRUE(sr_entry_get(&r, SR_DIR, 2) & PTE_D);
	/* read-only, and CR0.WP clear */
	sr_entry(&r, SR_DIR, 2, PTE_P | PTE_U | PTE_PS);
	CU_ASSERT_TRUE(sr_write(&r, WHOLE_LIN, 3).fault);
	sr_set_cr0(&r, r.cr0 & ~CR0_WP);
	CU_ASSERT_FALSE(sr_write(&r, WHOLE_LIN, 3).fault);
	CU_ASSERT_TRUE(sr_access(&r, WHOLE_LIN, USER_WRITE, 4).fault);
	CU_ASSERT_FALSE(sr_access(&r, WHOLE_LIN, USER_READ, 0).fault);
	CU_ASSERT_EQUAL(sr_get(&r, FRAME(WHOLE_FRAME)), 3);
	shadow_rig_end(&r);
}

static void leaf_of_2_mib_never_covers_a_hole(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	/* no table is in use yet, so that the hole alone forbids it */
	sr_set_cr0(&r, CR0_PE);
	CU_ASSERT_EQUAL(sr_read(&r, 0x1000).gpa, 0x1000);
	CU_ASSERT_TRUE(sr_read(&r, FRAME(SR_HOLE)).mmio);
	CU_ASSERT_EQUAL(sr_read(&r, FRAME(WHOLE_FRAME)).exits, 1);
	CU_ASSERT_EQUAL(sr_write(&r, FRAME(WHOLE_FRAME + 511), 1).exits, 0);
	shadow_rig_end(&r);
}

static void half_of_a_4_mib_page_is_split_when_a_table_lies_in_it(void)
{
	struct shadow_rig r;
	gva_t table = WHOLE_LIN + FRAME(0x80);

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	CU_ASSERT_FALSE(sr_write(&r, table, FRAME(SR_DATA) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_write(&r, WHOLE_LIN, 1).exits, 0);
	sr_entry(&r, SR_DIR, 3, FRAME(WHOLE_FRAME + 0x80) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c00000).gpa, FRAME(SR_DATA));
	/* hardware had a writable translation of it */
	CU_ASSERT_TRUE(sr_write(&r, table, FRAME(SR_DATA + 1) | SR_USER_RW).emulated);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00c00000).gpa, FRAME(SR_DATA + 1));
	CU_ASSERT_EQUAL(sr_write(&r, WHOLE_LIN, 2).exits, 1);
	CU_ASSERT_FALSE(sr_write(&r, WHOLE_LIN + 4096, 2).emulated);
	shadow_rig_end(&r);
}

static void pse_36_page_beyond_ram_is_for_the_bus(void)
{
	struct shadow_rig r;
	struct sr_access a;

	BEGIN(&r);
	/* bits 20:13 are address bits 39:32 */
	sr_entry(&r, SR_DIR, 2, 0x00400000 | SR_USER_RW | PTE_PS | 0x12u << 13);
	a = sr_read(&r, 0x00812345);
	CU_ASSERT_TRUE(a.mmio);
	CU_ASSERT_EQUAL(a.gpa, 0x1200412345ull);
	CU_ASSERT_EQUAL(sr_leaf(&r, 0x00812345), 0);
	/* and one that gets these bits while it is in use is in RAM no more */
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00812345).gpa, 0x12345);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS | PTE_A | 0x12u << 13);
	CU_ASSERT_TRUE(sr_read(&r, 0x00812345).mmio);
	shadow_rig_end(&r);
}

static void mmio_and_holes_are_never_mapped(void)
{
	static const uint32_t frames[] = { 0xa0, 0xb8, 0xff, SR_FRAMES, 0xfeb00, 0xfffff };
	struct shadow_rig r;

	BEGIN(&r);
	for (uint32_t n = 0; n < ARRAY_SIZE(frames); n++) {
		sr_entry(&r, SR_TABLE, n, FRAME(frames[n]) | SR_USER_RW);
		for (unsigned kind = ACCESS_READ; kind <= ACCESS_WRITE; kind++) {
			struct sr_access a = sr_access(&r, SR_LIN + FRAME(n) + 4, kind, 0);

			CU_ASSERT_TRUE(a.mmio);
			CU_ASSERT_EQUAL(a.gpa, FRAME(frames[n]) + 4);
			CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN + FRAME(n)), 0);
		}
		/* the walk has set A and D all the same */
		CU_ASSERT_EQUAL(sr_entry_get(&r, SR_TABLE, n),
				FRAME(frames[n]) | SR_USER_RW | PTE_A | PTE_D);
	}
	shadow_rig_end(&r);
}

static void tables_beyond_ram_or_in_mmio_are_empty(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_DIR, 2, 0xfeb00000 | SR_USER_RW);
	sr_entry(&r, SR_DIR, 3, FRAME(SR_HOLE) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, 0x00800000).error, 0);
	CU_ASSERT_TRUE(sr_write(&r, 0x00c00000, 1).fault);
	for (unsigned n = 0; n < 2; n++) {
		sr_set_cr3(&r, n ? 0xfeb00000 : FRAME(SR_HOLE));
		CU_ASSERT_TRUE(sr_read(&r, SR_LIN).fault);
		CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).error, 0);
		shadow_rig_check(&r);
	}
	shadow_rig_end(&r);
}

static void paging_off_maps_ram_one_to_one(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA));
	sr_set_cr0(&r, CR0_PE);
	CU_ASSERT_EQUAL(sr_write(&r, 0x00300abc, 5).gpa, 0x00300abc);
	CU_ASSERT_EQUAL(sr_get(&r, 0x00300abc), 5);
	CU_ASSERT_FALSE(sr_access(&r, 0x00300000, USER_WRITE, 0).fault);
	CU_ASSERT_TRUE(sr_read(&r, 0xfeb00000).mmio);
	CU_ASSERT_TRUE(sr_read(&r, FRAME(SR_HOLE)).mmio);
	/* tables of before are kept, and still seen */
	CU_ASSERT_TRUE(sr_write(&r, FRAME(SR_TABLE), FRAME(SR_DATA + 1) | SR_USER_RW).emulated);
	sr_set_cr0(&r, CR0_PE | CR0_PG | CR0_WP);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	shadow_rig_end(&r);
}

static void global_bit_counts_with_cr4_pge_alone(void)
{
	struct shadow_rig r;

	BEGIN(&r);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW | PTE_G);
	sr_entry(&r, SR_DIR, 2, SR_USER_RW | PTE_PS | PTE_G);
	sr_read(&r, SR_LIN);
	sr_read(&r, 0x00800000);
	CU_ASSERT_EQUAL((sr_leaf(&r, SR_LIN) | sr_leaf(&r, 0x00800000)) & SPTE_G, 0);
	sr_set_cr4(&r, CR4_PSE | CR4_PGE);
	sr_read(&r, SR_LIN);
	sr_read(&r, 0x00800000);
	CU_ASSERT_EQUAL(sr_leaf(&r, SR_LIN) & sr_leaf(&r, 0x00800000) & SPTE_G, SPTE_G);
	shadow_rig_end(&r);
}

static void root_of_a_directory_is_found_again(void)
{
	struct shadow_rig r;
	uint64_t first, second;
	uint32_t exits;

	BEGIN(&r);
	sr_entry(&r, SR_DIR2, 1, FRAME(SR_TABLE2) | SR_USER_RW);
	sr_entry(&r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	sr_entry(&r, SR_TABLE2, 0, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_read(&r, SR_LIN);
	first = shadow_root(r.s);
	sr_set_cr3(&r, FRAME(SR_DIR2));
	second = shadow_root(r.s);
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + 1));
	exits = r.faults;
	for (unsigned n = 0; n < 4; n++) {
		sr_set_cr3(&r, FRAME(n % 2 ? SR_DIR2 : SR_DIR));
		CU_ASSERT_EQUAL(shadow_root(r.s), n % 2 ? second : first);
		CU_ASSERT_EQUAL(sr_read(&r, SR_LIN).gpa, FRAME(SR_DATA + n % 2));
	}
	CU_ASSERT_EQUAL(r.faults, exits);
	CU_ASSERT_EQUAL(sr_stats(&r).root_hits, 4);
	/* the same value again: the same root */
	sr_set_cr3(&r, FRAME(SR_DIR2));
	CU_ASSERT_EQUAL(shadow_root(r.s), second);
	CU_ASSERT_EQUAL(r.faults, exits);
	shadow_rig_end(&r);
}

/* --- everything against a plain walk ---------------------------------------------------------- */

struct twin {
	uint8_t *ram;
	uint64_t seed;
};

static uint32_t chance(struct twin *t, uint32_t below)
{
	t->seed = t->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((t->seed >> 33) % below);
}

static bool twin_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const struct twin *t = ctx;
	pfn_t frame = gpa >> PAGE_SHIFT;

	*value = 0;
	if (frame >= SR_FRAMES || (frame >= SR_HOLE && frame < SR_HOLE_END))
		return false;
	memcpy(value, t->ram + gpa, size);
	return true;
}

static bool twin_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	const struct twin *t = ctx;
	uint64_t now;

	if (!twin_read(ctx, gpa, size, &now) || now != old)
		return false;
	memcpy(t->ram + gpa, &value, size);
	return true;
}

/* Entries that lead to directories, tables, data, a hole; or 4 MiB pages over all of it. */
static uint32_t random_entry(struct twin *t, bool directory)
{
	static const uint32_t frames[] = { SR_DIR,   SR_DIR2,	  SR_TABLE,    SR_TABLE2,
					   SR_TABLE, SR_TABLE2,	  SR_DATA,     SR_DATA + 1,
					   SR_DATA,  SR_DATA + 2, SR_DATA + 3, SR_HOLE };
	uint32_t flags = chance(t, 8) | (chance(t, 4) ? PTE_P : 0) | (chance(t, 2) ? PTE_A : 0) |
			 (chance(t, 2) ? PTE_D : 0) | (chance(t, 4) ? 0 : PTE_G);

	if (directory && !chance(t, 5))
		return PTE_PS | flags | (chance(t, 10) ? 0 : 1u << 21);
	return FRAME(frames[chance(t, ARRAY_SIZE(frames))]) | flags;
}

static void twins_change(struct shadow_rig *r, struct twin *t)
{
	static const uint32_t tables[] = { SR_DIR, SR_DIR2, SR_TABLE, SR_TABLE2 };
	uint32_t frame = tables[chance(t, 4)], index = chance(t, 2) ? 1 : 512 + chance(t, 2);
	uint32_t value = random_entry(t, frame <= SR_DIR2);

	memcpy(t->ram + FRAME(frame) + index * 4, &value, sizeof(value));
	sr_entry(r, frame, index, value);
	switch (chance(t, 12)) {
	case 0:
		sr_set_cr0(r, r->cr0 ^ CR0_WP);
		break;
	case 1:
		sr_set_cr4(r, r->cr4 ^ CR4_PSE);
		break;
	case 2:
		sr_set_cr4(r, r->cr4 ^ CR4_PGE);
		break;
	case 3:
		sr_set_cr0(r, r->cr0 ^ CR0_PG);
		break;
	default:
		break;
	}
	/* what the manual asks for, so that there is one right answer */
	sr_set_cr3(r, chance(t, 3) ? r->cr3 : FRAME(chance(t, 2) ? SR_DIR : SR_DIR2));
}

static void twins_access(struct shadow_rig *r, struct twin *t)
{
	static const uint32_t index[] = { 1, 512, 513 };
	struct walk_source src = { t, twin_read, twin_cas };
	struct walk_paging paging = walk_paging_from(r->cr0, r->cr3, r->cr4);
	gva_t lin = index[chance(t, 3)] << 22 | index[chance(t, 3)] << 12 | 0x800;
	unsigned access = chance(t, 2) | (chance(t, 2) ? ACCESS_USER : 0);
	uint32_t value = chance(t, 4) ? random_entry(t, false) : 0;
	struct sr_access got = sr_access(r, lin, access, value);
	struct walk_result want;
	bool ok = walk_linear(&src, &paging, lin, access, &want);
	uint64_t there;

	CU_ASSERT_EQUAL(got.fault, !ok);
	if (!ok) {
		CU_ASSERT_EQUAL(got.error, want.error);
		return;
	}
	CU_ASSERT_EQUAL(got.gpa, want.gpa);
	CU_ASSERT_EQUAL(got.mmio, !twin_read(t, want.gpa, 4, &there));
	if ((access & ACCESS_KIND) != ACCESS_WRITE || got.mmio)
		return;
	memcpy(t->ram + want.gpa, &value, sizeof(value));
	if (want.gpa >> PAGE_SHIFT < SR_DATA)
		sr_set_cr3(r, r->cr3);
}

static void random_guest_sees_what_a_plain_walk_sees(void)
{
	for (unsigned variant = 0; variant < 8; variant++) {
		struct twin t = { .ram = calloc(SR_FRAMES, PAGE_BYTES), .seed = variant };
		struct shadow_rig r;

		shadow_rig_begin(&r, variant & 1 ? SHADOW_UNSYNC : SHADOW_STRICT,
				 (enum x86_tlb_kind)(variant / 2 % 3),
				 variant & 4 ? SHADOW_MIN_PAGES : 64);
		memcpy(t.ram, r.ram, SR_RAM_BYTES);
		for (unsigned n = 0; n < 1500; n++) {
			twins_change(&r, &t);
			for (unsigned accesses = chance(&t, 5); accesses; accesses--)
				twins_access(&r, &t);
			if (n % 16 == 0)
				shadow_rig_check(&r);
		}
		CU_ASSERT_EQUAL(memcmp(t.ram, r.ram, SR_RAM_BYTES), 0);
		shadow_rig_end(&r);
		free(t.ram);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(entry_is_not_present_until_the_guest_has_a_and_read_only_until_d),
	UNIT_TEST(a_and_d_stay_clear_where_the_access_faults),
	UNIT_TEST(lost_race_for_a_walks_again),
	UNIT_TEST(user_mode_never_gets_what_wp_0_gives_the_supervisor),
	UNIT_TEST(ps_is_ignored_while_cr4_pse_is_clear),
	UNIT_TEST(reserved_bit_of_a_4_mib_entry_is_an_error_of_its_own),
	UNIT_TEST(half_of_a_4_mib_page_is_one_leaf_where_all_of_it_is_ram),
	UNIT_TEST(leaf_of_2_mib_never_covers_a_hole),
	UNIT_TEST(half_of_a_4_mib_page_is_split_when_a_table_lies_in_it),
	UNIT_TEST(pse_36_page_beyond_ram_is_for_the_bus),
	UNIT_TEST(mmio_and_holes_are_never_mapped),
	UNIT_TEST(tables_beyond_ram_or_in_mmio_are_empty),
	UNIT_TEST(paging_off_maps_ram_one_to_one),
	UNIT_TEST(global_bit_counts_with_cr4_pge_alone),
	UNIT_TEST(root_of_a_directory_is_found_again),
	UNIT_TEST(random_guest_sees_what_a_plain_walk_sees),
	UNIT_END,
};

extern const struct unit_suite suite_shadow;
const struct unit_suite suite_shadow = { "shadow", tests };
