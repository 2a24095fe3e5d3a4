// SPDX-License-Identifier: MIT
/*
 * The stack (Intel SDM vol. 2, PUSH, POP, PUSHA, POPA, PUSHF, POPF, ENTER, LEAVE). The operand size
 * says what is pushed, SS.B how wide the stack pointer is.
 */
#include "x86/cpu.h"
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"

#define ESP (X86_ESP * 4)
#define EBP (X86_EBP * 4)

static const struct insn *op_push(struct cpu *c, const struct insn *i)
{
	uint32_t v;

	if (!operand_read(c, i, &i->op[0], &v) || !stack_push(c, i, i->opsize, v))
		return NULL;
	return i + 1;
}

/* The increment comes before the destination is addressed (POP [ESP]) or written (POP ESP). */
static const struct insn *op_pop(struct cpu *c, const struct insn *i)
{
	uint32_t esp = reg_read32(c, ESP), v;

	if (!stack_read(c, i, 0, i->opsize, &v))
		return NULL;
	stack_adjust(c, i->opsize);
	if (!operand_write(c, i, &i->op[0], v)) {
		reg_write32(c, ESP, esp);
		return NULL;
	}
	return i + 1;
}

/* Where the n-th of the next pushes (from 1 on) goes. */
static uint32_t push_offset(const struct cpu *c, const struct insn *i, unsigned n)
{
	return (reg_read32(c, ESP) - n * i->opsize) & size_mask(stack_size(c));
}

static const struct insn *op_pusha(struct cpu *c, const struct insn *i)
{
	uint32_t esp = reg_read32(c, ESP);
	unsigned r;

	for (r = 0; r < X86_GPRS; r++)
		if (!mem_probe_write(c, i, X86_SS, push_offset(c, i, r + 1), i->opsize))
			return NULL;
	for (r = 0; r < X86_GPRS; r++)
		if (!stack_push(c, i, i->opsize, r == X86_ESP ? esp : c->gpr[r]))
			return NULL;
	return i + 1;
}

static const struct insn *op_popa(struct cpu *c, const struct insn *i)
{
	uint32_t v[X86_GPRS];
	unsigned r;

	/* EDI lies lowest, and the saved ESP is skipped. */
	for (r = X86_GPRS; r-- > 0;)
		if (!stack_read(c, i, (X86_EDI - r) * i->opsize, i->opsize, &v[r]))
			return NULL;
	for (r = 0; r < X86_GPRS; r++)
		if (r != X86_ESP)
			reg_write(c, (uint8_t)(r * 4), i->opsize, v[r]);
	stack_adjust(c, X86_GPRS * i->opsize);
	return i + 1;
}

static const struct insn *op_pushf(struct cpu *c, const struct insn *i)
{
	uint32_t v = cpu_eflags(c) & ~(EFLAGS_VM | EFLAGS_RF);

	/* as it stores it where the CPU does it */
	if (c->env.ring1)
		v = (v & ~EFLAGS_IOPL) | 1u << 12;
	return stack_push(c, i, i->opsize, v) ? i + 1 : NULL;
}

/*
 * What POPF may change (SDM vol. 2, table 4-16): IOPL at CPL 0 alone, IF at a CPL up to IOPL. VM,
 * VIF and VIP stay, and RF was cleared when the instruction began. Nothing of this faults.
 */
static const struct insn *op_popf(struct cpu *c, const struct insn *i)
{
	uint32_t changes = EFLAGS_ARITH | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT, v;

	if (!stack_read(c, i, 0, i->opsize, &v))
		return NULL;
	if (i->opsize == 4)
		changes |= EFLAGS_AC | EFLAGS_ID;
	if (c->cpl == 0)
		changes |= EFLAGS_IOPL;
	if (c->cpl <= cpu_iopl(c))
		changes |= EFLAGS_IF;
	stack_adjust(c, i->opsize);
	cpu_set_eflags(c, (cpu_eflags(c) & ~changes) | (v & changes));
	return cpu_leave_next(c, i);
}

/*
 * The pushes of ENTER: the old frame pointer, the display (level - 1 frame pointers copied from the
 * frame of the caller), and at last the new frame pointer, *frame.
 */
static bool enter_push(struct cpu *c, const struct insn *i, unsigned level, uint32_t *frame)
{
	uint32_t mask = size_mask(stack_size(c)), from = reg_read32(c, EBP), v;
	unsigned n;

	if (!stack_push(c, i, i->opsize, from))
		return false;
	*frame = reg_read32(c, ESP);
	for (n = 1; n < level; n++) {
		from -= i->opsize;
		if (!mem_read(c, i, X86_SS, from & mask, i->opsize, &v) ||
		    !stack_push(c, i, i->opsize, v))
			return false;
	}
	return !level || stack_push(c, i, i->opsize, *frame);
}

/*
 * A fault leaves ESP and EBP as they were; what was stored below ESP by then is overwritten when
 * the instruction runs again. It also faults where a write at the final ESP would.
 */
static const struct insn *op_enter(struct cpu *c, const struct insn *i)
{
	uint32_t esp = reg_read32(c, ESP), frame, top;

	if (!enter_push(c, i, i->imm2 & 31, &frame))
		goto fault;
	top = (reg_read32(c, ESP) - (i->imm & 0xffff)) & size_mask(stack_size(c));
	if (!mem_probe_write(c, i, X86_SS, top, i->opsize))
		goto fault;
	reg_write(c, ESP, stack_size(c), top);
	reg_write(c, EBP, i->opsize, frame);
	return i + 1;
fault:
	reg_write32(c, ESP, esp);
	return NULL;
}

static const struct insn *op_leave(struct cpu *c, const struct insn *i)
{
	uint32_t frame = reg_read(c, EBP, stack_size(c)), v;

	if (!mem_read(c, i, X86_SS, frame, i->opsize, &v))
		return NULL;
	reg_write(c, ESP, stack_size(c), frame + i->opsize);
	reg_write(c, EBP, i->opsize, v);
	return i + 1;
}

const struct op_row ops_stack[] = {
	{ ZYDIS_MNEMONIC_PUSH, OPV_NORMAL, 0, 0, op_push },
	{ ZYDIS_MNEMONIC_POP, OPV_NORMAL, 0, 0, op_pop },
	{ ZYDIS_MNEMONIC_PUSHA, OPV_NORMAL, 0, 0, op_pusha },
	{ ZYDIS_MNEMONIC_PUSHAD, OPV_NORMAL, 0, 0, op_pusha },
	{ ZYDIS_MNEMONIC_POPA, OPV_NORMAL, 0, 0, op_popa },
	{ ZYDIS_MNEMONIC_POPAD, OPV_NORMAL, 0, 0, op_popa },
	{ ZYDIS_MNEMONIC_PUSHF, OPV_NORMAL, 0, 0, op_pushf },
	{ ZYDIS_MNEMONIC_PUSHFD, OPV_NORMAL, 0, 0, op_pushf },
	{ ZYDIS_MNEMONIC_POPF, OPV_NORMAL, 0, OP_END, op_popf },
	{ ZYDIS_MNEMONIC_POPFD, OPV_NORMAL, 0, OP_END, op_popf },
	{ ZYDIS_MNEMONIC_ENTER, OPV_NORMAL, 0, 0, op_enter },
	{ ZYDIS_MNEMONIC_LEAVE, OPV_NORMAL, 0, 0, op_leave },
	{ ZYDIS_MNEMONIC_INVALID, OPV_NORMAL, 0, 0, NULL },
};
