// SPDX-License-Identifier: MIT
/* Single bits: test, change and search (Intel SDM vol. 2, BT, BTC, BTR, BTS, BSF, BSR). */
#include "x86/cpu.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

/*
 * The place of a bit. The bit number is taken modulo the operand size, but a register offset into
 * memory is a signed index into a bit string that reaches 2 Gbit (16-bit operands: 32 Kbit) either
 * way from the address given (SDM vol. 2, 3.1.1.9, Bit(BitBase, BitOffset)).
 */
struct bit_place {
	uint32_t mask;
	uint32_t offset; /* of the memory operand, if it is one */
};

static struct bit_place bit_locate(const struct cpu *c, const struct insn *i)
{
	const struct operand *base = &i->op[0], *nr = &i->op[1];
	unsigned bits = base->size * 8u;
	uint32_t index = nr->kind == OPND_IMM ? i->imm : reg_read(c, nr->reg, nr->size);
	struct bit_place p = { .mask = 1u << (index & (bits - 1)) };

	if (base->kind != OPND_MEM)
		return p;
	p.offset = insn_ea(c, i);
	if (nr->kind == OPND_REG) {
		int32_t element = (int32_t)sign_extend(index, nr->size) >> (bits == 16 ? 4 : 5);

		p.offset += (uint32_t)element * base->size;
		p.offset &= size_mask(i->addrsize);
	}
	return p;
}

static const struct insn *op_bt(struct cpu *c, const struct insn *i)
{
	const struct operand *base = &i->op[0];
	struct bit_place p = bit_locate(c, i);
	uint32_t v;

	if (base->kind != OPND_MEM)
		v = reg_read(c, base->reg, base->size);
	else if (!mem_read(c, i, i->seg, p.offset, base->size, &v))
		return NULL;
	flags_set_cf(c, v & p.mask);
	return i + 1;
}

static uint32_t bit_change(enum bit_op op, uint32_t v, uint32_t mask)
{
	switch (op) {
	case BIT_SET:
		return v | mask;
	case BIT_RESET:
		return v & ~mask;
	case BIT_COMPLEMENT:
		return v ^ mask;
	case BIT_TEST:
		break;
	}
	return v;
}

/* BTS, BTR and BTC. */
static const struct insn *op_bit_change(struct cpu *c, const struct insn *i)
{
	const struct operand *base = &i->op[0];
	struct bit_place p = bit_locate(c, i);
	struct rmw m;
	uint32_t v;

	if (base->kind == OPND_MEM) {
		if (!rmw_begin(c, i, i->seg, p.offset, base->size, &m))
			return NULL;
		v = (uint32_t)m.old;
		rmw_write(c, i, &m, bit_change(i->sub, v, p.mask));
	} else {
		v = reg_read(c, base->reg, base->size);
		reg_write(c, base->reg, base->size, bit_change(i->sub, v, p.mask));
	}
	flags_set_cf(c, v & p.mask);
	return i + 1;
}

/*
 * BSF (sub 0) and BSR (sub 1). Of zero the destination is undefined on paper and unchanged on every
 * CPU. Only ZF is defined; the others are as an AMD Zen leaves them.
 */
static const struct insn *op_bit_scan(struct cpu *c, const struct insn *i)
{
	uint32_t v, at;

	if (!operand_read(c, i, &i->op[1], &v))
		return NULL;
	if (!v) {
		flags_load(c, EFLAGS_ZF | EFLAGS_PF);
		return i + 1;
	}
	at = (uint32_t)(i->sub ? 31 - __builtin_clz(v) : __builtin_ctz(v));
	flags_load(c, __builtin_parity(at) ? 0 : EFLAGS_PF);
	reg_write(c, i->op[0].reg, i->op[0].size, at);
	return i + 1;
}

const struct op_row ops_bit[] = {
	{ ZYDIS_MNEMONIC_BT, OPV_NORMAL, BIT_TEST, 0, op_bt },
	{ ZYDIS_MNEMONIC_BTS, OPV_NORMAL, BIT_SET, 0, op_bit_change },
	{ ZYDIS_MNEMONIC_BTR, OPV_NORMAL, BIT_RESET, 0, op_bit_change },
	{ ZYDIS_MNEMONIC_BTC, OPV_NORMAL, BIT_COMPLEMENT, 0, op_bit_change },
	{ ZYDIS_MNEMONIC_BSF, OPV_NORMAL, 0, 0, op_bit_scan },
	{ ZYDIS_MNEMONIC_BSR, OPV_NORMAL, 1, 0, op_bit_scan },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
