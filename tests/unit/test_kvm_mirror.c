// SPDX-License-Identifier: MIT
/* The CPU's copy of a deprivileged guest's descriptors. Encodings: Intel SDM vol. 3, 3.4.5. */
#include "engine/kvm_mirror.h"

#include "unit.h"

#define BASE 0xc0123000u
#define FRAME 0x123000u
#define CODE_LOW 0x0000ffffu
#define CODE_HIGH 0x00cf9b00u  /* DPL 0, accessed, D, G */
#define DATA3_HIGH 0x00cff300u /* DPL 3 */
#define DPL1_HIGH 0x00cfb300u  /* DPL 1 */
#define GATE_HIGH 0x0000ec00u  /* call gate, DPL 3 */
#define LONG_HIGH 0x00af9b00u  /* L set, D clear */
#define FRESH_HIGH 0x00cf9a00u /* not accessed */

static uint64_t slots[MIRROR_SLOTS];

static struct x86_segment flat(uint16_t selector, uint16_t attr)
{
	return (struct x86_segment){ .selector = selector, .attr = attr, .limit = 0xffffffff };
}

static void mirror_begin(struct mirror *m, uint32_t base, uint16_t limit)
{
	const struct x86_table table = { base, limit };

	for (unsigned n = 0; n < MIRROR_SLOTS; n++)
		slots[n] = 0;
	mirror_init(m, slots, 8184);
	mirror_table(m, &table);
}

static void dpl_0_becomes_dpl_1_and_comes_back_as_0(void)
{
	struct x86_segment code = flat(0x08, 0xc09b), back;
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	CU_ASSERT_FALSE(mirror_holds(&m, &code));
	CU_ASSERT_TRUE(mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME));
	CU_ASSERT_EQUAL(slots[1], 0x00cfbb000000ffffull);
	CU_ASSERT_TRUE(mirror_holds(&m, &code));
	CU_ASSERT_TRUE(mirror_segment(&m, 0x09, &back));
	CU_ASSERT_EQUAL(back.attr, 0xc09b);
	CU_ASSERT_EQUAL(back.selector, 0x09);
	CU_ASSERT_EQUAL(back.limit, 0xffffffff);
}

static void dpl_3_stays(void)
{
	struct x86_segment data = flat(0x23, 0xc0f3);
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	CU_ASSERT_TRUE(mirror_add(&m, &data, CODE_LOW, DATA3_HIGH, FRAME));
	CU_ASSERT_EQUAL(slots[4], 0x00cff3000000ffffull);
}

static void gates_other_rings_and_fresh_descriptors_are_not_mirrored(void)
{
	static const uint32_t high[] = { DPL1_HIGH, GATE_HIGH, FRESH_HIGH, CODE_HIGH & ~0x8000u };
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	for (unsigned n = 0; n < ARRAY_SIZE(high); n++) {
		struct x86_segment s = flat(0x08, (uint16_t)(high[n] >> 8 & 0xf0ff));

		CU_ASSERT_FALSE(mirror_add(&m, &s, CODE_LOW, high[n], FRAME));
	}
	CU_ASSERT_EQUAL(slots[1], 0);
}

static void a_64_bit_segment_loses_its_l_bit(void)
{
	struct x86_segment s = flat(0x08, 0xa09b);
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	CU_ASSERT_TRUE(mirror_add(&m, &s, CODE_LOW, LONG_HIGH, FRAME));
	CU_ASSERT_EQUAL(slots[1] >> 53 & 1, 0);
	CU_ASSERT_TRUE(mirror_holds(&m, &s));
}

static void the_monitors_slots_and_those_beyond_the_limit_are_refused(void)
{
	struct x86_segment top = flat(0xffc0, 0xc09b), beyond = flat(0x100, 0xc09b);
	struct mirror m;

	mirror_begin(&m, BASE, 0xffff);
	CU_ASSERT_FALSE(mirror_add(&m, &top, CODE_LOW, CODE_HIGH, FRAME + 0xf000));
	mirror_begin(&m, BASE, 0xff);
	CU_ASSERT_FALSE(mirror_add(&m, &beyond, CODE_LOW, CODE_HIGH, FRAME));
}

static void a_register_that_holds_something_else_makes_no_copy(void)
{
	struct x86_segment s = flat(0x08, 0xc09b);
	struct mirror m;

	s.base = 0x1000;
	mirror_begin(&m, BASE, 0xff);
	CU_ASSERT_FALSE(mirror_add(&m, &s, CODE_LOW, CODE_HIGH, FRAME));
}

static void a_store_drops_the_copies_it_touches_and_no_others(void)
{
	struct x86_segment code = flat(0x08, 0xc09b), data = flat(0x13, 0xc0f3);
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME);
	mirror_add(&m, &data, CODE_LOW, DATA3_HIGH, FRAME);
	mirror_stored(&m, FRAME + 0x18, 8);
	mirror_stored(&m, FRAME + PAGE_BYTES, 8);
	mirror_stored(&m, FRAME - 8, 8);
	CU_ASSERT_TRUE(mirror_holds(&m, &code) && mirror_holds(&m, &data));
	mirror_stored(&m, FRAME + 0xf, 1);
	CU_ASSERT_FALSE(mirror_holds(&m, &code));
	CU_ASSERT_TRUE(mirror_holds(&m, &data));
	mirror_stored(&m, FRAME + 0xc, 8);
	CU_ASSERT_FALSE(mirror_holds(&m, &data));
}

static void a_table_that_begins_in_mid_page_is_found_by_its_bytes(void)
{
	struct x86_segment code = flat(0x08, 0xc09b);
	struct mirror m;

	mirror_begin(&m, BASE + 0xff0, 0xff); /* slot 1 is the last of the first page */
	CU_ASSERT_TRUE(mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME));
	mirror_stored(&m, FRAME + 0xff7, 1);
	CU_ASSERT_TRUE(mirror_holds(&m, &code));
	mirror_stored(&m, FRAME + 0xff8, 1);
	CU_ASSERT_FALSE(mirror_holds(&m, &code));
	mirror_begin(&m, BASE + 0xff4, 0xff); /* slot 1 lies on both */
	CU_ASSERT_FALSE(mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME));
}

static void another_table_or_mapping_drops_all(void)
{
	const struct x86_table other = { BASE + 8, 0xff };
	struct x86_segment code = flat(0x08, 0xc09b);
	struct mirror m;

	mirror_begin(&m, BASE, 0xff);
	mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME);
	mirror_table(&m, &other);
	CU_ASSERT_FALSE(mirror_holds(&m, &code));
	mirror_add(&m, &code, CODE_LOW, CODE_HIGH, FRAME);
	mirror_drop_page(&m, 0);
	CU_ASSERT_FALSE(mirror_holds(&m, &code));
	CU_ASSERT_EQUAL(m.frame[0], MIRROR_NONE);
}

static const struct unit_test tests[] = {
	UNIT_TEST(dpl_0_becomes_dpl_1_and_comes_back_as_0),
	UNIT_TEST(dpl_3_stays),
	UNIT_TEST(gates_other_rings_and_fresh_descriptors_are_not_mirrored),
	UNIT_TEST(a_64_bit_segment_loses_its_l_bit),
	UNIT_TEST(the_monitors_slots_and_those_beyond_the_limit_are_refused),
	UNIT_TEST(a_register_that_holds_something_else_makes_no_copy),
	UNIT_TEST(a_store_drops_the_copies_it_touches_and_no_others),
	UNIT_TEST(a_table_that_begins_in_mid_page_is_found_by_its_bytes),
	UNIT_TEST(another_table_or_mapping_drops_all),
	UNIT_END,
};

const struct unit_suite suite_kvm_mirror = { "kvm_mirror", tests };
