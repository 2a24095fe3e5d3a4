// SPDX-License-Identifier: MIT
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"
#include "x86/segment.h"

/* --- loads and stores of segment registers ---------------------------------------------------- */

static const struct insn *op_mov_sreg(struct cpu *c, const struct insn *i)
{
	uint32_t value;

	if (i->op[1].kind == OPND_SREG) {
		if (!operand_write(c, i, &i->op[0], c->seg[i->op[1].reg].selector))
			return NULL;
		return i + 1;
	}
	if (i->op[0].reg == X86_CS)
		return cpu_fault(c, i, VEC_UD, 0);
	if (!operand_read(c, i, &i->op[1], &value) ||
	    !segment_load(c, i, i->op[0].reg, (uint16_t)value))
		return NULL;
	c->mov_ss_shadow = i->op[0].reg == X86_SS;
	return cpu_leave_next(c, i);
}

static const struct insn *op_push_sreg(struct cpu *c, const struct insn *i)
{
	if (!stack_push(c, i, i->opsize, c->seg[i->op[0].reg].selector))
		return NULL;
	return i + 1;
}

static const struct insn *op_pop_sreg(struct cpu *c, const struct insn *i)
{
	uint32_t esp = c->gpr[X86_ESP], value;

	if (!stack_read(c, i, 0, i->opsize, &value))
		return NULL;
	/* ESP moves by the width of the old SS */
	stack_adjust(c, i->opsize);
	if (!segment_load(c, i, i->op[0].reg, (uint16_t)value)) {
		c->gpr[X86_ESP] = esp;
		return NULL;
	}
	c->mov_ss_shadow = i->op[0].reg == X86_SS;
	return cpu_leave_next(c, i);
}

/* LDS, LES, LFS, LGS, LSS: i->sub is the segment register. */
static const struct insn *op_load_far(struct cpu *c, const struct insn *i)
{
	uint32_t ea = insn_ea(c, i), offset, selector;

	if (!mem_read(c, i, i->seg, ea, i->opsize, &offset) ||
	    !mem_read(c, i, i->seg, (ea + i->opsize) & size_mask(i->addrsize), 2, &selector) ||
	    !segment_load(c, i, i->sub, (uint16_t)selector))
		return NULL;
	reg_write(c, i->op[0].reg, i->opsize, offset);
	return cpu_leave_next(c, i);
}

/* --- questions about descriptors -------------------------------------------------------------- */

#define LAR_MASK 0x00f0ff00u

/* Types of system descriptors that LAR and LSL accept (SDM vol. 2, LAR and LSL). */
#define LSL_TYPES                                                                                  \
	(1u << SYS_TSS16 | 1u << SYS_LDT | 1u << SYS_TSS16_BUSY | 1u << SYS_TSS32 |                \
	 1u << SYS_TSS32_BUSY)
#define LAR_TYPES (LSL_TYPES | 1u << SYS_CALL16 | 1u << SYS_TASK | 1u << SYS_CALL32)

/*
 * Read the selector in `op` and the descriptor it names, if CPL and RPL may see it. False with
 * c->fault clear: the answer is no.
 */
static bool visible_descriptor(struct cpu *c, const struct insn *i, const struct operand *op,
			       struct descriptor *d)
{
	uint32_t selector;
	uint16_t attr;

	if (!operand_read(c, i, op, &selector) || !descriptor_peek(c, i, (uint16_t)selector, d))
		return false;
	attr = descriptor_attr(d);
	return attr_is_conforming(attr) ||
	       (c->cpl <= SEG_DPL(attr) && selector_rpl(c, (uint16_t)selector) <= SEG_DPL(attr));
}

/* The end of these instructions: ZF is the answer, unless the access faulted. */
static const struct insn *answer(struct cpu *c, const struct insn *i, bool yes)
{
	if (c->fault)
		return NULL;
	flags_set_zf(c, yes);
	return i + 1;
}

static bool type_is_in(uint16_t attr, uint32_t system_types)
{
	return attr & SEG_S || system_types >> (attr & SEG_TYPE) & 1;
}

static const struct insn *op_lar(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool yes = visible_descriptor(c, i, &i->op[1], &d) &&
		   type_is_in(descriptor_attr(&d), LAR_TYPES);

	if (yes)
		reg_write(c, i->op[0].reg, i->opsize, d.high & LAR_MASK);
	return answer(c, i, yes);
}

static const struct insn *op_lsl(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	bool yes = visible_descriptor(c, i, &i->op[1], &d) &&
		   type_is_in(descriptor_attr(&d), LSL_TYPES);

	if (yes)
		reg_write(c, i->op[0].reg, i->opsize, descriptor_limit(&d));
	return answer(c, i, yes);
}

static const struct insn *op_verr(struct cpu *c, const struct insn *i)
{
	struct descriptor d;

	return answer(c, i,
		      visible_descriptor(c, i, &i->op[0], &d) &&
			      attr_is_readable(descriptor_attr(&d)));
}

static const struct insn *op_verw(struct cpu *c, const struct insn *i)
{
	struct descriptor d;

	return answer(c, i,
		      visible_descriptor(c, i, &i->op[0], &d) &&
			      attr_is_writable(descriptor_attr(&d)));
}

static const struct insn *op_arpl(struct cpu *c, const struct insn *i)
{
	struct rmw m;
	uint32_t rpl = reg_read(c, i->op[1].reg, 2) & 3;
	uint32_t selector;
	bool raise;

	if (!operand_rmw_begin(c, i, &i->op[0], &m))
		return NULL;
	selector = (uint32_t)m.old;
	raise = (selector & 3) < rpl;
	if (raise)
		operand_rmw_commit(c, i, &i->op[0], &m, (selector & ~3u) | rpl);
	return answer(c, i, raise);
}

const struct op_row ops_segment[] = {
	{ ZYDIS_MNEMONIC_MOV, OPV_SREG, 0, OP_END, op_mov_sreg },
	{ ZYDIS_MNEMONIC_PUSH, OPV_SREG, 0, 0, op_push_sreg },
	{ ZYDIS_MNEMONIC_POP, OPV_SREG, 0, OP_END, op_pop_sreg },
	{ ZYDIS_MNEMONIC_LDS, OPV_NORMAL, X86_DS, OP_END, op_load_far },
	{ ZYDIS_MNEMONIC_LES, OPV_NORMAL, X86_ES, OP_END, op_load_far },
	{ ZYDIS_MNEMONIC_LFS, OPV_NORMAL, X86_FS, OP_END, op_load_far },
	{ ZYDIS_MNEMONIC_LGS, OPV_NORMAL, X86_GS, OP_END, op_load_far },
	{ ZYDIS_MNEMONIC_LSS, OPV_NORMAL, X86_SS, OP_END, op_load_far },
	{ ZYDIS_MNEMONIC_LAR, OPV_NORMAL, 0, 0, op_lar },
	{ ZYDIS_MNEMONIC_LSL, OPV_NORMAL, 0, 0, op_lsl },
	{ ZYDIS_MNEMONIC_VERR, OPV_NORMAL, 0, 0, op_verr },
	{ ZYDIS_MNEMONIC_VERW, OPV_NORMAL, 0, 0, op_verw },
	{ ZYDIS_MNEMONIC_ARPL, OPV_NORMAL, 0, 0, op_arpl },
	{ ZYDIS_MNEMONIC_INVALID, 0, 0, 0, NULL },
};
