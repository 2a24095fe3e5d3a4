// SPDX-License-Identifier: MIT
/*
 * Debug registers and #DB. Expectations are those of the Intel SDM, vol. 3, 17.2, 17.3 and 6.8.3.
 */
#include "unit.h"
#include "x86_fixture.h"

#define DR7_FIELDS(n, rw, len) ((uint32_t)((len) << 2 | (rw)) << (16 + 4 * (n)))
#define DR7_G(n) (2u << (2 * (n)))

enum { RW_EXECUTE, RW_WRITE, RW_IO, RW_ANY };
enum { LEN_1, LEN_2, LEN_4 = 3 };

static void begin(struct x86_fixture *x, unsigned cpl)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_level(x, cpl);
}

static void arm(struct x86_fixture *x, unsigned n, uint32_t at, unsigned rw, unsigned len)
{
	x->s.dr[n] = at;
	x->s.dr[7] |= DR7_G(n) | DR7_FIELDS(n, rw, len);
	fixture_set(x);
}

/* #DB was entered, to go on at FIX_CODE + offset, with these bits new in DR6. */
static void expect_debug(const struct x86_fixture *x, unsigned offset, uint32_t dr6)
{
	fixture_expect_fault(x, VEC_DB, 0, offset);
	CU_ASSERT_EQUAL(x->s.dr[6], DR6_FIXED | dr6);
}

/* --- single step ------------------------------------------------------------------------------ */

static void tf_traps_after_the_instruction_and_is_off_in_the_handler(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	x.s.eflags |= EFLAGS_TF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x90\x90\x90", 2);
	expect_debug(&x, 1, DR6_BS);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED | EFLAGS_TF); /* a trap: no RF */
	CU_ASSERT_FALSE(x.s.eflags & EFLAGS_TF);
	fixture_end(&x);
}

static void popf_and_iret_that_set_tf_trap_after_the_next_instruction(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_ESP] = FIX_ESP0 - 4;
	fixture_set(&x);
	fixture_write32(&x, FIX_ESP0 - 4, EFLAGS_TF);
	FIXTURE_RUN(&x, "\x9d\x90\x90\x90", 4);
	expect_debug(&x, 2, DR6_BS);
	fixture_end(&x);

	begin(&x, 0);
	x.s.gpr[X86_ESP] = FIX_ESP0 - 12;
	fixture_set(&x);
	fixture_write32(&x, FIX_ESP0 - 12, FIX_CODE + 1);
	fixture_write32(&x, FIX_ESP0 - 8, FIX_KCODE);
	fixture_write32(&x, FIX_ESP0 - 4, EFLAGS_TF);
	FIXTURE_RUN(&x, "\xcf\x90\x90\x90", 4);
	expect_debug(&x, 2, DR6_BS);
	fixture_end(&x);
}

static void popf_that_clears_tf_still_traps(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_ESP] = FIX_ESP0 - 4;
	x.s.eflags |= EFLAGS_TF;
	fixture_set(&x);
	fixture_write32(&x, FIX_ESP0 - 4, 0);
	FIXTURE_RUN(&x, "\x9d\x90\x90", 2);
	expect_debug(&x, 1, DR6_BS);
	fixture_end(&x);
}

static void tf_does_not_trap_in_the_handler_of_int_n(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.eflags |= EFLAGS_TF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xcd\x20", 3);
	CU_ASSERT_EQUAL(fixture_vector(&x), 0x20);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED | EFLAGS_TF);
	CU_ASSERT_EQUAL(x.s.dr[6], DR6_FIXED);
	fixture_end(&x);
}

static void fault_comes_instead_of_the_single_step(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.eflags |= EFLAGS_TF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x0b", 2);
	fixture_expect_fault(&x, VEC_UD, 0, 0);
	CU_ASSERT_EQUAL(x.s.dr[6], DR6_FIXED);
	fixture_end(&x);
}

/* --- breakpoints ------------------------------------------------------------------------------ */

static void instruction_breakpoint_faults_before_and_rf_passes_it_once(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	arm(&x, 2, FIX_CODE + 1, RW_EXECUTE, LEN_1);
	FIXTURE_RUN(&x, "\x90\x40\x40", 3); /* nop; inc eax; inc eax */
	expect_debug(&x, 1, 1u << 2);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED); /* RF as it was */
	fixture_end(&x);

	begin(&x, 0);
	x.s.eflags |= EFLAGS_RF;
	arm(&x, 2, FIX_CODE, RW_EXECUTE, LEN_1);
	FIXTURE_RUN(&x, "\x40\xeb\xfd", 1); /* inc eax; jmp to it */
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 1);
	CU_ASSERT_FALSE(x.s.eflags & EFLAGS_RF);
	fixture_continue(&x, 2);
	expect_debug(&x, 0, 1u << 2);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 1);
	fixture_end(&x);
}

struct data_case {
	uint32_t at;
	unsigned rw, len;
	const void *code; /* six bytes */
	bool traps;
};

#define READ_4 "\x8b\x0d\x04\x50\x00\x00"  /* mov ecx, [0x5004] */
#define WRITE_4 "\x89\x0d\x04\x50\x00\x00" /* mov [0x5004], ecx */
#define WRITE_1 "\x88\x0d\x05\x50\x00\x00" /* mov [0x5005], cl */

static void data_breakpoint_traps_on_what_it_meets(void)
{
	static const struct data_case cases[] = {
		{ 0x5004, RW_WRITE, LEN_4, WRITE_4, true },
		{ 0x5007, RW_WRITE, LEN_1, WRITE_4, true },
		{ 0x5003, RW_WRITE, LEN_1, WRITE_4, false },
		{ 0x5008, RW_ANY, LEN_4, WRITE_4, false },
		{ 0x5004, RW_WRITE, LEN_4, READ_4, false },
		{ 0x5004, RW_ANY, LEN_4, READ_4, true },
		{ 0x5004, RW_ANY, LEN_1, WRITE_1, false },
		{ 0x5004, RW_ANY, LEN_2, WRITE_1, true },
		/* the low bits of the address are masked by the length */
		{ 0x5007, RW_WRITE, LEN_4, WRITE_1, true },
		{ 0x5004, RW_EXECUTE, LEN_1, READ_4, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 3);
		/* the page is in the TLB before the breakpoint is armed */
		fixture_run(&x, WRITE_4, 6, 1);
		arm(&x, 1, cases[n].at, cases[n].rw, cases[n].len);
		fixture_run(&x, cases[n].code, 6, 1);
		if (cases[n].traps)
			expect_debug(&x, 6, 1u << 1);
		else
			CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 6);
		fixture_end(&x);
	}
}

static void breakpoint_armed_by_the_guest_counts_from_the_next_instruction(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_run(&x, WRITE_4, 6, 1);
	x.s.gpr[X86_EAX] = 0x5004;
	x.s.gpr[X86_EBX] = DR7_G(1) | DR7_FIELDS(1, RW_WRITE, LEN_4);
	fixture_set(&x);
	/* write, so that the TLB knows the page; mov dr1, eax; mov dr7, ebx; write */
	FIXTURE_RUN(&x, WRITE_4 "\x0f\x23\xc8\x0f\x23\xfb" WRITE_4 "\x90", 5);
	expect_debug(&x, 18, 1u << 1);
	fixture_end(&x);
}

static void io_breakpoint_needs_de(void)
{
	for (unsigned de = 0; de < 2; de++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.cr4 = de ? CR4_DE : 0;
		x.s.gpr[X86_EDX] = 0x3fe;
		arm(&x, 3, 0x3ff, RW_IO, LEN_1);
		FIXTURE_RUN(&x, "\x66\xef", 1); /* out dx, ax: 0x3fe and 0x3ff */
		CU_ASSERT_EQUAL(x.ios, 1);
		if (de)
			expect_debug(&x, 2, 1u << 3);
		else
			CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 2);
		fixture_end(&x);
	}
}

static void mov_ss_holds_its_data_breakpoint_for_one_instruction(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_write32(&x, FIX_DATA, FIX_KDATA);
	arm(&x, 0, FIX_DATA, RW_ANY, LEN_2);
	FIXTURE_RUN(&x, "\x8e\x15\x00\x50\x00\x00\x90\x90", 3); /* mov ss, [FIX_DATA]; nop; nop */
	expect_debug(&x, 7, 1u << 0);
	fixture_end(&x);
}

static void mov_ss_holds_the_breakpoint_on_the_next_instruction(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = FIX_KDATA;
	arm(&x, 0, FIX_CODE + 2, RW_EXECUTE, LEN_1);
	FIXTURE_RUN(&x, "\x8e\xd0\x90\x90", 3);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 4);
	fixture_end(&x);
}

/* --- registers -------------------------------------------------------------------------------- */

static void reserved_bits_of_dr6_and_dr7_are_fixed(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0xffffffff;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x23\xf0\x0f\x23\xf8", 2); /* mov dr6, eax; mov dr7, eax */
	CU_ASSERT_EQUAL(x.s.dr[6], 0xffffefff);
	CU_ASSERT_EQUAL(x.s.dr[7], 0xffff27ff);
	x.s.dr[7] = DR7_FIXED;
	x.s.gpr[X86_EAX] = 0;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x23\xf0\x0f\x23\xf8", 2);
	CU_ASSERT_EQUAL(x.s.dr[6], 0xffff0ff0);
	CU_ASSERT_EQUAL(x.s.dr[7], 0x00000400);
	fixture_end(&x);
}

static void dr4_is_dr6_or_not_there_by_de(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.dr[6] = DR6_FIXED | DR6_BS;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x21\xe1\x0f\x21\xea", 2); /* mov ecx, dr4; mov edx, dr5 */
	CU_ASSERT_EQUAL(x.s.gpr[X86_ECX], DR6_FIXED | DR6_BS);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EDX], DR7_FIXED);
	x.s.cr4 = CR4_DE;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x21\xe1", 1);
	fixture_expect_fault(&x, VEC_UD, 0, 0);
	fixture_end(&x);
}

static void general_detect_faults_on_debug_registers_and_turns_itself_off(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.dr[7] |= DR7_GD;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x21\xc0", 1);
	expect_debug(&x, 0, DR6_BD);
	CU_ASSERT_EQUAL(x.s.dr[7], DR7_FIXED);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED | EFLAGS_RF);
	fixture_end(&x);
}

static const struct unit_test tests[] = {
	UNIT_TEST(tf_traps_after_the_instruction_and_is_off_in_the_handler),
	UNIT_TEST(popf_and_iret_that_set_tf_trap_after_the_next_instruction),
	UNIT_TEST(popf_that_clears_tf_still_traps),
	UNIT_TEST(tf_does_not_trap_in_the_handler_of_int_n),
	UNIT_TEST(fault_comes_instead_of_the_single_step),
	UNIT_TEST(instruction_breakpoint_faults_before_and_rf_passes_it_once),
	UNIT_TEST(data_breakpoint_traps_on_what_it_meets),
	UNIT_TEST(breakpoint_armed_by_the_guest_counts_from_the_next_instruction),
	UNIT_TEST(io_breakpoint_needs_de),
	UNIT_TEST(mov_ss_holds_its_data_breakpoint_for_one_instruction),
	UNIT_TEST(mov_ss_holds_the_breakpoint_on_the_next_instruction),
	UNIT_TEST(reserved_bits_of_dr6_and_dr7_are_fixed),
	UNIT_TEST(dr4_is_dr6_or_not_there_by_de),
	UNIT_TEST(general_detect_faults_on_debug_registers_and_turns_itself_off),
	UNIT_END,
};

const struct unit_suite suite_x86_debug = { "x86_debug", tests };
