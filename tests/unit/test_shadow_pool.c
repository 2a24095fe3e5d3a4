// SPDX-License-Identifier: MIT
/*
 * The pool of the shadow MMU, its audit and its dump.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shadow_rig.h"
#include "unit.h"

#define FRAME(n) ((uint32_t)(n) << PAGE_SHIFT)

/* Tables for `count` pieces of 4 MiB, from PDE 16 on, each with one page of data. */
#define FIRST_PDE 16u
#define FIRST_TABLE 0x140u

static void many_tables(struct shadow_rig *r, uint32_t count)
{
	for (uint32_t n = 0; n < count; n++) {
		sr_entry(r, SR_DIR, FIRST_PDE + n * 11, FRAME(FIRST_TABLE + n) | SR_USER_RW);
		sr_entry(r, FIRST_TABLE + n, 3, FRAME(FIRST_TABLE + 0x100 + n) | SR_USER_RW);
	}
}

static gva_t lin_of(uint32_t n)
{
	return (FIRST_PDE + n * 11) << 22 | 3 << 12;
}

static void smallest_pool_runs_any_number_of_tables(void)
{
	struct shadow_rig r;

	shadow_rig_begin(&r, SHADOW_STRICT, X86_TLB_NORMAL, SHADOW_MIN_PAGES);
	many_tables(&r, 80);
	for (uint32_t round = 0; round < 3; round++)
		for (uint32_t n = 0; n < 80; n++) {
			CU_ASSERT_EQUAL(sr_write(&r, lin_of(n), n + round).gpa,
					FRAME(FIRST_TABLE + 0x100 + n));
			if (n % 8 == 0)
				shadow_rig_check(&r);
		}
	for (uint32_t n = 0; n < 80; n++)
		CU_ASSERT_EQUAL(sr_get(&r, FRAME(FIRST_TABLE + 0x100 + n)), n + 2);
	CU_ASSERT_EQUAL(sr_stats(&r).pool_most, SHADOW_MIN_PAGES);
	CU_ASSERT_TRUE(sr_stats(&r).recycled > 200);
	shadow_rig_end(&r);
}

/* 6 pages in 6 tables under 4 directories: what one instruction may need at once stays. */
static void smallest_pool_holds_what_one_instruction_needs(void)
{
	static const uint32_t pde[] = { 1, 3, 256, 257, 512, 768 };
	struct shadow_rig r;
	unsigned exits;

	shadow_rig_begin(&r, SHADOW_STRICT, X86_TLB_NORMAL, SHADOW_MIN_PAGES);
	for (uint32_t n = 0; n < ARRAY_SIZE(pde); n++) {
		sr_entry(&r, SR_DIR, pde[n], FRAME(FIRST_TABLE + n) | SR_USER_RW);
		sr_entry(&r, FIRST_TABLE + n, 0, FRAME(SR_DATA + n) | SR_USER_RW);
	}
	for (uint32_t n = 0; n < ARRAY_SIZE(pde); n++)
		sr_read(&r, pde[n] << 22);
	exits = r.faults;
	for (uint32_t n = 0; n < ARRAY_SIZE(pde); n++)
		CU_ASSERT_EQUAL(sr_read(&r, pde[n] << 22).exits, 0);
	CU_ASSERT_EQUAL(r.faults, exits);
	CU_ASSERT_EQUAL(sr_stats(&r).recycled, 1); /* the root of before paging was on */
	shadow_rig_end(&r);
}

static void page_of_no_use_for_the_longest_time_is_taken(void)
{
	struct shadow_rig r;

	/* root and its PDPT, a directory, and 13 tables fit */
	shadow_rig_begin(&r, SHADOW_STRICT, X86_TLB_NORMAL, 16);
	for (uint32_t n = 0; n < 14; n++) {
		sr_entry(&r, SR_DIR, 2 + n, FRAME(FIRST_TABLE + n) | SR_USER_RW);
		sr_entry(&r, FIRST_TABLE + n, 0, FRAME(SR_DATA) | SR_USER_RW);
		sr_entry(&r, FIRST_TABLE + n, 1, FRAME(SR_DATA) | SR_USER_RW);
	}
	for (uint32_t n = 0; n < 13; n++)
		sr_read(&r, (2 + n) << 22);
	sr_read(&r, 2 << 22 | 1 << 12); /* the first table is of use again */
	sr_read(&r, (2 + 13) << 22);
	CU_ASSERT_EQUAL(sr_stats(&r).recycled, 2); /* and the root of before paging was on */
	CU_ASSERT_TRUE(shadow_is_tracked(r.s, FIRST_TABLE));
	CU_ASSERT_FALSE(shadow_is_tracked(r.s, FIRST_TABLE + 1));
	CU_ASSERT_EQUAL(sr_read(&r, 2 << 22).exits, 0);
	CU_ASSERT_EQUAL(sr_read(&r, 3 << 22).exits, 1);
	shadow_rig_end(&r);
}

static void hardware_is_flushed_before_a_page_has_another_use(void)
{
	struct shadow_rig r;
	unsigned flushes;

	shadow_rig_begin(&r, SHADOW_STRICT, X86_TLB_NORMAL, SHADOW_MIN_PAGES);
	many_tables(&r, 20);
	for (uint32_t n = 0; n < 8; n++)
		sr_read(&r, lin_of(n));
	for (uint32_t n = 8; n < 20; n++) {
		flushes = r.flushes;
		sr_read(&r, lin_of(n));
		CU_ASSERT_TRUE(r.flushes > flushes || !sr_stats(&r).recycled);
	}
	CU_ASSERT_TRUE(sr_stats(&r).recycled);
	shadow_rig_end(&r);
}

static void root_in_use_is_never_taken(void)
{
	struct shadow_rig r;
	uint64_t root;

	shadow_rig_begin(&r, SHADOW_STRICT, X86_TLB_NORMAL, SHADOW_MIN_PAGES);
	many_tables(&r, 40);
	root = shadow_root(r.s);
	for (uint32_t n = 0; n < 40; n++) {
		sr_read(&r, lin_of(n));
		CU_ASSERT_EQUAL(shadow_root(r.s), root);
	}
	/* roots that are not in use are, and are made again */
	for (uint32_t n = 0; n < 30; n++)
		sr_set_cr3(&r, FRAME(FIRST_TABLE + 0x180 + n));
	sr_set_cr3(&r, FRAME(SR_DIR));
	CU_ASSERT_EQUAL(sr_read(&r, lin_of(0)).gpa, FRAME(FIRST_TABLE + 0x100));
	shadow_rig_end(&r);
}

static void too_small_and_too_large_a_pool_is_refused_by_name(void)
{
	static const uint32_t bad[] = { 0, SHADOW_MIN_PAGES - 1, SHADOW_MAX_PAGES + 1 };
	struct shadow_config config = { .ctx = NULL };
	struct shadow *s = NULL;

	for (unsigned n = 0; n < ARRAY_SIZE(bad); n++) {
		struct diag d = { .text = "" };

		config.pages = bad[n];
		CU_ASSERT_EQUAL(shadow_create(&s, &config, &d), -EINVAL);
		CU_ASSERT_PTR_NULL(s);
		CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "give --shadow-pages from 12 to 1048576"));
	}
}

static void reset_forgets_all_tables(void)
{
	struct shadow_rig r;

	shadow_rig_begin(&r, SHADOW_UNSYNC, X86_TLB_NORMAL, 64);
	many_tables(&r, 5);
	sr_entry(&r, SR_TABLE, 9, FRAME(FIRST_TABLE) | SR_USER_RW);
	for (uint32_t n = 0; n < 5; n++)
		sr_read(&r, lin_of(n));
	sr_write(&r, SR_LIN + FRAME(9) + 4, 0); /* one is out of sync */
	memset(r.ram, 0, SR_HOLE << PAGE_SHIFT);
	memset(r.ram + FRAME(SR_HOLE_END), 0, FRAME(SR_FRAMES - SR_HOLE_END));
	shadow_reset(r.s);
	CU_ASSERT_EQUAL(sr_stats(&r).pool_used, 1);
	for (uint32_t n = 0; n < SR_FRAMES; n++)
		CU_ASSERT_FALSE(shadow_is_tracked(r.s, n));
	CU_ASSERT_TRUE(sr_read(&r, lin_of(0)).fault);
	shadow_rig_end(&r);
}

/* --- the audit -------------------------------------------------------------------------------- */

/* A shadow with a filled page at SR_LIN. */
static void begin_filled(struct shadow_rig *r)
{
	shadow_rig_begin(r, SHADOW_STRICT, X86_TLB_NORMAL, 64);
	sr_entry(r, SR_TABLE, 0, FRAME(SR_DATA) | SR_USER_RW);
	sr_write(r, SR_LIN, 1);
}

/*
 * Break the guest's entry behind the shadow's back; the audit must say so. Put back, it is content.
 */
static void guest_entry_broken(uint32_t clear, uint32_t set, const char *says)
{
	struct shadow_rig r;
	uint32_t old, value;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	begin_filled(&r);
	old = sr_entry_get(&r, SR_TABLE, 0);
	value = (old & ~clear) | set;
	memcpy(r.ram + FRAME(SR_TABLE), &value, sizeof(value));
	CU_ASSERT_NOT_EQUAL(shadow_audit(r.s, out), 0);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
	free(text);
	memcpy(r.ram + FRAME(SR_TABLE), &old, sizeof(old));
	shadow_rig_end(&r);
}

static void audit_finds_a_leaf_that_the_guest_does_not_give(void)
{
	guest_entry_broken(PTE_P, 0, "the guest's entry gives 0x0");
	guest_entry_broken(PTE_A, 0, "the guest's entry gives 0x0");
	guest_entry_broken(0xfffff000, FRAME(SR_DATA + 1), "the guest's entry gives");
	guest_entry_broken(PTE_D, 0, "more rights");
	guest_entry_broken(PTE_W, 0, "more rights");
	guest_entry_broken(PTE_U, 0, "more rights");
}

static void audit_finds_a_link_that_leads_elsewhere(void)
{
	struct shadow_rig r;
	uint32_t old, zero = 0;

	begin_filled(&r);
	old = sr_entry_get(&r, SR_DIR, 1);
	memcpy(r.ram + FRAME(SR_DIR) + 4, &zero, sizeof(zero));
	CU_ASSERT_NOT_EQUAL(shadow_audit(r.s, NULL), 0);
	memcpy(r.ram + FRAME(SR_DIR) + 4, &old, sizeof(old));
	shadow_rig_end(&r);
}

static void audit_finds_a_pool_that_holds_something_else(void)
{
	struct shadow_rig r;
	uint64_t leaf;

	begin_filled(&r);
	leaf = sr_leaf(&r, SR_LIN);
	for (size_t n = 0; n < 64 * SHADOW_ENTRIES; n++) {
		if (r.pool[n] != leaf)
			continue;
		r.pool[n] = leaf | 1ull << 58;
		CU_ASSERT_EQUAL(shadow_audit(r.s, NULL), 1);
		r.pool[n] = leaf;
	}
	shadow_rig_end(&r);
}

/* --- the dump --------------------------------------------------------------------------------- */

static void dump_gives_each_difference_its_reason(void)
{
	static const struct {
		uint32_t index;
		const char *line; /* the start, up to the rights */
		const char *why;
	} want[] = {
		{ 0, "00400000-00400fff  0x00120000 WUAD-  0x500120000 WU", "" },
		{ 1, "00401000-00401fff  0x00121000 WU---  -", "A is clear" },
		{ 2, "00402000-00402fff  0x00122000 WUA--  0x500122000 -U", "D is clear" },
		{ 3, "00403000-00403fff  0x00112000 WUAD-  0x500112000 -U", "a page table" },
		{ 4, "00404000-00404fff  0x000a0000 WU---  -", "no RAM there" },
		{ 5, "00405000-00405fff  0x00123000 WUA--  -", "not filled" },
	};
	struct shadow_rig r;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	begin_filled(&r);
	sr_entry(&r, SR_TABLE, 1, FRAME(SR_DATA + 1) | SR_USER_RW);
	sr_entry(&r, SR_TABLE, 2, FRAME(SR_DATA + 2) | SR_USER_RW);
	sr_entry(&r, SR_TABLE, 3, FRAME(SR_TABLE) | SR_USER_RW);
	sr_entry(&r, SR_TABLE, 4, FRAME(SR_HOLE) | SR_USER_RW);
	sr_read(&r, SR_LIN);
	sr_read(&r, SR_LIN + FRAME(2));
	sr_write(&r, SR_LIN + FRAME(3) + 5 * 4, FRAME(SR_DATA + 3) | SR_USER_RW);
	/* by hand, so that no entry is made in advance */
	r.ram[FRAME(SR_TABLE) + 5 * 4] |= PTE_A;
	shadow_dump(r.s, out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "CR3 0x00110000, CR0.WP 1, CR4.PSE 1, CR4.PGE 0"));
	CU_ASSERT_PTR_NULL(strstr(text, "NOT LEGAL"));
	for (unsigned n = 0; n < ARRAY_SIZE(want); n++) {
		const char *line = strstr(text, want[n].line);

		CU_ASSERT_PTR_NOT_NULL(line);
		if (!line) {
			fprintf(stderr, "no \"%s\" in\n%s", want[n].line, text);
			continue;
		}
		line += strlen(want[n].line);
		line += strspn(line, " ");
		CU_ASSERT_EQUAL(strncmp(line, want[n].why, strlen(want[n].why)), 0);
		CU_ASSERT_TRUE(want[n].why[0] || *line == '\n');
	}
	free(text);
	shadow_rig_end(&r);
}

static void every_event_has_a_name(void)
{
	for (unsigned n = 0; n < SHADOW_EV_KINDS; n++)
		CU_ASSERT_PTR_NOT_NULL(shadow_event_name((enum shadow_what)n));
}

static const struct unit_test tests[] = {
	UNIT_TEST(smallest_pool_runs_any_number_of_tables),
	UNIT_TEST(smallest_pool_holds_what_one_instruction_needs),
	UNIT_TEST(page_of_no_use_for_the_longest_time_is_taken),
	UNIT_TEST(hardware_is_flushed_before_a_page_has_another_use),
	UNIT_TEST(root_in_use_is_never_taken),
	UNIT_TEST(too_small_and_too_large_a_pool_is_refused_by_name),
	UNIT_TEST(reset_forgets_all_tables),
	UNIT_TEST(audit_finds_a_leaf_that_the_guest_does_not_give),
	UNIT_TEST(audit_finds_a_link_that_leads_elsewhere),
	UNIT_TEST(audit_finds_a_pool_that_holds_something_else),
	UNIT_TEST(dump_gives_each_difference_its_reason),
	UNIT_TEST(every_event_has_a_name),
	UNIT_END,
};

extern const struct unit_suite suite_shadow_pool;
const struct unit_suite suite_shadow_pool = { "shadow_pool", tests };
