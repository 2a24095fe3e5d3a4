// SPDX-License-Identifier: MIT
#include "x86/flags.h"
#include "x86/mem.h"
#include "x86/ops.h"
#include "x86/segment.h"

/* --- where a far branch goes ------------------------------------------------------------------ */

enum far_kind { FAR_JMP, FAR_CALL };

/* A code segment that passed all checks, and how to enter it. */
struct target {
	struct descriptor code;
	uint16_t selector;
	uint32_t eip;
	uint8_t cpl;	/* there */
	uint8_t width;	/* of the words that a call pushes */
	uint8_t params; /* words that a call gate copies to an inner stack */
};

/* The far pointer of the instruction: immediate, or offset then selector in memory. */
static bool far_pointer(struct cpu *c, const struct insn *i, uint16_t *selector, uint32_t *offset)
{
	uint32_t ea, high;

	if (i->op[0].kind != OPND_MEM) {
		*offset = i->imm & size_mask(i->opsize);
		*selector = (uint16_t)i->imm2;
		return true;
	}
	ea = insn_ea(c, i);
	if (!mem_read(c, i, i->seg, ea, i->opsize, offset) ||
	    !mem_read(c, i, i->seg, (ea + i->opsize) & size_mask(i->addrsize), 2, &high))
		return false;
	*selector = (uint16_t)high;
	return true;
}

/* SDM vol. 2, JMP: "CONFORMING-CODE-SEGMENT" and "NONCONFORMING-CODE-SEGMENT". */
static bool target_direct(struct cpu *c, const struct insn *i, struct target *t)
{
	uint16_t attr = descriptor_attr(&t->code);
	bool allowed = attr_is_conforming(attr)
			       ? SEG_DPL(attr) <= c->cpl
			       : SEG_DPL(attr) == c->cpl && selector_rpl(c, t->selector) <= c->cpl;

	if (!allowed)
		return cpu_fault_false(c, i, VEC_GP, selector_error(t->selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(t->selector));
	t->cpl = c->cpl;
	return true;
}

/* Rights to a call gate, task gate or TSS: both CPL and RPL must reach its DPL. */
static bool gate_access(struct cpu *c, const struct insn *i, const struct target *t)
{
	uint16_t attr = descriptor_attr(&t->code);

	if (SEG_DPL(attr) < c->cpl || SEG_DPL(attr) < selector_rpl(c, t->selector))
		return cpu_fault_false(c, i, VEC_GP, selector_error(t->selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(t->selector));
	return true;
}

/* SDM vol. 3, 5.8.4: a JMP never changes CPL, a CALL may raise it. */
static bool target_call_gate(struct cpu *c, const struct insn *i, enum far_kind kind,
			     struct target *t)
{
	const struct descriptor gate = t->code;
	uint16_t attr;
	bool conforming;

	if (!gate_access(c, i, t))
		return false;
	t->width = attr_system_type(descriptor_attr(&gate)) == SYS_CALL32 ? 4 : 2;
	t->selector = (uint16_t)(gate.low >> 16);
	t->eip = (gate.low & 0xffff) | (t->width == 4 ? gate.high & 0xffff0000 : 0);
	t->params = gate.high & 0x1f;
	if (!descriptor_read(c, i, t->selector, VEC_GP, &t->code))
		return false;
	attr = descriptor_attr(&t->code);
	conforming = attr_is_conforming(attr);
	if (!attr_is_code(attr) || SEG_DPL(attr) > c->cpl ||
	    (kind == FAR_JMP && !conforming && SEG_DPL(attr) != c->cpl))
		return cpu_fault_false(c, i, VEC_GP, selector_error(t->selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(t->selector));
	t->cpl = conforming ? c->cpl : SEG_DPL(attr);
	return true;
}

/* Everything that may be wrong with the far pointer, except an EIP beyond the limit. */
static bool target_find(struct cpu *c, const struct insn *i, enum far_kind kind, struct target *t)
{
	static const char *const task[][2] = {
		[FAR_JMP] = { "far jump to a task gate: hardware task switching",
			      "far jump to a TSS: hardware task switching" },
		[FAR_CALL] = { "far call to a task gate: hardware task switching",
			       "far call to a TSS: hardware task switching" },
	};
	uint16_t attr;

	t->width = i->opsize;
	t->params = 0;
	if (!far_pointer(c, i, &t->selector, &t->eip) ||
	    !descriptor_read(c, i, t->selector, VEC_GP, &t->code))
		return false;
	attr = descriptor_attr(&t->code);
	if (attr_is_code(attr))
		return target_direct(c, i, t);
	switch (attr_system_type(attr)) {
	case SYS_CALL16:
	case SYS_CALL32:
		return target_call_gate(c, i, kind, t);
	case SYS_TASK:
		return gate_access(c, i, t) && cpu_unsupported_false(c, i, task[kind][0]);
	case SYS_TSS16:
	case SYS_TSS32:
		return gate_access(c, i, t) && cpu_unsupported_false(c, i, task[kind][1]);
	default: /* data, busy TSS, LDT, interrupt gate, reserved */
		return cpu_fault_false(c, i, VEC_GP, selector_error(t->selector));
	}
}

static bool target_eip_check(struct cpu *c, const struct insn *i, const struct target *t)
{
	if (t->eip > descriptor_limit(&t->code))
		return cpu_fault_false(c, i, VEC_GP, 0);
	return true;
}

static void target_enter(struct cpu *c, const struct target *t)
{
	c->cpl = t->cpl;
	segment_fill(c, X86_CS, (uint16_t)((t->selector & ~3u) | t->cpl), &t->code);
}

/* --- far JMP and CALL ------------------------------------------------------------------------- */

static const struct insn *op_jmp_far(struct cpu *c, const struct insn *i)
{
	struct target t;

	if (!target_find(c, i, FAR_JMP, &t) || !target_eip_check(c, i, &t) ||
	    !descriptor_set_accessed(c, i, &t.code))
		return NULL;
	target_enter(c, &t);
	return cpu_leave(c, i, t.eip);
}

/* What a call through a gate to an inner level pushes before the return address. */
static bool call_inner(struct cpu *c, const struct insn *i, const struct target *t, struct frame *f)
{
	if (!frame_begin_inner(c, i, f, t->width, t->cpl))
		return false;
	frame_push(f, c->seg[X86_SS].selector);
	frame_push(f, c->gpr[X86_ESP]);
	for (unsigned n = t->params; n > 0; n--) {
		uint32_t value;

		if (!stack_read(c, i, (n - 1) * t->width, t->width, &value))
			return false;
		frame_push(f, value);
	}
	return true;
}

static const struct insn *op_call_far(struct cpu *c, const struct insn *i)
{
	struct target t;
	struct frame f;

	if (!target_find(c, i, FAR_CALL, &t))
		return NULL;
	if (t.cpl == c->cpl)
		frame_begin(c, &f, t.width);
	else if (!call_inner(c, i, &t, &f))
		return NULL;
	frame_push(&f, c->seg[X86_CS].selector);
	frame_push(&f, insn_next_eip(c, i));
	if (!frame_check(c, i, &f) || !target_eip_check(c, i, &t) ||
	    !descriptor_set_accessed(c, i, &t.code) || !frame_store(c, i, &f))
		return NULL;
	target_enter(c, &t);
	frame_commit(c, &f);
	return cpu_leave(c, i, t.eip);
}

/* --- far RET and IRET ------------------------------------------------------------------------- */

/* What a far return takes from the stack. */
struct far_return {
	struct target to;	 /* to.cpl is the RPL of the return selector */
	struct descriptor stack; /* this and the next two: when returning outward */
	uint16_t ss;
	uint32_t esp;
};

/* SDM vol. 2, RET and IRET: the return code segment. */
static bool return_code(struct cpu *c, const struct insn *i, struct far_return *r)
{
	struct target *t = &r->to;
	uint16_t attr;
	bool allowed;

	if (!descriptor_read(c, i, t->selector, VEC_GP, &t->code))
		return false;
	attr = descriptor_attr(&t->code);
	t->cpl = (uint8_t)selector_rpl(c, t->selector);
	if (c->env.ring1 && (t->selector & 3) == 1 && attr_is_code(attr) && SEG_DPL(attr) == 1)
		return cpu_unsupported_false(c, i, "return to ring 1, which is taken");
	allowed = attr_is_code(attr) && t->cpl >= c->cpl &&
		  (attr_is_conforming(attr) ? SEG_DPL(attr) <= t->cpl : SEG_DPL(attr) == t->cpl);
	if (!allowed)
		return cpu_fault_false(c, i, VEC_GP, selector_error(t->selector));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_NP, selector_error(t->selector));
	return true;
}

/* The stack of the outer level: ESP and SS lie `skip` bytes up the current one. */
static bool return_stack(struct cpu *c, const struct insn *i, struct far_return *r, uint32_t skip)
{
	uint32_t ss;
	uint16_t attr;

	if (!stack_read(c, i, skip, i->opsize, &r->esp) ||
	    !stack_read(c, i, skip + i->opsize, i->opsize, &ss))
		return false;
	r->ss = (uint16_t)ss;
	if (!descriptor_read(c, i, r->ss, VEC_GP, &r->stack))
		return false;
	attr = descriptor_attr(&r->stack);
	if (selector_rpl(c, r->ss) != r->to.cpl || !attr_is_writable(attr) ||
	    SEG_DPL(attr) != r->to.cpl)
		return cpu_fault_false(c, i, VEC_GP, selector_error(r->ss));
	if (!(attr & SEG_P))
		return cpu_fault_false(c, i, VEC_SS, selector_error(r->ss));
	return true;
}

/* All that can fault. `skip`: bytes popped before ESP and SS. */
static bool return_check(struct cpu *c, const struct insn *i, struct far_return *r, uint32_t skip)
{
	uint32_t cs;
	bool outer;

	if (!stack_read(c, i, 0, i->opsize, &r->to.eip) ||
	    !stack_read(c, i, i->opsize, i->opsize, &cs))
		return false;
	r->to.selector = (uint16_t)cs;
	if (!return_code(c, i, r))
		return false;
	outer = r->to.cpl != c->cpl;
	return (!outer || return_stack(c, i, r, skip)) && target_eip_check(c, i, &r->to) &&
	       descriptor_set_accessed(c, i, &r->to.code) &&
	       (!outer || descriptor_set_accessed(c, i, &r->stack));
}

/* An outer level must not keep what only an inner one could load. */
static void segments_hide(struct cpu *c)
{
	static const uint8_t data[] = { X86_ES, X86_DS, X86_FS, X86_GS };

	for (unsigned n = 0; n < ARRAY_SIZE(data); n++) {
		uint16_t attr = c->seg[data[n]].attr;

		if (attr & SEG_P && !attr_is_conforming(attr) && SEG_DPL(attr) < c->cpl)
			segment_fill_null(c, data[n], 0);
	}
}

/* `skip` as above; `release`: bytes that RET n drops from the outer stack, too. */
static void return_commit(struct cpu *c, const struct far_return *r, uint32_t skip,
			  uint32_t release)
{
	bool outer = r->to.cpl != c->cpl;

	target_enter(c, &r->to);
	if (!outer) {
		stack_adjust(c, (int32_t)skip);
		return;
	}
	segment_fill(c, X86_SS, r->ss, &r->stack);
	stack_pointer_set(c, r->esp + release);
	segments_hide(c);
}

static const struct insn *op_ret_far(struct cpu *c, const struct insn *i)
{
	uint32_t release = i->nimm ? i->imm & 0xffff : 0;
	uint32_t skip = 2u * i->opsize + release;
	struct far_return r;

	if (!return_check(c, i, &r, skip))
		return NULL;
	return_commit(c, &r, skip, release);
	return cpu_leave(c, i, r.to.eip);
}

/* SDM vol. 2, IRET: what CPL and IOPL of before let it change; VIF and VIP need VME. */
static uint32_t iret_flags(const struct cpu *c, unsigned opsize)
{
	uint32_t mask = EFLAGS_ARITH | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT;

	if (opsize == 4)
		mask |= EFLAGS_RF | EFLAGS_AC | EFLAGS_ID;
	if (c->cpl <= cpu_iopl(c))
		mask |= EFLAGS_IF;
	if (c->cpl == 0)
		mask |= EFLAGS_IOPL;
	return mask;
}

/*
 * With NT set IRET goes back to the task that the TSS's link names (SDM vol. 2, IRET, TASK-RETURN).
 * Ring 3 may set NT; where the link is no busy TSS that is #TS, and only a real one is a task
 * switch.
 */
static const struct insn *return_to_task(struct cpu *c, const struct insn *i)
{
	struct descriptor d;
	uint32_t link;
	unsigned type;

	if (!lin_read(c, i, c->seg[X86_TR].base, 2, 0, &link))
		return NULL;
	if (link & SELECTOR_LDT)
		return cpu_fault(c, i, VEC_TS, selector_error((uint16_t)link));
	if (!descriptor_read(c, i, (uint16_t)link, VEC_TS, &d))
		return NULL;
	type = attr_system_type(descriptor_attr(&d));
	if (type != SYS_TSS16_BUSY && type != SYS_TSS32_BUSY)
		return cpu_fault(c, i, VEC_TS, selector_error((uint16_t)link));
	return cpu_unsupported(c, i, "IRET with EFLAGS.NT: hardware task switching");
}

static const struct insn *op_iret(struct cpu *c, const struct insn *i)
{
	uint32_t mask = iret_flags(c, i->opsize), skip = 3u * i->opsize, eflags;
	struct far_return r;

	if (c->eflags & EFLAGS_NT)
		return return_to_task(c, i);
	if (!stack_read(c, i, 2u * i->opsize, i->opsize, &eflags))
		return NULL;
	if (i->opsize == 4 && eflags & EFLAGS_VM && c->cpl == 0)
		return cpu_unsupported(c, i, "IRET to virtual-8086 mode");
	if (!return_check(c, i, &r, skip))
		return NULL;
	return_commit(c, &r, skip, 0);
	cpu_set_eflags(c, (cpu_eflags(c) & ~mask) | (eflags & mask));
	return cpu_leave(c, i, r.to.eip);
}

/* --- software interrupts ---------------------------------------------------------------------- */

static const struct insn *op_int(struct cpu *c, const struct insn *i)
{
	const struct exception e = { .vector = (uint8_t)i->imm, .soft = true };

	return interrupt_software(c, i, &e);
}

static const struct insn *op_int3(struct cpu *c, const struct insn *i)
{
	const struct exception e = { .vector = VEC_BP, .soft = true };

	return interrupt_software(c, i, &e);
}

static const struct insn *op_into(struct cpu *c, const struct insn *i)
{
	const struct exception e = { .vector = VEC_OF, .soft = true };

	return flag_of(c) ? interrupt_software(c, i, &e) : i + 1;
}

static const struct insn *op_int1(struct cpu *c, const struct insn *i)
{
	const struct exception e = { .vector = VEC_DB, .icebp = true };

	return interrupt_software(c, i, &e);
}

static const struct insn *op_bound(struct cpu *c, const struct insn *i)
{
	uint32_t ea = insn_ea(c, i), low, high;
	int32_t index = (int32_t)sign_extend(reg_read(c, i->op[0].reg, i->opsize), i->opsize);

	if (!mem_read(c, i, i->seg, ea, i->opsize, &low) ||
	    !mem_read(c, i, i->seg, (ea + i->opsize) & size_mask(i->addrsize), i->opsize, &high))
		return NULL;
	if (index < (int32_t)sign_extend(low, i->opsize) ||
	    index > (int32_t)sign_extend(high, i->opsize))
		return cpu_fault(c, i, VEC_BR, 0);
	return i + 1;
}

const struct op_row ops_far[] = {
	{ ZYDIS_MNEMONIC_JMP, OPV_FAR, 0, OP_END, op_jmp_far },
	{ ZYDIS_MNEMONIC_CALL, OPV_FAR, 0, OP_END, op_call_far },
	{ ZYDIS_MNEMONIC_RET, OPV_FAR, 0, OP_END, op_ret_far },
	{ ZYDIS_MNEMONIC_IRET, OPV_NORMAL, 0, OP_END, op_iret },
	{ ZYDIS_MNEMONIC_IRETD, OPV_NORMAL, 0, OP_END, op_iret },
	{ ZYDIS_MNEMONIC_INT, OPV_NORMAL, 0, OP_END, op_int },
	{ ZYDIS_MNEMONIC_INT3, OPV_NORMAL, 0, OP_END, op_int3 },
	{ ZYDIS_MNEMONIC_INTO, OPV_NORMAL, 0, OP_END, op_into },
	{ ZYDIS_MNEMONIC_INT1, OPV_NORMAL, 0, OP_END, op_int1 },
	{ ZYDIS_MNEMONIC_BOUND, OPV_NORMAL, 0, 0, op_bound },
	{ ZYDIS_MNEMONIC_INVALID, 0, 0, 0, NULL },
};
