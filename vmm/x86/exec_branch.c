// SPDX-License-Identifier: MIT
/*
 * Near branches (SDM vol. 2: Jcc, JMP, CALL, RET, LOOP, JCXZ).
 *
 * A target beyond the limit of CS is #GP(0) of the branch itself, with nothing changed. In a flat
 * block there is no such target.
 */
#include "x86/block.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

/* Where a branch of operand size 2 goes is cut to 16 bits (SDM vol. 2, JMP). */
static uint32_t cut(const struct insn *i, uint32_t eip)
{
	return i->opsize == 2 ? eip & 0xffff : eip;
}

static uint32_t relative_target(const struct cpu *c, const struct insn *i)
{
	return cut(i, insn_next_eip(c, i) + i->imm);
}

static bool target_allowed(struct cpu *c, const struct insn *i, uint32_t eip)
{
	if (likely(c->block_mode & BLOCK_FLAT) || eip <= c->seg[X86_CS].limit)
		return true;
	return cpu_fault_false(c, i, VEC_GP, 0);
}

static const struct insn *take(struct cpu *c, const struct insn *i)
{
	uint32_t eip = relative_target(c, i);

	if (!target_allowed(c, i, eip))
		return NULL;
	return block_chain(c, 1, eip);
}

static const struct insn *pass(struct cpu *c, const struct insn *i)
{
	return block_chain(c, 0, insn_next_eip(c, i));
}

static const struct insn *op_jcc(struct cpu *c, const struct insn *i)
{
	return flags_condition(c, i->sub) ? take(c, i) : pass(c, i);
}

static const struct insn *op_jmp(struct cpu *c, const struct insn *i)
{
	uint32_t eip;

	if (i->op[0].kind == OPND_IMM)
		return take(c, i);
	if (!operand_read(c, i, &i->op[0], &eip) || !target_allowed(c, i, eip))
		return NULL;
	return block_jump(c, eip);
}

static const struct insn *op_call(struct cpu *c, const struct insn *i)
{
	bool direct = i->op[0].kind == OPND_IMM;
	uint32_t eip = relative_target(c, i);

	if (!direct && !operand_read(c, i, &i->op[0], &eip))
		return NULL;
	if (!target_allowed(c, i, eip) || !stack_push(c, i, i->opsize, insn_next_eip(c, i)))
		return NULL;
	return direct ? block_chain(c, 1, eip) : block_jump(c, eip);
}

static const struct insn *op_ret(struct cpu *c, const struct insn *i)
{
	uint32_t eip;

	if (!stack_read(c, i, 0, i->opsize, &eip) || !target_allowed(c, i, eip))
		return NULL;
	stack_adjust(c, (int32_t)(i->opsize + (i->nimm ? i->imm & 0xffff : 0)));
	return block_jump(c, eip);
}

enum loop_kind { LOOP_ALWAYS, LOOP_E, LOOP_NE };

/* The counter is CX or ECX by address size; flags are read, never written. */
static const struct insn *op_loop(struct cpu *c, const struct insn *i)
{
	uint32_t count = (reg_read(c, X86_ECX * 4, i->addrsize) - 1) & size_mask(i->addrsize);
	bool taken = count != 0;

	if (i->sub != LOOP_ALWAYS)
		taken &= flag_zf(c) == (i->sub == LOOP_E);
	if (taken && !target_allowed(c, i, relative_target(c, i)))
		return NULL;
	reg_write(c, X86_ECX * 4, i->addrsize, count);
	return taken ? take(c, i) : pass(c, i);
}

static const struct insn *op_jcxz(struct cpu *c, const struct insn *i)
{
	return reg_read(c, X86_ECX * 4, i->addrsize) == 0 ? take(c, i) : pass(c, i);
}

#define ROW(name, which, handler)                                                                  \
	{                                                                                          \
		.mnemonic = ZYDIS_MNEMONIC_##name, .sub = (which), .flags = OP_END,                \
		.fn = (handler)                                                                    \
	}

const struct op_row ops_branch[] = {
	ROW(JO, 0, op_jcc),
	ROW(JNO, 1, op_jcc),
	ROW(JB, 2, op_jcc),
	ROW(JNB, 3, op_jcc),
	ROW(JZ, 4, op_jcc),
	ROW(JNZ, 5, op_jcc),
	ROW(JBE, 6, op_jcc),
	ROW(JNBE, 7, op_jcc),
	ROW(JS, 8, op_jcc),
	ROW(JNS, 9, op_jcc),
	ROW(JP, 10, op_jcc),
	ROW(JNP, 11, op_jcc),
	ROW(JL, 12, op_jcc),
	ROW(JNL, 13, op_jcc),
	ROW(JLE, 14, op_jcc),
	ROW(JNLE, 15, op_jcc),
	ROW(JMP, 0, op_jmp),
	ROW(CALL, 0, op_call),
	ROW(RET, 0, op_ret),
	ROW(JCXZ, 0, op_jcxz),
	ROW(JECXZ, 0, op_jcxz),
	ROW(LOOP, LOOP_ALWAYS, op_loop),
	ROW(LOOPE, LOOP_E, op_loop),
	ROW(LOOPNE, LOOP_NE, op_loop),
	{ .mnemonic = ZYDIS_MNEMONIC_INVALID },
};
