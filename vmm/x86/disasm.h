/* SPDX-License-Identifier: MIT */
/*
 * One instruction as text, by Zydis in Intel syntax: for messages and post-mortems.
 */
#ifndef VMM_X86_DISASM_H
#define VMM_X86_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpu;

/*
 * Disassemble code that lies at linear address `lin`; `code32` is CS.D. Returns its length in
 * bytes; where the bytes are no instruction, or not all there, 0, and the text says so.
 */
unsigned disasm_bytes(const void *code, size_t bytes, uint32_t lin, bool code32, char *text,
		      size_t text_bytes);

/* The instruction at the vCPU's CS:EIP; "?" where it cannot be read. Changes nothing. */
void disasm_at(struct cpu *c, char *text, size_t text_bytes);

#endif
