/* SPDX-License-Identifier: MIT */
/*
 * Interrupts that never let an instruction run: a level-triggered line that stays high, a PIC that
 * ends each interrupt by itself, a trap gate that leaves interrupts on, and a stack that wraps.
 */
#include "tiny.h"

	.globl tiny_main
tiny_main:
	PORT_WRITE 0x11, PORT_PIC1
	PORT_WRITE TINY_IRQ0, (PORT_PIC1 + 1)
	PORT_WRITE 4, (PORT_PIC1 + 1)
	PORT_WRITE 3, (PORT_PIC1 + 1)		/* automatic end of interrupt */
	PORT_WRITE 0xef, (PORT_PIC1 + 1)	/* IRQ 4, the UART */
	PORT_WRITE 0x10, PORT_PIC_ELCR1	/* is level-triggered */
	GATE (TINY_IRQ0 + 4), handler
	movb $0x8f, tiny_idt + 8 * (TINY_IRQ0 + 4) + 5
	movl $TINY_STACK16, %eax
	movl %eax, %ss
	movl $0x8000, %esp
	PORT_WRITE 8, (PORT_UART + 4)		/* OUT2 lets the interrupt through */
	PORT_WRITE 2, (PORT_UART + 1)		/* transmitter empty: always */
	sti
handler:
	jmp handler

	.section .note.GNU-stack, "", @progbits
