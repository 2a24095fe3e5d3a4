// SPDX-License-Identifier: MIT
#include "x86/decode.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdlib.h>

#include "x86/block.h"
#include "x86/fast.h"
#include "x86/ops.h"

#define NO_ROW 0u

static const struct op_row *const tables[] = {
	ops_alu,    ops_shift, ops_muldiv,  ops_bit,	ops_string, ops_stack,
	ops_branch, ops_far,   ops_segment, ops_system, ops_fpu,
};

struct decoder {
	ZydisDecoder zydis16, zydis32;
	unsigned rows;
	const struct op_row *row[1024];
	/* Index into row[] by mnemonic and variant. */
	uint16_t index[ZYDIS_MNEMONIC_MAX_VALUE + 1][OPV_COUNT];
	/* First row of a mnemonic in fast_rows, plus one. */
	uint8_t fast[ZYDIS_MNEMONIC_MAX_VALUE + 1];
};

/* What the decoder would take for an instruction newer than the i686 is the older one here. */
static const ZydisDecoderMode modern[] = {
	ZYDIS_DECODER_MODE_MPX,	     ZYDIS_DECODER_MODE_LZCNT,	  ZYDIS_DECODER_MODE_TZCNT,
	ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_WBNOINVD,
};

static int zydis_init(ZydisDecoder *z, bool code32)
{
	ZyanStatus status = ZydisDecoderInit(
		z, code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
		code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);

	for (size_t n = 0; n < ARRAY_SIZE(modern); n++)
		if (ZYAN_SUCCESS(status))
			status = ZydisDecoderEnableMode(z, modern[n], ZYAN_FALSE);
	return ZYAN_SUCCESS(status) ? 0 : -EINVAL;
}

int decoder_create(struct decoder **out)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (zydis_init(&d->zydis16, false) || zydis_init(&d->zydis32, true))
		goto fail;
	d->rows = 1; /* row 0 stands for "none" */
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct op_row *r = tables[t]; r->mnemonic; r++) {
			if (d->rows == ARRAY_SIZE(d->row))
				goto fail;
			d->index[r->mnemonic][r->variant] = (uint16_t)d->rows;
			d->row[d->rows++] = r;
		}
	}
	for (unsigned n = 0; fast_rows[n].mnemonic; n++)
		if (!d->fast[fast_rows[n].mnemonic])
			d->fast[fast_rows[n].mnemonic] = (uint8_t)(n + 1);
	*out = d;
	return 0;
fail:
	free(d);
	return -EINVAL;
}

void decoder_destroy(struct decoder *d)
{
	free(d);
}

/* --- operands ------------------------------------------------------------------------------- */

static uint8_t gpr_offset(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
		if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
			return (uint8_t)((reg - ZYDIS_REGISTER_AH) * 4 + 1);
		return (uint8_t)((reg - ZYDIS_REGISTER_AL) * 4);
	case ZYDIS_REGCLASS_GPR16:
		return (uint8_t)((reg - ZYDIS_REGISTER_AX) * 4);
	case ZYDIS_REGCLASS_GPR32:
		return (uint8_t)((reg - ZYDIS_REGISTER_EAX) * 4);
	default:
		return GPR_NONE;
	}
}

static uint8_t segment_number(ZydisRegister reg)
{
	return (uint8_t)(reg - ZYDIS_REGISTER_ES);
}

static void take_memory(struct insn *i, const ZydisDecodedOperand *z)
{
	i->seg = segment_number(z->mem.segment);
	i->base = gpr_offset(z->mem.base);
	i->index = gpr_offset(z->mem.index);
	i->shift = (uint8_t)__builtin_ctz(z->mem.scale ? z->mem.scale : 1);
	i->disp = (uint32_t)z->mem.disp.value;
}

static void take_register(struct insn *i, const ZydisDecodedOperand *z, struct operand *op,
			  enum op_variant *variant)
{
	switch (ZydisRegisterGetClass(z->reg.value)) {
	case ZYDIS_REGCLASS_SEGMENT:
		*variant = OPV_SREG;
		op->kind = OPND_SREG;
		op->reg = segment_number(z->reg.value);
		break;
	case ZYDIS_REGCLASS_CONTROL:
		*variant = OPV_CR;
		op->kind = OPND_NONE;
		i->sub2 = (uint8_t)(z->reg.value - ZYDIS_REGISTER_CR0);
		break;
	case ZYDIS_REGCLASS_DEBUG:
		*variant = OPV_DR;
		op->kind = OPND_NONE;
		i->sub2 = (uint8_t)(z->reg.value - ZYDIS_REGISTER_DR0);
		break;
	default:
		op->kind = OPND_REG;
		op->reg = gpr_offset(z->reg.value);
	}
}

static void take_immediate(struct insn *i, uint32_t value)
{
	if (i->nimm++ == 0)
		i->imm = value;
	else
		i->imm2 = value;
}

static void take_operands(struct insn *i, const ZydisDecodedInstruction *zi,
			  const ZydisDecodedOperand *zo, enum op_variant *variant)
{
	unsigned slot = 0;
	bool memory = false;

	for (unsigned n = 0; n < zi->operand_count_visible; n++) {
		const ZydisDecodedOperand *z = &zo[n];
		struct operand extra = { 0 }, *op = slot < 2 ? &i->op[slot] : &extra;

		op->size = (uint8_t)(z->size / 8);
		switch (z->type) {
		case ZYDIS_OPERAND_TYPE_REGISTER:
			take_register(i, z, op, variant);
			if (slot == 2)
				i->reg3 = op->reg;
			break;
		case ZYDIS_OPERAND_TYPE_MEMORY:
			op->kind = OPND_MEM;
			take_memory(i, z);
			memory = true;
			break;
		case ZYDIS_OPERAND_TYPE_POINTER:
			op->kind = OPND_IMM;
			i->imm = z->ptr.offset;
			i->imm2 = z->ptr.segment;
			i->nimm = 2;
			break;
		default:
			op->kind = OPND_IMM;
			take_immediate(i, (uint32_t)z->imm.value.u);
		}
		slot++;
	}
	if (memory)
		return;
	/*
	 * Hidden memory (strings, XLAT): only its segment matters, of the source if there are two.
	 */
	for (unsigned n = zi->operand_count_visible; n < zi->operand_count; n++)
		if (zo[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    zo[n].mem.base != ZYDIS_REGISTER_EDI && zo[n].mem.base != ZYDIS_REGISTER_DI)
			i->seg = segment_number(zo[n].mem.segment);
}

/* --- instructions ---------------------------------------------------------------------------- */

static const struct insn *op_too_long(struct cpu *c, const struct insn *i)
{
	return cpu_fault(c, i, VEC_GP, 0);
}

static const struct op_row row_undefined = { .flags = OP_END, .fn = op_undefined };
static const struct op_row row_too_long = { .flags = OP_END, .fn = op_too_long };
static const struct op_row row_x87 = { .flags = OP_END, .fn = op_x87 };

/* SSE2 has a MOVSD and a CMPSD that are no string instructions. */
static bool is_sse2(const ZydisDecodedInstruction *zi)
{
	return zi->meta.isa_ext == ZYDIS_ISA_EXT_SSE2;
}

static const struct op_row *find_row(const struct decoder *d, const ZydisDecodedInstruction *zi,
				     enum op_variant variant)
{
	unsigned at;

	if (is_sse2(zi))
		return &row_undefined;
	if (zi->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		variant = OPV_FAR;
	at = d->index[zi->mnemonic][variant];
	if (at != NO_ROW)
		return d->row[at];
	return zi->meta.isa_ext == ZYDIS_ISA_EXT_X87 ? &row_x87 : &row_undefined;
}

static uint8_t take_prefixes(const ZydisDecodedInstruction *zi)
{
	uint8_t flags = 0;

	if (zi->attributes & ZYDIS_ATTRIB_HAS_LOCK)
		flags |= INSN_LOCK;
	if (zi->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
		flags |= INSN_REP;
	if (zi->attributes & ZYDIS_ATTRIB_HAS_REPNE)
		flags |= INSN_REPNE;
	return flags;
}

static void take_fast_handler(const struct decoder *d, const struct op_row *row, struct insn *i)
{
	unsigned first = d->fast[row->mnemonic];
	const struct fast_row *f = &fast_rows[first ? first - 1 : 0];
	enum fast_form form;

	if (!first || row->variant != OPV_NORMAL || i->flags)
		return;
	form = fast_form_of(i);
	for (; form != FORM_NONE && f->mnemonic == row->mnemonic; f++) {
		if (f->form == form) {
			i->fn = f->fn;
			return;
		}
	}
}

enum decode_status decode_insn(const struct decoder *d, const uint8_t *code, size_t bytes,
			       unsigned mode, struct insn *out, bool *ends)
{
	const ZydisDecoder *z = mode & BLOCK_D32 ? &d->zydis32 : &d->zydis16;
	ZydisDecodedInstruction zi;
	ZydisDecodedOperand zo[ZYDIS_MAX_OPERAND_COUNT];
	enum op_variant variant = OPV_NORMAL;
	const struct op_row *row = &row_undefined;
	ZyanStatus status = ZydisDecoderDecodeFull(
		z, code, bytes > INSN_MAX_BYTES ? INSN_MAX_BYTES : bytes, &zi, zo);

	/* Of what is no instruction every byte counted: a store to any of them must drop it. */
	*out = (struct insn){ .len = (uint8_t)(bytes < INSN_MAX_BYTES ? bytes : INSN_MAX_BYTES),
			      .base = GPR_NONE,
			      .index = GPR_NONE,
			      .seg = X86_DS };
	if (ZYAN_SUCCESS(status)) {
		out->len = zi.length;
		out->opsize = (uint8_t)(zi.operand_width / 8);
		out->addrsize = (uint8_t)(zi.address_width / 8);
		out->flags = take_prefixes(&zi);
		take_operands(out, &zi, zo, &variant);
		/* 3E before JMP or CALL r/m: NOTRACK to Zydis, the DS override to this CPU. */
		if (zi.attributes & ZYDIS_ATTRIB_HAS_NOTRACK)
			out->seg = X86_DS;
		row = find_row(d, &zi, variant);
	} else if (status == ZYDIS_STATUS_NO_MORE_DATA && bytes < INSN_MAX_BYTES) {
		return DECODE_NEED_MORE;
	} else if (status == ZYDIS_STATUS_NO_MORE_DATA ||
		   status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG) {
		row = &row_too_long;
	}
	out->sub = row->sub;
	out->fn = row->fn;
	*ends = row->flags & OP_END;
	if (mode & BLOCK_FLAT && row->mnemonic)
		take_fast_handler(d, row, out);
	return DECODE_OK;
}
