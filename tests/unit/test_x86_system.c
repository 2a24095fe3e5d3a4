// SPDX-License-Identifier: MIT
/*
 * Privileged instructions, control registers, ports, MSRs and what this CPU does not have.
 * Expectations are those of the Intel SDM, vol. 2 under each instruction, and of design section 6.
 */
#include <string.h>

#include "unit.h"
#include "x86_fixture.h"

#define IOPL(n) ((uint32_t)(n) << 12)

static void begin(struct x86_fixture *x, unsigned cpl)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_level(x, cpl);
}

struct code_case {
	const char *code;
	size_t bytes;
};

#define CODE(literal)                                                                              \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

/* Run each alone and see it fault. */
static void check_faults(const struct code_case *t, size_t cases, unsigned cpl, int vector)
{
	for (size_t n = 0; n < cases; n++) {
		struct x86_fixture x;

		begin(&x, cpl);
		x.s.gpr[X86_ECX] = 0x10; /* an MSR that is there */
		fixture_set(&x);
		fixture_run(&x, t[n].code, t[n].bytes, 1);
		fixture_expect_fault(&x, vector, 0, 0);
		fixture_end(&x);
	}
}

static void privileged_instructions_fault_outside_cpl_0(void)
{
	static const struct code_case cases[] = {
		CODE("\xf4"),			      /* hlt */
		CODE("\xfa"),			      /* cli, IOPL 0 */
		CODE("\xfb"),			      /* sti, IOPL 0 */
		CODE("\x0f\x06"),		      /* clts */
		CODE("\x0f\x08"),		      /* invd */
		CODE("\x0f\x09"),		      /* wbinvd */
		CODE("\x0f\x20\xc0"),		      /* mov eax, cr0 */
		CODE("\x0f\x22\xd8"),		      /* mov cr3, eax */
		CODE("\x0f\x21\xf8"),		      /* mov eax, dr7 */
		CODE("\x0f\x23\xc0"),		      /* mov dr0, eax */
		CODE("\x0f\x32"),		      /* rdmsr */
		CODE("\x0f\x30"),		      /* wrmsr */
		CODE("\x0f\x33"),		      /* rdpmc */
		CODE("\x0f\x00\xd0"),		      /* lldt ax */
		CODE("\x0f\x00\xd8"),		      /* ltr ax */
		CODE("\x0f\x01\x15\x00\x50\x00\x00"), /* lgdt */
		CODE("\x0f\x01\x1d\x00\x50\x00\x00"), /* lidt */
		CODE("\x0f\x01\xf0"),		      /* lmsw ax */
		CODE("\x0f\x01\x3d\x00\x50\x00\x00"), /* invlpg */
		CODE("\xec"),			      /* in al, dx: no bitmap */
		CODE("\xe7\x80"),		      /* out 0x80, eax */
	};

	check_faults(cases, ARRAY_SIZE(cases), 3, VEC_GP);
}

static void what_is_not_there_is_undefined(void)
{
	static const struct code_case cases[] = {
		CODE("\x0f\x0b"),	  /* ud2 */
		CODE("\x0f\xb9\xc0"),	  /* ud1 */
		CODE("\x0f\xff\xc0"),	  /* ud0 */
		CODE("\x0f\x20\xc8"),	  /* mov eax, cr1 */
		CODE("\x0f\x22\xe8"),	  /* mov cr5, eax */
		CODE("\x8e\xc8"),	  /* mov cs, ax */
		CODE("\x0f\x01\xd1"),	  /* xsetbv */
		CODE("\x0f\x34"),	  /* sysenter */
		CODE("\x0f\x35"),	  /* sysexit */
		CODE("\x0f\x05"),	  /* syscall */
		CODE("\x0f\xaa"),	  /* rsm */
		CODE("\x0f\x77"),	  /* emms */
		CODE("\x0f\x6f\xc1"),	  /* movq mm0, mm1 */
		CODE("\x0f\x28\xc1"),	  /* movaps xmm0, xmm1 */
		CODE("\xf3\x0f\xb8\xc1"), /* popcnt eax, ecx */
		CODE("\x0f\xae\x00"),	  /* fxsave [eax] */
		CODE("\x0f\xae\xf0"),	  /* mfence */
		CODE("\x0f\x01\xc1"),	  /* vmcall */
		CODE("\x0f\x01\xd9"),	  /* vmmcall */
		CODE("\xc5\xf8\x28\xc1"), /* vmovaps xmm0, xmm1 */
		CODE("\xf0\x0f\x22\xd8"), /* lock mov cr3, eax */
		CODE("\x0f\x01\xd0"),	  /* xgetbv */
		CODE("\x0f\x01\xf9"),	  /* rdtscp */
	};

	check_faults(cases, ARRAY_SIZE(cases), 0, VEC_UD);
}

static void no_operations_do_nothing(void)
{
	static const struct code_case cases[] = {
		CODE("\x90"),
		CODE("\x66\x90"),
		CODE("\xf3\x90"),	  /* pause */
		CODE("\x0f\x1f\x40\x00"), /* nopl */
		CODE("\x66\x0f\x1f\x84\x00\x00\x00\x00\x00"),
		CODE("\xf3\x0f\x1e\xfb"), /* endbr32 */
		CODE("\xf3\x0f\x1e\xc8"), /* rdsspd eax */
		CODE("\x0f\x18\x00"),	  /* prefetchnta [eax] */
		CODE("\x0f\x18\x38"),	  /* hint */
		CODE("\x0f\x19\xc0"),
		CODE("\x0f\x1a\x00"), /* bndldx of CPUs with MPX */
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;
		struct x86_state before;

		begin(&x, 3);
		x.s.gpr[X86_EAX] = 0xfffffff0; /* where a fault would be a page outside RAM */
		fixture_set(&x);
		before = x.s;
		fixture_run(&x, cases[n].code, cases[n].bytes, 1);
		CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + cases[n].bytes);
		CU_ASSERT_EQUAL(memcmp(x.s.gpr, before.gpr, sizeof(before.gpr)), 0);
		CU_ASSERT_EQUAL(x.s.eflags, before.eflags);
		fixture_end(&x);
	}
}

/* --- control registers ------------------------------------------------------------------------ */

static void cr0_write_checks_combinations(void)
{
	static const struct {
		uint32_t value, result;
		int vector;
	} cases[] = {
		{ CR0_PE | CR0_WP | CR0_EM, CR0_PE | CR0_WP | CR0_EM | CR0_ET, -1 },
		{ CR0_PE | CR0_NW | CR0_CD, CR0_PE | CR0_NW | CR0_CD | CR0_ET, -1 },
		{ CR0_PE | 0x00000f40, CR0_PE | CR0_ET, -1 }, /* reserved bits are ignored */
		{ CR0_PE | CR0_NW, 0, VEC_GP },
		{ CR0_PG, 0, VEC_GP },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.gpr[X86_EAX] = cases[n].value;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x0f\x22\xc0\x0f\x20\xc3", 2); /* mov cr0, eax; mov ebx, cr0 */
		if (cases[n].vector < 0)
			CU_ASSERT_EQUAL(x.s.gpr[X86_EBX], cases[n].result)
		else
			fixture_expect_fault(&x, cases[n].vector, 0, 0);
		fixture_end(&x);
	}
}

static void leaving_protected_mode_stops_with_a_text(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = CR0_ET;
	fixture_set(&x);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\x0f\x22\xc0", 1), X86_STOP_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "real mode"));
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "mov cr0, eax"));
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE);
	fixture_end(&x);
}

static void cr4_write_refuses_what_cpuid_does_not_offer(void)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.gpr[X86_EAX] = 1u << bit;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x0f\x22\xe0", 1);
		/* TSD, DE, PSE, MCE, PGE (design section 6) */
		if (bit == 2 || bit == 3 || bit == 4 || bit == 6 || bit == 7)
			CU_ASSERT_EQUAL(x.s.cr4, 1u << bit)
		else
			fixture_expect_fault(&x, VEC_GP, 0, 0);
		fixture_end(&x);
	}
}

static void lmsw_cannot_clear_pe_and_clts_clears_ts(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0xfffe; /* all but PE; only MP, EM, TS count */
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x01\xf0\x0f\x06\x0f\x01\xe1", 1); /* lmsw ax; clts; smsw ecx */
	CU_ASSERT_EQUAL(x.s.cr0, CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET);
	fixture_continue(&x, 2);
	CU_ASSERT_EQUAL(x.s.cr0, CR0_PE | CR0_MP | CR0_EM | CR0_ET);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ECX], CR0_PE | CR0_MP | CR0_EM | CR0_ET);
	x.s.gpr[X86_EAX] = 0;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x01\xf0", 1);
	CU_ASSERT_EQUAL(x.s.cr0, CR0_PE | CR0_ET);
	fixture_end(&x);
}

static void invlpg_drops_the_page_of_the_linear_address(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.seg[X86_DS].base = 0x100000;
	x.s.seg[X86_DS].limit = 0xfff; /* no limit check (SDM vol. 2, INVLPG) */
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x01\x3d\x34\x52\x00\x00", 1);
	CU_ASSERT_EQUAL(x.invlpgs, 1);
	CU_ASSERT_EQUAL(x.invlpg, 0x105234);
	fixture_end(&x);
}

/* --- x87 -------------------------------------------------------------------------------------- */

static void x87_raises_nm_by_em_and_ts_and_fwait_by_mp_and_ts(void)
{
	static const struct {
		uint32_t cr0;
		bool x87, fwait;
	} cases[] = {
		{ CR0_EM, true, false },
		{ CR0_TS, true, false },
		{ CR0_EM | CR0_MP, true, false },
		{ CR0_MP | CR0_TS, true, true },
		{ CR0_EM | CR0_MP | CR0_TS, true, true },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.cr0 |= cases[n].cr0;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\xd9\xe8", 1); /* fld1 */
		fixture_expect_fault(&x, VEC_NM, 0, 0);
		x.s.gpr[X86_ESP] = FIX_ESP0;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x9b", 1);
		if (cases[n].fwait)
			fixture_expect_fault(&x, VEC_NM, 0, 0);
		else
			CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 1);
		fixture_end(&x);
	}
}

static void x87_without_em_stops_with_a_text(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\xdd\x05\x00\x50\x00\x00", 1), X86_STOP_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "x87"));
	fixture_end(&x);
}

/* --- CPUID, TSC, MSRs ------------------------------------------------------------------------- */

static void cpuid_offers_the_machine_of_the_design(void)
{
	struct x86_cpuid r;
	char vendor[13] = "";

	x86_cpuid(0, &r);
	CU_ASSERT_EQUAL(r.eax, 1);
	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
	CU_ASSERT_STRING_EQUAL(vendor, "shadowboxCPU");
	x86_cpuid(1, &r);
	CU_ASSERT_EQUAL(r.eax >> 8 & 0xf, 6);
	/* DE 2, PSE 3, TSC 4, MSR 5, MCE 7, CX8 8, PGE 13, MCA 14, CMOV 15, PSE-36 17 */
	CU_ASSERT_EQUAL(r.edx, 0x0002e1bc);
	CU_ASSERT_EQUAL(r.ecx, 0);
	x86_cpuid(0x80000000, &r);
	CU_ASSERT_EQUAL(r.eax, 0x80000000);
	x86_cpuid(0x40000000, &r);
	CU_ASSERT_EQUAL(r.eax | r.ebx | r.ecx | r.edx, 0);
	/* beyond the highest leaf: data of the highest basic one */
	x86_cpuid(7, &r);
	CU_ASSERT_EQUAL(r.edx, 0x0002e1bc);
}

static void tsc_counts_instructions_and_can_be_written(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.tsc = 0x1fffffffe;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x90\x90\x90\x0f\x31", 4); /* nop x 3; rdtsc */
	CU_ASSERT_EQUAL(x.s.gpr[X86_EDX], 2);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 1);
	x.s.gpr[X86_ECX] = 0x10;
	x.s.gpr[X86_EDX] = 7;
	x.s.gpr[X86_EAX] = 0x1000;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x90\x0f\x30\x0f\x31", 3); /* nop; wrmsr; rdtsc */
	CU_ASSERT_EQUAL(x.s.gpr[X86_EDX], 7);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0x1001);
	fixture_end(&x);
}

static void rdtsc_at_cpl_3_obeys_tsd(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	FIXTURE_RUN(&x, "\x0f\x31", 1);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 2);
	x.s.cr4 |= CR4_TSD;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x31", 1);
	fixture_expect_fault(&x, VEC_GP, 0, 0);
	fixture_end(&x);
}

static void msrs_answer_or_fault(void)
{
	static const struct {
		uint32_t number, value;
		bool reads, writes;
	} cases[] = {
		{ 0x179, 0, true, false }, { 0x17a, 0, true, true },
		{ 0x17a, 1, true, false }, { 0x10, 5, true, true },
		{ 0x1b, 0, false, false }, { 0xc0000080, 0, false, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		x.s.gpr[X86_ECX] = cases[n].number;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x0f\x32", 1);
		CU_ASSERT_EQUAL(fixture_vector(&x), cases[n].reads ? -1 : VEC_GP);
		x.s.gpr[X86_EAX] = cases[n].value;
		x.s.gpr[X86_EDX] = 0;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x0f\x30", 1);
		CU_ASSERT_EQUAL(fixture_vector(&x), cases[n].writes ? -1 : VEC_GP);
		fixture_end(&x);
	}
}

/* --- interrupt flag and ports ----------------------------------------------------------------- */

static void sti_holds_interrupts_for_one_instruction_if_they_were_off(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	FIXTURE_RUN(&x, "\xfb\x90\xfb\x90\xfa", 1); /* sti; nop; sti; nop; cli */
	CU_ASSERT_TRUE(x.s.eflags & EFLAGS_IF);
	CU_ASSERT_FALSE(x86_interrupt_ready(x.cpu));
	fixture_continue(&x, 1);
	CU_ASSERT_TRUE(x86_interrupt_ready(x.cpu));
	fixture_continue(&x, 1);
	CU_ASSERT_TRUE(x86_interrupt_ready(x.cpu));
	fixture_continue(&x, 2);
	CU_ASSERT_FALSE(x.s.eflags & EFLAGS_IF);
	fixture_end(&x);
}

static void cli_and_sti_need_cpl_within_iopl(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	x.s.eflags |= IOPL(3);
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xfb\x90\xfa", 2);
	CU_ASSERT_TRUE(x.s.eflags & EFLAGS_IF);
	fixture_continue(&x, 1);
	CU_ASSERT_FALSE(x.s.eflags & EFLAGS_IF);
	x.s.eflags = (x.s.eflags & ~EFLAGS_IOPL) | IOPL(2);
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xfa", 1);
	fixture_expect_fault(&x, VEC_GP, 0, 0);
	fixture_end(&x);
}

static void ports_are_accessed_with_the_operand_size(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.gpr[X86_EAX] = 0x11223344;
	x.s.gpr[X86_EDX] = 0xffff03f8;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x66\xef\xec\xed", 1); /* out dx, ax; in al, dx; in eax, dx */
	CU_ASSERT_TRUE(x.io.write && x.io.port == 0x3f8 && x.io.size == 2);
	CU_ASSERT_EQUAL(x.io.value, 0x3344);
	fixture_continue(&x, 1);
	CU_ASSERT_TRUE(!x.io.write && x.io.port == 0x3f8 && x.io.size == 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0x112233a5);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xa5a5a5a5);
	FIXTURE_RUN(&x, "\xe6\xe9", 1); /* out 0xe9, al: the immediate is not signed */
	CU_ASSERT_TRUE(x.io.write && x.io.port == 0xe9 && x.io.size == 1 && x.io.value == 0xa5);
	fixture_end(&x);
}

struct port_case {
	uint16_t map, port, limit;
	uint8_t type; /* of the TSS */
	uint8_t iopl;
	const char *in; /* the instruction */
	bool allowed;
};

/*
 * The bitmap denies ports 0x13 and 0x18. Map at 0x80: ports 0x10..0x17 are byte 0x82, and the CPU
 * reads two bytes, so the limit must be 0x83 at least (SDM vol. 1, 19.5.2).
 */
static void io_bitmap_decides_above_iopl(void)
{
	static const struct port_case cases[] = {
		{ 0x80, 0x12, 0x83, SYS_TSS32_BUSY, 0, "\xec", true },
		{ 0x80, 0x13, 0x83, SYS_TSS32_BUSY, 0, "\xec", false },
		{ 0x80, 0x12, 0x83, SYS_TSS32_BUSY, 0, "\x66\xed", false }, /* touches 0x13 */
		{ 0x80, 0x10, 0x83, SYS_TSS32_BUSY, 0, "\xed", false },
		{ 0x80, 0x14, 0x83, SYS_TSS32_BUSY, 0, "\xed", true },
		{ 0x80, 0x0f, 0x83, SYS_TSS32_BUSY, 0, "\xed", true }, /* 0x0f..0x12 */
		{ 0x80, 0x17, 0x83, SYS_TSS32_BUSY, 0, "\xec", true },
		{ 0x80, 0x17, 0x83, SYS_TSS32_BUSY, 0, "\x66\xed", false }, /* touches 0x18 */
		{ 0x80, 0x12, 0x82, SYS_TSS32_BUSY, 0, "\xec", false }, /* second byte missing */
		{ 0x80, 0x18, 0x83, SYS_TSS32_BUSY, 0, "\xec", false }, /* past the limit */
		{ 0x80, 0x12, 0x66, SYS_TSS32_BUSY, 0, "\xec", false }, /* no map base */
		{ 0x80, 0x12, 0x83, SYS_TSS16_BUSY, 0, "\xec", false }, /* no bitmap */
		{ 0x80, 0x13, 0x83, SYS_TSS32_BUSY, 3, "\xec", true },	/* IOPL */
		{ 0x80, 0x13, 0x83, SYS_TSS32_BUSY, 2, "\xec", false },
		{ 0xffff, 0x13, 0x83, SYS_TSS32_BUSY, 0, "\xec", false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		const struct port_case *t = &cases[n];
		struct x86_fixture x;

		begin(&x, 3);
		fixture_write32(&x, FIX_TSS + 0x64, (uint32_t)t->map << 16);
		fixture_write32(&x, FIX_TSS + 0x80, 0x01080000);
		/* a 16-bit TSS has its inner stack elsewhere (SDM vol. 3, figure 7-10) */
		if (t->type == SYS_TSS16_BUSY)
			fixture_write32(&x, FIX_TSS + 2, FIX_ESP0 | FIX_KDATA << 16);
		x.s.seg[X86_TR].limit = t->limit;
		x.s.seg[X86_TR].attr = (uint16_t)FIX_SYSTEM(t->type, 0);
		x.s.eflags |= IOPL(t->iopl);
		x.s.gpr[X86_EDX] = t->port;
		fixture_set(&x);
		fixture_run(&x, t->in, strlen(t->in), 1);
		if (t->allowed)
			CU_ASSERT_EQUAL(x.ios, 1)
		else
			fixture_expect_fault(&x, VEC_GP, 0, 0);
		fixture_end(&x);
	}
}

static const struct unit_test tests[] = {
	UNIT_TEST(privileged_instructions_fault_outside_cpl_0),
	UNIT_TEST(what_is_not_there_is_undefined),
	UNIT_TEST(no_operations_do_nothing),
	UNIT_TEST(cr0_write_checks_combinations),
	UNIT_TEST(leaving_protected_mode_stops_with_a_text),
	UNIT_TEST(cr4_write_refuses_what_cpuid_does_not_offer),
	UNIT_TEST(lmsw_cannot_clear_pe_and_clts_clears_ts),
	UNIT_TEST(invlpg_drops_the_page_of_the_linear_address),
	UNIT_TEST(x87_raises_nm_by_em_and_ts_and_fwait_by_mp_and_ts),
	UNIT_TEST(x87_without_em_stops_with_a_text),
	UNIT_TEST(cpuid_offers_the_machine_of_the_design),
	UNIT_TEST(tsc_counts_instructions_and_can_be_written),
	UNIT_TEST(rdtsc_at_cpl_3_obeys_tsd),
	UNIT_TEST(msrs_answer_or_fault),
	UNIT_TEST(sti_holds_interrupts_for_one_instruction_if_they_were_off),
	UNIT_TEST(cli_and_sti_need_cpl_within_iopl),
	UNIT_TEST(ports_are_accessed_with_the_operand_size),
	UNIT_TEST(io_bitmap_decides_above_iopl),
	UNIT_END,
};

const struct unit_suite suite_x86_system = { "x86_system", tests };
