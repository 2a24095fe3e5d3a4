// SPDX-License-Identifier: MIT
/*
 * Exceptions raised by single instructions at ring 0.
 */
#include "probe.h"
#include "selftest.h"
#include <arch/extable.h>
#include <arch/processor.h>

#define DR6_BS (1 << 14)

/* The faulting instruction of an asm block gets this label, to compare EIP with. */
extern const char int3_insn[], div_insn[], ud2_insn[], into_insn[], step_insn[];

static u32 after_int3;

static void run_int3(u32 times)
{
	for (after_int3 = 0; after_int3 < times; after_int3++)
		asm volatile(".globl int3_insn\nint3_insn:\tint3");
}

static void bp_round_trip(struct selftest_result *r, const void *arg)
{
	struct trapped t = probe_kernel(run_int3, 3);

	(void)arg;
	EXPECT_EQ(r, t.vector, TRAP_BP);
	EXPECT_EQ(r, t.error_code, 0);
	EXPECT_EQ(r, t.count, 3);
	EXPECT_EQ(r, t.regs.ip, (u32)int3_insn + 1);
	EXPECT_EQ(r, after_int3, 3);
}

static void run_div(u32 divisor)
{
	u32 low = 1, high = 0;

	asm volatile(".globl div_insn\ndiv_insn:\tdivl %2"
		     : "+a"(low), "+d"(high)
		     : "r"(divisor)
		     : "cc");
}

static void de_is_a_fault(struct selftest_result *r, const void *arg)
{
	struct trapped t = probe_kernel(run_div, 0);

	(void)arg;
	EXPECT_EQ(r, t.vector, TRAP_DE);
	EXPECT_EQ(r, t.regs.ip, (u32)div_insn);
	EXPECT_EQ(r, t.regs.ax, 1);
}

/* No probe here: the way out is the exception table and IRET, as in the kernel's own code. */
static void de_fixup(struct selftest_result *r, const void *arg)
{
	u32 quotient = 1, remainder = 0, fixed = 0;

	(void)arg;
	asm volatile("1:\tdivl %3\n\t"
		     "jmp 3f\n"
		     "2:\tincl %2\n"
		     "3:\n\t" _ASM_EXTABLE(1b, 2b)
		     : "+a"(quotient), "+d"(remainder), "+r"(fixed)
		     : "r"(0)
		     : "cc");
	EXPECT_EQ(r, fixed, 1);
	EXPECT_EQ(r, quotient, 1);
}

static void run_idiv_overflow(u32 dividend)
{
	asm volatile("cdq; idivl %1" : "+a"(dividend) : "r"(-1) : "edx", "cc");
}

static void de_overflow(struct selftest_result *r, const void *arg)
{
	(void)arg;
	EXPECT_EQ(r, probe_kernel(run_idiv_overflow, 0x80000000).vector, TRAP_DE);
	EXPECT_EQ(r, probe_kernel(run_idiv_overflow, 0x80000001).vector, NO_TRAP);
}

/* The addition overflows if value is the largest positive number. */
static void run_into(u32 value)
{
	asm volatile("addl $1, %0\n\t"
		     ".globl into_insn\ninto_insn:\tinto"
		     : "+r"(value)
		     :
		     : "cc");
}

static void of_into(struct selftest_result *r, const void *arg)
{
	struct trapped t = probe_kernel(run_into, 0x7fffffff);

	(void)arg;
	EXPECT_EQ(r, t.vector, TRAP_OF);
	EXPECT_EQ(r, t.regs.ip, (u32)into_insn + 1);
	EXPECT_EQ(r, probe_kernel(run_into, 1).vector, NO_TRAP);
}

static void run_bound(u32 index)
{
	static const struct {
		s32 lower, upper;
	} bounds = { -3, 5 };

	asm volatile("bound %0, %1" : : "r"(index), "m"(bounds));
}

static void br_bound(struct selftest_result *r, const void *arg)
{
	(void)arg;
	EXPECT_EQ(r, probe_kernel(run_bound, (u32)-3).vector, NO_TRAP);
	EXPECT_EQ(r, probe_kernel(run_bound, 5).vector, NO_TRAP);
	EXPECT_EQ(r, probe_kernel(run_bound, 6).vector, TRAP_BR);
	EXPECT_EQ(r, probe_kernel(run_bound, (u32)-4).vector, TRAP_BR);
}

static void run_ud2(u32 unused)
{
	(void)unused;
	asm volatile(".globl ud2_insn\nud2_insn:\tud2");
}

static void ud_is_a_fault(struct selftest_result *r, const void *arg)
{
	struct trapped t = probe_kernel(run_ud2, 0);

	(void)arg;
	EXPECT_EQ(r, t.vector, TRAP_UD);
	EXPECT_EQ(r, t.error_code, 0);
	EXPECT_EQ(r, t.regs.ip, (u32)ud2_insn);
}

static void run_lock_register(u32 unused)
{
	(void)unused;
	asm volatile(".byte 0xf0, 0xff, 0xc0" : : : "eax", "cc"); /* lock incl %eax */
}

static void run_x87(u32 unused)
{
	(void)unused;
	asm volatile("fninit");
}

static void run_mmx(u32 unused)
{
	(void)unused;
	asm volatile(".byte 0x0f, 0xfc, 0xc0"); /* paddb %mm0, %mm0 */
}

static void run_sse(u32 unused)
{
	(void)unused;
	asm volatile(".byte 0x0f, 0x57, 0xc0"); /* xorps %xmm0, %xmm0 */
}

static void run_int_without_gate(u32 unused)
{
	(void)unused;
	asm volatile("int $0x90");
}

struct trap_case {
	void (*run)(u32 unused);
	u32 vector, error_code;
};

static void raises(struct selftest_result *r, const void *arg)
{
	const struct trap_case *c = arg;
	struct trapped t = probe_kernel(c->run, 0);

	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code, c->error_code);
}

/* POPF itself is not stepped: the trap comes after the instruction that follows it. */
static void run_single_step(u32 flags)
{
	asm volatile("pushl %0\n\t"
		     "popfl\n\t"
		     "nop\n\t"
		     ".globl step_insn\nstep_insn:\tnop"
		     :
		     : "r"(flags)
		     : "cc", "memory");
}

static void db_single_step(struct selftest_result *r, const void *arg)
{
	struct trapped t;
	u32 dr6;

	(void)arg;
	asm volatile("movl %0, %%dr6" : : "r"(0));
	t = probe_kernel(run_single_step, X86_EFLAGS_TF | X86_EFLAGS_FIXED);
	asm volatile("movl %%dr6, %0" : "=r"(dr6));
	EXPECT_EQ(r, t.vector, TRAP_DB);
	EXPECT_EQ(r, t.count, 1);
	EXPECT_EQ(r, t.regs.ip, (u32)step_insn);
	EXPECT_EQ(r, dr6 & DR6_BS, DR6_BS);
}

#define RAISES(...)                                                                                \
	raises, &(const struct trap_case)                                                          \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

const struct selftest trap_tests[] = {
	{ "bp_is_a_trap_and_iret_goes_on_after_it", bp_round_trip, NULL },
	{ "de_is_a_fault_with_eip_on_the_div", de_is_a_fault, NULL },
	{ "de_goes_on_at_its_exception_table_entry", de_fixup, NULL },
	{ "de_when_the_quotient_overflows", de_overflow, NULL },
	{ "db_single_step_traps_after_one_instruction", db_single_step, NULL },
	{ "of_by_into_only_if_overflow_is_set", of_into, NULL },
	{ "br_by_bound_only_outside_of_the_bounds", br_bound, NULL },
	{ "ud_is_a_fault_with_eip_on_the_ud2", ud_is_a_fault, NULL },
	{ "ud_by_lock_with_a_register_operand", RAISES(run_lock_register, TRAP_UD, 0) },
	{ "nm_by_x87_because_em_is_set", RAISES(run_x87, TRAP_NM, 0) },
	{ "ud_by_mmx_because_em_is_set", RAISES(run_mmx, TRAP_UD, 0) },
	{ "ud_by_sse", RAISES(run_sse, TRAP_UD, 0) },
	{ "gp_by_int_without_a_gate_names_the_vector",
	  RAISES(run_int_without_gate, TRAP_GP, 0x90 * 8 + 2) },
	{ NULL, NULL, NULL },
};
