// SPDX-License-Identifier: MIT
/*
 * Integer instructions. Expected values are worked out by hand from the Intel SDM, vol. 2; the
 * differential test against the CPU covers the bulk, so here stands what it cannot reach or what
 * deserves a name: faults half-way, address sizes, privilege, the order of effects.
 */
#include <stdio.h>

#include "unit.h"
#include "x86/cpu.h"
#include "x86_fixture.h"

#define C EFLAGS_CF
#define P EFLAGS_PF
#define A EFLAGS_AF
#define Z EFLAGS_ZF
#define S EFLAGS_SF
#define O EFLAGS_OF
#define ALL EFLAGS_ARITH

#define EAX x.s.gpr[X86_EAX]
#define ECX x.s.gpr[X86_ECX]
#define EDX x.s.gpr[X86_EDX]
#define EBX x.s.gpr[X86_EBX]
#define ESP x.s.gpr[X86_ESP]
#define EBP x.s.gpr[X86_EBP]
#define ESI x.s.gpr[X86_ESI]
#define EDI x.s.gpr[X86_EDI]

#define BEGIN(kind)                                                                                \
	struct x86_fixture x;                                                                      \
	CU_ASSERT_FATAL(fixture_begin(&x, kind))
#define END fixture_end(&x)

/* --- tables of register operations ---------------------------------------------------------- */

/* Code over EAX, EBX, ECX and EDX. */
struct row {
	const char *code;
	uint8_t bytes;
	uint32_t eax, ebx, ecx, edx, flags;
	uint32_t eax_after, edx_after, flags_after;
	uint32_t defined; /* flags to compare */
};

#define CODE(literal) literal, sizeof(literal) - 1

static void run_rows(const struct row *row, size_t rows)
{
	BEGIN(X86_TLB_NORMAL);
	for (size_t n = 0; n < rows; n++, row++) {
		EAX = row->eax, EBX = row->ebx, ECX = row->ecx, EDX = row->edx;
		x.s.eflags = row->flags | EFLAGS_FIXED;
		fixture_set(&x);
		fixture_run(&x, row->code, row->bytes, 1);
		CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + row->bytes);
		CU_ASSERT_EQUAL(EAX, row->eax_after);
		CU_ASSERT_EQUAL(EDX, row->edx_after);
		CU_ASSERT_EQUAL(x.s.eflags & row->defined, row->flags_after & row->defined);
		if (EAX != row->eax_after || (x.s.eflags ^ row->flags_after) & row->defined)
			fprintf(stderr, "row %zu: eax %x flags %x\n", n, EAX, x.s.eflags & ALL);
	}
	END;
}

static void alu_sets_result_and_flags(void)
{
	static const struct row rows[] = {
		/* ADD AL, BL; ADD AX, BX; ADD EAX, EBX */
		{ CODE("\x00\xd8"), 0x1100007f, 1, 0, 0, 0, 0x11000080, 0, O | S | A, ALL },
		{ CODE("\x00\xd8"), 0x110000ff, 1, 0, 0, 0, 0x11000000, 0, C | Z | A | P, ALL },
		{ CODE("\x66\x01\xd8"), 0x18000, 0x8000, 0, 0, 0, 0x10000, 0, C | O | Z | P, ALL },
		{ CODE("\x01\xd8"), 0xffffffff, 1, 0, 0, 0, 0, 0, C | Z | A | P, ALL },
		/* ADC */
		{ CODE("\x10\xd8"), 0xff, 0xff, 0, 0, C, 0xff, 0, C | S | A | P, ALL },
		{ CODE("\x11\xd8"), 0x7fffffff, 0, 0, 0, C, 0x80000000, 0, O | S | A | P, ALL },
		/* SUB, SBB, CMP */
		{ CODE("\x28\xd8"), 0, 1, 0, 0, 0, 0xff, 0, C | S | A | P, ALL },
		{ CODE("\x28\xd8"), 0x80, 1, 0, 0, 0, 0x7f, 0, O | A, ALL },
		{ CODE("\x19\xd8"), 0, 0xffffffff, 0, 0, C, 0, 0, C | Z | A | P, ALL },
		{ CODE("\x66\x39\xd8"), 0x1234, 0x1234, 0, 0, C, 0x1234, 0, Z | P, ALL },
		/* AND, XOR; TEST EAX, imm32 */
		{ CODE("\x20\xd8"), 0xf0, 0x0f, 0, 0, C | O, 0, 0, Z | P, ALL & ~A },
		{ CODE("\x31\xd8"), 0x80000001, 0, 0, 0, ALL, 0x80000001, 0, S, ALL & ~A },
		{ CODE("\xa9\0\0\0\x80"), 0x80000000, 0, 0, 0, 0, 0x80000000, 0, S | P, ALL & ~A },
		/* SUB EAX, imm8 sign-extended */
		{ CODE("\x83\xe8\xff"), 1, 0, 0, 0, 0, 2, 0, C | A, ALL },
		/* INC and DEC leave CF; NEG */
		{ CODE("\xfe\xc0"), 0x7f, 0, 0, 0, C, 0x80, 0, O | S | A | C, ALL },
		{ CODE("\xfe\xc8"), 0, 0, 0, 0, 0, 0xff, 0, S | A | P, ALL },
		{ CODE("\xf6\xd8"), 0x80, 0, 0, 0, 0, 0x80, 0, C | O | S, ALL },
		{ CODE("\xf7\xd8"), 0, 0, 0, 0, C, 0, 0, Z | P, ALL },
		/* NOT; CWDE, CDQ; SAHF, LAHF; SALC; BSWAP; XADD EAX, EAX */
		{ CODE("\xf7\xd0"), 0x0f0f0f0f, 0, 0, 0, ALL, 0xf0f0f0f0, 0, ALL, ALL },
		{ CODE("\x98"), 0x1234fffe, 0, 0, 0, 0, 0xfffffffe, 0, 0, ALL },
		{ CODE("\x66\x98"), 0x12340080, 0, 0, 0, 0, 0x1234ff80, 0, 0, ALL },
		{ CODE("\x99"), 0x80000000, 0, 0, 7, 0, 0x80000000, 0xffffffff, 0, ALL },
		{ CODE("\x66\x99"), 0x7fff, 0, 0, 0x12345678, 0, 0x7fff, 0x12340000, 0, ALL },
		{ CODE("\x9e"), 0xff00, 0, 0, 0, O, 0xff00, 0, ALL, ALL },
		{ CODE("\x9f"), 0, 0, 0, 0, ALL, 0xd700, 0, ALL, ALL },
		{ CODE("\xd6"), 0x1200, 0, 0, 0, C, 0x12ff, 0, C, ALL },
		{ CODE("\x0f\xc8"), 0x12345678, 0, 0, 0, 0, 0x78563412, 0, 0, ALL },
		{ CODE("\x0f\xc1\xc0"), 0x80000000, 0, 0, 0, 0, 0, 0, C | O | Z | P, ALL },
	};
	run_rows(rows, ARRAY_SIZE(rows));
}

static void shifts_and_rotates_mask_the_count_and_set_flags(void)
{
	static const struct row rows[] = {
		/* SHL AL, CL; SHL EAX, CL by 32 is by none */
		{ CODE("\xd2\xe0"), 0x81, 0, 1, 0, 0, 0x02, 0, C | O, ALL & ~A },
		{ CODE("\xd3\xe0"), 5, 0, 32, 0, ALL, 5, 0, ALL, ALL },
		/* SHL AL by 8: CF is the last bit out; by 9: nothing is left, CF undefined */
		{ CODE("\xd2\xe0"), 0x01, 0, 8, 0, 0, 0, 0, C | Z | P, ALL & ~(A | O) },
		/* SHR AL; SAR AX by 15 */
		{ CODE("\xd2\xe8"), 0x81, 0, 1, 0, 0, 0x40, 0, C | O, ALL & ~A },
		{ CODE("\x66\xd3\xf8"), 0x8000, 0, 15, 0, 0, 0xffff, 0, S | P, ALL & ~(A | O) },
		/* ROL AL by 8 still sets CF; ROR EAX by 1 */
		{ CODE("\xd2\xc0"), 0x80, 0, 8, 0, ALL, 0x80, 0, S | Z | A | P, ALL & ~O },
		{ CODE("\xd1\xc8"), 1, 0, 0, 0, 0, 0x80000000, 0, C | O, ALL },
		/* RCL AL by 1, by 9 (once round); RCR AX, EAX by 1 */
		{ CODE("\xd2\xd0"), 0x80, 0, 1, 0, C, 0x01, 0, C | O, ALL },
		{ CODE("\xd2\xd0"), 0x5a, 0, 9, 0, C, 0x5a, 0, C, ALL & ~O },
		{ CODE("\x66\xd3\xd8"), 1, 0, 1, 0, 0, 0, 0, C, ALL },
		{ CODE("\xd3\xd8"), 0, 0, 1, 0, C, 0x80000000, 0, O, ALL },
		{ CODE("\xd3\xd0"), 0x12345678, 0, 31, 0, C, 0x448d159e, 0, 0, C },
		/* SHLD EAX, EBX, CL; SHRD AX, BX, 4 */
		{ CODE("\x0f\xa5\xd8"), 0x12345678, 0x9abcdef0, 8, 0, C, 0x3456789a, 0, P,
		  ALL & ~(A | O) },
		{ CODE("\x66\x0f\xac\xd8\x04"), 0x1234, 0xabcd, 0, 0, 0, 0xd123, 0, S,
		  ALL & ~(A | O) },
	};
	run_rows(rows, ARRAY_SIZE(rows));
}

static void multiply_divide_and_decimal_results(void)
{
	static const struct row rows[] = {
		/* MUL BL; IMUL BL; MUL EBX; IMUL EAX, EBX; IMUL EAX, EBX, -1 */
		{ CODE("\xf6\xe3"), 0xff, 0xff, 0, 0, 0, 0xfe01, 0, C | O, C | O },
		{ CODE("\xf6\xeb"), 0x80, 0xff, 0, 0, 0, 0x0080, 0, C | O, C | O },
		{ CODE("\xf7\xe3"), 0x10000, 0x10000, 0, 9, 0, 0, 1, C | O, C | O },
		{ CODE("\x0f\xaf\xc3"), 0xfffffffe, 3, 0, 0, C | O, 0xfffffffa, 0, 0, C | O },
		{ CODE("\x6b\xc3\xff"), 0, 0x80000000, 0, 0, 0, 0x80000000, 0, C | O, C | O },
		/* DIV EBX; IDIV EBX: -7 / 2; IDIV BL: -128 / 1 just fits */
		{ CODE("\xf7\xf3"), 0, 2, 0, 1, 0, 0x80000000, 0, 0, 0 },
		{ CODE("\xf7\xfb"), 0xfffffff9, 2, 0, 0xffffffff, 0, 0xfffffffd, 0xffffffff, 0, 0 },
		{ CODE("\xf6\xfb"), 0xff80, 1, 0, 0, 0, 0x0080, 0, 0, 0 },
		/* DAA, DAS: the examples of the SDM; a borrow of the first step of DAS */
		{ CODE("\x27"), 0xae, 0, 0, 0, 0, 0x14, 0, C | A | P, ALL & ~O },
		{ CODE("\x2f"), 0xee, 0, 0, 0, C | A, 0x88, 0, C | A | S | P, ALL & ~O },
		{ CODE("\x2f"), 0x03, 0, 0, 0, A, 0xfd, 0, C | A | S, ALL & ~O },
		/* AAA carries into AH by addition to AX; AAS; AAM; AAD */
		{ CODE("\x37"), 0x00fa, 0, 0, 0, 0, 0x0200, 0, C | A, C | A },
		{ CODE("\x3f"), 0x0207, 0, 0, 0, A, 0x0101, 0, C | A, C | A },
		{ CODE("\xd4\x0a"), 98, 0, 0, 0, 0, 0x0908, 0, 0, Z | S | P },
		{ CODE("\xd5\x0a"), 0x0908, 0, 0, 0, 0, 98, 0, 0, Z | S | P },
	};
	run_rows(rows, ARRAY_SIZE(rows));
}

static void divide_error_changes_nothing(void)
{
	static const struct row rows[] = {
		{ CODE("\xf7\xf3"), 5, 0, 0, 0, 0, 0, 0, 0, 0 }, /* by zero */
		{ CODE("\xf7\xf3"), 0, 2, 0, 2, 0, 0, 0, 0, 0 }, /* quotient of 33 bits */
		{ CODE("\xf7\xfb"), 0, 0xffffffff, 0, 0x80000000, 0, 0, 0, 0, 0 }, /* -2^63 / -1 */
		{ CODE("\xf7\xfb"), 0x80000000, 0xffffffff, 0, 0xffffffff, 0, 0, 0, 0, 0 },
		{ CODE("\xf6\xfb"), 0x8000, 0xff, 0, 0, 0, 0, 0, 0, 0 },
		{ CODE("\xd4\x00"), 0x1234, 0, 0, 0, 0, 0, 0, 0, 0 }, /* AAM 0 */
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		BEGIN(X86_TLB_NORMAL);
		EAX = rows[n].eax, EBX = rows[n].ebx, EDX = rows[n].edx;
		fixture_set(&x);
		fixture_run(&x, rows[n].code, rows[n].bytes, 2);
		CU_ASSERT_EQUAL(fixture_vector(&x), VEC_DE);
		CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE);
		CU_ASSERT_EQUAL(EAX, rows[n].eax);
		CU_ASSERT_EQUAL(EDX, rows[n].edx);
		END;
	}
}

/* SDM vol. 1, table B-1: the even conditions; the odd ones are their opposites. */
static bool condition(unsigned cc, uint32_t f)
{
	bool of = f & O, cf = f & C, zf = f & Z, sf = f & S, pf = f & P;
	bool even[] = { of, cf, zf, cf || zf, sf, pf, sf != of, zf || sf != of };

	return even[cc / 2] != cc % 2;
}

static void setcc_and_cmovcc_know_all_conditions(void)
{
	static const uint32_t bit[] = { O, C, Z, S, P };

	BEGIN(X86_TLB_NORMAL);
	for (unsigned n = 0; n < 16 * 32; n++) {
		uint8_t code[] = { 0x0f, 0x90 + n % 16, 0xc0, 0x0f, 0x40 + n % 16, 0xda };

		x.s.eflags = EFLAGS_FIXED;
		for (unsigned k = 0; k < ARRAY_SIZE(bit); k++)
			x.s.eflags |= n / 16 >> k & 1 ? bit[k] : 0;
		EAX = 0x12345678, EBX = 1, EDX = 2;
		fixture_set(&x);
		fixture_run(&x, code, sizeof(code), 2);
		CU_ASSERT_EQUAL(EAX, 0x12345600u + condition(n % 16, x.s.eflags));
		CU_ASSERT_EQUAL(EBX, condition(n % 16, x.s.eflags) ? 2 : 1);
	}
	END;
}

static void cmov_reads_its_source_when_the_condition_is_false(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[FIX_DATA >> PAGE_SHIFT] = 0;
	EBX = FIX_DATA;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x42\x03", 2); /* CMOVB EAX, [EBX] with CF clear */
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(x.s.cr2, FIX_DATA);
	END;
}

static void cmpxchg8b_compares_64_bits_and_sets_zf_alone(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_write32(&x, FIX_DATA, 0x11111111);
	fixture_write32(&x, FIX_DATA + 4, 0x22222222);
	EAX = 0x11111111, EDX = 0x22222223, EBX = 0xb, ECX = 0xc, ESI = FIX_DATA;
	x.s.eflags = ALL | EFLAGS_FIXED;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\xc7\x0e\x0f\xc7\x0e", 1);
	CU_ASSERT_EQUAL(EDX, 0x22222222);
	CU_ASSERT_EQUAL(x.s.eflags & ALL, ALL & ~Z);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA + 4), 0x22222222);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.eflags & ALL, ALL);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA), 0xb);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA + 4), 0xc);
	END;
}

static void failed_cmpxchg_needs_a_writable_operand(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[FIX_DATA >> PAGE_SHIFT] = FIX_PRESENT | MAP_U;
	EAX = 1, ESI = FIX_DATA;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\xb1\x1e", 2); /* CMPXCHG [ESI], EBX: [ESI] is 0 */
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), PF_P | PF_W);
	CU_ASSERT_EQUAL(EAX, 1);
	END;
}

/* --- bits ------------------------------------------------------------------------------------- */

static void bit_offset_in_a_register_reaches_both_ways(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_write32(&x, FIX_DATA, 0x80000000);
	EBX = FIX_DATA + 4, ECX = 0xffffffff;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\xbb\x0b", 1); /* BTC [EBX], ECX: bit -1 */
	CU_ASSERT_TRUE(x.s.eflags & C);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA), 0);
	ECX = 95;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\xab\x0b", 1); /* BTS: bit 31 of the third dword */
	CU_ASSERT_FALSE(x.s.eflags & C);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA + 12), 0x80000000);
	ECX = 0x1fff0; /* CX = -16 */
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x66\x0f\xab\x0b", 1); /* BTS word [EBX], CX */
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA), 0x00010000);
	FIXTURE_RUN(&x, "\x0f\xba\x2b\x21", 1); /* BTS [EBX], 33: an immediate stays inside */
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_DATA + 4), 2);
	END;
}

static void bit_offset_wraps_at_the_address_size(void)
{
	BEGIN(X86_TLB_NORMAL);
	ECX = 0xffffffff;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x67\x0f\xab\x0e\x00\x00", 1); /* BTS [0], ECX with 16-bit addresses */
	CU_ASSERT_EQUAL(fixture_read32(&x, 0xfffc), 0x80000000);
	END;
}

static void bit_scan_of_zero_leaves_the_destination(void)
{
	static const struct row rows[] = {
		{ CODE("\x0f\xbc\xc3"), 7, 0, 0, 0, 0, 7, 0, Z, Z },
		{ CODE("\x66\x0f\xbd\xc3"), 7, 0xffff0000, 0, 0, 0, 7, 0, Z, Z },
		{ CODE("\x0f\xbc\xc3"), 7, 0x80000000, 0, 0, Z, 31, 0, 0, Z },
		{ CODE("\x66\x0f\xbd\xc3"), 0xdead0000, 0x00f0, 0, 0, Z, 0xdead0007, 0, 0, Z },
	};
	run_rows(rows, ARRAY_SIZE(rows));
}

#define SRC 0x40000u

/* --- the stack -------------------------------------------------------------------------------- */

static void push_and_pop_of_esp_see_the_old_and_the_new_value(void)
{
	BEGIN(X86_TLB_NORMAL);
	FIXTURE_RUN(&x, "\x54\x5b\x54\x5c", 2); /* PUSH ESP, POP EBX */
	CU_ASSERT_EQUAL(EBX, FIX_ESP0);
	fixture_write32(&x, FIX_ESP0, 0x7000);
	FIXTURE_RUN(&x, "\x5c", 1); /* POP ESP */
	CU_ASSERT_EQUAL(ESP, 0x7000);
	fixture_write32(&x, 0x7000, 0x11223344);
	FIXTURE_RUN(&x, "\x8f\x04\x24", 1); /* POP [ESP]: to the incremented ESP */
	CU_ASSERT_EQUAL(ESP, 0x7004);
	CU_ASSERT_EQUAL(fixture_read32(&x, 0x7004), 0x11223344);
	END;
}

static void pop_to_a_bad_place_keeps_esp(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_paging(&x);
	x.rights[FIX_DATA >> PAGE_SHIFT] = 0;
	EBX = FIX_DATA;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x8f\x03", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(ESP, FIX_ESP0 - 16); /* the frame with its error code */
	END;
}

static void pusha_that_faults_stores_nothing(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_level(&x, 3);
	fixture_paging(&x);
	x.rights[8] = FIX_PRESENT | MAP_W; /* 0x8000: not for user code */
	ESP = 0x9010;
	fixture_write32(&x, 0x900c, 0x5a5a5a5a);
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x60", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(x.s.cr2, 0x8ffc);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), 0x9010);
	CU_ASSERT_EQUAL(fixture_read32(&x, 0x900c), 0x5a5a5a5a);
	END;
}

static void popa_undoes_pusha_but_for_esp(void)
{
	BEGIN(X86_TLB_NORMAL);
	for (unsigned r = 0; r < X86_GPRS; r++)
		if (r != X86_ESP)
			x.s.gpr[r] = 0x01010101 * r;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x60", 1);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 20), FIX_ESP0);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 32), 0x07070707);
	fixture_write32(&x, FIX_ESP0 - 20, 0); /* the saved ESP: must be skipped */
	EAX = EDI = 0;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x66\x61\x83\xec\xf0\x83\xec\x20\x61", 4);
	CU_ASSERT_EQUAL(ESP, FIX_ESP0);
	CU_ASSERT_EQUAL(EDI, 0x07070707);
	CU_ASSERT_EQUAL(EBP, 0x05050505);
	END;
}

static void stack_of_16_bits_wraps_sp_alone(void)
{
	BEGIN(X86_TLB_NORMAL);
	x.s.seg[X86_SS].attr &= (uint16_t)~SEG_DB;
	x.s.seg[X86_SS].base = SRC;
	ESP = 0x12340002, EAX = 0xaabbccdd;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x66\x50\x50", 2); /* PUSH AX, PUSH EAX */
	CU_ASSERT_EQUAL(ESP, 0x1234fffc);
	CU_ASSERT_EQUAL(fixture_read16(&x, SRC), 0xccdd);
	CU_ASSERT_EQUAL(fixture_read32(&x, SRC + 0xfffc), 0xaabbccdd);
	END;
}

static void popf_obeys_cpl_and_iopl(void)
{
	static const struct {
		uint8_t cpl, iopl;
		uint32_t before, popped, after;
	} rows[] = {
		{ 0, 0, 0, 0x3000 | EFLAGS_IF, 0x3000 | EFLAGS_IF },
		{ 3, 0, 0, 0x3000 | EFLAGS_IF | C, C },
		{ 3, 3, 0x3000, EFLAGS_IF, 0x3000 | EFLAGS_IF },
		{ 0, 0, 0, EFLAGS_VM | EFLAGS_RF | EFLAGS_VIF | EFLAGS_VIP, 0 },
		{ 3, 0, 0, EFLAGS_AC | EFLAGS_ID | EFLAGS_NT | EFLAGS_DF,
		  EFLAGS_AC | EFLAGS_ID | EFLAGS_NT | EFLAGS_DF },
		{ 0, 0, ALL, 0x28, 0 }, /* reserved bits stay clear */
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		BEGIN(X86_TLB_NORMAL);
		fixture_level(&x, rows[n].cpl);
		x.s.eflags = rows[n].before | EFLAGS_FIXED;
		fixture_set(&x);
		fixture_write32(&x, ESP, rows[n].popped);
		FIXTURE_RUN(&x, "\x9d", 1);
		CU_ASSERT_EQUAL(x.s.eflags, rows[n].after | EFLAGS_FIXED);
		END;
	}
}

static void enter_copies_the_display_and_leave_undoes_it(void)
{
	BEGIN(X86_TLB_NORMAL);
	EBP = 0x7800;
	fixture_write32(&x, 0x77fc, 0xd1d1d1d1);
	fixture_write32(&x, 0x77f8, 0xd2d2d2d2);
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xc8\x10\x00\x23\xc9", 1); /* ENTER 16, 3 (35 modulo 32); LEAVE */
	CU_ASSERT_EQUAL(EBP, FIX_ESP0 - 4);
	CU_ASSERT_EQUAL(ESP, FIX_ESP0 - 4 - 3 * 4 - 16);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 4), 0x7800);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 8), 0xd1d1d1d1);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 12), 0xd2d2d2d2);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 - 16), FIX_ESP0 - 4);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(ESP, FIX_ESP0);
	CU_ASSERT_EQUAL(EBP, 0x7800);
	END;
}

static void enter_faults_where_its_final_esp_cannot_be_written(void)
{
	BEGIN(X86_TLB_NORMAL);
	fixture_level(&x, 3);
	fixture_paging(&x);
	x.rights[6] = FIX_PRESENT | MAP_W;
	EBP = 0x1234;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xc8\x00\x34\x00", 2); /* 0xa000 - 4 - 0x3400 = 0x6bfc */
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(x.s.cr2, 0x6bfc);
	CU_ASSERT_EQUAL(EBP, 0x1234);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), FIX_ESP3);
	END;
}

static const struct unit_test tests[] = {
	UNIT_TEST(alu_sets_result_and_flags),
	UNIT_TEST(shifts_and_rotates_mask_the_count_and_set_flags),
	UNIT_TEST(multiply_divide_and_decimal_results),
	UNIT_TEST(divide_error_changes_nothing),
	UNIT_TEST(setcc_and_cmovcc_know_all_conditions),
	UNIT_TEST(cmov_reads_its_source_when_the_condition_is_false),
	UNIT_TEST(cmpxchg8b_compares_64_bits_and_sets_zf_alone),
	UNIT_TEST(failed_cmpxchg_needs_a_writable_operand),
	UNIT_TEST(bit_offset_in_a_register_reaches_both_ways),
	UNIT_TEST(bit_offset_wraps_at_the_address_size),
	UNIT_TEST(bit_scan_of_zero_leaves_the_destination),
	UNIT_TEST(push_and_pop_of_esp_see_the_old_and_the_new_value),
	UNIT_TEST(pop_to_a_bad_place_keeps_esp),
	UNIT_TEST(pusha_that_faults_stores_nothing),
	UNIT_TEST(popa_undoes_pusha_but_for_esp),
	UNIT_TEST(stack_of_16_bits_wraps_sp_alone),
	UNIT_TEST(popf_obeys_cpl_and_iopl),
	UNIT_TEST(enter_copies_the_display_and_leave_undoes_it),
	UNIT_TEST(enter_faults_where_its_final_esp_cannot_be_written),
	UNIT_END,
};

const struct unit_suite suite_x86_int = { "x86_int", tests };
