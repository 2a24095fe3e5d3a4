// SPDX-License-Identifier: MIT
/*
 * The special handlers of x86/fast.c against the general ones: the same code and state run twice,
 * once with flat segments, where the special handlers are taken, and once with the limit of ES one
 * byte short, where none is.
 */
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "x86/decode.h"
#include "x86/fast.h"
#include "x86_fixture.h"

#define OUTCOMES 24	  /* random states for each form */
#define TOUCHED 0x203000u /* RAM above it is never written */

struct form {
	const char *name;
	uint8_t bytes;
	uint8_t code[10];
};

/* Addresses: EBX holds one; ESI * 4 + 8 is added where an index is used. */
static const struct form forms[] = {
	{ "add eax, edx", 2, { 0x01, 0xd0 } },
	{ "add eax, -3", 3, { 0x83, 0xc0, 0xfd } },
	{ "add eax, [ebx]", 2, { 0x03, 0x03 } },
	{ "add [ebx+esi*4+8], edx", 4, { 0x01, 0x54, 0xb3, 0x08 } },
	{ "add dword [ebx], 0x7fffffff", 6, { 0x81, 0x03, 0xff, 0xff, 0xff, 0x7f } },
	{ "sub eax, edx", 2, { 0x29, 0xd0 } },
	{ "sub eax, 0x80000000", 5, { 0x2d, 0, 0, 0, 0x80 } },
	{ "sub eax, [ebx]", 2, { 0x2b, 0x03 } },
	{ "sub [ebx], edx", 2, { 0x29, 0x13 } },
	{ "sub dword [ebx], 1", 3, { 0x83, 0x2b, 0x01 } },
	{ "adc eax, edx", 2, { 0x11, 0xd0 } },
	{ "adc eax, -1", 3, { 0x83, 0xd0, 0xff } },
	{ "adc eax, [ebx]", 2, { 0x13, 0x03 } },
	{ "adc [ebx], edx", 2, { 0x11, 0x13 } },
	{ "adc dword [ebx], 0", 3, { 0x83, 0x13, 0x00 } },
	{ "sbb eax, eax", 2, { 0x19, 0xc0 } },
	{ "sbb eax, 0", 3, { 0x83, 0xd8, 0x00 } },
	{ "sbb eax, [ebx]", 2, { 0x1b, 0x03 } },
	{ "sbb [ebx], edx", 2, { 0x19, 0x13 } },
	{ "sbb dword [ebx], -1", 3, { 0x83, 0x1b, 0xff } },
	{ "and eax, edx", 2, { 0x21, 0xd0 } },
	{ "and eax, 0xf0", 5, { 0x25, 0xf0, 0, 0, 0 } },
	{ "and eax, [ebx]", 2, { 0x23, 0x03 } },
	{ "and [ebx], edx", 2, { 0x21, 0x13 } },
	{ "and dword [ebx], 0x0f", 3, { 0x83, 0x23, 0x0f } },
	{ "or eax, edx", 2, { 0x09, 0xd0 } },
	{ "or eax, 1", 3, { 0x83, 0xc8, 0x01 } },
	{ "or eax, [ebx]", 2, { 0x0b, 0x03 } },
	{ "or [ebx], edx", 2, { 0x09, 0x13 } },
	{ "or dword [ebx], 0", 3, { 0x83, 0x0b, 0x00 } },
	{ "xor eax, edx", 2, { 0x31, 0xd0 } },
	{ "xor eax, -1", 3, { 0x83, 0xf0, 0xff } },
	{ "xor eax, [ebx]", 2, { 0x33, 0x03 } },
	{ "xor [ebx], edx", 2, { 0x31, 0x13 } },
	{ "xor dword [ebx], 1", 3, { 0x83, 0x33, 0x01 } },
	{ "cmp eax, edx", 2, { 0x39, 0xd0 } },
	{ "cmp eax, 5", 3, { 0x83, 0xf8, 0x05 } },
	{ "cmp eax, [ebx]", 2, { 0x3b, 0x03 } },
	{ "cmp [ebx], edx", 2, { 0x39, 0x13 } },
	{ "cmp dword [ebx], -7", 3, { 0x83, 0x3b, 0xf9 } },
	{ "test eax, edx", 2, { 0x85, 0xd0 } },
	{ "test eax, 0x80", 5, { 0xa9, 0x80, 0, 0, 0 } },
	{ "test [ebx], edx", 2, { 0x85, 0x13 } },
	{ "test dword [ebx], 0x80000000", 6, { 0xf7, 0x03, 0, 0, 0, 0x80 } },
	{ "mov eax, edx", 2, { 0x89, 0xd0 } },
	{ "mov eax, imm", 5, { 0xb8, 0x78, 0x56, 0x34, 0x12 } },
	{ "mov eax, [ebx+esi*4+8]", 4, { 0x8b, 0x44, 0xb3, 0x08 } },
	{ "mov [ebx], edx", 2, { 0x89, 0x13 } },
	{ "mov dword [ebx], imm", 6, { 0xc7, 0x03, 0x78, 0x56, 0x34, 0x12 } },
	{ "inc edi", 1, { 0x47 } },
	{ "dec edi", 1, { 0x4f } },
	{ "shl eax, 1", 2, { 0xd1, 0xe0 } },
	{ "shl eax, 31", 3, { 0xc1, 0xe0, 0x1f } },
	{ "shl eax, 32", 3, { 0xc1, 0xe0, 0x20 } },
	{ "shr eax, 1", 2, { 0xd1, 0xe8 } },
	{ "shr eax, 7", 3, { 0xc1, 0xe8, 0x07 } },
	{ "sar eax, 1", 2, { 0xd1, 0xf8 } },
	{ "sar eax, 30", 3, { 0xc1, 0xf8, 0x1e } },
	{ "lea eax, [ebx+esi*4+8]", 4, { 0x8d, 0x44, 0xb3, 0x08 } },
	{ "movzx eax, dh", 3, { 0x0f, 0xb6, 0xc6 } },
	{ "movzx eax, byte [ebx]", 3, { 0x0f, 0xb6, 0x03 } },
	{ "movzx eax, word [ebx]", 3, { 0x0f, 0xb7, 0x03 } },
	{ "movsx eax, dl", 3, { 0x0f, 0xbe, 0xc2 } },
	{ "movsx eax, byte [ebx]", 3, { 0x0f, 0xbe, 0x03 } },
	{ "movsx eax, word [ebx]", 3, { 0x0f, 0xbf, 0x03 } },
	{ "push esp", 1, { 0x54 } },
	{ "push -2", 2, { 0x6a, 0xfe } },
	{ "pop esp", 1, { 0x5c } },
	{ "pop eax", 1, { 0x58 } },
	{ "jmp +5", 2, { 0xeb, 0x05 } },
	{ "call +0x100", 5, { 0xe8, 0, 1, 0, 0 } },
	{ "ret", 1, { 0xc3 } },
	{ "jb +5", 2, { 0x72, 0x05 } },
	{ "jnb +5", 2, { 0x73, 0x05 } },
	{ "jz +5", 2, { 0x74, 0x05 } },
	{ "jnz +5", 2, { 0x75, 0x05 } },
	{ "jbe +5", 2, { 0x76, 0x05 } },
	{ "jnbe +5", 2, { 0x77, 0x05 } },
	{ "js +5", 2, { 0x78, 0x05 } },
	{ "jns +5", 2, { 0x79, 0x05 } },
	{ "jl +5", 2, { 0x7c, 0x05 } },
	{ "jnl +5", 2, { 0x7d, 0x05 } },
	{ "jle +5", 2, { 0x7e, 0x05 } },
	{ "jnle +5", 2, { 0x7f, 0x05 } },
};

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32);
}

/* Numbers near the edges, where carries and signs change. */
static uint32_t next_value(uint64_t *state)
{
	static const uint32_t edge[] = { 0,	     1,		 0x7f,	     0x80,	 0xff,
					 0x7fffffff, 0x80000000, 0xffffffff, 0x0000ffff, 0xf };
	uint32_t r = next_random(state);

	return r & 1 ? edge[(r >> 1) % ARRAY_SIZE(edge)] : next_random(state);
}

/* EBX: inside RAM, on the last bytes of a page, in another page's, beyond RAM, or not mapped. */
static uint32_t next_address(uint64_t *state)
{
	static const uint32_t at[] = { 0x100000, 0x100ffe, 0x101004, 0x200ffe, 0x500000, 0x200000 };

	return at[next_random(state) % ARRAY_SIZE(at)];
}

static void prepare(struct x86_fixture *x, const struct form *f, uint64_t seed, bool flat)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_paging(x);
	x->rights[0x200000 >> PAGE_SHIFT] = FIX_PRESENT; /* read-only */
	x->rights[0x201000 >> PAGE_SHIFT] = 0;
	for (uint32_t at = 0x100000; at < 0x102000; at += 4)
		fixture_write32(x, at, next_value(&seed));
	fixture_run(x, f->code, f->bytes, 0);
	for (unsigned n = 0; n < X86_GPRS; n++)
		x->s.gpr[n] = next_value(&seed);
	x->s.gpr[X86_EBX] = next_address(&seed);
	x->s.gpr[X86_ESI] = next_random(&seed) % 8;
	x->s.gpr[X86_ESP] = next_address(&seed) + 16;
	x->s.eflags = EFLAGS_FIXED | (next_random(&seed) & EFLAGS_ARITH);
	if (!flat)
		x->s.seg[X86_ES].limit = 0xfffffffe;
	fixture_set(x);
	fixture_continue(x, 1);
}

static bool same(const struct x86_fixture *a, const struct x86_fixture *b)
{
	return !memcmp(a->s.gpr, b->s.gpr, sizeof(a->s.gpr)) && a->s.eip == b->s.eip &&
	       a->s.eflags == b->s.eflags && a->s.cr2 == b->s.cr2 &&
	       !memcmp(a->ram, b->ram, TOUCHED);
}

static void special_and_general_handlers_agree(void)
{
	for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
		for (uint64_t seed = 1; seed <= OUTCOMES; seed++) {
			struct x86_fixture fast, general;
			bool equal;

			prepare(&fast, &forms[n], seed, true);
			prepare(&general, &forms[n], seed, false);
			equal = same(&fast, &general);
			if (!equal)
				printf("%s differs with seed %u\n", forms[n].name, (unsigned)seed);
			CU_ASSERT_TRUE(equal);
			fixture_end(&fast);
			fixture_end(&general);
		}
	}
}

/* Every row of the table is taken by one of the forms above: else the test above tests nothing. */
static void every_special_handler_is_taken_by_a_form(void)
{
	struct decoder *d;

	CU_ASSERT_EQUAL_FATAL(decoder_create(&d), 0);
	for (const struct fast_row *row = fast_rows; row->mnemonic; row++) {
		bool taken = false;

		for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
			struct insn i;
			bool ends;

			decode_insn(d, forms[n].code, forms[n].bytes, BLOCK_D32 | BLOCK_FLAT, &i,
				    &ends);
			taken |= i.fn == row->fn;
		}
		if (!taken)
			printf("row %d is taken by no form\n", (int)(row - fast_rows));
		CU_ASSERT_TRUE(taken);
	}
	decoder_destroy(d);
}

static void without_flat_segments_no_special_handler_is_taken(void)
{
	struct decoder *d;

	CU_ASSERT_EQUAL_FATAL(decoder_create(&d), 0);
	for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
		struct insn i;
		bool ends;

		decode_insn(d, forms[n].code, forms[n].bytes, BLOCK_D32, &i, &ends);
		for (const struct fast_row *row = fast_rows; row->mnemonic; row++)
			CU_ASSERT_NOT_EQUAL(i.fn, row->fn);
	}
	decoder_destroy(d);
}

static const struct unit_test tests[] = {
	UNIT_TEST(special_and_general_handlers_agree),
	UNIT_TEST(every_special_handler_is_taken_by_a_form),
	UNIT_TEST(without_flat_segments_no_special_handler_is_taken),
	UNIT_END,
};

const struct unit_suite suite_x86_fast = { "x86_fast", tests };
