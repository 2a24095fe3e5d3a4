/* SPDX-License-Identifier: MIT */
/*
 * The interrupt loop: a turn turns the UART's "transmitter empty" interrupt on anew and takes it
 * through the PIC. That is one interrupt and four port accesses: two of IER, then IIR and the EOI
 * in the handler. The sum is the number of interrupts taken.
 *
 * Where there is a local APIC (QEMU) it has to let the PIC through: virtual wire mode (Intel SDM
 * vol. 3, 11.5.1). Elsewhere nobody takes the two stores.
 */
#include "loop_head.S"

#define APIC_WINDOW 0x3fe000 /* BENCH_APIC_PAGE */
#define APIC_SPIV 0xf0
#define APIC_SPIV_ON 0x1ff
#define APIC_LVT0 0x350
#define APIC_EXTINT 0x700

#define PIC1 0x20
#define PIC2 0xa0
#define VECTOR 0x20
#define UART_IRQ 4
#define UART_IER 0x3f9
#define UART_IIR 0x3fa
#define UART_MCR 0x3fc
#define IER_THRI 0x02
#define MCR_OUT2_RTS_DTR 0x0b
#define EOI 0x20

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10

	BENCH_HEAD irq, 1, 1000

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word 8 * 256 - 1
	.long idt
/* What the two PICs are told: port and value. */
pic_words:
	.byte PIC1, 0x11, PIC1 + 1, VECTOR, PIC1 + 1, 1 << 2, PIC1 + 1, 1
	.byte PIC2, 0x11, PIC2 + 1, VECTOR + 8, PIC2 + 1, 2, PIC2 + 1, 1
	.byte PIC1 + 1, 0xff & ~(1 << UART_IRQ), PIC2 + 1, 0xff
pic_words_end:

	.bss
	.balign 8
idt:	.skip 8 * 256
taken:	.skip 4

	.text
	.globl bench_loop
bench_loop:
	pushl %ebx
	pushl %esi
	movl 12(%esp), %ebx

	lgdt gdt_pointer
	ljmp $KERNEL_CS, $1f
1:	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $handler, %eax
	movl %eax, %edx
	andl $0xffff, %eax
	orl $(KERNEL_CS << 16), %eax
	movw $0x8e00, %dx
	movl %eax, idt + 8 * (VECTOR + UART_IRQ)
	movl %edx, idt + 8 * (VECTOR + UART_IRQ) + 4
	lidt idt_pointer

	xorl %edx, %edx
	movl $pic_words, %esi
1:	movb (%esi), %dl
	movb 1(%esi), %al
	outb %al, %dx
	addl $2, %esi
	cmpl $pic_words_end, %esi
	jne 1b
	movl $UART_MCR, %edx
	movb $MCR_OUT2_RTS_DTR, %al
	outb %al, %dx

	movl $APIC_SPIV_ON, APIC_WINDOW + APIC_SPIV
	movl $APIC_EXTINT, APIC_WINDOW + APIC_LVT0
	sti
	xorl %esi, %esi
2:	movl $UART_IER, %edx
	xorl %eax, %eax
	outb %al, %dx
	movb $IER_THRI, %al
	outb %al, %dx
	incl %esi
3:	cmpl %esi, taken
	jne 3b
	decl %ebx
	jnz 2b

	cli
	movl $UART_IER, %edx
	xorl %eax, %eax
	outb %al, %dx
	movl taken, %eax
	popl %esi
	popl %ebx
	ret

handler:
	pushl %eax
	pushl %edx
	movl $UART_IIR, %edx
	inb %dx, %al
	movb $EOI, %al
	outb %al, $PIC1
	incl taken
	popl %edx
	popl %eax
	iret

	.section .note.GNU-stack, "", @progbits
