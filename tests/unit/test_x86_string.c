// SPDX-License-Identifier: MIT
/*
 * String instructions: the copy by pages against a model of the copy by elements, and every way in
 * which a repetition ends before its counter does.
 */
#include <string.h>

#include "unit.h"
#include "x86/cpu.h"
#include "x86_fixture.h"

#define C EFLAGS_CF
#define P EFLAGS_PF
#define A EFLAGS_AF
#define Z EFLAGS_ZF
#define S EFLAGS_SF
#define ALL EFLAGS_ARITH

#define EAX x.s.gpr[X86_EAX]
#define ECX x.s.gpr[X86_ECX]
#define EDX x.s.gpr[X86_EDX]
#define ESI x.s.gpr[X86_ESI]
#define EDI x.s.gpr[X86_EDI]

#define BEGIN(kind)                                                                                \
	struct x86_fixture x;                                                                      \
	CU_ASSERT_FATAL(fixture_begin(&x, kind))
#define END fixture_end(&x)

#define SRC 0x40000u
#define WINDOW 0x8000u

/* REP MOVS, element after element, on bytes that mirror [SRC, SRC + WINDOW). */
static void model_movs(uint8_t *m, uint32_t si, uint32_t di, uint32_t count, unsigned size, bool df)
{
	for (; count; count--) {
		uint8_t element[4];

		memcpy(element, m + si - SRC, size);
		memcpy(m + di - SRC, element, size);
		si += df ? -size : size;
		di += df ? -size : size;
	}
}

static void one_movs(struct x86_fixture *fixture, uint32_t random)
{
	static const uint8_t code[3][3] = { { 0xf3, 0xa4, 0x90 },
					    { 0x66, 0xf3, 0xa5 },
					    { 0xf3, 0xa5, 0x90 } };
	static uint8_t model[WINDOW];
	struct x86_fixture x = *fixture;
	unsigned kind = random % 3, size = 1u << kind;
	uint32_t count = (random >> 2) % 1500, gap = (random >> 13) % 24;

	ESI = SRC + 0x3000 + (random >> 18) % 0x1000;
	EDI = random & 1u << 31 ? ESI + gap : ESI - gap;
	if (!(random >> 29 & 3))
		EDI = SRC + 0x100 + gap; /* apart; other page offset */
	ECX = count;
	x.s.eflags = EFLAGS_FIXED | (random >> 17 & 1 ? EFLAGS_DF : 0);
	if (x.s.eflags & EFLAGS_DF && EDI < SRC + 0x2000)
		EDI += 0x1800;
	memcpy(model, x.ram + SRC, WINDOW);
	model_movs(model, ESI, EDI, count, size, x.s.eflags & EFLAGS_DF);
	*fixture = x;
	fixture_set(fixture);
	fixture_run(fixture, code[kind], kind == 1 ? 3 : 2, 1);
	CU_ASSERT_EQUAL(memcmp(model, x.ram + SRC, WINDOW), 0);
	CU_ASSERT_EQUAL(fixture->s.gpr[X86_ECX], 0);
	CU_ASSERT_EQUAL(fixture->s.gpr[X86_ESI] - ESI,
			x.s.eflags & EFLAGS_DF ? -count * size : count * size);
}

static void rep_movs_copies_element_by_element(enum x86_tlb_kind tlb)
{
	uint32_t random = 12345;

	BEGIN(tlb);
	for (unsigned n = 0; n < WINDOW; n++)
		x.ram[SRC + n] = (uint8_t)(n * 7 ^ n >> 5);
	for (unsigned n = 0; n < 3000; n++) {
		random = random * 1664525 + 1013904223;
		one_movs(&x, random ^ random >> 16);
	}
	END;
}

static void rep_movs_by_pages_equals_the_model(void)
{
	rep_movs_copies_element_by_element(X86_TLB_NORMAL);
}

static void rep_movs_by_elements_equals_the_model(void)
{
	rep_movs_copies_element_by_element(X86_TLB_DROP);
}

static void rep_fault_leaves_the_finished_part(void)
{
	for (unsigned tlb = X86_TLB_NORMAL; tlb <= X86_TLB_DROP; tlb++) {
		BEGIN(tlb);
		fixture_paging(&x);
		x.rights[(SRC >> PAGE_SHIFT) + 1] = FIX_PRESENT | MAP_U; /* read-only */
		EDI = SRC + 0xff6, ECX = 100, EAX = 0x55667788;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\xf3\xab", 2); /* REP STOSD: two fit, the third crosses */
		CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
		CU_ASSERT_EQUAL(fixture_stack(&x, 0), PF_P | PF_W);
		CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_CODE);
		CU_ASSERT_EQUAL(x.s.cr2, SRC + 0x1000);
		CU_ASSERT_EQUAL(EDI, SRC + 0xffe);
		CU_ASSERT_EQUAL(ECX, 98);
		CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0xffa), 0x55667788);
		CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0xffe), 0);
		END;
	}
}

static void rep_stops_at_the_segment_limit(void)
{
	BEGIN(X86_TLB_NORMAL);
	x.s.seg[X86_ES].base = SRC;
	x.s.seg[X86_ES].limit = 0x102;
	EDI = 0xf8, ECX = 5, EAX = 0x01010101;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\xab", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_GP);
	CU_ASSERT_EQUAL(EDI, 0x100);
	CU_ASSERT_EQUAL(ECX, 3);
	CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0xfc), 0x01010101);
	CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0x100), 0);
	END;
}

static void rep_with_16_bit_addresses_uses_cx_and_wraps_di(void)
{
	BEGIN(X86_TLB_NORMAL);
	x.s.seg[X86_ES].base = SRC + 0x10; /* so that the wrap is not at the end of a page */
	ECX = 0x70004, EDI = 0x9000fffe, EAX = 0xab;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x67\xf3\xaa", 1);
	CU_ASSERT_EQUAL(ECX, 0x70000);
	CU_ASSERT_EQUAL(EDI, 0x90000002);
	CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0x1000e), 0xabab);
	CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0x10), 0xabab);
	END;
}

static void rep_with_count_zero_touches_nothing(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[SRC >> PAGE_SHIFT] = 0;
	ECX = 0, ESI = EDI = SRC;
	x.s.eflags = ALL | EFLAGS_FIXED;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\xa6", 1); /* REPE CMPSB */
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 2);
	CU_ASSERT_EQUAL(x.s.eflags & ALL, ALL);
	END;
}

static void mmio_write_kicks(void *ctx, gpa_t gpa, unsigned size, uint32_t value)
{
	const struct x86_fixture *x = ctx;

	if (gpa == FIX_RAM)
		x86_kick(x->cpu);
}

static void rep_is_one_instruction_and_a_kick_splits_it(void)
{
	uint64_t before;

	BEGIN(X86_TLB_NORMAL);
	EDI = SRC, ECX = 200000;
	fixture_set(&x);
	before = x86_icount(x.cpu);
	FIXTURE_RUN(&x, "\xf3\xaa", 1);
	CU_ASSERT_EQUAL(x86_icount(x.cpu), before + 1);
	CU_ASSERT_EQUAL(ECX, 0);
	x.cpu->env.mmio_write = mmio_write_kicks;
	EDI = FIX_RAM, ECX = 100000;
	fixture_set(&x);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\xf3\xaa", 1), X86_STOP_KICKED);
	CU_ASSERT_EQUAL(x86_icount(x.cpu), before + 1);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE);
	CU_ASSERT_EQUAL(ECX, 100000 - 65536);
	CU_ASSERT_EQUAL(EDI, FIX_RAM + 65536);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(ECX, 0);
	CU_ASSERT_EQUAL(x86_icount(x.cpu), before + 2);
	END;
}

static void rep_stos_over_the_next_instructions_takes_effect(void)
{
	BEGIN(X86_TLB_NORMAL);
	FIXTURE_RUN(&x, "\xf3\xaa\x48\x48\x48", 4); /* DEC EAX, thrice: decoded by now */
	EDI = FIX_CODE + 2, ECX = 2, EAX = 0x40;    /* INC EAX */
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\xaa\x48\x48\x48", 4);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 5);
	CU_ASSERT_EQUAL(EAX, 0x41);
	END;
}

static void rep_scas_and_cmps_stop_after_the_deciding_element(void)
{
	for (unsigned tlb = X86_TLB_NORMAL; tlb <= X86_TLB_DROP; tlb++) {
		BEGIN(tlb);
		memset(x.ram + SRC, 'a', 0x3000);
		x.ram[SRC + 0x1234] = 0;
		EDI = SRC, ECX = 0xffffffff, EAX = 0;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\xf2\xae", 1); /* strlen */
		CU_ASSERT_EQUAL(EDI, SRC + 0x1235);
		CU_ASSERT_EQUAL(~ECX - 1, 0x1234);
		CU_ASSERT_EQUAL(x.s.eflags & ALL, Z | P);
		ESI = SRC, EDI = SRC + 0x1000, ECX = 0x1000;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\xf3\xa6", 1); /* memcmp: 'a' - 0 at 0x234 */
		CU_ASSERT_EQUAL(ESI, SRC + 0x235);
		CU_ASSERT_EQUAL(ECX, 0x1000 - 0x235);
		CU_ASSERT_EQUAL(x.s.eflags & ALL, 0);
		END;
	}
}

static void rep_cmps_fault_restores_the_flags(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[(SRC >> PAGE_SHIFT) + 1] = 0;
	ESI = SRC + 0xff0, EDI = SRC, ECX = 100;
	x.s.eflags = C | S | A | EFLAGS_FIXED;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\xa6", 2); /* sixteen zeros are equal, then the page ends */
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(ECX, 84);
	CU_ASSERT_EQUAL(fixture_stack(&x, 3) & ALL, C | S | A);
	END;
}

static void single_step_traps_after_each_element(void)
{
	BEGIN(X86_TLB_NORMAL);
	EDI = SRC, ECX = 3;
	x.s.eflags = EFLAGS_FIXED | EFLAGS_TF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\xaa", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_DB);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE);
	CU_ASSERT_EQUAL(ECX, 2);
	END;
}

static void ins_checks_memory_before_the_port_is_read(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[SRC >> PAGE_SHIFT] = FIX_PRESENT | MAP_U;
	EDI = SRC, EDX = 0x60, ECX = 2;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xf3\x6c", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(x.ios, 0);
	x.rights[SRC >> PAGE_SHIFT] |= MAP_W;
	x86_flush_all(x.cpu);
	FIXTURE_RUN(&x, "\xf3\x6c", 1);
	CU_ASSERT_EQUAL(x.ios, 2);
	CU_ASSERT_EQUAL(fixture_read16(&x, SRC), 0xa5a5);
	ESI = SRC, ECX = 1;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x66\xf3\x6f", 1); /* REP OUTSW */
	CU_ASSERT_TRUE(x.io.write && x.io.size == 2 && x.io.port == 0x60);
	CU_ASSERT_EQUAL(x.io.value, 0xa5a5);
	END;
}

static void outs_without_io_privilege_is_gp(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_level(&x, 3);
	ESI = SRC, EDX = 0x60;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x6e", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_GP);
	CU_ASSERT_EQUAL(x.ios, 0);
	CU_ASSERT_EQUAL(ESI, SRC);
	END;
}

static const struct unit_test tests[] = {
	UNIT_TEST(rep_movs_by_pages_equals_the_model),
	UNIT_TEST(rep_movs_by_elements_equals_the_model),
	UNIT_TEST(rep_fault_leaves_the_finished_part),
	UNIT_TEST(rep_stops_at_the_segment_limit),
	UNIT_TEST(rep_with_16_bit_addresses_uses_cx_and_wraps_di),
	UNIT_TEST(rep_with_count_zero_touches_nothing),
	UNIT_TEST(rep_is_one_instruction_and_a_kick_splits_it),
	UNIT_TEST(rep_stos_over_the_next_instructions_takes_effect),
	UNIT_TEST(rep_scas_and_cmps_stop_after_the_deciding_element),
	UNIT_TEST(rep_cmps_fault_restores_the_flags),
	UNIT_TEST(single_step_traps_after_each_element),
	UNIT_TEST(ins_checks_memory_before_the_port_is_read),
	UNIT_TEST(outs_without_io_privilege_is_gp),
	UNIT_END,
};

const struct unit_suite suite_x86_string = { "x86_string", tests };
