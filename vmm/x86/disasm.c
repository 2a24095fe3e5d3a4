// SPDX-License-Identifier: MIT
#include "x86/disasm.h"

#include <Zydis/Zydis.h>
#include <stdio.h>

#include "x86/block.h"
#include "x86/cpu.h"
#include "x86/mem.h"

unsigned disasm_bytes(const void *code, size_t bytes, uint32_t lin, bool code32, char *text,
		      size_t text_bytes)
{
	ZydisDecoder decoder;
	ZydisFormatter formatter;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	snprintf(text, text_bytes, "(bad)");
	ZydisDecoderInit(&decoder,
			 code32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, bytes, &insn, operands)))
		return 0;
	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	ZydisFormatterFormatInstruction(&formatter, &insn, operands, insn.operand_count_visible,
					text, text_bytes, lin, ZYAN_NULL);
	return insn.length;
}

void disasm_at(struct cpu *c, char *text, size_t text_bytes)
{
	gva_t lin = c->seg[X86_CS].base + c->eip;
	uint8_t code[INSN_MAX_BYTES];
	unsigned have = 0;

	while (have < sizeof(code)) {
		struct x86_mapping map;
		const uint8_t *host;
		uint32_t error;

		if (!tlb_translate(c, lin + have, ACCESS_FETCH | cpu_user(c), &map, &error))
			break;
		host = c->env.page(c->env.ctx, map.frame);
		if (!host)
			break;
		code[have] = host[(lin + have) & PAGE_OFFSET_MASK];
		have++;
	}
	if (!have)
		snprintf(text, text_bytes, "?");
	else
		disasm_bytes(code, have, lin, c->seg[X86_CS].attr & SEG_DB, text, text_bytes);
}
