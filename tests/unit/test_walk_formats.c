// SPDX-License-Identifier: MIT
/* The walker on what our guest never has: PAE, 4-level and 5-level tables, NX, SMEP and SMAP. */
#include "mmu/walk.h"
#include "unit/unit.h"
#include "unit/walk_memory.h"

static const struct walk_paging pae_paging = {
	.format = WALK_PAE,
	.root = 0x1020,
	.wp = true,
	.nx = true,
	.maxphyaddr = 40,
};
static const struct walk_paging long_paging = {
	.format = WALK_4LEVEL,
	.root = 0x1000,
	.wp = true,
	.nx = true,
	.maxphyaddr = 46,
};

/* Linear 0xc0a01abc: PDPTE 3, PDE 5, PTE 1 (SDM vol. 3, figure 4-5); CR3 is 32-byte aligned. */
static void pae_walks_three_levels(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1020 + 3 * 8, 8, 0x2001);
	put(&m, 0x2000 + 5 * 8, 8, 0x3007);
	put(&m, 0x3000 + 1 * 8, 8, 0xab12345007);
	CU_ASSERT_TRUE(walk_linear(&src, &pae_paging, 0xc0a01abc, ACCESS_WRITE | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.gpa, 0xab12345abc);
	CU_ASSERT_EQUAL(r.steps, 3);
	/* A PDPTE has neither rights nor A. */
	CU_ASSERT_EQUAL(r.rights, MAP_W | MAP_U | MAP_D);
	CU_ASSERT_EQUAL(get(&m, 0x1020 + 3 * 8, 8), 0x2001);
	CU_ASSERT_EQUAL(get(&m, 0x2000 + 5 * 8, 8), 0x3027);
	CU_ASSERT_EQUAL(get(&m, 0x3000 + 1 * 8, 8), 0xab12345067);
}

static void pae_ignores_linear_bits_above_32(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1020, 8, 0x2001);
	put(&m, 0x2000, 8, 0x83);
	CU_ASSERT_TRUE(walk_linear(&src, &pae_paging, 0xffffffff00000123ull, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x123);
}

static void pae_large_page_has_2_mib(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1020, 8, 0x2001);
	put(&m, 0x2008, 8, 0x1234e00083ull);
	CU_ASSERT_TRUE(walk_linear(&src, &pae_paging, 0x3fffff, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x1234ffffffull);
	CU_ASSERT_EQUAL(r.page_bytes, 2u << 20);
	CU_ASSERT_TRUE(r.rights & MAP_LARGE);
}

/* Each row sets one bit in an otherwise good 3-entry walk (SDM vol. 3, tables 4-8 to 4-11). */
static void pae_reserved_bits_fault(void)
{
	static const struct {
		unsigned level, bit;
		bool nx, large, reserved;
	} rows[] = {
		{ 3, 1, true, false, true },   { 3, 2, true, false, true },
		{ 3, 3, true, false, false },  { 3, 5, true, false, true },
		{ 3, 8, true, false, true },   { 3, 9, true, false, false },
		{ 3, 40, true, false, true },  { 3, 39, true, false, false },
		{ 3, 63, true, false, true },  { 2, 40, true, false, true },
		{ 2, 62, true, false, true },  { 2, 63, true, false, false },
		{ 2, 63, false, false, true }, { 1, 51, true, false, true },
		{ 1, 62, true, false, true },  { 1, 63, true, false, false },
		{ 1, 63, false, false, true }, { 1, 7, true, false, false },
		{ 2, 13, true, true, true },   { 2, 20, true, true, true },
		{ 2, 12, true, true, false },  { 2, 21, true, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct walk_memory m = { 0 };
		struct walk_source src = source_of(&m);
		struct walk_paging paging = pae_paging;
		uint64_t bit[4] = { 0 };
		struct walk_result r;
		bool ok;

		paging.nx = rows[i].nx;
		bit[rows[i].level] = 1ull << rows[i].bit;
		put(&m, 0x1020, 8, 0x2001 | bit[3]);
		put(&m, 0x2000, 8, (rows[i].large ? 0x83 : 0x3003) | bit[2]);
		put(&m, 0x3000, 8, 0x5003 | bit[1]);
		/* A good address bit of an upper entry leads to no memory: look at RSVD alone. */
		ok = walk_linear(&src, &paging, 0, ACCESS_READ, &r);
		CU_ASSERT_EQUAL(!ok && r.error == (PF_P | PF_RSVD), rows[i].reserved);
	}
}

/* Linear 0xffff_8123_4567_89ab: indices 258, 141, 43, 120 by hand. */
static void four_levels_are_walked(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_result r;

	put(&m, 0x1000 + 258 * 8, 8, 0x2007);
	put(&m, 0x2000 + 141 * 8, 8, 0x3007);
	put(&m, 0x3000 + 43 * 8, 8, 0x4007);
	put(&m, 0x4000 + 120 * 8, 8, 0x3fff12345007ull);
	CU_ASSERT_TRUE(walk_linear(&src, &long_paging, 0xffff8123456789abull,
				   ACCESS_WRITE | ACCESS_USER, &r));
	CU_ASSERT_EQUAL(r.gpa, 0x3fff123459abull);
	CU_ASSERT_EQUAL(r.steps, 4);
	CU_ASSERT_EQUAL(get(&m, 0x1000 + 258 * 8, 8), 0x2027);
	CU_ASSERT_EQUAL(get(&m, 0x2000 + 141 * 8, 8), 0x3027);
	CU_ASSERT_EQUAL(get(&m, 0x3000 + 43 * 8, 8), 0x4027);
	CU_ASSERT_EQUAL(get(&m, 0x4000 + 120 * 8, 8), 0x3fff12345067ull);
}

static void five_levels_are_walked(void)
{
	struct walk_memory m = { 0 };
	struct walk_source src = source_of(&m);
	struct walk_paging paging = long_paging;
	struct walk_result r;

	paging.format = WALK_5LEVEL;
	put(&m, 0x1000 + 1 * 8, 8, 0x2003); /* linear bit 48 */
	put(&m, 0x2000, 8, 0x3003);
	put(&m, 0x3000, 8, 0xc0000083ull); /* 1 GiB page at 3 GiB */
	CU_ASSERT_TRUE(walk_linear(&src, &paging, 0x1000012345678ull, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.gpa, 0xd2345678ull);
	CU_ASSERT_EQUAL(r.page_bytes, 1u << 30);
	CU_ASSERT_EQUAL(r.steps, 3);
	CU_ASSERT_EQUAL(r.step[0].level, 5);
	CU_ASSERT_EQUAL(r.step[0].index, 1);
	put(&m, 0x1000 + 1 * 8, 8, 0x2083); /* PS in a PML5E is reserved */
	CU_ASSERT_FALSE(walk_linear(&src, &paging, 0x1000012345678ull, ACCESS_READ, &r));
	CU_ASSERT_EQUAL(r.error, PF_P | PF_RSVD);
}

/* SDM vol. 3, tables 4-15 to 4-20, for M = 46: one bit in one entry. */
static void four_level_reserved_bits_fault(void)
{
	static const struct {
		unsigned level, bit;
		bool nx, large, reserved;
	} rows[] = {
		{ 4, 7, true, false, true },   { 4, 46, true, false, true },
		{ 4, 51, true, false, true },  { 4, 52, true, false, false },
		{ 4, 62, true, false, false }, { 4, 63, true, false, false },
		{ 4, 63, false, false, true }, { 3, 46, true, false, true },
		{ 3, 13, true, true, true },   { 3, 29, true, true, true },
		{ 3, 12, true, true, false },  { 3, 30, true, true, false },
		{ 1, 46, true, false, true },  { 1, 58, true, false, false },
		{ 1, 63, false, false, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct walk_memory m = { 0 };
		struct walk_source src = source_of(&m);
		struct walk_paging paging = long_paging;
		uint64_t bit[5] = { 0 };
		struct walk_result r;

		paging.nx = rows[i].nx;
		bit[rows[i].level] = 1ull << rows[i].bit;
		put(&m, 0x1000, 8, 0x2003 | bit[4]);
		put(&m, 0x2000, 8, (rows[i].large ? 0x83 : 0x3003) | bit[3]);
		put(&m, 0x3000, 8, 0x4003);
		put(&m, 0x4000, 8, 0x5003 | bit[1]);
		CU_ASSERT_EQUAL(walk_linear(&src, &paging, 0, ACCESS_READ, &r), !rows[i].reserved);
		CU_ASSERT_EQUAL(r.error, rows[i].reserved ? PF_P | PF_RSVD : 0);
	}
}

/* SDM vol. 3, 4.6.1 and 4.7: NX, SMEP and SMAP; error code bit 4 only with NX or SMEP. */
static void nx_smep_smap_refuse_what_they_say(void)
{
	static const struct {
		bool user_page, xd, nx, smep, smap;
		unsigned access;
		unsigned error; /* 0: allowed */
	} rows[] = {
		{ 1, 1, 1, 0, 0, ACCESS_FETCH | ACCESS_USER, 0x15 },
		{ 0, 1, 1, 0, 0, ACCESS_FETCH, 0x11 },
		{ 1, 1, 1, 0, 0, ACCESS_READ | ACCESS_USER, 0 },
		{ 1, 0, 1, 0, 0, ACCESS_FETCH, 0 },
		{ 1, 0, 1, 1, 0, ACCESS_FETCH, 0x11 },
		{ 1, 0, 0, 1, 0, ACCESS_FETCH, 0x11 },
		{ 1, 0, 0, 1, 0, ACCESS_FETCH | ACCESS_USER, 0 },
		{ 0, 0, 0, 1, 0, ACCESS_FETCH, 0 },
		{ 0, 0, 0, 1, 0, ACCESS_FETCH | ACCESS_USER, 0x15 },
		{ 0, 0, 0, 0, 0, ACCESS_FETCH | ACCESS_USER, 0x05 },
		{ 1, 0, 0, 0, 1, ACCESS_READ, 0x01 },
		{ 1, 0, 0, 0, 1, ACCESS_WRITE, 0x03 },
		{ 1, 0, 0, 0, 1, ACCESS_FETCH, 0 },
		{ 1, 0, 0, 0, 1, ACCESS_READ | ACCESS_USER, 0 },
		{ 0, 0, 0, 0, 1, ACCESS_WRITE, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct walk_memory m = { 0 };
		struct walk_source src = source_of(&m);
		struct walk_paging p = long_paging;
		struct walk_result r;

		p.nx = rows[i].nx;
		p.smep = rows[i].smep;
		p.smap_on = rows[i].smap;
		put(&m, 0x1000, 8, 0x2007);
		put(&m, 0x2000, 8, 0x3007 | (rows[i].xd ? 1ull << 63 : 0));
		put(&m, 0x3000, 8, rows[i].user_page ? 0x4007 : 0x4003);
		put(&m, 0x4000, 8, 0x5007);
		CU_ASSERT_EQUAL(walk_linear(&src, &p, 0, rows[i].access, &r), !rows[i].error);
		CU_ASSERT_EQUAL(r.error, rows[i].error);
		CU_ASSERT_EQUAL(get(&m, 0x4000, 8), rows[i].error ? 0x5007u
						    : (rows[i].access & ACCESS_KIND) == ACCESS_WRITE
							    ? 0x5067u
							    : 0x5027u);
	}
}

/* Entries of 8 bytes show 16 digits, and XD where it counts. */
static void long_steps_read_as_one_line(void)
{
	const struct walk_step step = { 4, 1, 0x1008, 1ull << 63 | 0x2003, true };
	char buf[96];

	walk_format_step(&long_paging, &step, buf, sizeof(buf));
	CU_ASSERT_STRING_EQUAL(buf, "PML4E[1] 0x00001008 = 0x8000000000002003 P RW NX");
}

static const struct unit_test tests[] = {
	UNIT_TEST(pae_walks_three_levels),	   UNIT_TEST(pae_ignores_linear_bits_above_32),
	UNIT_TEST(pae_large_page_has_2_mib),	   UNIT_TEST(pae_reserved_bits_fault),
	UNIT_TEST(four_levels_are_walked),	   UNIT_TEST(five_levels_are_walked),
	UNIT_TEST(four_level_reserved_bits_fault), UNIT_TEST(nx_smep_smap_refuse_what_they_say),
	UNIT_TEST(long_steps_read_as_one_line),	   UNIT_END,
};

extern const struct unit_suite suite_walk_formats;
const struct unit_suite suite_walk_formats = { "walk_formats", tests };
