// SPDX-License-Identifier: MIT
/*
 * One instruction of a random form: choose prefixes, operands and immediates, then put before it
 * what makes it meaningful (a small divisor, a selector, a return address).
 */
#include <string.h>

#include "gen_forms.h"

/* An instruction being written. */
struct build {
	const struct form *form;
	uint8_t b[15];
	unsigned len;
	unsigned modrm_at; /* of the ModRM byte; 0: none */
	unsigned opcode_at;
	unsigned opsize, addrsize;
	bool repeat, locked;
	uint32_t memory; /* linear address of the operand, when it is absolute; else 0 */
	struct gen_fix fix;
};

static void add(struct build *x, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes && x->len < sizeof(x->b); i++)
		x->b[x->len++] = (uint8_t)(value >> i * 8);
}

static unsigned register_of(const struct build *x)
{
	return x->b[x->modrm_at] & 7;
}

static bool is_register(const struct build *x)
{
	return x->modrm_at && x->b[x->modrm_at] >> 6 == 3;
}

static void add_prefixes(struct gen *g, struct build *x)
{
	static const uint8_t override[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	bool swap_op = gen_one_in(g, 5), swap_addr = gen_one_in(g, 10);

	x->opsize = swap_op != g->code16 ? 2 : 4;
	x->addrsize = swap_addr != g->code16 ? 2 : 4;
	if (gen_one_in(g, 10))
		add(x, override[gen_below(g, sizeof(override))], 1);
	if (swap_op)
		add(x, 0x66, 1);
	if (x->form->how & FORM_REP ? !gen_one_in(g, 3) : gen_one_in(g, 80)) {
		add(x, gen_one_in(g, 2) ? 0xf2 : 0xf3, 1);
		x->repeat = true;
	}
	if (swap_addr)
		add(x, 0x67, 1);
	if (gen_one_in(g, x->form->how & FORM_MODRM ? 28 : 100)) {
		add(x, 0xf0, 1);
		x->locked = true;
	}
}

static void add_opcode(struct gen *g, struct build *x)
{
	const struct form *f = x->form;
	uint8_t last = f->opcode[f->bytes - 1];

	if (f->how & FORM_LOW3)
		last |= (uint8_t)gen_below(g, 8);
	if (f->how & FORM_LOW4)
		last |= (uint8_t)gen_below(g, 16);
	if (f->how & FORM_ALU)
		last |= (uint8_t)(gen_below(g, 8) << 3);
	if (f->how & FORM_W && !gen_one_in(g, 3))
		last |= 1;
	x->opcode_at = x->len;
	if (f->bytes == 2)
		add(x, 0x0f, 1);
	add(x, last, 1);
}

/* [disp32] or [disp16] */
static void add_absolute(struct gen *g, struct build *x, unsigned reg, uint32_t lin)
{
	x->memory = x->addrsize == 4 ? lin : LOW_BASE | (lin & 0x1fff);
	add(x, reg << 3 | (x->addrsize == 4 ? 5 : 6), 1);
	add(x, x->memory, x->addrsize);
}

static void add_memory16(struct gen *g, struct build *x, unsigned reg)
{
	static const uint8_t single[] = { 4, 5, 7, 6 }; /* SI, DI, BX, BP */
	unsigned mod = gen_below(g, 3), rm = single[gen_below(g, 4)];

	if (gen_one_in(g, 12))
		rm = gen_below(g, 8);
	if (!mod && rm == 6) {
		add_absolute(g, x, reg, gen_address(g));
		return;
	}
	add(x, mod << 6 | reg << 3 | rm, 1);
	if (mod == 1)
		add(x, gen_below(g, 256), 1);
	else if (mod == 2)
		add(x, gen_one_in(g, 8) ? gen_value(g) : gen_below(g, 0x200) - 0x100, 2);
}

/* A register that holds a pointer, or now and then any. */
static unsigned pointer_register(struct gen *g)
{
	unsigned r = gen_below(g, 8);

	if (gen_one_in(g, 40))
		return r;
	for (unsigned i = 0; i < 8; i++, r = (r + 1) & 7) {
		if (g->pointers >> r & 1)
			return r;
	}
	return X86_ESP;
}

static void add_memory32(struct gen *g, struct build *x, unsigned reg)
{
	unsigned mod = gen_below(g, 3), base = pointer_register(g);
	unsigned index = X86_ESP; /* in SIB: none */
	bool sib = base == X86_ESP || gen_one_in(g, 5);

	if (!mod && base == X86_EBP)
		mod = 1;
	if (sib && gen_one_in(g, 4))
		index = gen_below(g, 8);
	else if (sib && g->c->start.gpr[X86_ECX] < 64)
		index = X86_ECX;
	add(x, mod << 6 | reg << 3 | (sib ? 4 : base), 1);
	if (sib)
		add(x, gen_below(g, 4) << 6 | index << 3 | base, 1);
	if (mod == 1)
		add(x, gen_below(g, 256), 1);
	else if (mod == 2)
		add(x, gen_one_in(g, 8) ? gen_value(g) : gen_below(g, 0x400) - 0x200, 4);
}

/* The preparation writes the operand's memory: it must lie at a known place. */
static bool wants_absolute(const struct form *f)
{
	return f->prep == PREP_SEL_MEM || f->prep == PREP_CODE_MEM || f->prep == PREP_FAR_MEM ||
	       f->prep == PREP_COMPARE8;
}

static void add_modrm(struct gen *g, struct build *x)
{
	const struct form *f = x->form;
	unsigned reg = f->ext < 8 ? f->ext : gen_below(g, 8);
	bool mem = gen_one_in(g, 2);

	if (f->how & FORM_MEM)
		mem = !gen_one_in(g, 32);
	else if (f->how & FORM_REG)
		mem = gen_one_in(g, 8);
	x->modrm_at = x->len;
	if (!mem)
		add(x, 0xc0 | reg << 3 | gen_below(g, 8), 1);
	else if (wants_absolute(f) && !gen_one_in(g, 8))
		add_absolute(g, x, reg, DATA_BASE + 0x100 + gen_below(g, 0x180) * 16);
	else if (x->addrsize == 2)
		add_memory16(g, x, reg);
	else if (!(g->pointers & ~(1u << X86_ESP)) || gen_one_in(g, 6))
		add_absolute(g, x, reg, gen_address(g));
	else
		add_memory32(g, x, reg);
}

static void add_immediate(struct gen *g, struct build *x)
{
	bool wide = x->opsize == 4;

	switch (x->form->imm) {
	case IMM_8:
		add(x, gen_one_in(g, 2) ? gen_value(g) : gen_below(g, 40), 1);
		break;
	case IMM_16:
		add(x, gen_one_in(g, 8) ? gen_value(g) : gen_below(g, 64), 2);
		break;
	case IMM_Z:
		add(x, gen_value(g), x->opsize);
		break;
	case IMM_OFFSET:
		add(x, x->addrsize == 4 ? gen_address(g) : LOW_BASE + gen_below(g, 0x2000),
		    x->addrsize);
		break;
	case IMM_REL8:
		x->fix = gen_fix_ahead(g, FIX_REL8, x->len);
		add(x, 0, 1);
		break;
	case IMM_RELZ:
		x->fix = gen_fix_ahead(g, wide ? FIX_REL32 : FIX_REL16, x->len);
		add(x, 0, x->opsize);
		break;
	case IMM_FAR:
		x->fix = gen_fix_ahead(g, wide ? FIX_ABS32 : FIX_ABS16, x->len);
		add(x, 0, x->opsize);
		add(x, gen_code_selector(g, &x->fix.base), 2);
		break;
	case IMM_ENTER:
		add(x, gen_one_in(g, 8) ? gen_value(g) : gen_below(g, 64), 2);
		add(x, gen_one_in(g, 8) ? gen_value(g) : gen_below(g, 4), 1);
		break;
	default:
		break;
	}
}

/* --- preparation ----------------------------------------------------------------------------- */

/* An opcode with a 32-bit immediate, whatever the default size. */
static bool put_imm32(struct gen *g, uint8_t opcode, uint32_t value, const struct gen_fix *fix)
{
	struct build x = { 0 };
	struct gen_fix moved = { 0 };

	if (g->code16)
		add(&x, 0x66, 1);
	add(&x, opcode, 1);
	if (fix) {
		moved = *fix;
		moved.at = (uint8_t)x.len;
	}
	add(&x, value, 4);
	return gen_put(g, x.b, x.len, fix ? &moved : 0);
}

#define OP_PUSH_IMM 0x68
#define OP_MOV_IMM(reg) (uint8_t)(0xb8 + (reg))
#define OP_MOV_IMM8(reg) (uint8_t)(0xb0 + (reg))

/* PUSH of the operand size of the far return that will pop it. */
static bool put_push(struct gen *g, unsigned size, uint32_t value, const struct gen_fix *fix)
{
	struct build x = { 0 };
	struct gen_fix moved = { 0 };

	if ((size == 2) != g->code16)
		add(&x, 0x66, 1);
	add(&x, OP_PUSH_IMM, 1);
	if (fix) {
		moved = *fix;
		moved.kind = size == 2 ? FIX_ABS16 : FIX_ABS32;
		moved.at = (uint8_t)x.len;
	}
	add(&x, value, size);
	return gen_put(g, x.b, x.len, fix ? &moved : 0);
}

static void put_pointer(struct gen *g, unsigned reg, uint32_t lin)
{
	put_imm32(g, OP_MOV_IMM(reg), lin, 0);
	g->pointers |= 1u << reg;
}

static void prepare_count(struct gen *g)
{
	const uint8_t mov_cl[] = { OP_MOV_IMM8(1),
				   (uint8_t)gen_below(g, gen_one_in(g, 4) ? 256 : 34) };

	if (gen_one_in(g, 2))
		gen_put(g, mov_cl, sizeof(mov_cl), 0);
}

/*
 * EDX at the edge: the largest that DIV (the divisor less one), or about the largest that IDIV
 * (half of that) has a quotient for, and one beyond.
 */
static void divide_edge(struct gen *g, unsigned divisor)
{
	const uint8_t mov_edx[] = { 0x89, (uint8_t)(0xc2 | divisor << 3) };
	const uint8_t dec_edx[] = { 0x4a }, sar_edx[] = { 0xd1, 0xfa };

	gen_put(g, mov_edx, sizeof(mov_edx), 0);
	if (gen_one_in(g, 2))
		gen_put(g, sar_edx, sizeof(sar_edx), 0);
	if (gen_one_in(g, 2))
		gen_put(g, dec_edx, sizeof(dec_edx), 0);
	if (gen_one_in(g, 2))
		put_imm32(g, OP_MOV_IMM(X86_EAX), gen_value(g), 0);
}

static void prepare_divide(struct gen *g, const struct build *x)
{
	static const uint8_t clear_edx[] = { 0x31, 0xd2 }, cdq[] = { 0x99 };
	uint8_t mov_ah[] = { OP_MOV_IMM8(4), (uint8_t)gen_below(g, 4) };

	if (is_register(x) && register_of(x) != X86_EDX && gen_one_in(g, 3)) {
		divide_edge(g, register_of(x));
		return;
	}
	switch (gen_below(g, 5)) {
	case 0:
		gen_put(g, clear_edx, sizeof(clear_edx), 0);
		break;
	case 1:
		gen_put(g, cdq, sizeof(cdq), 0);
		break;
	case 2:
		put_imm32(g, OP_MOV_IMM(X86_EDX), gen_below(g, 4), 0);
		break;
	case 3:
		gen_put(g, mov_ah, sizeof(mov_ah), 0);
		break;
	default:
		break;
	}
}

static void prepare_string(struct gen *g, const struct build *x)
{
	if (x->repeat && !gen_one_in(g, 16))
		put_imm32(g, OP_MOV_IMM(X86_ECX), gen_below(g, gen_one_in(g, 8) ? 600 : 12), 0);
	if (!(g->pointers >> X86_ESI & 1) && !gen_one_in(g, 8))
		put_pointer(g, X86_ESI, gen_address(g));
	if (!(g->pointers >> X86_EDI & 1) && !gen_one_in(g, 8))
		put_pointer(g, X86_EDI, gen_address(g));
}

static uint32_t random_flags(struct gen *g)
{
	uint32_t v = (uint32_t)gen_random(&g->rng);

	/* A trap after each instruction, or alignment checks, make most sequences short. */
	if (!gen_one_in(g, 12))
		v &= ~EFLAGS_TF;
	if (!gen_one_in(g, 12))
		v &= ~EFLAGS_AC;
	if (!gen_one_in(g, 8))
		v &= ~EFLAGS_NT;
	return v;
}

static struct gen_patch *new_patch(struct gen *g, uint32_t lin, unsigned len)
{
	struct gen_patch *p;

	if (g->c->patches == GEN_PATCHES)
		return 0;
	p = &g->c->patch[g->c->patches++];
	*p = (struct gen_patch){ .lin = lin, .len = (uint8_t)len };
	return p;
}

static void patch_value(struct gen *g, uint32_t lin, unsigned len, uint32_t value)
{
	struct gen_patch *p = new_patch(g, lin, len);

	if (p)
		memcpy(p->bytes, &value, len);
}

/* A code address at `lin`; its target is set once the instruction is in place. */
static struct gen_fix *patch_code(struct gen *g, uint32_t lin, unsigned size, uint32_t base)
{
	struct gen_patch *p = new_patch(g, lin, size);

	if (!p)
		return 0;
	p->fix = gen_fix_ahead(g, size == 2 ? FIX_ABS16 : FIX_ABS32, 0);
	p->fix.base = base;
	return &p->fix;
}

/* MOV accumulator, r/m, so that CMPXCHG finds it equal. */
static void prepare_compare(struct gen *g, const struct build *x)
{
	struct build load = *x;

	if (x->locked || x->repeat || gen_one_in(g, 2))
		return;
	/* 0F B0+w ModRM becomes 8A+w ModRM, one byte shorter. */
	memmove(load.b + load.opcode_at, load.b + load.opcode_at + 1,
		load.len - load.opcode_at - 1);
	load.len--;
	load.b[load.opcode_at] = (uint8_t)(0x8a | (load.b[load.opcode_at] & 1));
	load.b[load.opcode_at + 1] &= 0xc7;
	gen_put(g, load.b, load.len, 0);
}

static void prepare_compare8(struct gen *g, const struct build *x)
{
	uint8_t load[6] = { 0x8b };

	if (!x->memory || x->addrsize == 2 || g->code16 || gen_one_in(g, 2))
		return;
	for (unsigned half = 0; half < 2; half++) {
		uint32_t lin = x->memory + half * 4;

		load[1] = half ? 0x15 : 0x05; /* EDX, EAX */
		memcpy(load + 2, &lin, 4);
		gen_put(g, load, sizeof(load), 0);
	}
}

/* A counted loop over one or two instructions, in place of a branch ahead. */
static void prepare_loop(struct gen *g, struct build *x)
{
	static const uint8_t body[][2] = { { 0x01, 0xd8 }, { 0xd1, 0xd0 }, { 0x40, 0x40 },
					   { 0x8b, 0x06 }, { 0x29, 0xd0 }, { 0x87, 0xc2 } };
	unsigned first;

	if (!gen_one_in(g, 2) || !put_imm32(g, OP_MOV_IMM(X86_ECX), 1 + gen_below(g, 6), 0))
		return;
	first = g->c->insns;
	for (unsigned i = 1 + gen_below(g, 2); i; i--)
		gen_put(g, body[gen_below(g, ARRAY_SIZE(body))], 2, 0);
	x->fix.target = (uint8_t)first;
}

/* What must name the instruction after the one prepared: filled by prepare(), used by place(). */
struct pending {
	struct gen_fix *fix[2];
	unsigned fixes;
	bool far;
	uint16_t selector;
	uint32_t base;
};

static void pend(struct pending *p, struct gen_fix *fix)
{
	if (fix)
		p->fix[p->fixes++] = fix;
}

static void prepare_return(struct gen *g, const struct build *x, struct pending *p)
{
	struct gen_fix fix = gen_fix_ahead(g, FIX_ABS32, 0);

	if (x->form->prep == PREP_IRET)
		put_push(g, x->opsize, random_flags(g), 0);
	if (x->form->prep != PREP_RET) {
		p->far = true;
		p->selector = gen_code_selector(g, &p->base);
		put_push(g, x->opsize, p->selector, 0);
		fix.base = p->base;
	}
	if (put_push(g, x->opsize, 0, &fix))
		pend(p, &g->c->insn[g->c->insns - 1].fix);
}

static void prepare_code(struct gen *g, const struct build *x, struct pending *p)
{
	struct gen_fix fix = gen_fix_ahead(g, FIX_ABS32, 0);

	if (x->form->prep == PREP_CODE_MEM) {
		if (x->memory)
			pend(p, patch_code(g, x->memory, x->opsize, g->cs_base));
	} else if (is_register(x) && put_imm32(g, OP_MOV_IMM(register_of(x)), 0, &fix)) {
		pend(p, &g->c->insn[g->c->insns - 1].fix);
	}
}

static void prepare_far_memory(struct gen *g, const struct build *x, struct pending *p)
{
	if (!x->memory)
		return;
	p->far = true;
	p->selector = gen_code_selector(g, &p->base);
	pend(p, patch_code(g, x->memory, x->opsize, p->base));
	patch_value(g, x->memory + x->opsize, 2, p->selector);
}

static void prepare_selector(struct gen *g, const struct build *x)
{
	switch (x->form->prep) {
	case PREP_SEL_REG:
		if (is_register(x) && !gen_one_in(g, 8))
			put_imm32(g, OP_MOV_IMM(register_of(x)), gen_selector(g), 0);
		break;
	case PREP_SEL_PUSH:
		put_push(g, x->opsize, gen_selector(g), 0);
		break;
	default: /* PREP_SEL_MEM */
		if (x->memory) {
			patch_value(g, x->memory, x->opsize, gen_address(g));
			patch_value(g, x->memory + x->opsize, 2, gen_selector(g));
		}
	}
}

static void prepare(struct gen *g, struct build *x, struct pending *p)
{
	switch (x->form->prep) {
	case PREP_COUNT:
		prepare_count(g);
		break;
	case PREP_DIVIDE:
		prepare_divide(g, x);
		break;
	case PREP_STRING:
		prepare_string(g, x);
		break;
	case PREP_SEL_REG:
	case PREP_SEL_PUSH:
	case PREP_SEL_MEM:
		prepare_selector(g, x);
		break;
	case PREP_RET:
	case PREP_RETF:
	case PREP_IRET:
		prepare_return(g, x, p);
		break;
	case PREP_CODE_REG:
	case PREP_CODE_MEM:
		prepare_code(g, x, p);
		break;
	case PREP_FAR_MEM:
		prepare_far_memory(g, x, p);
		break;
	case PREP_LOOP:
		prepare_loop(g, x);
		break;
	case PREP_COMPARE:
		prepare_compare(g, x);
		break;
	case PREP_COMPARE8:
		prepare_compare8(g, x);
		break;
	case PREP_FRAME:
		if (!gen_one_in(g, 4))
			put_pointer(g, X86_EBP, STACK_BASE + 0x400 + gen_below(g, 0x1800));
		break;
	case PREP_FLAGS:
		put_push(g, x->opsize, random_flags(g), 0);
		break;
	default:
		break;
	}
}

/* LAR leaves bits 16..19 undefined: AND them away (SDM vol. 2, LAR). */
static void mask_access_rights(struct gen *g, const struct build *x)
{
	const uint32_t defined = 0x00f0ff00;
	uint8_t b[6] = { 0x81, (uint8_t)(0xe0 | (x->b[x->modrm_at] >> 3 & 7)) };

	memcpy(b + 2, &defined, 4);
	if (!g->code16 && x->opsize == 4)
		gen_put(g, b, sizeof(b), 0);
}

/* Put the instruction, and point what was prepared at the one after it. */
static void place(struct gen *g, struct build *x, struct pending *p)
{
	if (x->form->imm == IMM_FAR) {
		p->far = true;
		memcpy(&p->selector, x->b + x->len - 2, 2);
		p->base = x->fix.base;
	}
	if (x->form->imm >= IMM_REL8 && x->form->imm <= IMM_FAR && x->form->prep != PREP_LOOP)
		x->fix.target = (uint8_t)(g->c->insns + 1 + (p->far ? 0 : gen_below(g, 4)));
	if (!gen_put(g, x->b, x->len, x->fix.kind ? &x->fix : 0))
		return;
	for (unsigned i = 0; i < p->fixes; i++) {
		p->fix[i]->target = (uint8_t)g->c->insns;
		g->undefined_at[g->c->insns] |= g->undefined;
	}
	if (p->far)
		gen_enter_code(g, p->selector, p->base);
	if (x->form->bytes == 2 && x->form->opcode[1] == 0x02)
		mask_access_rights(g, x);
}

void gen_put_form(struct gen *g)
{
	const struct form *f;
	struct build x = { 0 };
	struct pending p = { 0 };

	/* By weight, 20 being certain; cases about segments want forms about segments. */
	do {
		f = &form_table[gen_below(g, form_count)];
	} while (gen_below(g, 20) >= f->weight || (f->how & FORM_RARE && !gen_one_in(g, 4)) ||
		 (g->c->segments && !(f->how & (FORM_SEG | FORM_FAR)) && gen_one_in(g, 2)));
	x.form = f;
	add_prefixes(g, &x);
	add_opcode(g, &x);
	if (f->how & FORM_MODRM)
		add_modrm(g, &x);
	add_immediate(g, &x);
	prepare(g, &x, &p);
	place(g, &x, &p);
}

/* MOV Sreg, CX with a selector of the LDT in it. */
static void load_segment(struct gen *g, unsigned sreg, unsigned row)
{
	const uint8_t mov[] = { 0x8e, (uint8_t)(0xc0 | sreg << 3 | X86_ECX) };

	put_imm32(g, OP_MOV_IMM(X86_ECX), LDT_SEL(row), 0);
	gen_put(g, mov, sizeof(mov), 0);
}

void gen_put_segments(struct gen *g)
{
	/* Rows that load, and mean something to the offsets of gen_address. */
	static const uint8_t rows[] = { 1, 2, 3, 4, 5, LDT_CODE32, 13, 14, 15 };

	if (gen_one_in(g, 2))
		load_segment(g, X86_DS, rows[gen_below(g, sizeof(rows))]);
	if (gen_one_in(g, 2))
		load_segment(g, X86_ES, rows[gen_below(g, sizeof(rows))]);
	if (gen_one_in(g, 6)) {
		load_segment(g, X86_SS, LDT_STACK16);
	} else if (gen_one_in(g, 6)) {
		load_segment(g, X86_SS, LDT_STACK_DOWN);
		put_imm32(g, OP_MOV_IMM(X86_ESP), 0x9000 + gen_below(g, 0x400) * 4, 0);
	}
}
