// SPDX-License-Identifier: MIT
/*
 * Multiplication, division, and the decimal adjustments (Intel SDM vol. 2, each instruction's own
 * page). Undefined flags follow an AMD Zen: a division changes none, a multiplication only CF and
 * OF, a decimal adjustment those of the addition inside it.
 */
#include "x86/cpu.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

#define AL 0
#define AH 1
#define AX (X86_EAX * 4)
#define EAX (X86_EAX * 4)
#define EDX (X86_EDX * 4)

/* AX, DX:AX or EDX:EAX: the double-width accumulator of an operand of `size` bytes. */
static uint64_t wide_read(const struct cpu *c, unsigned size)
{
	if (size == 1)
		return reg_read(c, AX, 2);
	return (uint64_t)reg_read(c, EDX, size) << size * 8 | reg_read(c, EAX, size);
}

static void wide_write(struct cpu *c, unsigned size, uint32_t low, uint32_t high)
{
	reg_write(c, EAX, size, low);
	reg_write(c, size == 1 ? AH : EDX, size, high);
}

/* CF and OF together tell that the product does not fit its low half. */
static void flags_multiply(struct cpu *c, bool overflow)
{
	c->flag_aux = (c->flag_aux & ~(FLAG_AUX_CF | FLAG_AUX_PO)) | (overflow ? FLAG_AUX_CF : 0);
}

static const struct insn *op_mul(struct cpu *c, const struct insn *i)
{
	unsigned size = i->op[0].size;
	uint64_t product;
	uint32_t v;

	if (!operand_read(c, i, &i->op[0], &v))
		return NULL;
	product = (uint64_t)reg_read(c, EAX, size) * v;
	wide_write(c, size, (uint32_t)product, (uint32_t)(product >> size * 8));
	flags_multiply(c, product >> size * 8);
	return i + 1;
}

static int64_t signed_product(uint32_t a, uint32_t b, unsigned size)
{
	return (int64_t)(int32_t)sign_extend(a, size) * (int32_t)sign_extend(b, size);
}

static bool fits_signed(int64_t v, unsigned size)
{
	return (int32_t)sign_extend((uint32_t)v, size) == v;
}

/* IMUL of one, two and three operands. */
static const struct insn *op_imul(struct cpu *c, const struct insn *i)
{
	unsigned size = i->op[0].size;
	bool wide = i->op[1].kind == OPND_NONE;
	uint32_t a, b;
	int64_t product;

	if (!operand_read(c, i, &i->op[!wide], &a))
		return NULL;
	if (i->nimm)
		b = i->imm;
	else
		b = reg_read(c, wide ? EAX : i->op[0].reg, size);
	product = signed_product(a, b, size);
	if (wide)
		wide_write(c, size, (uint32_t)product, (uint32_t)(product >> size * 8));
	else
		reg_write(c, i->op[0].reg, size, (uint32_t)product);
	flags_multiply(c, !fits_signed(product, size));
	return i + 1;
}

static const struct insn *op_div(struct cpu *c, const struct insn *i)
{
	unsigned size = i->op[0].size;
	uint64_t dividend = wide_read(c, size);
	uint32_t divisor;

	if (!operand_read(c, i, &i->op[0], &divisor))
		return NULL;
	if (!divisor || dividend / divisor > size_mask(size))
		return cpu_fault(c, i, VEC_DE, 0);
	wide_write(c, size, (uint32_t)(dividend / divisor), (uint32_t)(dividend % divisor));
	return i + 1;
}

static const struct insn *op_idiv(struct cpu *c, const struct insn *i)
{
	unsigned size = i->op[0].size, shift = 64 - size * 16;
	int64_t dividend = (int64_t)(wide_read(c, size) << shift) >> shift, divisor;
	uint32_t v;

	if (!operand_read(c, i, &i->op[0], &v))
		return NULL;
	divisor = (int32_t)sign_extend(v, size);
	/* The second case is one where C, too, has no quotient. */
	if (!divisor || (divisor == -1 && dividend == INT64_MIN) ||
	    !fits_signed(dividend / divisor, size))
		return cpu_fault(c, i, VEC_DE, 0);
	wide_write(c, size, (uint32_t)(dividend / divisor), (uint32_t)(dividend % divisor));
	return i + 1;
}

/* AAA (sub 0) and AAS (sub 1). */
static const struct insn *op_ascii_adjust(struct cpu *c, const struct insn *i)
{
	uint32_t ax = reg_read(c, AX, 2);
	bool adjust = (ax & 0xf) > 9 || flag_af(c);

	if (adjust)
		ax += i->sub ? -0x106u : 0x106u;
	flags_set(c, ax, 1, adjust, false, adjust);
	reg_write(c, AX, 2, ax & 0xff0f);
	return i + 1;
}

/* AAM: the base is an immediate, so that it can be zero. */
static const struct insn *op_aam(struct cpu *c, const struct insn *i)
{
	uint32_t al = reg_read(c, AL, 1), base = i->imm & 0xff;

	if (!base)
		return cpu_fault(c, i, VEC_DE, 0);
	reg_write(c, AH, 1, al / base);
	reg_write(c, AL, 1, al % base);
	flags_logic(c, al % base, 1);
	return i + 1;
}

static const struct insn *op_aad(struct cpu *c, const struct insn *i)
{
	uint32_t al = reg_read(c, AL, 1), tens = (reg_read(c, AH, 1) * i->imm) & 0xff;

	reg_write(c, AX, 2, (al + tens) & 0xff);
	flags_add(c, al, tens, al + tens, 1);
	return i + 1;
}

/* DAA (sub 0) and DAS (sub 1): 6 and 60H are added or subtracted, each by its own condition. */
static const struct insn *op_decimal_adjust(struct cpu *c, const struct insn *i)
{
	uint32_t al = reg_read(c, AL, 1), by = 0, r;
	bool low = (al & 0xf) > 9 || flag_af(c), high = al > 0x99 || flag_cf(c), cf = high;

	if (low)
		by = 6;
	if (high)
		by += 0x60;
	if (i->sub) {
		r = al - by;
		/* A borrow out of the first step counts; a carry there implies `high`. */
		cf |= low && al < 6;
		flags_sub(c, al, by, r, 1);
	} else {
		r = al + by;
		flags_add(c, al, by, r, 1);
	}
	flags_set(c, r, 1, cf, flag_of(c), low);
	reg_write(c, AL, 1, r);
	return i + 1;
}

const struct op_row ops_muldiv[] = {
	{ ZYDIS_MNEMONIC_MUL, OPV_NORMAL, 0, 0, op_mul },
	{ ZYDIS_MNEMONIC_IMUL, OPV_NORMAL, 0, 0, op_imul },
	{ ZYDIS_MNEMONIC_DIV, OPV_NORMAL, 0, 0, op_div },
	{ ZYDIS_MNEMONIC_IDIV, OPV_NORMAL, 0, 0, op_idiv },
	{ ZYDIS_MNEMONIC_AAA, OPV_NORMAL, 0, 0, op_ascii_adjust },
	{ ZYDIS_MNEMONIC_AAS, OPV_NORMAL, 1, 0, op_ascii_adjust },
	{ ZYDIS_MNEMONIC_AAM, OPV_NORMAL, 0, 0, op_aam },
	{ ZYDIS_MNEMONIC_AAD, OPV_NORMAL, 0, 0, op_aad },
	{ ZYDIS_MNEMONIC_DAA, OPV_NORMAL, 0, 0, op_decimal_adjust },
	{ ZYDIS_MNEMONIC_DAS, OPV_NORMAL, 1, 0, op_decimal_adjust },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
