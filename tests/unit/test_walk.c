// SPDX-License-Identifier: MIT
#include "mmu/walk.h"
#include "oracle/paging_oracle.h"
#include "unit/unit.h"
#include "unit/walk_memory.h"

/* Our guest's paging: directory at 0x1000. */
static const struct walk_paging guest_paging = {
	.format = WALK_32BIT,
	.root = 0x1000,
	.pse = true,
	.pge = true,
	.wp = true,
	.maxphyaddr = 40,
};

/* --- the matrix ------------------------------------------------------------------------------ */

#define M_TABLE 0x2000u
#define M_PAGE 0x7000u
#define M_LARGE 0x00800000u
#define M_LINEAR 0x40005100u
#define M_PDE_AT (0x1000 + 0x100 * 4)
#define M_PTE_AT (M_TABLE + 5 * 4)

static uint32_t matrix_entry_bits(unsigned index)
{
	return (index & MATRIX_P ? 0x1 : 0) | (index & MATRIX_RW ? 0x2 : 0) |
	       (index & MATRIX_US ? 0x4 : 0) | (index & MATRIX_A ? 0x20 : 0);
}

static unsigned matrix_outcome(bool ok, const struct walk_result *r, uint64_t pde, uint64_t pte)
{
	unsigned o = ok ? 0 : OUTCOME_FAULT | r->error;

	if (pde & ~0x60ull || pte & ~0x60ull)
		o |= OUTCOME_WRONG;
	return o | (pde & 0x20 ? OUTCOME_PDE_A : 0) | (pde & 0x40 ? OUTCOME_PDE_D : 0) |
	       (pte & 0x20 ? OUTCOME_PTE_A : 0) | (pte & 0x40 ? OUTCOME_PTE_D : 0);
}

static void matrix_run(const struct matrix_case *c, unsigned *differences)
{
	static const unsigned kinds[] = { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };
	bool large = c->variant != MATRIX_PSE_OFF && c->pde & MATRIX_PS;
	uint32_t pde = matrix_entry_bits(c->pde) | (c->pde & MATRIX_PS ? 0x80 : 0) |
		       (large ? M_LARGE : M_TABLE) | (c->variant == MATRIX_RESERVED ? 1u << 21 : 0);
	uint32_t pte = matrix_entry_bits(c->pte) | (c->pte & MATRIX_D ? 0x40 : 0) | M_PAGE;
	struct oracle_outcome want = paging_oracle(c);
	struct walk_paging paging = guest_paging;
	static struct walk_memory m;
	struct walk_source src = source_of(&m);
	struct walk_result r;

	m.frames = 0;
	put(&m, M_PDE_AT, 4, pde);
	put(&m, M_PTE_AT, 4, pte);
	paging.pse = c->variant != MATRIX_PSE_OFF;
	paging.wp = c->wp;
	for (unsigned time = 0; time < MATRIX_TIMES; time++) {
		bool ok = walk_linear(&src, &paging, M_LINEAR,
				      kinds[c->kind] | (c->user ? ACCESS_USER : 0), &r);
		unsigned got = matrix_outcome(ok, &r, get(&m, M_PDE_AT, 4) ^ pde,
					      get(&m, M_PTE_AT, 4) ^ pte);
		gpa_t gpa = large ? M_LARGE + 0x5100 : M_PAGE + 0x100;

		*differences += got != (time ? want.second : want.first);
		*differences += ok && r.gpa != gpa;
	}
}

static void every_case_of_the_matrix_is_as_the_oracle_says(void)
{
	unsigned differences = 0, cases = 0;

	for (unsigned v = 0; v < MATRIX_VARIANTS; v++)
		for (unsigned i = 0; i < MATRIX_ENTRIES * MATRIX_ENTRIES * MATRIX_ACCESSES; i++) {
			unsigned pair = i / MATRIX_ACCESSES;
			struct matrix_case c =
				matrix_case_of((enum matrix_variant)v, pair / MATRIX_ENTRIES,
					       pair % MATRIX_ENTRIES, i % MATRIX_ACCESSES);

			if (!matrix_has(c.variant, c.pde))
				continue;
			matrix_run(&c, &differences);
			cases++;
		}
	CU_ASSERT_EQUAL(cases, (1024 + 1024 + 512) * 12);
	CU_ASSERT_EQUAL(differences, 0);
}

/* --- 2-level --------------------------------------------------------------------------------- */

/* SDM vol. 3, table 4-4: bits 20:13 of a 4 MiB PDE are address bits 39:32. */
static void pse36_bits_extend_the_frame(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0xffc00083 | 0xa5u << 13);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0x00234567, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.gpa, 0xa5ffe34567ull);
	CU_ASSERT_EQUAL(r.page_bytes, 4u << 20);
	CU_ASSERT_EQUAL(r.rights, MAP_W | MAP_LARGE);
	CU_ASSERT_EQUAL(get(&m, 0x1000, 4), 0xffc000a3 | 0xa5u << 13);
}

/* With M physical address bits, bits 21:(M-19) are reserved (SDM vol. 3, table 4-4). */
static void pse36_reserves_what_maxphyaddr_leaves(void)
{
	static const struct {
		uint8_t maxphyaddr;
		uint32_t bit;
		bool reserved;
	} rows[] = {
		{ 40, 21, true },  { 40, 20, false }, { 36, 17, true },
		{ 36, 16, false }, { 36, 21, true },  { 32, 13, true },
		{ 52, 20, false }, { 52, 21, true },  { 40, 12, false }, /* PAT */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct walk_memory m = { 0 };
		struct walk_source src = source_of(&m);
		struct walk_paging paging = guest_paging;
		struct walk_result r;

		paging.maxphyaddr = rows[i].maxphyaddr;
		put(&m, 0x1000, 4, 0x87 | 1u << rows[i].bit);
		CU_ASSERT_EQUAL(walk_linear(&src, &paging, 0, ACCESS_WRITE | ACCESS_USER, &r),
				!rows[i].reserved);
		CU_ASSERT_EQUAL(r.present, !rows[i].reserved);
		CU_ASSERT_EQUAL(r.error, rows[i].reserved ? 0xf : 0);
	}
}

static void ptes_and_table_pdes_have_no_reserved_bits(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_paging paging = guest_paging;
	struct walk_result r;

	/* All ignored bits set: PS ignored with CR4.PSE clear, PAT and G and AVL in the PTE. */
	paging.pse = false;
	put(&m, 0x1000 + 3 * 4, 4, 0x00002fdf | 0x80);
	put(&m, 0x2000 + 1023 * 4, 4, 0xfffffe9f);
	CU_ASSERT_TRUE(walk_linear(&src, &paging, 0x00fffabc, ACCESS_READ | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.gpa, 0xfffffabc);
	CU_ASSERT_EQUAL(r.page_bytes, 4096);
	CU_ASSERT_EQUAL(r.rights, MAP_W | MAP_U);
	CU_ASSERT_EQUAL(r.steps, 2);
	CU_ASSERT_EQUAL(r.step[0].index, 3);
	CU_ASSERT_EQUAL(r.step[1].index, 1023);
	CU_ASSERT_EQUAL(r.step[1].at, 0x2ffc);
}

/* G in the leaf alone, and only with CR4.PGE (SDM vol. 3, 4.10.2.4). */
static void global_needs_pge_and_the_leaf(void)
{
	for (unsigned i = 0; i < 8; i++) {
		struct walk_memory m = { 0 };
		struct walk_source src = source_of(&m);
		struct walk_paging paging = guest_paging;
		struct walk_result r;

		paging.pge = i & 1;
		put(&m, 0x1000, 4, 0x2001 | (i & 2 ? 0x100 : 0));
		put(&m, 0x2000, 4, 0x5001 | (i & 4 ? 0x100 : 0));
		CU_ASSERT_TRUE(walk_linear(&src, &paging, 0, ACCESS_READ, &r));
		CU_ASSERT_EQUAL(!!(r.rights & MAP_G), (i & 1) && (i & 4));
	}
}

static void dirty_right_follows_the_leaf(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0x2003);
	put(&m, 0x2000, 4, 0x5003);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_READ, &r));
	CU_ASSERT_FALSE(r.rights & MAP_D);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_WRITE, &r));
	CU_ASSERT_TRUE(r.rights & MAP_D);
	CU_ASSERT_EQUAL(get(&m, 0x2000, 4), 0x5063);
	CU_ASSERT_EQUAL(get(&m, 0x1000, 4), 0x2023);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_READ, &r));
	CU_ASSERT_TRUE(r.rights & MAP_D);
}

static void tables_outside_memory_are_not_present(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	CU_ASSERT_FALSE(walk_linear(&src, &guest_paging, 0x1234, ACCESS_WRITE | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.error, PF_W | PF_U);
	CU_ASSERT_EQUAL(r.steps, 1);
	CU_ASSERT_FALSE(r.step[0].readable);
	put(&m, 0x1000, 4, 0xdead0007);
	CU_ASSERT_FALSE(walk_linear(&src, &guest_paging, 0x1234, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.error, 0);
	CU_ASSERT_EQUAL(r.steps, 2);
	CU_ASSERT_TRUE(r.step[0].readable);
	CU_ASSERT_FALSE(r.step[1].readable);
	CU_ASSERT_EQUAL(r.step[1].at, 0xdead0004);
}

static bool garbage_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	*value = 0x1007;
	return false;
}

static void a_source_that_has_nothing_is_read_as_zero(void)
{
	struct walk_source src = { .read = garbage_read };
	struct walk_result r;

	CU_ASSERT_FALSE(walk_linear(&src, &guest_paging, 0, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.steps, 1);
	CU_ASSERT_EQUAL(r.step[0].entry, 0);
}

/* SDM vol. 3, 4.7: bit 4 needs CR4.PAE beside EFER.NXE, and 2-level entries have no XD. */
static void nxe_means_nothing_in_two_levels(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_paging paging = guest_paging;
	struct walk_result r;

	paging.nx = true;
	CU_ASSERT_FALSE(walk_linear(&src, &paging, 0, ACCESS_FETCH, &r));
	CU_ASSERT_EQUAL(r.error, 0);
}

/* CR3's low 12 bits are PCD, PWT and ignored ones (SDM vol. 3, table 4-3). */
static void root_flags_are_no_address(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_paging paging = guest_paging;
	struct walk_result r;

	paging.root = 0x1fff;
	put(&m, 0x1000, 4, 0x83);
	CU_ASSERT_TRUE(walk_linear(&src, &paging, 0x77, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x77);
	CU_ASSERT_EQUAL(r.step[0].at, 0x1000);
}

/* --- A and D --------------------------------------------------------------------------------- */

/* A directory that maps itself: one entry is PDE and PTE of the same walk. */
static void self_map_sets_both_bits_in_the_one_entry(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1ffc, 4, 0x1003);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0xfffffffc, ACCESS_WRITE, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x1ffc);
	CU_ASSERT_EQUAL(get(&m, 0x1ffc, 4), 0x1063);
}

static void lost_race_walks_again(void)
{
	struct walk_memory m = { .races = 3 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0x2007);
	put(&m, 0x2000, 4, 0x5007);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_WRITE, &r));
	CU_ASSERT_EQUAL(m.swaps, 5); /* three lost, then PDE and PTE */
	CU_ASSERT_EQUAL(get(&m, 0x2000, 4), 0x5067);
}

static void endless_races_end_in_a_fault(void)
{
	struct walk_memory m = { .races = ~0u };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0x2007);
	put(&m, 0x2000, 4, 0x5007);
	CU_ASSERT_FALSE(walk_linear(&src, &guest_paging, 0, ACCESS_WRITE | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.error, PF_W | PF_U);
	CU_ASSERT_FALSE(r.present);
	CU_ASSERT_EQUAL(get(&m, 0x2000, 4), 0x5007);
}

static void bits_that_are_set_need_no_swap(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0x2027);
	put(&m, 0x2000, 4, 0x5067);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_WRITE, &r));
	CU_ASSERT_EQUAL(m.swaps, 0);
}

static void look_changes_nothing_and_checks_no_rights(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000, 4, 0x2001);
	put(&m, 0x2000, 4, 0x5001);
	CU_ASSERT_TRUE(walk_look(&src, &guest_paging, 0xfff, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x5fff);
	CU_ASSERT_EQUAL(r.rights, 0);
	CU_ASSERT_EQUAL(m.swaps, 0);
	CU_ASSERT_FALSE(walk_look(&src, &guest_paging, 0x1000, &r));
	CU_ASSERT_FALSE(r.present);
	CU_ASSERT_EQUAL(r.steps, 2);
	put(&m, 0x1000, 4, 0x200081);
	CU_ASSERT_FALSE(walk_look(&src, &guest_paging, 0, &r));
}

static void source_without_cas_only_checks(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	src.cas = NULL;
	put(&m, 0x1000, 4, 0x83);
	CU_ASSERT_TRUE(walk_linear(&src, &guest_paging, 0, ACCESS_WRITE, &r));
	CU_ASSERT_FALSE(r.rights & MAP_D);
	CU_ASSERT_EQUAL(get(&m, 0x1000, 4), 0x83);
	CU_ASSERT_FALSE(walk_linear(&src, &guest_paging, 0, ACCESS_READ | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.error, PF_P | PF_U);
}

/* --- the state of a vCPU --------------------------------------------------------------------- */

static void paging_state_comes_from_the_control_registers(void)
{
	struct x86_state state = { .cr0 = CR0_PE, .cr3 = 0x1018, .cr4 = CR4_PSE };
	struct walk_paging p = walk_paging_of(&state);
	struct walk_source none = { 0 };
	struct walk_result r;

	CU_ASSERT_EQUAL(p.format, WALK_NONE);
	CU_ASSERT_TRUE(walk_linear(&none, &p, 0xdeadbeef, ACCESS_WRITE | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.gpa, 0xdeadbeef);
	CU_ASSERT_EQUAL(r.rights, MAP_W | MAP_U | MAP_D);
	CU_ASSERT_EQUAL(r.steps, 0);
	CU_ASSERT_TRUE(walk_look(&none, &p, 0x1, &r));
	state.cr0 |= CR0_PG;
	p = walk_paging_of(&state);
	CU_ASSERT_EQUAL(p.format, WALK_32BIT);
	CU_ASSERT_EQUAL(p.root, 0x1018);
	CU_ASSERT_TRUE(p.pse && !p.pge && !p.wp && !p.nx && !p.smep && !p.smap_on);
	CU_ASSERT_EQUAL(p.maxphyaddr, 40);
	state.cr0 |= CR0_WP;
	state.cr4 = CR4_PGE;
	p = walk_paging_of(&state);
	CU_ASSERT_TRUE(!p.pse && p.pge && p.wp);
}

/* --- text ------------------------------------------------------------------------------------ */

static void a_step_reads_as_one_line(void)
{
	struct walk_paging plain = guest_paging;
	static const struct {
		struct walk_step step;
		const char *text;
	} rows[] = {
		{ { 2, 768, 0x1c00, 0x001000e3, true },
		  "PDE[768] 0x00001c00 = 0x001000e3 P RW A D PS" },
		{ { 2, 3, 0x100c, 0x00400183, true }, "PDE[3] 0x0000100c = 0x00400183 P RW G PS" },
		{ { 2, 3, 0x100c, 0x00002167, true }, "PDE[3] 0x0000100c = 0x00002167 P RW US A" },
		{ { 1, 5, 0x2014, 0x00007067, true },
		  "PTE[5] 0x00002014 = 0x00007067 P RW US A D" },
		{ { 1, 5, 0x2014, 0x00007066, true },
		  "PTE[5] 0x00002014 = 0x00007066 not present" },
		{ { 1, 5, 0xf2014, 0, false }, "PTE[5] 0x000f2014 = 0x00000000 (no memory there)" },
		{ { 2, 0, 0x1000, 0x00200081, true },
		  "PDE[0] 0x00001000 = 0x00200081 P PS reserved bits 0x200000 set" },
	};
	char buf[96];

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		walk_format_step(&plain, &rows[i].step, buf, sizeof(buf));
		CU_ASSERT_STRING_EQUAL(buf, rows[i].text);
	}
	walk_format_step(&plain, &rows[2].step, buf, 12);
	CU_ASSERT_STRING_EQUAL(buf, "PDE[3] 0x00");
	buf[0] = 'x';
	walk_format_step(&plain, &rows[2].step, buf, 0);
	CU_ASSERT_EQUAL(buf[0], 'x');
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_case_of_the_matrix_is_as_the_oracle_says),
	UNIT_TEST(pse36_bits_extend_the_frame),
	UNIT_TEST(pse36_reserves_what_maxphyaddr_leaves),
	UNIT_TEST(ptes_and_table_pdes_have_no_reserved_bits),
	UNIT_TEST(global_needs_pge_and_the_leaf),
	UNIT_TEST(dirty_right_follows_the_leaf),
	UNIT_TEST(tables_outside_memory_are_not_present),
	UNIT_TEST(a_source_that_has_nothing_is_read_as_zero),
	UNIT_TEST(nxe_means_nothing_in_two_levels),
	UNIT_TEST(root_flags_are_no_address),
	UNIT_TEST(self_map_sets_both_bits_in_the_one_entry),
	UNIT_TEST(lost_race_walks_again),
	UNIT_TEST(endless_races_end_in_a_fault),
	UNIT_TEST(bits_that_are_set_need_no_swap),
	UNIT_TEST(look_changes_nothing_and_checks_no_rights),
	UNIT_TEST(source_without_cas_only_checks),
	UNIT_TEST(paging_state_comes_from_the_control_registers),
	UNIT_TEST(a_step_reads_as_one_line),
	UNIT_END,
};

extern const struct unit_suite suite_walk;
const struct unit_suite suite_walk = { "walk", tests };
