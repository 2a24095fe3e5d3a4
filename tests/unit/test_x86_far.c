// SPDX-License-Identifier: MIT
/*
 * Far JMP, CALL and RET, call gates, and IRET. Expectations are those of the Intel SDM: vol. 2
 * under each instruction, vol. 3, 5.8.
 */
#include <string.h>

#include "unit.h"
#include "x86_fixture.h"

#define THERE 0x18000u /* where the far branches of this file go */
#define IOPL(n) ((uint32_t)(n) << 12)
#define CONFORMING(dpl) (FIX_CODE32(dpl) | SEG_EXPDOWN)

static void begin(struct x86_fixture *x, unsigned cpl)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_level(x, cpl);
	fixture_write(x, THERE, "\xeb\xfe", 2); /* jmp to itself */
}

/* opcode, offset THERE or `offset`, selector */
static void run_far(struct x86_fixture *x, uint8_t opcode, uint32_t offset, unsigned selector)
{
	uint8_t code[7] = { opcode };

	memcpy(code + 1, &offset, 4);
	memcpy(code + 5, &selector, 2);
	fixture_run(x, code, sizeof(code), 1);
}

#define OPCODE_CALL 0x9a
#define OPCODE_JMP 0xea

/* --- direct ----------------------------------------------------------------------------------- */

struct direct_case {
	unsigned cpl, selector, attr; /* of FIX_FREE */
	int vector;
	uint32_t result; /* error code, or CS */
};

static void far_jump_and_call_check_the_code_segment(void)
{
	static const struct direct_case cases[] = {
		{ 0, 0x40, FIX_CODE32(0), -1, 0x40 },
		{ 3, 0x43, FIX_CODE32(3), -1, 0x43 },
		{ 3, 0x40, FIX_CODE32(3), -1, 0x43 },
		{ 3, 0x43, CONFORMING(0), -1, 0x43 },
		{ 0, 0x43, CONFORMING(0), -1, 0x40 },
		{ 0, 0x40, CONFORMING(3), VEC_GP, 0x40 },
		{ 0, 0x43, FIX_CODE32(0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_CODE32(3), VEC_GP, 0x40 },
		{ 3, 0x43, FIX_CODE32(0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_CODE32(0) & ~SEG_P, VEC_NP, 0x40 },
		{ 0, 0x40, FIX_DATA32(0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_SYSTEM(SYS_LDT, 0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_SYSTEM(SYS_INT32, 0), VEC_GP, 0x40 },
		{ 0, 0x40, FIX_SYSTEM(SYS_TSS32_BUSY, 0), VEC_GP, 0x40 },
		{ 0, 0x00, FIX_CODE32(0), VEC_GP, 0 },
		{ 0, 0x100, FIX_CODE32(0), VEC_GP, 0x100 },
		/* 16 pages: THERE lies beyond */
		{ 0, 0x48, FIX_CODE32(0), VEC_GP, 0 },
	};

	for (size_t n = 0; n < 2 * ARRAY_SIZE(cases); n++) {
		const struct direct_case *t = &cases[n / 2];
		struct x86_fixture x;

		begin(&x, t->cpl);
		fixture_descriptor(&x, FIX_FREE, 0, 0xfffff, t->attr);
		fixture_descriptor(&x, FIX_FREE + 8, 0, 0xf, t->attr);
		run_far(&x, n & 1 ? OPCODE_CALL : OPCODE_JMP, THERE, t->selector);
		if (t->vector >= 0) {
			fixture_expect_fault(&x, t->vector, t->result, 0);
		} else {
			CU_ASSERT_EQUAL(x.s.eip, THERE);
			CU_ASSERT_EQUAL(x.s.seg[X86_CS].selector, t->result);
			CU_ASSERT_EQUAL(x.s.cpl, t->cpl);
			CU_ASSERT_TRUE(fixture_type(&x, FIX_FREE) & SEG_ACCESSED);
		}
		fixture_end(&x);
	}
}

static void far_call_pushes_cs_and_the_next_eip_and_far_ret_takes_them(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_write(&x, THERE, "\xca\x08\x00", 3); /* retf 8 */
	run_far(&x, OPCODE_CALL, THERE, FIX_KCODE);
	CU_ASSERT_EQUAL(x.s.eip, THERE);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 8);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE + 7);
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_KCODE);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 7);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 + 8);
	fixture_end(&x);
}

static void far_call_with_16_bit_operands_pushes_words_and_cuts_eip(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_write32(&x, FIX_DATA, 0x00087000);
	fixture_write(&x, 0x7000, "\x66\xcb", 2);	    /* retf, 16 bits */
	FIXTURE_RUN(&x, "\x66\xff\x1d\x00\x50\x00\x00", 1); /* call far 16:16 [FIX_DATA] */
	CU_ASSERT_EQUAL(x.s.eip, 0x7000);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 4);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 4), 0x0007);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 2), FIX_KCODE);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.eip, 0x0007);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0);
	fixture_end(&x);
}

static void far_call_that_cannot_push_changes_nothing(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_paging(&x);
	/* there is a page for CS, and none for EIP */
	x.s.gpr[X86_ESP] = 0x6004;
	x.rights[0x5] = 0;
	fixture_write32(&x, 0x6000, 0x55555555);
	fixture_set(&x);
	run_far(&x, OPCODE_CALL, THERE, FIX_UCODE);
	fixture_expect_fault(&x, VEC_PF, PF_W | PF_U, 0);
	CU_ASSERT_EQUAL(x.s.cr2, 0x5ffc);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), 0x6004);
	CU_ASSERT_EQUAL(fixture_read32(&x, 0x6000), 0x55555555);
	fixture_end(&x);
}

static void tss_and_task_gate_stop_with_a_text_once_rights_are_checked(void)
{
	static const struct {
		unsigned cpl, attr;
		uint8_t opcode;
		int vector;
		const char *text;
	} cases[] = {
		{ 0, FIX_SYSTEM(SYS_TSS32, 0), OPCODE_JMP, -1, "far jump to a TSS" },
		{ 0, FIX_SYSTEM(SYS_TSS16, 0), OPCODE_CALL, -1, "far call to a TSS" },
		{ 3, FIX_SYSTEM(SYS_TASK, 3), OPCODE_JMP, -1, "far jump to a task gate" },
		{ 3, FIX_SYSTEM(SYS_TASK, 0), OPCODE_JMP, VEC_GP, NULL },
		{ 3, FIX_SYSTEM(SYS_TSS32, 0), OPCODE_CALL, VEC_GP, NULL },
		{ 0, SYS_TSS32, OPCODE_JMP, VEC_NP, NULL },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, cases[n].cpl);
		fixture_descriptor(&x, FIX_FREE, 0, 0x67, cases[n].attr);
		run_far(&x, cases[n].opcode, 0, FIX_FREE);
		if (cases[n].text)
			CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, cases[n].text))
		else
			fixture_expect_fault(&x, cases[n].vector, FIX_FREE, 0);
		fixture_end(&x);
	}
}

/* --- call gates ------------------------------------------------------------------------------- */

static void call_gate_switches_stacks_copies_parameters_and_far_ret_undoes_it(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_gate(&x, fixture_slot(FIX_FREE), FIX_KCODE, THERE, FIX_SYSTEM(SYS_CALL32, 3), 2);
	fixture_write(&x, THERE, "\x8e\xd8\xca\x08\x00", 5); /* mov ds, ax; retf 8 */
	fixture_write32(&x, FIX_ESP3 - 8, 0xaaaaaaaa);
	fixture_write32(&x, FIX_ESP3 - 4, 0xbbbbbbbb);
	x.s.gpr[X86_ESP] = FIX_ESP3 - 8;
	x.s.gpr[X86_EAX] = FIX_KDATA;
	fixture_set(&x);
	run_far(&x, OPCODE_CALL, 0x99999999, FIX_FREE | 3); /* the offset is not used */
	CU_ASSERT_EQUAL(x.s.eip, THERE);
	CU_ASSERT_EQUAL(x.s.cpl, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_CS].selector, FIX_KCODE);
	CU_ASSERT_EQUAL(x.s.seg[X86_SS].selector, FIX_KDATA);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 24);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE + 7);
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_UCODE);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), 0xaaaaaaaa);
	CU_ASSERT_EQUAL(fixture_stack(&x, 3), 0xbbbbbbbb);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), FIX_ESP3 - 8);
	CU_ASSERT_EQUAL(fixture_stack(&x, 5), FIX_UDATA);
	fixture_continue(&x, 2);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 7);
	CU_ASSERT_EQUAL(x.s.cpl, 3);
	CU_ASSERT_EQUAL(x.s.seg[X86_CS].selector, FIX_UCODE);
	CU_ASSERT_EQUAL(x.s.seg[X86_SS].selector, FIX_UDATA);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP3);
	/* what CPL 3 could not have loaded is gone, the rest stays */
	CU_ASSERT_EQUAL(x.s.seg[X86_DS].selector, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_DS].attr, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_ES].selector, FIX_UDATA);
	fixture_end(&x);
}

static void call_gate_of_16_bits_pushes_and_copies_words(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_gate(&x, fixture_slot(FIX_FREE), FIX_KCODE, 0xdead7000, FIX_SYSTEM(SYS_CALL16, 3),
		     1);
	fixture_write32(&x, FIX_ESP3 - 4, 0x1111cccc);
	x.s.gpr[X86_ESP] = FIX_ESP3 - 4;
	fixture_set(&x);
	run_far(&x, OPCODE_CALL, 0, FIX_FREE | 3);
	CU_ASSERT_EQUAL(x.s.eip, 0x7000);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 10);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 2), FIX_UDATA);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 4), (FIX_ESP3 - 4) & 0xffff);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 6), 0xcccc);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 8), FIX_UCODE);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 10), 0x0007);
	fixture_end(&x);
}

struct gate_case {
	unsigned cpl, selector, gate_attr, target;
	unsigned target_attr; /* of selector 0x48 */
	uint8_t opcode;
	int vector;
	uint32_t result; /* error code, or CS */
};

static void call_gate_and_its_target_are_checked(void)
{
	static const unsigned gate3 = FIX_SYSTEM(SYS_CALL32, 3), gate0 = FIX_SYSTEM(SYS_CALL32, 0);
	const struct gate_case cases[] = {
		{ 0, 0x40, gate0, 0x4b, FIX_CODE32(0), OPCODE_CALL, -1, 0x48 },
		{ 3, 0x43, gate3, 0x48, FIX_CODE32(3), OPCODE_CALL, -1, 0x4b },
		{ 3, 0x43, gate3, 0x48, FIX_CODE32(3), OPCODE_JMP, -1, 0x4b },
		{ 3, 0x43, gate3, 0x48, CONFORMING(0), OPCODE_CALL, -1, 0x4b },
		{ 3, 0x43, gate3, 0x48, CONFORMING(0), OPCODE_JMP, -1, 0x4b },
		{ 3, 0x43, gate3, 0x48, FIX_CODE32(0), OPCODE_CALL, -1, 0x48 },
		{ 3, 0x43, gate3, 0x48, FIX_CODE32(0), OPCODE_JMP, VEC_GP, 0x48 },
		{ 3, 0x40, gate0, 0x48, FIX_CODE32(0), OPCODE_CALL, VEC_GP, 0x40 },
		{ 0, 0x43, gate0, 0x48, FIX_CODE32(0), OPCODE_CALL, VEC_GP, 0x40 },
		{ 0, 0x40, gate0 & ~SEG_P, 0x48, FIX_CODE32(0), OPCODE_CALL, VEC_NP, 0x40 },
		{ 0, 0x40, gate0, 0x00, FIX_CODE32(0), OPCODE_CALL, VEC_GP, 0 },
		{ 0, 0x40, gate0, 0x100, FIX_CODE32(0), OPCODE_CALL, VEC_GP, 0x100 },
		{ 0, 0x40, gate0, 0x48, FIX_DATA32(0), OPCODE_CALL, VEC_GP, 0x48 },
		{ 0, 0x40, gate0, 0x48, FIX_CODE32(3), OPCODE_CALL, VEC_GP, 0x48 },
		{ 0, 0x40, gate0, 0x48, FIX_CODE32(0) & ~SEG_P, OPCODE_CALL, VEC_NP, 0x48 },
		{ 0, 0x40, gate0, 0x48, FIX_CODE32(0) & ~SEG_G, OPCODE_JMP, VEC_GP, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct gate_case *t = &cases[n];
		uint32_t limit = t->target_attr & SEG_G ? 0xfffff : THERE - 1;
		struct x86_fixture x;

		begin(&x, t->cpl);
		fixture_gate(&x, fixture_slot(FIX_FREE), t->target, THERE, t->gate_attr, 0);
		fixture_descriptor(&x, 0x48, 0, limit, t->target_attr);
		run_far(&x, t->opcode, 0, t->selector);
		if (t->vector >= 0) {
			fixture_expect_fault(&x, t->vector, t->result, 0);
		} else {
			CU_ASSERT_EQUAL(x.s.eip, THERE);
			CU_ASSERT_EQUAL(x.s.seg[X86_CS].selector, t->result);
			CU_ASSERT_EQUAL(x.s.cpl, t->result & 3);
		}
		fixture_end(&x);
	}
}

/* --- IRET ------------------------------------------------------------------------------------- */

#define ALL_FLAGS 0x00257fd7u /* all but VM, VIF and VIP */

struct flags_case {
	unsigned cpl, iopl, bytes;
	uint32_t before, popped, after;
};

/* Return to the same level. */
static void iret_changes_flags_by_cpl_iopl_and_size(void)
{
	static const struct flags_case cases[] = {
		{ 0, 0, 4, 0x2, 0x00257ed7, 0x00257ed7 },
		{ 0, 3, 4, ALL_FLAGS & ~EFLAGS_NT & ~EFLAGS_TF & ~EFLAGS_RF, 0, 0x2 },
		/* IOPL 0: neither IF nor IOPL */
		{ 3, 0, 4, 0x2, 0x00257ed7, 0x00254cd7 },
		{ 3, 0, 4, 0x202, 0, 0x202 },
		/* IOPL 3: IF, not IOPL */
		{ 3, 3, 4, 0x2, 0x200, 0x3202 },
		{ 3, 3, 4, 0x202, 0x1000, 0x3002 },
		/* VM, VIF, VIP are ignored at CPL 3, and reserved bits always */
		{ 3, 0, 4, 0x2, 0xffda8028, 0x2 },
		/* 16 bits: RF, AC and ID stay */
		{ 0, 0, 2, EFLAGS_AC | EFLAGS_ID | 0x2, 0x0ed7, EFLAGS_AC | EFLAGS_ID | 0x0ed7 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct flags_case *t = &cases[n];
		uint32_t cs = t->cpl ? FIX_UCODE : FIX_KCODE, sp = t->cpl ? FIX_ESP3 : FIX_ESP0;
		struct x86_fixture x;

		begin(&x, t->cpl);
		x.s.gpr[X86_ESP] = sp - 3 * t->bytes;
		x.s.eflags = t->before | IOPL(t->iopl);
		fixture_set(&x);
		fixture_write(&x, sp - 3 * t->bytes,
			      t->bytes == 4 ? "\x00\x80\x01\x00" : "\x00\x70", t->bytes);
		fixture_write(&x, sp - 2 * t->bytes, &cs, t->bytes);
		fixture_write(&x, sp - t->bytes, &t->popped, t->bytes);
		fixture_run(&x, t->bytes == 4 ? "\xcf" : "\x66\xcf", t->bytes == 4 ? 1 : 2, 1);
		CU_ASSERT_EQUAL(x.s.eip, t->bytes == 4 ? THERE : 0x7000);
		CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], sp);
		CU_ASSERT_EQUAL(x.s.eflags, t->after);
		fixture_end(&x);
	}
}

/* EIP, CS, EFLAGS, ESP, SS on the stack; then IRET. */
static enum x86_stop run_iret(struct x86_fixture *x, uint32_t cs, uint32_t eflags, uint32_t ss)
{
	const uint32_t frame[] = { THERE, cs, eflags, FIX_ESP3, ss };

	fixture_get(x);
	x->s.gpr[X86_ESP] = FIX_ESP0 - sizeof(frame);
	fixture_set(x);
	fixture_write(x, FIX_ESP0 - sizeof(frame), frame, sizeof(frame));
	return FIXTURE_RUN(x, "\xcf", 1);
}

static void iret_outward_loads_the_stack_and_hides_inner_segments(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_get(&x);
	x.s.seg[X86_ES].selector = FIX_UDATA;
	x.s.seg[X86_ES].attr |= FIX_DPL(3);
	x.s.seg[X86_FS].attr = CONFORMING(0);
	x.s.seg[X86_GS].attr = FIX_CODE32(0);
	fixture_set(&x);
	/* CPL was 0, so IOPL and IF are loaded */
	run_iret(&x, FIX_UCODE, EFLAGS_IF | IOPL(1), FIX_UDATA);
	CU_ASSERT_EQUAL(x.s.eip, THERE);
	CU_ASSERT_EQUAL(x.s.cpl, 3);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP3);
	CU_ASSERT_EQUAL(x.s.seg[X86_SS].selector, FIX_UDATA);
	CU_ASSERT_EQUAL(x.s.eflags, EFLAGS_FIXED | EFLAGS_IF | IOPL(1));
	CU_ASSERT_EQUAL(x.s.seg[X86_DS].attr, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_ES].selector, FIX_UDATA);
	CU_ASSERT_NOT_EQUAL(x.s.seg[X86_FS].attr, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_GS].attr, 0);
	fixture_end(&x);
}

struct iret_case {
	uint32_t cs, ss;
	unsigned code_attr, stack_attr; /* of 0x40, 0x48 */
	uint8_t vector;
	uint32_t error;
};

static void iret_checks_code_and_stack_segment(void)
{
	static const struct iret_case cases[] = {
		{ 0x00, FIX_UDATA, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0 },
		{ 0x100, FIX_UDATA, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0x100 },
		{ 0x0b, FIX_UDATA, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0x08 },
		{ 0x43, FIX_UDATA, FIX_DATA32(3), FIX_DATA32(3), VEC_GP, 0x40 },
		{ 0x42, FIX_UDATA, CONFORMING(3), FIX_DATA32(3), VEC_GP, 0x40 },
		{ 0x43, FIX_UDATA, FIX_CODE32(3) & ~SEG_P, FIX_DATA32(3), VEC_NP, 0x40 },
		{ FIX_UCODE, 0x00, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0 },
		{ FIX_UCODE, 0x48, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0x48 },
		{ FIX_UCODE, 0x4b, FIX_CODE32(3), FIX_DATA32(0), VEC_GP, 0x48 },
		{ FIX_UCODE, 0x4b, FIX_CODE32(3), FIX_DATA32(3) & ~SEG_WRITE, VEC_GP, 0x48 },
		{ FIX_UCODE, 0x4b, FIX_CODE32(3), FIX_CODE32(3), VEC_GP, 0x48 },
		{ FIX_UCODE, 0x4b, FIX_CODE32(3), FIX_DATA32(3) & ~SEG_P, VEC_SS, 0x48 },
		/* EIP beyond the limit of 4 KiB */
		{ 0x53, FIX_UDATA, FIX_CODE32(3), FIX_DATA32(3), VEC_GP, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct iret_case *t = &cases[n];
		struct x86_fixture x;

		begin(&x, 0);
		fixture_descriptor(&x, 0x40, 0, 0xfffff, t->code_attr);
		fixture_descriptor(&x, 0x48, 0, 0xfffff, t->stack_attr);
		fixture_descriptor(&x, 0x50, 0, 0, FIX_CODE32(3));
		run_iret(&x, t->cs, 0, t->ss);
		fixture_expect_fault(&x, t->vector, t->error, 0);
		fixture_end(&x);
	}
}

static void iret_and_far_ret_never_go_inward(void)
{
	static const char *const code[] = { "\xcf", "\xcb" };

	for (size_t n = 0; n < ARRAY_SIZE(code); n++) {
		struct x86_fixture x;

		begin(&x, 3);
		fixture_write32(&x, FIX_ESP3 - 12, THERE);
		fixture_write32(&x, FIX_ESP3 - 8, FIX_KCODE);
		x.s.gpr[X86_ESP] = FIX_ESP3 - 12;
		fixture_set(&x);
		fixture_run(&x, code[n], 1, 1);
		fixture_expect_fault(&x, VEC_GP, FIX_KCODE, 0);
		CU_ASSERT_EQUAL(fixture_stack(&x, 4), FIX_ESP3 - 12);
		fixture_end(&x);
	}
}

/* NT is set, the TSS has that link, and FIX_FREE is a descriptor of that type. */
static void nest(struct x86_fixture *x, uint16_t link, unsigned type)
{
	fixture_descriptor(x, FIX_FREE, 0, 0x67, FIX_SYSTEM(type, 0));
	fixture_write(x, FIX_TSS, &link, sizeof(link));
	x->s.eflags |= EFLAGS_NT;
	fixture_set(x);
}

static void iret_to_vm86_and_from_a_nested_task_stop_with_a_text(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	CU_ASSERT_EQUAL(run_iret(&x, FIX_UCODE, EFLAGS_VM, FIX_UDATA), X86_STOP_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "virtual-8086"));
	fixture_end(&x);
	begin(&x, 0);
	nest(&x, FIX_FREE, SYS_TSS32_BUSY);
	CU_ASSERT_EQUAL(run_iret(&x, FIX_UCODE, 0, FIX_UDATA), X86_STOP_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "EFLAGS.NT"));
	fixture_end(&x);
}

/* Ring 3 can set NT: that must not be more than its own #TS. */
static void iret_from_a_nested_task_that_has_no_link_is_ts(void)
{
	static const struct {
		uint16_t link;
		unsigned type;
		uint32_t error;
	} cases[] = {
		{ 0, SYS_TSS32_BUSY, 0 },
		{ FIX_FREE, SYS_TSS32, FIX_FREE },
		{ FIX_FREE, SYS_LDT, FIX_FREE },
		{ FIX_UDATA, SYS_TSS32_BUSY, FIX_UDATA & ~3u },
		{ FIX_FREE | 4, SYS_TSS32_BUSY, FIX_FREE | 4 },
		{ 0xfff8, SYS_TSS32_BUSY, 0xfff8 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 3);
		nest(&x, cases[n].link, cases[n].type);
		FIXTURE_RUN(&x, "\xcf", 1);
		fixture_expect_fault(&x, VEC_TS, cases[n].error, 0);
		fixture_end(&x);
	}
}

static void iret_to_a_16_bit_stack_changes_sp_alone(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_descriptor(&x, 0x48, 0, 0xffff, FIX_DATA32(3) & ~(SEG_DB | SEG_G));
	fixture_write32(&x, FIX_TSS + 4, 0x1f8000);
	x.s.gpr[X86_ESP] = 0x1f8000 - 20;
	fixture_set(&x);
	fixture_write32(&x, 0x1f8000 - 20, THERE);
	fixture_write32(&x, 0x1f8000 - 16, FIX_UCODE);
	fixture_write32(&x, 0x1f8000 - 12, EFLAGS_FIXED);
	fixture_write32(&x, 0x1f8000 - 8, 0x12345678);
	fixture_write32(&x, 0x1f8000 - 4, 0x4b);
	FIXTURE_RUN(&x, "\xcf", 1);
	CU_ASSERT_EQUAL(x.s.cpl, 3);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], 0x001f5678);
	fixture_end(&x);
}

static const struct unit_test tests[] = {
	UNIT_TEST(far_jump_and_call_check_the_code_segment),
	UNIT_TEST(far_call_pushes_cs_and_the_next_eip_and_far_ret_takes_them),
	UNIT_TEST(far_call_with_16_bit_operands_pushes_words_and_cuts_eip),
	UNIT_TEST(far_call_that_cannot_push_changes_nothing),
	UNIT_TEST(tss_and_task_gate_stop_with_a_text_once_rights_are_checked),
	UNIT_TEST(call_gate_switches_stacks_copies_parameters_and_far_ret_undoes_it),
	UNIT_TEST(call_gate_of_16_bits_pushes_and_copies_words),
	UNIT_TEST(call_gate_and_its_target_are_checked),
	UNIT_TEST(iret_changes_flags_by_cpl_iopl_and_size),
	UNIT_TEST(iret_outward_loads_the_stack_and_hides_inner_segments),
	UNIT_TEST(iret_checks_code_and_stack_segment),
	UNIT_TEST(iret_and_far_ret_never_go_inward),
	UNIT_TEST(iret_to_vm86_and_from_a_nested_task_stop_with_a_text),
	UNIT_TEST(iret_from_a_nested_task_that_has_no_link_is_ts),
	UNIT_TEST(iret_to_a_16_bit_stack_changes_sp_alone),
	UNIT_END,
};

const struct unit_suite suite_x86_far = { "x86_far", tests };
