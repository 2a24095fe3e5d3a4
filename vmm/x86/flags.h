/* SPDX-License-Identifier: MIT */
/*
 * Lazy arithmetic flags.
 *
 * An ALU instruction stores two words and leaves the six flags to whoever asks:
 *
 *   flag_result   the result, sign-extended to 32 bits: ZF is result == 0, SF is its top bit, PF is
 *                 the parity of its low byte
 *   flag_aux      bit 31 CF
 *                 bit 30 CF ^ OF
 *                 bit 3  AF
 *                 bits 8..15 are XORed into the low byte of the result before PF is taken, and
 *                 bit 0 is XORed into SF: so any combination that POPF loads can be held, too
 *
 * The carry vector of an addition (or borrow vector of a subtraction) has CF in its top bit and,
 * one below it, the carry into the top bit, which is CF ^ OF: so `vector & FLAG_AUX_MASK` is
 * flag_aux of a 32-bit operation without further work.
 */
#ifndef VMM_X86_FLAGS_H
#define VMM_X86_FLAGS_H

#include "x86/cpu.h"

#define FLAG_AUX_CF 0x80000000u
#define FLAG_AUX_PO 0x40000000u /* CF ^ OF */
#define FLAG_AUX_AF 0x00000008u
#define FLAG_AUX_SD 0x00000001u
#define FLAG_AUX_MASK (FLAG_AUX_CF | FLAG_AUX_PO | FLAG_AUX_AF)

static inline bool flag_cf(const struct cpu *c)
{
	return c->flag_aux >> 31;
}

static inline bool flag_of(const struct cpu *c)
{
	return (c->flag_aux >> 31 ^ c->flag_aux >> 30) & 1;
}

static inline bool flag_af(const struct cpu *c)
{
	return c->flag_aux >> 3 & 1;
}

static inline bool flag_zf(const struct cpu *c)
{
	return c->flag_result == 0;
}

static inline bool flag_sf(const struct cpu *c)
{
	return (c->flag_result >> 31 ^ c->flag_aux) & 1;
}

static inline bool flag_pf(const struct cpu *c)
{
	return !__builtin_parity((c->flag_result ^ c->flag_aux >> 8) & 0xff);
}

/* Sign-extend the low `size` bytes. */
static inline uint32_t sign_extend(uint32_t v, unsigned size)
{
	unsigned shift = 32 - size * 8;

	return (uint32_t)((int32_t)(v << shift) >> shift);
}

/* Flags of a result with CF, OF and AF given. */
static inline void flags_set(struct cpu *c, uint32_t result, unsigned size, bool cf, bool of,
			     bool af)
{
	c->flag_result = sign_extend(result, size);
	c->flag_aux = (cf ? FLAG_AUX_CF : 0) | (cf != of ? FLAG_AUX_PO : 0) |
		      (af ? FLAG_AUX_AF : 0);
}

/* AND, OR, XOR, TEST: CF and OF clear; AF is undefined, and clear on real CPUs. */
static inline void flags_logic(struct cpu *c, uint32_t result, unsigned size)
{
	c->flag_result = sign_extend(result, size);
	c->flag_aux = 0;
}

/* Carry vector of `a + b (+ carry) = result`, borrow vector of `a - b (- borrow) = result`. */
static inline uint32_t carry_vector(uint32_t a, uint32_t b, uint32_t result)
{
	return (a & b) | ((a | b) & ~result);
}

static inline uint32_t borrow_vector(uint32_t a, uint32_t b, uint32_t result)
{
	return (~a & b) | ((~a | b) & result);
}

/* flag_aux from a vector of an operation of `size` bytes. */
static inline uint32_t flag_aux_of(uint32_t vector, unsigned size)
{
	return (vector << (32 - size * 8) & (FLAG_AUX_CF | FLAG_AUX_PO)) | (vector & FLAG_AUX_AF);
}

static inline void flags_add(struct cpu *c, uint32_t a, uint32_t b, uint32_t result, unsigned size)
{
	c->flag_result = sign_extend(result, size);
	c->flag_aux = flag_aux_of(carry_vector(a, b, result), size);
}

static inline void flags_sub(struct cpu *c, uint32_t a, uint32_t b, uint32_t result, unsigned size)
{
	c->flag_result = sign_extend(result, size);
	c->flag_aux = flag_aux_of(borrow_vector(a, b, result), size);
}

/* The six flags as EFLAGS bits, and loading them all. */
uint32_t flags_get(const struct cpu *c);
void flags_load(struct cpu *c, uint32_t eflags);

/* Change one flag, the others as they are. */
void flags_set_cf(struct cpu *c, bool cf);
void flags_set_zf(struct cpu *c, bool zf);

/* Condition code 0..15 of Jcc, SETcc, CMOVcc (SDM vol. 1, appendix B). */
bool flags_condition(const struct cpu *c, unsigned cc);

#endif
