// SPDX-License-Identifier: MIT
/*
 * Arithmetic, logic and data movement (Intel SDM vol. 2, the instruction's own page, unless a
 * comment names another place). These handlers take every operand form and size; what is hot has
 * handlers of its own elsewhere.
 */
#include "x86/cpu.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

#define AL 0
#define AH 1
#define EAX (X86_EAX * 4)
#define ECX (X86_ECX * 4)
#define EDX (X86_EDX * 4)
#define EBX (X86_EBX * 4)

/* The flags that SAHF and LAHF move: the low byte of EFLAGS. */
#define AH_FLAGS (EFLAGS_SF | EFLAGS_ZF | EFLAGS_AF | EFLAGS_PF | EFLAGS_CF)

enum alu_op { ALU_ADD, ALU_ADC, ALU_SUB, ALU_SBB, ALU_AND, ALU_OR, ALU_XOR };

/* The result of one operation; its flags are set. Bits above `size` of the result are noise. */
static inline uint32_t alu_apply(struct cpu *c, enum alu_op op, uint32_t a, uint32_t b,
				 unsigned size)
{
	uint32_t r = 0;

	switch (op) {
	case ALU_ADD:
	case ALU_ADC:
		r = a + b + (op == ALU_ADC && flag_cf(c));
		flags_add(c, a, b, r, size);
		return r;
	case ALU_SUB:
	case ALU_SBB:
		r = a - b - (op == ALU_SBB && flag_cf(c));
		flags_sub(c, a, b, r, size);
		return r;
	case ALU_AND:
		r = a & b;
		break;
	case ALU_OR:
		r = a | b;
		break;
	case ALU_XOR:
		r = a ^ b;
		break;
	}
	flags_logic(c, r, size);
	return r;
}

static const struct insn *op_alu(struct cpu *c, const struct insn *i)
{
	struct rmw m;
	uint32_t b;

	if (!operand_read(c, i, &i->op[1], &b) || !operand_rmw_begin(c, i, &i->op[0], &m))
		return NULL;
	operand_rmw_commit(c, i, &i->op[0], &m,
			   alu_apply(c, i->sub, (uint32_t)m.old, b, i->op[0].size));
	return i + 1;
}

/* CMP and TEST: the flags alone. */
static const struct insn *op_compare(struct cpu *c, const struct insn *i)
{
	uint32_t a, b;

	if (!operand_read(c, i, &i->op[0], &a) || !operand_read(c, i, &i->op[1], &b))
		return NULL;
	alu_apply(c, i->sub, a, b, i->op[0].size);
	return i + 1;
}

/* INC and DEC: as ADD and SUB of one, but CF stays. */
static const struct insn *op_step(struct cpu *c, const struct insn *i)
{
	bool cf = flag_cf(c);
	uint32_t r;
	struct rmw m;

	if (!operand_rmw_begin(c, i, &i->op[0], &m))
		return NULL;
	r = alu_apply(c, i->sub, (uint32_t)m.old, 1, i->op[0].size);
	flags_set_cf(c, cf);
	operand_rmw_commit(c, i, &i->op[0], &m, r);
	return i + 1;
}

static const struct insn *op_neg(struct cpu *c, const struct insn *i)
{
	struct rmw m;

	if (!operand_rmw_begin(c, i, &i->op[0], &m))
		return NULL;
	operand_rmw_commit(c, i, &i->op[0], &m,
			   alu_apply(c, ALU_SUB, 0, (uint32_t)m.old, i->op[0].size));
	return i + 1;
}

static const struct insn *op_not(struct cpu *c, const struct insn *i)
{
	struct rmw m;

	if (!operand_rmw_begin(c, i, &i->op[0], &m))
		return NULL;
	operand_rmw_commit(c, i, &i->op[0], &m, ~(uint32_t)m.old);
	return i + 1;
}

/* MOV, and MOVZX: operand_read extends with zeros. */
static const struct insn *op_mov(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	if (!operand_read(c, i, &i->op[1], &v) || !operand_write(c, i, &i->op[0], v))
		return NULL;
	return i + 1;
}

static const struct insn *op_movsx(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	if (!operand_read(c, i, &i->op[1], &v))
		return NULL;
	reg_write(c, i->op[0].reg, i->op[0].size, sign_extend(v, i->op[1].size));
	return i + 1;
}

static const struct insn *op_xchg(struct cpu *c, const struct insn *i)
{
	bool swap = i->op[1].kind == OPND_MEM;
	const struct operand *place = &i->op[swap], *reg = &i->op[!swap];
	uint32_t v = reg_read(c, reg->reg, reg->size);
	struct rmw m;

	if (!operand_rmw_begin(c, i, place, &m))
		return NULL;
	reg_write(c, reg->reg, reg->size, (uint32_t)m.old);
	operand_rmw_commit(c, i, place, &m, v);
	return i + 1;
}

/* The source is written before the destination: XADD EAX, EAX doubles EAX. */
static const struct insn *op_xadd(struct cpu *c, const struct insn *i)
{
	const struct operand *dst = &i->op[0], *src = &i->op[1];
	uint32_t b = reg_read(c, src->reg, src->size), sum;
	struct rmw m;

	if (!operand_rmw_begin(c, i, dst, &m))
		return NULL;
	sum = alu_apply(c, ALU_ADD, (uint32_t)m.old, b, dst->size);
	reg_write(c, src->reg, src->size, (uint32_t)m.old);
	operand_rmw_commit(c, i, dst, &m, sum);
	return i + 1;
}

/* The destination gets a write cycle even where the comparison fails. */
static const struct insn *op_cmpxchg(struct cpu *c, const struct insn *i)
{
	const struct operand *dst = &i->op[0], *src = &i->op[1];
	uint32_t acc = reg_read(c, EAX, dst->size), v = reg_read(c, src->reg, src->size);
	struct rmw m;

	if (!operand_rmw_begin(c, i, dst, &m))
		return NULL;
	alu_apply(c, ALU_SUB, acc, (uint32_t)m.old, dst->size);
	if (flag_zf(c)) {
		operand_rmw_commit(c, i, dst, &m, v);
	} else {
		operand_rmw_commit(c, i, dst, &m, (uint32_t)m.old);
		reg_write(c, EAX, dst->size, (uint32_t)m.old);
	}
	return i + 1;
}

static const struct insn *op_cmpxchg8b(struct cpu *c, const struct insn *i)
{
	uint64_t acc = (uint64_t)reg_read32(c, EDX) << 32 | reg_read32(c, EAX);
	uint64_t v = (uint64_t)reg_read32(c, ECX) << 32 | reg_read32(c, EBX);
	struct rmw m;

	if (!rmw_begin(c, i, i->seg, insn_ea(c, i), 8, &m))
		return NULL;
	flags_set_zf(c, m.old == acc);
	if (m.old == acc) {
		rmw_write(c, i, &m, v);
	} else {
		rmw_write(c, i, &m, m.old);
		reg_write32(c, EAX, (uint32_t)m.old);
		reg_write32(c, EDX, (uint32_t)(m.old >> 32));
	}
	return i + 1;
}

/* Of a 16-bit register the result is undefined; CPUs clear it. */
static const struct insn *op_bswap(struct cpu *c, const struct insn *i)
{
	const struct operand *op = &i->op[0];

	reg_write(c, op->reg, op->size,
		  op->size == 4 ? __builtin_bswap32(reg_read32(c, op->reg)) : 0);
	return i + 1;
}

static const struct insn *op_lea(struct cpu *c, const struct insn *i)
{
	reg_write(c, i->op[0].reg, i->op[0].size, insn_ea(c, i));
	return i + 1;
}

/* CBW (sub 1) and CWDE (sub 2): the low half of the accumulator fills the whole. */
static const struct insn *op_cbw(struct cpu *c, const struct insn *i)
{
	reg_write(c, EAX, i->sub * 2, sign_extend(reg_read(c, EAX, i->sub), i->sub));
	return i + 1;
}

/* CWD (sub 2) and CDQ (sub 4): the accumulator's sign fills DX or EDX. */
static const struct insn *op_cwd(struct cpu *c, const struct insn *i)
{
	bool negative = sign_extend(reg_read(c, EAX, i->sub), i->sub) >> 31;

	reg_write(c, EDX, i->sub, negative ? 0xffffffff : 0);
	return i + 1;
}

static const struct insn *op_sahf(struct cpu *c, const struct insn *i)
{
	flags_load(c, (flags_get(c) & EFLAGS_OF) | (reg_read(c, AH, 1) & AH_FLAGS));
	return i + 1;
}

static const struct insn *op_lahf(struct cpu *c, const struct insn *i)
{
	reg_write(c, AH, 1, (flags_get(c) & AH_FLAGS) | EFLAGS_FIXED);
	return i + 1;
}

/* CLC (sub 0) and STC (sub 1). */
static const struct insn *op_set_cf(struct cpu *c, const struct insn *i)
{
	flags_set_cf(c, i->sub);
	return i + 1;
}

static const struct insn *op_cmc(struct cpu *c, const struct insn *i)
{
	flags_set_cf(c, !flag_cf(c));
	return i + 1;
}

static const struct insn *op_cld(struct cpu *c, const struct insn *i)
{
	c->eflags &= ~EFLAGS_DF;
	return i + 1;
}

static const struct insn *op_std(struct cpu *c, const struct insn *i)
{
	c->eflags |= EFLAGS_DF;
	return i + 1;
}

static const struct insn *op_setcc(struct cpu *c, const struct insn *i)
{
	return operand_write(c, i, &i->op[0], flags_condition(c, i->sub)) ? i + 1 : NULL;
}

/* The source is read, and may fault, even where the condition is false. */
static const struct insn *op_cmovcc(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	if (!operand_read(c, i, &i->op[1], &v))
		return NULL;
	if (flags_condition(c, i->sub))
		reg_write(c, i->op[0].reg, i->op[0].size, v);
	return i + 1;
}

/* In no Intel manual before 2023, on every CPU since the 8086: AL = CF ? FFH : 0. */
static const struct insn *op_salc(struct cpu *c, const struct insn *i)
{
	reg_write(c, AL, 1, flag_cf(c) ? 0xff : 0);
	return i + 1;
}

static const struct insn *op_xlat(struct cpu *c, const struct insn *i)
{
	uint32_t at = (reg_read32(c, EBX) + reg_read(c, AL, 1)) & size_mask(i->addrsize), v;

	if (!mem_read(c, i, i->seg, at, 1, &v))
		return NULL;
	reg_write(c, AL, 1, v);
	return i + 1;
}

const struct op_row ops_alu[] = {
	{ ZYDIS_MNEMONIC_ADD, OPV_NORMAL, ALU_ADD, 0, op_alu },
	{ ZYDIS_MNEMONIC_ADC, OPV_NORMAL, ALU_ADC, 0, op_alu },
	{ ZYDIS_MNEMONIC_SUB, OPV_NORMAL, ALU_SUB, 0, op_alu },
	{ ZYDIS_MNEMONIC_SBB, OPV_NORMAL, ALU_SBB, 0, op_alu },
	{ ZYDIS_MNEMONIC_AND, OPV_NORMAL, ALU_AND, 0, op_alu },
	{ ZYDIS_MNEMONIC_OR, OPV_NORMAL, ALU_OR, 0, op_alu },
	{ ZYDIS_MNEMONIC_XOR, OPV_NORMAL, ALU_XOR, 0, op_alu },
	{ ZYDIS_MNEMONIC_CMP, OPV_NORMAL, ALU_SUB, 0, op_compare },
	{ ZYDIS_MNEMONIC_TEST, OPV_NORMAL, ALU_AND, 0, op_compare },
	{ ZYDIS_MNEMONIC_INC, OPV_NORMAL, ALU_ADD, 0, op_step },
	{ ZYDIS_MNEMONIC_DEC, OPV_NORMAL, ALU_SUB, 0, op_step },
	{ ZYDIS_MNEMONIC_NEG, OPV_NORMAL, 0, 0, op_neg },
	{ ZYDIS_MNEMONIC_NOT, OPV_NORMAL, 0, 0, op_not },
	{ ZYDIS_MNEMONIC_MOV, OPV_NORMAL, 0, 0, op_mov },
	{ ZYDIS_MNEMONIC_MOVZX, OPV_NORMAL, 0, 0, op_mov },
	{ ZYDIS_MNEMONIC_MOVSX, OPV_NORMAL, 0, 0, op_movsx },
	{ ZYDIS_MNEMONIC_XCHG, OPV_NORMAL, 0, 0, op_xchg },
	{ ZYDIS_MNEMONIC_XADD, OPV_NORMAL, 0, 0, op_xadd },
	{ ZYDIS_MNEMONIC_CMPXCHG, OPV_NORMAL, 0, 0, op_cmpxchg },
	{ ZYDIS_MNEMONIC_CMPXCHG8B, OPV_NORMAL, 0, 0, op_cmpxchg8b },
	{ ZYDIS_MNEMONIC_BSWAP, OPV_NORMAL, 0, 0, op_bswap },
	{ ZYDIS_MNEMONIC_LEA, OPV_NORMAL, 0, 0, op_lea },
	{ ZYDIS_MNEMONIC_CBW, OPV_NORMAL, 1, 0, op_cbw },
	{ ZYDIS_MNEMONIC_CWDE, OPV_NORMAL, 2, 0, op_cbw },
	{ ZYDIS_MNEMONIC_CWD, OPV_NORMAL, 2, 0, op_cwd },
	{ ZYDIS_MNEMONIC_CDQ, OPV_NORMAL, 4, 0, op_cwd },
	{ ZYDIS_MNEMONIC_SAHF, OPV_NORMAL, 0, 0, op_sahf },
	{ ZYDIS_MNEMONIC_LAHF, OPV_NORMAL, 0, 0, op_lahf },
	{ ZYDIS_MNEMONIC_CLC, OPV_NORMAL, 0, 0, op_set_cf },
	{ ZYDIS_MNEMONIC_STC, OPV_NORMAL, 1, 0, op_set_cf },
	{ ZYDIS_MNEMONIC_CMC, OPV_NORMAL, 0, 0, op_cmc },
	{ ZYDIS_MNEMONIC_CLD, OPV_NORMAL, 0, 0, op_cld },
	{ ZYDIS_MNEMONIC_STD, OPV_NORMAL, 0, 0, op_std },
	{ ZYDIS_MNEMONIC_SALC, OPV_NORMAL, 0, 0, op_salc },
	{ ZYDIS_MNEMONIC_XLAT, OPV_NORMAL, 0, 0, op_xlat },
	/* sub is the condition's number in the encoding (SDM vol. 1, table B-1). */
	{ ZYDIS_MNEMONIC_SETO, OPV_NORMAL, 0, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNO, OPV_NORMAL, 1, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETB, OPV_NORMAL, 2, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNB, OPV_NORMAL, 3, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETZ, OPV_NORMAL, 4, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNZ, OPV_NORMAL, 5, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETBE, OPV_NORMAL, 6, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNBE, OPV_NORMAL, 7, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETS, OPV_NORMAL, 8, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNS, OPV_NORMAL, 9, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETP, OPV_NORMAL, 10, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNP, OPV_NORMAL, 11, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETL, OPV_NORMAL, 12, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNL, OPV_NORMAL, 13, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETLE, OPV_NORMAL, 14, 0, op_setcc },
	{ ZYDIS_MNEMONIC_SETNLE, OPV_NORMAL, 15, 0, op_setcc },
	{ ZYDIS_MNEMONIC_CMOVO, OPV_NORMAL, 0, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNO, OPV_NORMAL, 1, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVB, OPV_NORMAL, 2, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNB, OPV_NORMAL, 3, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVZ, OPV_NORMAL, 4, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNZ, OPV_NORMAL, 5, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVBE, OPV_NORMAL, 6, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNBE, OPV_NORMAL, 7, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVS, OPV_NORMAL, 8, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNS, OPV_NORMAL, 9, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVP, OPV_NORMAL, 10, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNP, OPV_NORMAL, 11, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVL, OPV_NORMAL, 12, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNL, OPV_NORMAL, 13, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVLE, OPV_NORMAL, 14, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_CMOVNLE, OPV_NORMAL, 15, 0, op_cmovcc },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
