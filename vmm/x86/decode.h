/* SPDX-License-Identifier: MIT */
/*
 * From bytes to struct insn: Zydis decodes, we look the instruction up in the tables of ops.h and
 * keep what handlers read.
 */
#ifndef VMM_X86_DECODE_H
#define VMM_X86_DECODE_H

#include <stddef.h>

#include "x86/cpu.h"

struct decoder;

int decoder_create(struct decoder **out);
void decoder_destroy(struct decoder *d);

enum decode_status {
	DECODE_OK,	 /* *out is filled; it may be an instruction that raises #UD or #GP */
	DECODE_NEED_MORE /* the bytes end inside the instruction */
};

/*
 * Decode at `code`, of which `bytes` are there. `mode` is BLOCK_*. *ends tells whether the
 * instruction ends a block. Bytes that are no instruction of this CPU become one that raises #UD;
 * more than 15 bytes of instruction become one that raises #GP(0) (SDM vol. 3, 6.15, #GP).
 */
enum decode_status decode_insn(const struct decoder *d, const uint8_t *code, size_t bytes,
			       unsigned mode, struct insn *out, bool *ends);

#endif
