/* SPDX-License-Identifier: MIT */
/*
 * The head of a loop's file, for assembly: what bench.h declares of it but bench_loop itself. Leaves
 * the assembler in .rodata.
 */
	.macro BENCH_HEAD name, turn_insns, unit
	.section .rodata
	.globl bench_name
bench_name:
	.asciz "\name"
	.balign 4
	.globl bench_turn_insns
bench_turn_insns:
	.long \turn_insns
	.globl bench_unit
bench_unit:
	.long \unit
	.endm
