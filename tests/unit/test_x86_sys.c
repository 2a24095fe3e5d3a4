// SPDX-License-Identifier: MIT
/*
 * Segment loads, questions about descriptors, and system instructions. Expectations are those of
 * the Intel SDM, vol. 2, under each instruction.
 */
#include <string.h>

#include "unit.h"
#include "x86_fixture.h"

#define NONE (-1)
#define NOT_PRESENT(attr) ((attr) & ~SEG_P)
#define CODE_EXECUTE_ONLY (FIX_CODE32(0) & ~SEG_WRITE)
#define CODE_CONFORMING (FIX_CODE32(0) | SEG_EXPDOWN)
#define DATA_READ_ONLY (FIX_DATA32(0) & ~SEG_WRITE)

static void begin(struct x86_fixture *x, unsigned cpl)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_level(x, cpl);
}

/* --- segment loads ---------------------------------------------------------------------------- */

struct load_case {
	unsigned cpl, selector, attr;
	int vector;
	uint32_t error;
};

/* Each case in a machine of its own: `code` loads AX. */
static void check_loads(const void *code, size_t bytes, unsigned sreg, const struct load_case *t,
			size_t cases)
{
	for (size_t n = 0; n < cases; n++, t++) {
		struct x86_fixture x;

		begin(&x, t->cpl);
		fixture_descriptor(&x, FIX_FREE, 0x1000, 0xff, t->attr);
		fixture_descriptor(&x, 0x0c, 0x2000, 0xff, t->attr);
		x.s.gpr[X86_EAX] = t->selector;
		fixture_set(&x);
		fixture_run(&x, code, bytes, 1);
		if (t->vector == NONE) {
			CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + bytes);
			CU_ASSERT_EQUAL(x.s.seg[sreg].selector, t->selector);
		} else {
			fixture_expect_fault(&x, t->vector, t->error, 0);
			CU_ASSERT_FALSE(fixture_type(&x, FIX_FREE) & SEG_ACCESSED);
		}
		fixture_end(&x);
	}
}

static void data_segment_load_checks_type_rights_and_presence(void)
{
	static const struct load_case cases[] = {
		{ 0, 0x40, FIX_DATA32(0), NONE, 0 },
		{ 0, 0x43, FIX_DATA32(3), NONE, 0 },
		{ 0, 0x40, DATA_READ_ONLY, NONE, 0 },
		{ 0, 0x40, FIX_CODE32(0), NONE, 0 },
		{ 0, 0x0c, FIX_DATA32(0), NONE, 0 },
		{ 3, 0x43, FIX_DATA32(3), NONE, 0 },
		{ 3, 0x40, FIX_DATA32(3), NONE, 0 },
		{ 3, 0x43, CODE_CONFORMING, NONE, 0 },
		{ 0, 0x00, FIX_DATA32(0), NONE, 0 },
		{ 3, 0x03, FIX_DATA32(0), NONE, 0 },
		{ 0, 0x43, FIX_DATA32(0), VEC_GP, 0x40 },
		{ 3, 0x40, FIX_DATA32(0), VEC_GP, 0x40 },
		{ 3, 0x43, FIX_CODE32(0), VEC_GP, 0x40 },
		{ 0, 0x40, CODE_EXECUTE_ONLY, VEC_GP, 0x40 },
		{ 0, 0x40, FIX_SYSTEM(SYS_LDT, 0), VEC_GP, 0x40 },
		{ 0, 0x40, NOT_PRESENT(FIX_DATA32(0)), VEC_NP, 0x40 },
		{ 3, 0x40, NOT_PRESENT(FIX_DATA32(0)), VEC_GP, 0x40 },
		{ 0, 0x100, FIX_DATA32(0), VEC_GP, 0x100 },
		{ 0, 0x44, FIX_DATA32(0), VEC_GP, 0x44 },
	};

	check_loads("\x8e\xd8", 2, X86_DS, cases, ARRAY_SIZE(cases));
}

static void descriptor_must_lie_in_the_table_whole(void)
{
	for (uint16_t limit = 0x40; limit <= 0x47; limit++) {
		struct x86_fixture x;

		begin(&x, 0);
		fixture_descriptor(&x, FIX_FREE, 0, 0xff, FIX_DATA32(0));
		x.s.gdtr.limit = limit;
		x.s.gpr[X86_EAX] = FIX_FREE;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x8e\xd8", 1);
		if (limit == 0x47)
			CU_ASSERT_EQUAL(x.s.seg[X86_DS].selector, FIX_FREE)
		else
			fixture_expect_fault(&x, VEC_GP, FIX_FREE, 0);
		fixture_end(&x);
	}
}

static void stack_segment_load_wants_writable_data_of_exactly_cpl(void)
{
	static const struct load_case cases[] = {
		{ 0, 0x40, FIX_DATA32(0), NONE, 0 },
		{ 3, 0x43, FIX_DATA32(3), NONE, 0 },
		{ 0, 0x00, FIX_DATA32(0), VEC_GP, 0 },
		{ 0, 0x43, FIX_DATA32(0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_DATA32(3), VEC_GP, 0x40 },
		{ 3, 0x40, FIX_DATA32(3), VEC_GP, 0x40 },
		{ 0, 0x40, DATA_READ_ONLY, VEC_GP, 0x40 },
		{ 0, 0x40, FIX_CODE32(0), VEC_GP, 0x40 },
		{ 0, 0x40, NOT_PRESENT(FIX_DATA32(0)), VEC_SS, 0x40 },
	};

	check_loads("\x8e\xd0", 2, X86_SS, cases, ARRAY_SIZE(cases));
}

static void segment_load_unpacks_the_descriptor_and_sets_accessed(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_descriptor(&x, FIX_FREE, 0x12345678, 0x00001, FIX_DATA32(0));
	x.s.gpr[X86_EAX] = FIX_FREE;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x8e\xe0", 1); /* mov fs, ax */
	CU_ASSERT_EQUAL(x.s.seg[X86_FS].base, 0x12345678);
	CU_ASSERT_EQUAL(x.s.seg[X86_FS].limit, 0x1fff);
	CU_ASSERT_EQUAL(x.s.seg[X86_FS].attr, FIX_DATA32(0) | SEG_ACCESSED);
	CU_ASSERT_EQUAL(fixture_type(&x, FIX_FREE), 0x93);
	fixture_end(&x);
}

static void segment_load_faults_before_commit_if_accessed_cannot_be_written(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_paging(&x);
	fixture_descriptor(&x, FIX_FREE, 0, 0xff, FIX_DATA32(0));
	x.rights[FIX_GDT >> PAGE_SHIFT] = FIX_PRESENT;
	x.s.gpr[X86_EAX] = FIX_FREE;
	fixture_set(&x);
	/* the handler's code segment must be accessed already */
	x.ram[FIX_GDT + FIX_KCODE + 5] |= SEG_ACCESSED;
	FIXTURE_RUN(&x, "\x8e\xd8", 1);
	fixture_expect_fault(&x, VEC_PF, PF_P | PF_W, 0);
	CU_ASSERT_EQUAL(x.s.cr2, FIX_GDT + FIX_FREE + 5);
	CU_ASSERT_EQUAL(x.s.seg[X86_DS].selector, FIX_KDATA);
	fixture_end(&x);
}

static void null_segment_faults_at_use(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x8e\xd8\xa1\x00\x50\x00\x00", 3); /* mov ds, ax; mov eax, [0x5000] */
	fixture_expect_fault(&x, VEC_GP, 0, 2);
	fixture_end(&x);
}

static void mov_ss_and_pop_ss_hold_interrupts_for_one_instruction(void)
{
	static const struct {
		const char *code;
		size_t bytes;
		bool holds;
	} cases[] = {
		{ "\x8e\xd0\x90\x90", 2, true },      /* mov ss, ax */
		{ "\x17\x90\x90", 1, true },	      /* pop ss */
		{ "\x8e\xd8\x90\x90", 2, false },     /* mov ds, ax */
		{ "\x0f\xb2\x23\x90\x90", 3, false }, /* lss esp, [ebx] */
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.gpr[X86_EAX] = FIX_KDATA;
		x.s.gpr[X86_EBX] = FIX_DATA;
		x.s.gpr[X86_ESP] = FIX_ESP0 - 8;
		x.s.eflags |= EFLAGS_IF;
		fixture_set(&x);
		fixture_write32(&x, FIX_ESP0 - 8, FIX_KDATA);
		fixture_write32(&x, FIX_DATA, FIX_ESP0 - 4);
		fixture_write32(&x, FIX_DATA + 4, FIX_KDATA);
		fixture_run(&x, cases[n].code, cases[n].bytes + 2, 1);
		CU_ASSERT_EQUAL(x86_interrupt_ready(x.cpu), !cases[n].holds);
		CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + cases[n].bytes);
		fixture_continue(&x, 1);
		CU_ASSERT_TRUE(x86_interrupt_ready(x.cpu));
		fixture_end(&x);
	}
}

static void pop_segment_that_faults_keeps_esp(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	x.s.gpr[X86_ESP] = FIX_ESP3 - 4;
	fixture_set(&x);
	fixture_write32(&x, FIX_ESP3 - 4, FIX_KDATA);
	FIXTURE_RUN(&x, "\x07", 1); /* pop es */
	fixture_expect_fault(&x, VEC_GP, FIX_KDATA, 0);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), FIX_ESP3 - 4);
	fixture_end(&x);
}

static void push_and_pop_of_segments_use_the_operand_size(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	FIXTURE_RUN(&x, "\x66\x1e\x66\x0f\xa1\x1e", 2); /* push ds (16 bits); pop fs (16 bits) */
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0);
	CU_ASSERT_EQUAL(x.s.seg[X86_FS].selector, FIX_KDATA);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 4);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 4), FIX_KDATA);
	fixture_end(&x);
}

static void far_pointer_load_commits_both_or_nothing(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0x11111111;
	fixture_set(&x);
	fixture_write32(&x, FIX_DATA, 0xcafef00d);
	fixture_write32(&x, FIX_DATA + 4, FIX_UDATA);
	FIXTURE_RUN(&x, "\xc4\x05\x00\x50\x00\x00", 1); /* les eax, [0x5000] */
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xcafef00d);
	CU_ASSERT_EQUAL(x.s.seg[X86_ES].selector, FIX_UDATA);
	fixture_write32(&x, FIX_DATA, 0x12345678);
	fixture_write32(&x, FIX_DATA + 4, 0x100);
	FIXTURE_RUN(&x, "\xc4\x05\x00\x50\x00\x00", 1);
	fixture_expect_fault(&x, VEC_GP, 0x100, 0);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xcafef00d);
	CU_ASSERT_EQUAL(x.s.seg[X86_ES].selector, FIX_UDATA);
	fixture_end(&x);
}

static void mov_from_segment_clears_the_upper_half_of_a_register(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = x.s.gpr[X86_ECX] = 0xffffffff;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x8c\xd8\x66\x8c\xd9", 2); /* mov eax, ds; mov cx, ds */
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], FIX_KDATA);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ECX], 0xffff0000 | FIX_KDATA);
	fixture_end(&x);
}

/* --- LAR, LSL, VERR, VERW, ARPL --------------------------------------------------------------- */

struct answer_case {
	unsigned cpl, selector, attr;
	uint32_t lar, lsl; /* 0: ZF is clear */
	bool verr, verw;
};

/* The answer of one instruction on CX: EAX, or 1 without a destination; 0 if ZF is clear. */
static uint32_t ask(struct x86_fixture *x, const char *code, bool has_value)
{
	const uint32_t before = 0x77777777;

	x->s.gpr[X86_EAX] = before;
	x->s.eflags ^= EFLAGS_ZF;
	fixture_set(x);
	fixture_run(x, code, 3, 1);
	CU_ASSERT_EQUAL(x->s.eip, FIX_CODE + 3);
	if (!(x->s.eflags & EFLAGS_ZF)) {
		CU_ASSERT_EQUAL(x->s.gpr[X86_EAX], before);
		return 0;
	}
	return has_value ? x->s.gpr[X86_EAX] : 1;
}

static void descriptor_questions_answer_by_type_and_rights(void)
{
	/* limit field 0xffabc: LSL gives 0xffabcfff with G, 0xffabc without */
	static const struct answer_case cases[] = {
		{ 0, 0x40, FIX_DATA32(0), 0x00c09200, 0xffabcfff, true, true },
		{ 0, 0x40, DATA_READ_ONLY, 0x00c09000, 0xffabcfff, true, false },
		{ 0, 0x40, FIX_CODE32(0), 0x00c09a00, 0xffabcfff, true, false },
		{ 0, 0x40, CODE_EXECUTE_ONLY, 0x00c09800, 0xffabcfff, false, false },
		{ 0, 0x40, NOT_PRESENT(FIX_DATA32(0)), 0x00c01200, 0xffabcfff, true, true },
		{ 0, 0x43, FIX_DATA32(0), 0, 0, false, false },
		{ 3, 0x40, FIX_DATA32(0), 0, 0, false, false },
		{ 3, 0x43, FIX_DATA32(3), 0x00c0f200, 0xffabcfff, true, true },
		{ 3, 0x43, CODE_CONFORMING, 0x00c09e00, 0xffabcfff, true, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS32, 0), 0x00008900, 0xffabc, false, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS16_BUSY, 0), 0x00008300, 0xffabc, false, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_LDT, 0), 0x00008200, 0xffabc, false, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_CALL32, 0), 0x00008c00, 0, false, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_TASK, 0), 0x00008500, 0, false, false },
		{ 0, 0x40, FIX_SYSTEM(SYS_INT32, 0), 0, 0, false, false },
		{ 0, 0x40, FIX_SYSTEM(0, 0), 0, 0, false, false },
		{ 0, 0x00, FIX_DATA32(0), 0, 0, false, false },
		{ 0, 0x100, FIX_DATA32(0), 0, 0, false, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, cases[n].cpl);
		fixture_descriptor(&x, FIX_FREE, 0, 0xffabc, cases[n].attr);
		x.s.gpr[X86_ECX] = cases[n].selector;
		CU_ASSERT_EQUAL(ask(&x, "\x0f\x02\xc1", true), cases[n].lar);
		CU_ASSERT_EQUAL(ask(&x, "\x0f\x03\xc1", true), cases[n].lsl);
		CU_ASSERT_EQUAL(ask(&x, "\x0f\x00\xe1", false), cases[n].verr);
		CU_ASSERT_EQUAL(ask(&x, "\x0f\x00\xe9", false), cases[n].verw);
		fixture_end(&x);
	}
}

static void arpl_raises_rpl_and_says_so(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0xffff0011;
	x.s.gpr[X86_ECX] = 0x3;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x63\xc8", 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xffff0013);
	CU_ASSERT_TRUE(x.s.eflags & EFLAGS_ZF);
	x.s.gpr[X86_ECX] = 0x2;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x63\xc8", 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xffff0013);
	CU_ASSERT_FALSE(x.s.eflags & EFLAGS_ZF);
	fixture_end(&x);
}

/* --- descriptor-table registers --------------------------------------------------------------- */

static void load_and_store_of_tables_cut_the_base_at_16_bits(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_write32(&x, FIX_DATA, 0x007f5678);
	fixture_write32(&x, FIX_DATA + 4, 0x0000ab12);
	/* the descriptor is 5678, ab12007f: lidt [0x5000]; sidt [0x5010] */
	FIXTURE_RUN(&x, "\x0f\x01\x1d\x00\x50\x00\x00\x0f\x01\x0d\x10\x50\x00\x00", 2);
	CU_ASSERT_EQUAL(x.s.idtr.base, 0xab12007f);
	CU_ASSERT_EQUAL(x.s.idtr.limit, 0x5678);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA + 0x10), 0x007f5678);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_DATA + 0x14), 0xab12);
	/* with a 16-bit operand size: sidt, then lidt */
	FIXTURE_RUN(&x,
		    "\x66\x0f\x01\x0d\x20\x50\x00\x00"
		    "\x66\x0f\x01\x1d\x00\x50\x00\x00",
		    2);
	CU_ASSERT_EQUAL(x.s.idtr.base, 0x0012007f);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_DATA + 0x24), 0x0012);
	fixture_end(&x);
}

static void ltr_takes_an_available_tss_of_the_gdt_and_makes_it_busy(void)
{
	static const struct load_case cases[] = {
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS32, 0), NONE, 0 },
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS16, 0), NONE, 0 },
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS32_BUSY, 0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_SYSTEM(SYS_LDT, 0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_DATA32(0), VEC_GP, 0x40 },
		{ 0, 0x40, NOT_PRESENT(FIX_SYSTEM(SYS_TSS32, 0)), VEC_NP, 0x40 },
		{ 0, 0x0c, FIX_SYSTEM(SYS_TSS32, 0), VEC_GP, 0x0c },
		{ 0, 0x00, FIX_SYSTEM(SYS_TSS32, 0), VEC_GP, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		fixture_descriptor(&x, FIX_FREE, 0x6000, 0x67, cases[n].attr);
		fixture_descriptor(&x, 0x0c, 0x6000, 0x67, cases[n].attr);
		x.s.gpr[X86_EAX] = cases[n].selector;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x0f\x00\xd8", 1);
		if (cases[n].vector == NONE) {
			CU_ASSERT_EQUAL(x.s.seg[X86_TR].selector, 0x40);
			CU_ASSERT_EQUAL(x.s.seg[X86_TR].base, 0x6000);
			CU_ASSERT_EQUAL(x.s.seg[X86_TR].attr, cases[n].attr | 2);
			CU_ASSERT_EQUAL(fixture_type(&x, 0x40), cases[n].attr | 2);
		} else {
			fixture_expect_fault(&x, cases[n].vector, cases[n].error, 0);
			CU_ASSERT_EQUAL(x.s.seg[X86_TR].selector, FIX_TR);
		}
		fixture_end(&x);
	}
}

static void lldt_takes_null_or_an_ldt_of_the_gdt(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_descriptor(&x, FIX_FREE, 0x6000, 0x1f, FIX_SYSTEM(SYS_LDT, 0));
	x.s.gpr[X86_EAX] = FIX_FREE;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x00\xd0\x0f\x00\xc1", 2); /* lldt ax; sldt ecx */
	CU_ASSERT_EQUAL(x.s.seg[X86_LDTR].base, 0x6000);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ECX], FIX_FREE);
	/* no LDT: a selector into it is outside its table */
	x.s.gpr[X86_EAX] = 0;
	x.s.gpr[X86_ECX] = 0x0c;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x00\xd0\x8e\xd9", 2); /* lldt ax; mov ds, cx */
	fixture_expect_fault(&x, VEC_GP, 0x0c, 3);
	x.s.gpr[X86_EAX] = FIX_TR;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x00\xd0", 1);
	fixture_expect_fault(&x, VEC_GP, FIX_TR, 0);
	fixture_end(&x);
}

static const struct unit_test tests[] = {
	UNIT_TEST(data_segment_load_checks_type_rights_and_presence),
	UNIT_TEST(descriptor_must_lie_in_the_table_whole),
	UNIT_TEST(stack_segment_load_wants_writable_data_of_exactly_cpl),
	UNIT_TEST(segment_load_unpacks_the_descriptor_and_sets_accessed),
	UNIT_TEST(segment_load_faults_before_commit_if_accessed_cannot_be_written),
	UNIT_TEST(null_segment_faults_at_use),
	UNIT_TEST(mov_ss_and_pop_ss_hold_interrupts_for_one_instruction),
	UNIT_TEST(pop_segment_that_faults_keeps_esp),
	UNIT_TEST(push_and_pop_of_segments_use_the_operand_size),
	UNIT_TEST(far_pointer_load_commits_both_or_nothing),
	UNIT_TEST(mov_from_segment_clears_the_upper_half_of_a_register),
	UNIT_TEST(descriptor_questions_answer_by_type_and_rights),
	UNIT_TEST(arpl_raises_rpl_and_says_so),
	UNIT_TEST(load_and_store_of_tables_cut_the_base_at_16_bits),
	UNIT_TEST(ltr_takes_an_available_tss_of_the_gdt_and_makes_it_busy),
	UNIT_TEST(lldt_takes_null_or_an_ldt_of_the_gdt),
	UNIT_END,
};

const struct unit_suite suite_x86_sys = { "x86_sys", tests };
