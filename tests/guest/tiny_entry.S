/* SPDX-License-Identifier: MIT */
#include "tiny.h"

	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 0, -0x1badb002

	.text
	.globl tiny_entry
tiny_entry:
	cli
	cld
	movl $stack_top, %esp
	lgdt gdt_pointer
	ljmp $TINY_CS, $1f
1:	movl $TINY_DS, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs

	movl $256, %ecx
2:	leal -1(%ecx), %eax
	movl $unexpected, %edx
	call tiny_gate
	loop 2b
	lidt idt_pointer

	PORT_WRITE 0x11, PORT_PIC1
	PORT_WRITE 0x11, PORT_PIC2
	PORT_WRITE TINY_IRQ0, (PORT_PIC1 + 1)
	PORT_WRITE TINY_IRQ8, (PORT_PIC2 + 1)
	PORT_WRITE 4, (PORT_PIC1 + 1)
	PORT_WRITE 2, (PORT_PIC2 + 1)
	PORT_WRITE 1, (PORT_PIC1 + 1)
	PORT_WRITE 1, (PORT_PIC2 + 1)
	PORT_WRITE 0xff, (PORT_PIC1 + 1)
	PORT_WRITE 0xff, (PORT_PIC2 + 1)
	jmp tiny_main

/* An interrupt gate for vector EAX to EDX. */
	.globl tiny_gate
tiny_gate:
	movw %dx, tiny_idt(, %eax, 8)
	movw $TINY_CS, tiny_idt + 2(, %eax, 8)
	movw $0x8e00, tiny_idt + 4(, %eax, 8)
	shrl $16, %edx
	movw %dx, tiny_idt + 6(, %eax, 8)
	ret

unexpected:
	movl $TINY_UNEXPECTED, %eax
	EXIT

	.data
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9a000000ffff	/* TINY_CS */
	.quad 0x00cf92000000ffff	/* TINY_DS */
	.quad 0x000092200000ffff	/* TINY_STACK16 */
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
idt_pointer:
	.word 256 * 8 - 1
	.long tiny_idt

	.bss
	.balign 8
	.globl tiny_idt
tiny_idt:
	.skip 256 * 8
	.balign 16
	.skip 4096
stack_top:

	.section .note.GNU-stack, "", @progbits
