// SPDX-License-Identifier: MIT
#include "gen.h"

#include <string.h>

#include "gen_forms.h"

uint64_t gen_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t gen_below(struct gen *g, uint32_t n)
{
	return (uint32_t)((gen_random(&g->rng) >> 32) * n >> 32);
}

bool gen_one_in(struct gen *g, uint32_t n)
{
	return !gen_below(g, n);
}

uint32_t gen_value(struct gen *g)
{
	static const uint32_t edge[] = { 0,	     1,		 2,	     3,		 0x7f,
					 0x80,	     0xff,	 0x100,	     0x7fff,	 0x8000,
					 0xffff,     0x10000,	 0x7fffffff, 0x80000000, 0xffffffff,
					 0xfffffffe, 0xffffff80, 0xffff8000, 0x80000001 };
	uint64_t r = gen_random(&g->rng);

	switch (r & 3) {
	case 0:
		return edge[gen_below(g, ARRAY_SIZE(edge))];
	case 1:
		return (uint32_t)(r >> 32) & 0xff;
	case 2: /* few bits, at a random place */
		return (uint32_t)(r >> 58) << (r >> 8 & 31);
	default:
		return (uint32_t)(r >> 32);
	}
}

static uint32_t window_address(struct gen *g)
{
	static const uint32_t edge[] = { DATA_BASE,	      DATA_BASE + 0x1000,
					 READONLY_BASE,	      READONLY_BASE + 0x1000,
					 STACK_BASE + 0x1000, LOW_BASE,
					 LOW_BASE + 0x2000,   DATA_BASE + 0xfff };

	switch (gen_below(g, 32)) {
	case 0:
	case 1:
	case 2: /* across an edge of a page or a window */
		return edge[gen_below(g, ARRAY_SIZE(edge))] + gen_below(g, 16) - 8;
	case 3:
		return READONLY_BASE + gen_below(g, 0xff0);
	case 4:
		return STACK_BASE + gen_below(g, 0x1ff0);
	case 5:
		return LOW_BASE + gen_below(g, 0x1ff0);
	case 6:
		return gen_one_in(g, 2) ? gen_value(g) : DATA_BASE - 0x10000 * gen_below(g, 8);
	default:
		return DATA_BASE + 0x100 + gen_below(g, 0x1e00);
	}
}

/* Offsets that mean something in the segments of the LDT: small, and about their limits. */
static uint32_t segment_offset(struct gen *g)
{
	static const uint32_t edge[] = { 0,	 1,	 0x7ff,	 0x800,	 0xffe,
					 0xfff,	 0x1000, 0x1fff, 0x2000, 0x8000,
					 0x8fff, 0x9000, 0x9fff, 0xffff, 0x10000 };

	if (gen_one_in(g, 2))
		return gen_below(g, 0x1ff0);
	return edge[gen_below(g, ARRAY_SIZE(edge))] + gen_below(g, 9) - 4;
}

uint32_t gen_address(struct gen *g)
{
	return g->c->segments && gen_one_in(g, 2) ? segment_offset(g) : window_address(g);
}

uint16_t gen_selector(struct gen *g)
{
	static const uint16_t common[] = { SEL_USER_DATA,
					   SEL_USER_CODE32,
					   SEL_USER_DATA,
					   0,
					   3,
					   0x18,
					   0x10,
					   0x7b,
					   0x40,
					   0x50,
					   0x28,
					   0x2a,
					   0x80,
					   0xfff3 };

	if (g->c->segments && !gen_one_in(g, 4)) {
		uint32_t row = gen_below(g, LDT_ROWS + 1);

		/* Mostly RPL 3; lower ones are legal for data and not for code. */
		return (uint16_t)(LDT_SEL(row) - (gen_one_in(g, 8) ? gen_below(g, 4) : 0));
	}
	if (gen_one_in(g, 16))
		return (uint16_t)gen_value(g);
	return common[gen_below(g, ARRAY_SIZE(common))];
}

uint16_t gen_code_selector(struct gen *g, uint32_t *base)
{
	static const uint8_t rows[] = { LDT_CODE32,	LDT_CODE16,	LDT_CODE16,
					LDT_CODE32 + 2, LDT_CODE16 + 9, LDT_CODE16 + 10 };

	*base = 0;
	if (gen_one_in(g, 12))
		return gen_selector(g);
	if (!g->c->segments || gen_one_in(g, 5))
		return SEL_USER_CODE32;
	*base = CODE_BASE;
	return LDT_SEL(rows[gen_below(g, sizeof(rows))]);
}

void gen_enter_code(struct gen *g, uint16_t selector, uint32_t base)
{
	unsigned row = selector >> 3;
	bool local = selector & 4 && row < LDT_ROWS && ldt_table[row].contents == 2;

	g->code16 = local && !ldt_table[row].db;
	g->cs_base = local ? base : 0;
	g->c->far = true;
}

/* Which registers does the instruction write? They no longer hold a pointer. */
static uint32_t written_registers(const ZydisDecoder *decoder, const ZydisDecoderContext *context,
				  const ZydisDecodedInstruction *insn)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	uint32_t mask = 0;

	if (!ZYAN_SUCCESS(
		    ZydisDecoderDecodeOperands(decoder, context, insn, op, insn->operand_count)))
		return 0;
	for (unsigned i = 0; i < insn->operand_count; i++) {
		ZydisRegister r = op[i].reg.value;

		if (op[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (r >= ZYDIS_REGISTER_EAX && r <= ZYDIS_REGISTER_EDI)
			mask |= 1u << (r - ZYDIS_REGISTER_EAX);
		else if (r >= ZYDIS_REGISTER_AX && r <= ZYDIS_REGISTER_DI)
			mask |= 1u << (r - ZYDIS_REGISTER_AX);
		else if (r >= ZYDIS_REGISTER_AL && r <= ZYDIS_REGISTER_BH)
			mask |= 1u << ((r - ZYDIS_REGISTER_AL) & 3);
	}
	/* A stack or string instruction moves its pointer a little and leaves it one. */
	if (insn->meta.category == ZYDIS_CATEGORY_STRINGOP)
		mask &= ~(1u << X86_ESI | 1u << X86_EDI);
	return mask & ~(1u << X86_ESP);
}

bool gen_put(struct gen *g, const uint8_t *bytes, unsigned len, const struct gen_fix *fix)
{
	static const uint8_t define_flags[] = { 0x39, 0xd8 }; /* CMP EAX, EBX */
	const ZydisDecoder *decoder = &g->decoder[g->code16];
	struct gen_case *c = g->c;
	struct gen_flags flags = { 0, 0, 0 };
	ZydisDecoderContext context;
	ZydisDecodedInstruction insn;
	bool known =
		ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, &context, bytes, len, &insn));
	unsigned first = c->insns;
	struct gen_insn *out;

	if (c->insns + 2 > GEN_INSNS || (known && !gen_allowed(&insn, 0)))
		return false;
	g->undefined |= g->undefined_at[c->insns];
	if (known)
		flags = gen_flags_of(&insn);
	if (flags.reads & g->undefined && !gen_put(g, define_flags, sizeof(define_flags), 0))
		return false;
	out = &c->insn[c->insns++];
	*out = (struct gen_insn){ .len = (uint8_t)len, .code16 = g->code16 };
	memcpy(out->bytes, bytes, len);
	if (fix) {
		out->fix = *fix;
		/* A target ahead moves with the CMP. */
		if (fix->target > first)
			out->fix.target = (uint8_t)(fix->target + (c->insns - 1 - first));
	}
	if (known) {
		out->mnemonic = insn.mnemonic;
		g->pointers &= ~written_registers(decoder, &context, &insn);
	}
	g->undefined = (g->undefined & ~flags.writes) | flags.undefined;
	if (out->fix.kind && out->fix.target <= GEN_INSNS)
		g->undefined_at[out->fix.target] |= g->undefined;
	return true;
}

static void start_registers(struct gen *g)
{
	struct start_state *s = &g->c->start;
	bool any = gen_one_in(g, 16);

	for (unsigned r = 0; r < X86_GPRS; r++)
		s->gpr[r] = gen_value(g);
	if (gen_one_in(g, 2))
		s->gpr[X86_ECX] = gen_below(g, 40);
	s->gpr[X86_ESP] = STACK_BASE + 0x800 + gen_below(g, 0x400) * 4;
	if (gen_one_in(g, 12))
		s->gpr[X86_ESP] = STACK_BASE + 0x2000 * gen_below(g, 2) + gen_below(g, 48) - 24;
	else if (gen_one_in(g, 12))
		s->gpr[X86_ESP] = gen_address(g);
	if (any)
		return;
	for (unsigned r = X86_EBX; r < X86_GPRS; r++) {
		if (r != X86_ESP)
			s->gpr[r] = gen_address(g);
	}
	g->pointers = 1u << X86_EBX | 1u << X86_EBP | 1u << X86_ESI | 1u << X86_EDI;
}

static void start_rest(struct gen *g)
{
	struct start_state *s = &g->c->start;
	struct gen_case *c = g->c;

	s->eflags = EFLAGS_FIXED | EFLAGS_IF | (gen_value(g) & EFLAGS_ARITH);
	s->eflags ^= (uint32_t)gen_random(&g->rng) & EFLAGS_ARITH;
	if (gen_one_in(g, 4))
		s->eflags |= EFLAGS_DF;
	if (gen_one_in(g, 8))
		s->eflags |= EFLAGS_ID;
	s->seg[X86_CS] = SEL_USER_CODE32;
	s->seg[X86_SS] = SEL_USER_DATA;
	s->seg[X86_DS] = gen_one_in(g, 64) ? SEL_USER_CODE32 : SEL_USER_DATA;
	s->seg[X86_ES] = gen_one_in(g, 64) ? 0 : SEL_USER_DATA;
	s->seg[X86_FS] = gen_one_in(g, 4) ? SEL_USER_CODE32 : SEL_USER_DATA;
	s->seg[X86_GS] = gen_one_in(g, 2) ? 0 : SEL_USER_DATA;
	c->code_at = CODE_BASE + 0x40 + gen_below(g, 64);
	if (gen_one_in(g, 10))
		c->code_at = CODE_BASE + 0x1000 - gen_below(g, 48);
	else if (gen_one_in(g, 40))
		c->code_at = CODE_BASE + 0x2000 - gen_below(g, 64);
	s->eip = c->code_at;
}

struct gen_fix gen_fix_ahead(struct gen *g, unsigned kind, unsigned at)
{
	return (struct gen_fix){ .kind = (uint8_t)kind,
				 .at = (uint8_t)at,
				 .target = (uint8_t)(g->c->insns + 1 + gen_below(g, 4)),
				 .base = g->cs_base };
}

/* Random bytes that decode, or now and then do not. */
static void put_raw(struct gen *g)
{
	ZydisDecodedInstruction insn;
	uint64_t r[2] = { gen_random(&g->rng), gen_random(&g->rng) };
	struct gen_fix fix = { 0 };
	uint8_t b[15];

	memcpy(b, r, sizeof(b));
	/*
	 * Two-byte opcodes and operand prefixes are rarer in random bytes than among instructions.
	 */
	if (gen_one_in(g, 3))
		b[0] = 0x0f;
	else if (gen_one_in(g, 8))
		b[0] = 0x66;
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&g->decoder[g->code16], 0, b, sizeof(b),
							&insn))) {
		if (gen_one_in(g, 24))
			gen_put(g, b, 1 + gen_below(g, 14), 0);
		return;
	}
	if (insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		g->c->far = true;
	if (insn.raw.imm[0].size && insn.raw.imm[0].is_relative) {
		fix = gen_fix_ahead(g, FIX_REL32, insn.raw.imm[0].offset);
		if (insn.raw.imm[0].size < 32)
			fix.kind = insn.raw.imm[0].size == 8 ? FIX_REL8 : FIX_REL16;
	}
	gen_put(g, b, insn.length, fix.kind ? &fix : 0);
}

/* A store into the code just ahead. */
static void put_self_modifying(struct gen *g)
{
	static const uint8_t harmless[] = { 0x90, 0x40, 0x41, 0x48, 0xf8, 0xf9, 0xfc, 0x98 };
	struct gen_fix fix = { .kind = FIX_ABS32, .at = 2 };
	uint8_t b[10] = { 0xc6, 0x05 };
	uint32_t value = (uint32_t)gen_random(&g->rng);
	bool wide = gen_one_in(g, 4);

	if (g->code16)
		return;
	if (!gen_one_in(g, 4))
		value = harmless[gen_below(g, sizeof(harmless))] * 0x01010101u;
	fix.target = (uint8_t)(g->c->insns + 1 + gen_below(g, 3));
	fix.delta = (uint8_t)(gen_one_in(g, 2) ? 0 : gen_below(g, 4));
	b[0] |= wide;
	memcpy(b + 6, &value, 4);
	gen_put(g, b, wide ? 10 : 7, &fix);
}

void gen_make(struct gen_case *c, uint64_t seed, uint64_t index, const struct gen_options *opt)
{
	struct gen g = { .c = c, .opt = opt, .rng = seed ^ index * 0xd1342543de82ef95ull };
	bool raw;
	unsigned want;

	memset(c, 0, sizeof(*c));
	c->seed = seed;
	c->index = index;
	gen_random(&g.rng);
	ZydisDecoderInit(&g.decoder[0], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	ZydisDecoderInit(&g.decoder[1], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	c->segments = opt->has_ldt && (opt->ldt_only || gen_one_in(&g, 16));
	start_registers(&g);
	start_rest(&g);
	raw = gen_one_in(&g, 8);
	if (c->segments && !raw)
		gen_put_segments(&g);
	want = c->insns + 1 + gen_below(&g, 12);
	for (unsigned tries = 0; c->insns < want && tries < 64; tries++) {
		if (raw)
			put_raw(&g);
		else if (gen_one_in(&g, 40))
			put_self_modifying(&g);
		else
			gen_put_form(&g);
	}
	gen_assemble(c);
}

static uint32_t fix_value(const struct gen_case *c, const struct gen_fix *fix, uint32_t next)
{
	unsigned target = fix->target < c->insns ? fix->target : c->insns;
	uint32_t at = c->insn_at[target] + fix->delta;

	return fix->kind <= FIX_REL32 ? at - next : at - fix->base;
}

static unsigned fix_bytes(const struct gen_fix *fix)
{
	switch (fix->kind) {
	case FIX_REL8:
		return 1;
	case FIX_REL16:
	case FIX_ABS16:
		return 2;
	default:
		return 4;
	}
}

void gen_assemble(struct gen_case *c)
{
	uint32_t at = c->code_at;

	for (unsigned i = 0; i < c->insns; i++) {
		c->insn_at[i] = at;
		at += c->insn[i].dropped ? 0 : c->insn[i].len;
	}
	c->insn_at[c->insns] = at;
	c->code_bytes = 0;
	for (unsigned i = 0; i < c->insns; i++) {
		const struct gen_insn *n = &c->insn[i];
		uint8_t *to = c->code + c->code_bytes;
		uint32_t value;

		if (n->dropped)
			continue;
		memcpy(to, n->bytes, n->len);
		if (n->fix.kind) {
			value = fix_value(c, &n->fix, c->insn_at[i] + n->len);
			memcpy(to + n->fix.at, &value, fix_bytes(&n->fix));
		}
		c->code_bytes += n->len;
	}
	c->code[c->code_bytes++] = 0xcc;
}

/* Copy to linear `lin`, leaving out what is not mapped. */
static void image_write(uint8_t *image, uint32_t lin, const uint8_t *from, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		int32_t at = window_offset(lin + i);

		if (at >= 0)
			image[at] = from[i];
	}
}

void gen_apply(const struct gen_case *c, uint8_t image[IMAGE_BYTES])
{
	for (unsigned i = 0; i < c->patches; i++) {
		const struct gen_patch *p = &c->patch[i];
		uint32_t value;

		image_write(image, p->lin, p->bytes, p->len);
		if (p->fix.kind) {
			value = fix_value(c, &p->fix, 0);
			image_write(image, p->lin, (const uint8_t *)&value, fix_bytes(&p->fix));
		}
	}
	image_write(image, c->code_at, c->code, c->code_bytes);
}

void gen_revert(const struct gen_case *c, uint8_t image[IMAGE_BYTES], const uint8_t *background)
{
	for (unsigned i = 0; i < c->patches; i++) {
		int32_t at = window_offset(c->patch[i].lin);

		if (at >= 0)
			memcpy(image + at, background + at, sizeof(c->patch[i].bytes));
	}
	memcpy(image + window_offset(CODE_BASE), background + window_offset(CODE_BASE),
	       2 * PAGE_BYTES);
}

void gen_background(uint64_t seed, uint8_t image[IMAGE_BYTES])
{
	uint64_t rng = ~seed;

	for (uint32_t at = 0; at < IMAGE_BYTES; at += 8) {
		uint64_t v = gen_random(&rng);

		memcpy(image + at, &v, 8);
	}
	memset(image + window_offset(CODE_BASE), 0xcc, 2 * PAGE_BYTES);
}
