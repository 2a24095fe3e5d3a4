/* SPDX-License-Identifier: MIT */
/* HLT with interrupts off: nothing can end it. */
	.globl tiny_main
tiny_main:
	cli
	hlt
	jmp tiny_main

	.section .note.GNU-stack, "", @progbits
