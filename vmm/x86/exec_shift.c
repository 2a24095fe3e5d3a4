// SPDX-License-Identifier: MIT
/*
 * Shifts and rotates (Intel SDM vol. 2, SAL/SAR/SHL/SHR, RCL/RCR/ROL/ROR, SHLD, SHRD).
 *
 * The count is masked to five bits; if it is zero no flag changes, but a memory operand still has
 * to be writable. OF is defined for a count of one, AF never; for the rest this follows an AMD
 * Zen: OF by the rule of a count of one applied to the result, AF set by shifts.
 */
#include "x86/cpu.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

#define COUNT_MASK 31u
#define CL (X86_ECX * 4)

enum shift_op { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_ARITHMETIC };
enum rotate_op { ROTATE_LEFT, ROTATE_RIGHT, ROTATE_CARRY_LEFT, ROTATE_CARRY_RIGHT };
enum double_op { DOUBLE_LEFT, DOUBLE_RIGHT };

/* Overflow of a left shift: the sign is not what was shifted out. */
static inline bool overflow_left(uint64_t r, unsigned bits, bool cf)
{
	return (r >> (bits - 1) & 1) != cf;
}

/* Overflow of a right shift: the two top bits, the new and the old sign for a count of one. */
static inline bool overflow_right(uint64_t r, unsigned bits)
{
	return (r >> (bits - 1) ^ r >> (bits - 2)) & 1;
}

static const struct insn *op_shift(struct cpu *c, const struct insn *i)
{
	const struct operand *dst = &i->op[0];
	unsigned bits = dst->size * 8u;
	uint32_t count;
	struct rmw m;
	uint64_t r;
	bool cf;

	if (!operand_read(c, i, &i->op[1], &count) || !operand_rmw_begin(c, i, dst, &m))
		return NULL;
	count &= COUNT_MASK;
	if (!count)
		return i + 1;
	if (i->sub == SHIFT_LEFT) {
		r = m.old << count;
		cf = r >> bits & 1;
	} else {
		int64_t v = (int64_t)m.old;

		if (i->sub == SHIFT_ARITHMETIC)
			v = (int32_t)sign_extend((uint32_t)v, dst->size);
		r = (uint64_t)(v >> count);
		cf = v >> (count - 1) & 1;
	}
	flags_set(c, (uint32_t)r, dst->size, cf,
		  i->sub == SHIFT_LEFT ? overflow_left(r, bits, cf) : overflow_right(r, bits),
		  true);
	operand_rmw_commit(c, i, dst, &m, (uint32_t)r);
	return i + 1;
}

/* A rotate changes CF and OF alone. */
static void flags_rotate(struct cpu *c, bool cf, bool of)
{
	c->flag_aux = (c->flag_aux & ~(FLAG_AUX_CF | FLAG_AUX_PO)) | (uint32_t)cf << 31 |
		      (uint32_t)(cf ^ of) << 30;
}

static const struct insn *op_rotate(struct cpu *c, const struct insn *i)
{
	const struct operand *dst = &i->op[0];
	bool carry = i->sub == ROTATE_CARRY_LEFT || i->sub == ROTATE_CARRY_RIGHT;
	bool right = i->sub == ROTATE_RIGHT || i->sub == ROTATE_CARRY_RIGHT;
	unsigned bits = dst->size * 8u, width = bits + carry, by;
	uint32_t count;
	struct rmw m;
	uint64_t r;
	bool cf;

	if (!operand_read(c, i, &i->op[1], &count) || !operand_rmw_begin(c, i, dst, &m))
		return NULL;
	count &= COUNT_MASK;
	if (!count)
		return i + 1;
	/* With the carry on top a rotate through it is a plain one of bits + 1. */
	r = m.old | (carry ? (uint64_t)flag_cf(c) << bits : 0);
	by = count % width;
	if (right)
		by = width - by;
	r = (r << by | r >> (width - by)) & ((1ull << width) - 1);
	if (carry)
		cf = r >> bits & 1;
	else
		cf = right ? r >> (bits - 1) & 1 : r & 1;
	flags_rotate(c, cf, right ? overflow_right(r, bits) : overflow_left(r, bits, cf));
	operand_rmw_commit(c, i, dst, &m, (uint32_t)r);
	return i + 1;
}

/*
 * SHLD, SHRD. A 16-bit operand with a count above 16 has an undefined result and flags: as AMD
 * does, the source comes in twice, and CF is clear (Intel brings the destination in again).
 */
static const struct insn *op_double(struct cpu *c, const struct insn *i)
{
	const struct operand *dst = &i->op[0];
	bool left = i->sub == DOUBLE_LEFT, cf;
	unsigned bits = dst->size * 8u;
	uint64_t src = reg_read(c, i->op[1].reg, i->op[1].size), r;
	uint32_t count = (i->nimm ? i->imm : reg_read(c, CL, 1)) & COUNT_MASK;
	struct rmw m;

	if (!operand_rmw_begin(c, i, dst, &m))
		return NULL;
	if (!count)
		return i + 1;
	if (bits == 16)
		src |= src << 16;
	if (left) {
		r = (m.old << 32 | src) << count >> 32;
		cf = count <= bits && m.old >> (bits - count) & 1;
	} else {
		r = (src << bits | m.old) >> count;
		cf = count <= bits && m.old >> (count - 1) & 1;
	}
	flags_set(c, (uint32_t)r, dst->size, cf,
		  left ? overflow_left(r, bits, cf) : overflow_right(r, bits), true);
	operand_rmw_commit(c, i, dst, &m, (uint32_t)r);
	return i + 1;
}

const struct op_row ops_shift[] = {
	{ ZYDIS_MNEMONIC_SHL, OPV_NORMAL, SHIFT_LEFT, 0, op_shift },
	{ ZYDIS_MNEMONIC_SHR, OPV_NORMAL, SHIFT_RIGHT, 0, op_shift },
	{ ZYDIS_MNEMONIC_SAR, OPV_NORMAL, SHIFT_ARITHMETIC, 0, op_shift },
	{ ZYDIS_MNEMONIC_ROL, OPV_NORMAL, ROTATE_LEFT, 0, op_rotate },
	{ ZYDIS_MNEMONIC_ROR, OPV_NORMAL, ROTATE_RIGHT, 0, op_rotate },
	{ ZYDIS_MNEMONIC_RCL, OPV_NORMAL, ROTATE_CARRY_LEFT, 0, op_rotate },
	{ ZYDIS_MNEMONIC_RCR, OPV_NORMAL, ROTATE_CARRY_RIGHT, 0, op_rotate },
	{ ZYDIS_MNEMONIC_SHLD, OPV_NORMAL, DOUBLE_LEFT, 0, op_double },
	{ ZYDIS_MNEMONIC_SHRD, OPV_NORMAL, DOUBLE_RIGHT, 0, op_double },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
