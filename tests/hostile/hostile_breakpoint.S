/* SPDX-License-Identifier: MIT */
/*
 * A data breakpoint on the stack slot that the CPU itself writes when it enters a handler, by INT
 * and by a fault: the trap comes before the handler's first instruction, and is not lost (Intel SDM
 * vol. 3, 18.3.1.2). Exit status 0: both came, there.
 */
#include "tiny.h"

#define FRAME (frame_top - 4)

	.macro ARM
	movl $FRAME, %eax
	movl %eax, %dr0
	movl $0x000d0001, %eax		/* writes, 4 bytes, L0 */
	movl %eax, %dr7
	.endm

	.globl tiny_main
tiny_main:
	GATE 1, debug
	GATE 6, handler
	GATE 0x60, handler

	ARM
	movl $frame_top, %esp
	int $0x60
after_int:
	incl turn
	ARM
	movl $frame_top, %esp
	ud2

handler:
	nop
	xorl %eax, %eax
	movl %eax, %dr7
	movl turn, %eax
	incl %eax
	cmpl %eax, traps		/* one for each turn, already */
	jne wrong
	cmpl $1, %eax
	je after_int
	xorl %eax, %eax
	EXIT

debug:
	cmpl $handler, (%esp)
	jne wrong
	incl traps
	xorl %eax, %eax
	movl %eax, %dr7
	iret

wrong:
	movl $1, %eax
	EXIT

	.bss
	.balign 16
turn:	.skip 4
traps:	.skip 4
	.skip 1024
frame_top:

	.section .note.GNU-stack, "", @progbits
