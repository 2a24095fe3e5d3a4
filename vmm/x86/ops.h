/* SPDX-License-Identifier: MIT */
/*
 * The instruction set as tables. Each exec_*.c ends in one table of rows; decode.c finds a row by
 * what Zydis called the instruction. A new instruction is a new row.
 */
#ifndef VMM_X86_OPS_H
#define VMM_X86_OPS_H

#include <Zydis/Zydis.h>

#include "x86/cpu.h"

/* One mnemonic may be several instructions to us; decode.c tells which by the operands. */
enum op_variant {
	OPV_NORMAL,
	OPV_FAR,  /* far JMP, CALL, RET */
	OPV_SREG, /* MOV, PUSH, POP with a segment register */
	OPV_CR,	  /* MOV with a control register: number in i->sub2, the other operand is op[] */
	OPV_DR,	  /* MOV with a debug register */
	OPV_COUNT
};

/* Ends a block: the instruction may change EIP, CPL, IF, TF, segments, translations or code. */
#define OP_END 1u

struct op_row {
	uint16_t mnemonic; /* ZydisMnemonic; ZYDIS_MNEMONIC_INVALID ends a table */
	uint8_t variant;   /* enum op_variant */
	uint8_t sub;	   /* becomes i->sub */
	uint8_t flags;	   /* OP_* */
	insn_fn fn;
};

extern const struct op_row ops_alu[];	  /* exec_alu.c: arithmetic, logic, data movement */
extern const struct op_row ops_shift[];	  /* exec_shift.c: shifts and rotates */
extern const struct op_row ops_muldiv[];  /* exec_muldiv.c: MUL, DIV, BCD */
extern const struct op_row ops_bit[];	  /* exec_bit.c: BT, BSF, ... */
extern const struct op_row ops_string[];  /* exec_string.c: MOVS, ..., INS, OUTS */
extern const struct op_row ops_stack[];	  /* exec_stack.c: PUSH, POP, PUSHA, PUSHF, ENTER */
extern const struct op_row ops_branch[];  /* exec_branch.c: near branches, loops */
extern const struct op_row ops_far[];	  /* exec_far.c: far branches, INT, IRET */
extern const struct op_row ops_segment[]; /* exec_segment.c: segment loads, LAR, VERR, ... */
extern const struct op_row ops_system[];  /* exec_system.c: CR, DR, tables, MSR, HLT, ports */
extern const struct op_row ops_fpu[];	  /* exec_fpu.c: what a CPU without FPU and SSE raises */

/*
 * May the current code access [port, port + size)? IOPL, then the TSS I/O permission bitmap
 * (SDM vol. 1, 19.5). #GP(0) and false if not. (exec_system.c)
 */
bool io_allowed(struct cpu *c, const struct insn *i, uint16_t port, unsigned size);

/* #UD: for what decodes but is not there. */
const struct insn *op_undefined(struct cpu *c, const struct insn *i);

/* Any x87 instruction but FWAIT: decode.c sends the whole instruction set extension here. */
const struct insn *op_x87(struct cpu *c, const struct insn *i);

#endif
