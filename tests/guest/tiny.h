/* SPDX-License-Identifier: MIT */
/*
 * Tiny images: one assembly file each, with tiny_entry.S in front of it. The file has tiny_main,
 * which is jumped to with
 *
 * - flat 32-bit segments, paging and interrupts off, a stack of 4 KiB;
 * - the PICs at vectors 0x20 and 0x28, everything masked, and all else as at power-on;
 * - an IDT of interrupt gates that end with TINY_UNEXPECTED; tiny_gate changes one.
 */
#define TINY_CS 0x08
#define TINY_DS 0x10
#define TINY_STACK16 0x18 /* writable data, B = 0: 64 KiB from TINY_STACK16_BASE on */
#define TINY_STACK16_BASE 0x200000

#define TINY_IRQ0 0x20
#define TINY_IRQ8 0x28

#define TINY_UNEXPECTED 98 /* exit status of an interrupt or exception that nobody serves */

#define PORT_EXIT 0xf4
#define PORT_PIC1 0x20
#define PORT_PIC2 0xa0
#define PORT_PIC_ELCR1 0x4d0
#define PORT_RTC 0x70
#define PORT_UART 0x3f8
#define PORT_SANDBOX 0x5b0

/* clang-format off */
	/* Ends with the status in EAX. */
	.macro EXIT
	outl %eax, $PORT_EXIT
	cli
	hlt
	.endm

	.macro PORT_WRITE value, port
	movb $\value, %al
	.if \port < 0x100
	outb %al, $\port
	.else
	movw $\port, %dx
	outb %al, %dx
	.endif
	.endm

	.macro RTC_WRITE register, value
	PORT_WRITE \register, PORT_RTC
	PORT_WRITE \value, (PORT_RTC + 1)
	.endm

	/* to AL */
	.macro RTC_READ register
	PORT_WRITE \register, PORT_RTC
	inb $(PORT_RTC + 1), %al
	.endm

	/* Sends a vector to a handler. */
	.macro GATE vector, handler
	movl $\vector, %eax
	movl $\handler, %edx
	call tiny_gate
	.endm
