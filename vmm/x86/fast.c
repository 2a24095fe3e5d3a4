// SPDX-License-Identifier: MIT
#include "x86/fast.h"

#include <Zydis/Zydis.h>
#include <string.h>

#include "x86/block.h"
#include "x86/flags.h"
#include "x86/mem.h"

#define INLINE static inline __attribute__((always_inline))
#define HANDLER(name) static const struct insn *name(struct cpu *c, const struct insn *i)

enum fast_form fast_form_of(const struct insn *i)
{
	const struct operand *a = &i->op[0], *b = &i->op[1];
	bool memory = a->kind == OPND_MEM || b->kind == OPND_MEM;
	const unsigned flat = 1u << X86_DS | 1u << X86_ES | 1u << X86_SS;

	if (i->opsize != 4 || (memory && (i->addrsize != 4 || !(flat >> i->seg & 1))))
		return FORM_NONE;
	if (a->kind == OPND_NONE && b->kind == OPND_NONE)
		return FORM_VOID;
	if (a->kind == OPND_IMM && b->kind == OPND_NONE)
		return FORM_I;
	if (a->size != 4)
		return FORM_NONE;
	if (a->kind == OPND_REG && b->kind == OPND_NONE)
		return FORM_R;
	if (a->kind == OPND_REG && b->kind == OPND_IMM)
		return FORM_RI;
	if (a->kind == OPND_MEM && b->kind == OPND_IMM)
		return FORM_MI;
	if (a->kind == OPND_MEM && b->kind == OPND_REG && b->size == 4)
		return FORM_MR;
	if (a->kind == OPND_REG && b->kind == OPND_REG)
		return b->size == 4 ? FORM_RR : b->size == 1 ? FORM_RR8 : FORM_NONE;
	if (a->kind == OPND_REG && b->kind == OPND_MEM)
		return b->size == 4 ? FORM_RM : b->size == 2 ? FORM_RM16 : FORM_RM8;
	return FORM_NONE;
}

/* --- flat memory ---------------------------------------------------------------------------- */

/* Address with 32-bit addressing and base 0. */
INLINE gva_t flat_ea(const struct cpu *c, const struct insn *i)
{
	return i->disp + reg_read32(c, i->base) + (reg_read32(c, i->index) << i->shift);
}

/* Segment `seg` is flat: offset and linear address are the same, but for a wrap at 4 GiB. */
INLINE bool flat_load(struct cpu *c, const struct insn *i, unsigned seg, gva_t lin, unsigned size,
		      uint32_t *v)
{
	const uint8_t *host = tlb_fast_hit(c->tlb.fast, lin, size, ACCESS_READ);

	if (unlikely(!host))
		return mem_read(c, i, seg, lin, size, v);
	*v = 0;
	memcpy(v, host, size);
	return true;
}

INLINE bool flat_store(struct cpu *c, const struct insn *i, unsigned seg, gva_t lin, uint32_t v)
{
	uint8_t *host = tlb_fast_hit(c->tlb.fast, lin, 4, ACCESS_WRITE);

	if (unlikely(!host))
		return mem_write(c, i, seg, lin, 4, v);
	memcpy(host, &v, 4);
	return true;
}

INLINE bool flat_push(struct cpu *c, const struct insn *i, uint32_t v)
{
	uint32_t sp = c->gpr[X86_ESP] - 4;

	if (!flat_store(c, i, X86_SS, sp, v))
		return false;
	c->gpr[X86_ESP] = sp;
	return true;
}

/* --- arithmetic and logic -------------------------------------------------------------------- */

INLINE uint32_t do_add(struct cpu *c, uint32_t a, uint32_t b)
{
	flags_add(c, a, b, a + b, 4);
	return a + b;
}

INLINE uint32_t do_sub(struct cpu *c, uint32_t a, uint32_t b)
{
	flags_sub(c, a, b, a - b, 4);
	return a - b;
}

INLINE uint32_t do_adc(struct cpu *c, uint32_t a, uint32_t b)
{
	uint32_t r = a + b + flag_cf(c);

	flags_add(c, a, b, r, 4);
	return r;
}

INLINE uint32_t do_sbb(struct cpu *c, uint32_t a, uint32_t b)
{
	uint32_t r = a - b - flag_cf(c);

	flags_sub(c, a, b, r, 4);
	return r;
}

INLINE uint32_t do_and(struct cpu *c, uint32_t a, uint32_t b)
{
	flags_logic(c, a & b, 4);
	return a & b;
}

INLINE uint32_t do_or(struct cpu *c, uint32_t a, uint32_t b)
{
	flags_logic(c, a | b, 4);
	return a | b;
}

INLINE uint32_t do_xor(struct cpu *c, uint32_t a, uint32_t b)
{
	flags_logic(c, a ^ b, 4);
	return a ^ b;
}

/* Handlers of one operation that writes its destination, in five forms. */
#define ALU_FORMS(alu)                                                                             \
	HANDLER(alu##_rr)                                                                          \
	{                                                                                          \
		uint32_t b = reg_read32(c, i->op[1].reg);                                          \
                                                                                                   \
		reg_write32(c, i->op[0].reg, do_##alu(c, reg_read32(c, i->op[0].reg), b));         \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(alu##_ri)                                                                          \
	{                                                                                          \
		reg_write32(c, i->op[0].reg, do_##alu(c, reg_read32(c, i->op[0].reg), i->imm));    \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(alu##_rm)                                                                          \
	{                                                                                          \
		uint32_t b;                                                                        \
                                                                                                   \
		if (!flat_load(c, i, i->seg, flat_ea(c, i), 4, &b))                                \
			return NULL;                                                               \
		reg_write32(c, i->op[0].reg, do_##alu(c, reg_read32(c, i->op[0].reg), b));         \
		return i + 1;                                                                      \
	}                                                                                          \
	INLINE const struct insn *alu##_memory(struct cpu *c, const struct insn *i, uint32_t b)    \
	{                                                                                          \
		gva_t lin = flat_ea(c, i);                                                         \
		uint8_t *host = tlb_fast_hit(c->tlb.fast, lin, 4, ACCESS_WRITE);                   \
		struct rmw m;                                                                      \
		uint32_t a;                                                                        \
                                                                                                   \
		if (likely(host)) {                                                                \
			memcpy(&a, host, 4);                                                       \
			a = do_##alu(c, a, b);                                                     \
			memcpy(host, &a, 4);                                                       \
			return i + 1;                                                              \
		}                                                                                  \
		if (!rmw_begin(c, i, i->seg, lin, 4, &m))                                          \
			return NULL;                                                               \
		rmw_write(c, i, &m, do_##alu(c, (uint32_t)m.old, b));                              \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(alu##_mr)                                                                          \
	{                                                                                          \
		return alu##_memory(c, i, reg_read32(c, i->op[1].reg));                            \
	}                                                                                          \
	HANDLER(alu##_mi)                                                                          \
	{                                                                                          \
		return alu##_memory(c, i, i->imm);                                                 \
	}

/* Handlers of one operation that only sets flags. */
#define COMPARE_FORMS(name, alu)                                                                   \
	HANDLER(name##_rr)                                                                         \
	{                                                                                          \
		do_##alu(c, reg_read32(c, i->op[0].reg), reg_read32(c, i->op[1].reg));             \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(name##_ri)                                                                         \
	{                                                                                          \
		do_##alu(c, reg_read32(c, i->op[0].reg), i->imm);                                  \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(name##_mr)                                                                         \
	{                                                                                          \
		uint32_t a;                                                                        \
                                                                                                   \
		if (!flat_load(c, i, i->seg, flat_ea(c, i), 4, &a))                                \
			return NULL;                                                               \
		do_##alu(c, a, reg_read32(c, i->op[1].reg));                                       \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(name##_mi)                                                                         \
	{                                                                                          \
		uint32_t a;                                                                        \
                                                                                                   \
		if (!flat_load(c, i, i->seg, flat_ea(c, i), 4, &a))                                \
			return NULL;                                                               \
		do_##alu(c, a, i->imm);                                                            \
		return i + 1;                                                                      \
	}

ALU_FORMS(add)
ALU_FORMS(sub)
ALU_FORMS(adc)
ALU_FORMS(sbb)
ALU_FORMS(and)
ALU_FORMS(or)
ALU_FORMS(xor)
COMPARE_FORMS(cmp, sub)
COMPARE_FORMS(test, and)

HANDLER(cmp_rm)
{
	uint32_t b;

	if (!flat_load(c, i, i->seg, flat_ea(c, i), 4, &b))
		return NULL;
	do_sub(c, reg_read32(c, i->op[0].reg), b);
	return i + 1;
}

/* INC and DEC leave CF alone (SDM vol. 2). */
INLINE void flags_step(struct cpu *c, uint32_t result, bool of, bool af)
{
	uint32_t cf = c->flag_aux & FLAG_AUX_CF;

	c->flag_result = result;
	c->flag_aux = cf | (cf >> 1 ^ (uint32_t)of << 30) | (uint32_t)af << 3;
}

HANDLER(inc_r)
{
	uint32_t r = reg_read32(c, i->op[0].reg) + 1;

	reg_write32(c, i->op[0].reg, r);
	flags_step(c, r, r == 0x80000000, (r & 0xf) == 0);
	return i + 1;
}

HANDLER(dec_r)
{
	uint32_t r = reg_read32(c, i->op[0].reg) - 1;

	reg_write32(c, i->op[0].reg, r);
	flags_step(c, r, r == 0x7fffffff, (r & 0xf) == 0xf);
	return i + 1;
}

/* Shifts by an immediate; flags that the manual leaves open are as in exec_shift.c. */
HANDLER(shl_ri)
{
	unsigned n = i->imm & 31;
	uint32_t a = reg_read32(c, i->op[0].reg), r = a << n;
	bool cf;

	if (!n)
		return i + 1;
	cf = a >> (32 - n) & 1;
	reg_write32(c, i->op[0].reg, r);
	flags_set(c, r, 4, cf, cf ^ r >> 31, true);
	return i + 1;
}

HANDLER(shr_ri)
{
	unsigned n = i->imm & 31;
	uint32_t a = reg_read32(c, i->op[0].reg), r = a >> n;

	if (!n)
		return i + 1;
	reg_write32(c, i->op[0].reg, r);
	flags_set(c, r, 4, a >> (n - 1) & 1, (r << 1 ^ r) >> 31, true);
	return i + 1;
}

HANDLER(sar_ri)
{
	unsigned n = i->imm & 31;
	int32_t a = (int32_t)reg_read32(c, i->op[0].reg);

	if (!n)
		return i + 1;
	reg_write32(c, i->op[0].reg, (uint32_t)(a >> n));
	flags_set(c, (uint32_t)(a >> n), 4, a >> (n - 1) & 1, false, true);
	return i + 1;
}

/* --- moves ----------------------------------------------------------------------------------- */

HANDLER(mov_rr)
{
	reg_write32(c, i->op[0].reg, reg_read32(c, i->op[1].reg));
	return i + 1;
}

HANDLER(mov_ri)
{
	reg_write32(c, i->op[0].reg, i->imm);
	return i + 1;
}

HANDLER(mov_rm)
{
	uint32_t v;

	if (!flat_load(c, i, i->seg, flat_ea(c, i), 4, &v))
		return NULL;
	reg_write32(c, i->op[0].reg, v);
	return i + 1;
}

HANDLER(mov_mr)
{
	return flat_store(c, i, i->seg, flat_ea(c, i), reg_read32(c, i->op[1].reg)) ? i + 1 : NULL;
}

HANDLER(mov_mi)
{
	return flat_store(c, i, i->seg, flat_ea(c, i), i->imm) ? i + 1 : NULL;
}

HANDLER(lea_rm)
{
	reg_write32(c, i->op[0].reg, flat_ea(c, i));
	return i + 1;
}

#define EXTEND_HANDLERS(name, type8, type16)                                                       \
	HANDLER(name##_rr8)                                                                        \
	{                                                                                          \
		reg_write32(c, i->op[0].reg, (uint32_t)(type8)reg_read(c, i->op[1].reg, 1));       \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(name##_rm8)                                                                        \
	{                                                                                          \
		uint32_t v;                                                                        \
                                                                                                   \
		if (!flat_load(c, i, i->seg, flat_ea(c, i), 1, &v))                                \
			return NULL;                                                               \
		reg_write32(c, i->op[0].reg, (uint32_t)(type8)v);                                  \
		return i + 1;                                                                      \
	}                                                                                          \
	HANDLER(name##_rm16)                                                                       \
	{                                                                                          \
		uint32_t v;                                                                        \
                                                                                                   \
		if (!flat_load(c, i, i->seg, flat_ea(c, i), 2, &v))                                \
			return NULL;                                                               \
		reg_write32(c, i->op[0].reg, (uint32_t)(type16)v);                                 \
		return i + 1;                                                                      \
	}

EXTEND_HANDLERS(movzx, uint8_t, uint16_t)
EXTEND_HANDLERS(movsx, int8_t, int16_t)

/* --- the stack -------------------------------------------------------------------------------- */

HANDLER(push_r)
{
	return flat_push(c, i, reg_read32(c, i->op[0].reg)) ? i + 1 : NULL;
}

HANDLER(push_i)
{
	return flat_push(c, i, i->imm) ? i + 1 : NULL;
}

HANDLER(pop_r)
{
	uint32_t v;

	if (!flat_load(c, i, X86_SS, c->gpr[X86_ESP], 4, &v))
		return NULL;
	c->gpr[X86_ESP] += 4;
	reg_write32(c, i->op[0].reg, v);
	return i + 1;
}

/* --- branches --------------------------------------------------------------------------------- */

HANDLER(jmp_i)
{
	return block_chain(c, 1, insn_next_eip(c, i) + i->imm);
}

HANDLER(call_i)
{
	uint32_t next = insn_next_eip(c, i);

	return flat_push(c, i, next) ? block_chain(c, 1, next + i->imm) : NULL;
}

HANDLER(ret_near)
{
	uint32_t eip;

	if (!flat_load(c, i, X86_SS, c->gpr[X86_ESP], 4, &eip))
		return NULL;
	c->gpr[X86_ESP] += 4;
	return block_jump(c, eip);
}

INLINE const struct insn *branch(struct cpu *c, const struct insn *i, bool taken)
{
	uint32_t next = insn_next_eip(c, i);

	return taken ? block_chain(c, 1, next + i->imm) : block_chain(c, 0, next);
}

#define JCC(name, condition)                                                                       \
	HANDLER(name)                                                                              \
	{                                                                                          \
		return branch(c, i, (condition));                                                  \
	}

JCC(jb_i, flag_cf(c))
JCC(jnb_i, !flag_cf(c))
JCC(jz_i, flag_zf(c))
JCC(jnz_i, !flag_zf(c))
JCC(jbe_i, flag_cf(c) || flag_zf(c))
JCC(jnbe_i, !flag_cf(c) && !flag_zf(c))
JCC(js_i, flag_sf(c))
JCC(jns_i, !flag_sf(c))
JCC(jl_i, flag_sf(c) != flag_of(c))
JCC(jnl_i, flag_sf(c) == flag_of(c))
JCC(jle_i, flag_zf(c) || flag_sf(c) != flag_of(c))
JCC(jnle_i, !flag_zf(c) && flag_sf(c) == flag_of(c))

/* --- the table -------------------------------------------------------------------------------- */

#define ROW(name, form, handler)                                                                   \
	{                                                                                          \
		ZYDIS_MNEMONIC_##name, FORM_##form, handler                                        \
	}
#define ROWS(name, op)                                                                             \
	ROW(name, RR, op##_rr), ROW(name, RI, op##_ri), ROW(name, RM, op##_rm),                    \
		ROW(name, MR, op##_mr), ROW(name, MI, op##_mi)

const struct fast_row fast_rows[] = {
	ROWS(ADD, add),
	ROWS(SUB, sub),
	ROWS(ADC, adc),
	ROWS(SBB, sbb),
	ROWS(AND, and),
	ROWS(OR, or),
	ROWS(XOR, xor),
	ROWS(CMP, cmp),
	ROW(TEST, RR, test_rr),
	ROW(TEST, RI, test_ri),
	ROW(TEST, MR, test_mr),
	ROW(TEST, MI, test_mi),
	ROWS(MOV, mov),
	ROW(INC, R, inc_r),
	ROW(DEC, R, dec_r),
	ROW(SHL, RI, shl_ri),
	ROW(SHR, RI, shr_ri),
	ROW(SAR, RI, sar_ri),
	ROW(LEA, RM, lea_rm),
	ROW(MOVZX, RR8, movzx_rr8),
	ROW(MOVZX, RM8, movzx_rm8),
	ROW(MOVZX, RM16, movzx_rm16),
	ROW(MOVSX, RR8, movsx_rr8),
	ROW(MOVSX, RM8, movsx_rm8),
	ROW(MOVSX, RM16, movsx_rm16),
	ROW(PUSH, R, push_r),
	ROW(PUSH, I, push_i),
	ROW(POP, R, pop_r),
	ROW(JMP, I, jmp_i),
	ROW(CALL, I, call_i),
	ROW(RET, VOID, ret_near),
	ROW(JB, I, jb_i),
	ROW(JNB, I, jnb_i),
	ROW(JZ, I, jz_i),
	ROW(JNZ, I, jnz_i),
	ROW(JBE, I, jbe_i),
	ROW(JNBE, I, jnbe_i),
	ROW(JS, I, js_i),
	ROW(JNS, I, jns_i),
	ROW(JL, I, jl_i),
	ROW(JNL, I, jnl_i),
	ROW(JLE, I, jle_i),
	ROW(JNLE, I, jnle_i),
	{ ZYDIS_MNEMONIC_INVALID, FORM_NONE, NULL },
};
