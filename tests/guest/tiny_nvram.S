/* SPDX-License-Identifier: MIT */
/*
 * What the RTC's RAM says about memory, as words in hexadecimal on the console: base memory (KiB),
 * extended memory (KiB) twice, and what lies above 16 MiB (64 KiB).
 */
#include "tiny.h"

	.globl tiny_main
tiny_main:
	movl $registers, %esi
1:	movzbl (%esi), %ebx
	testl %ebx, %ebx
	jz 2f
	leal 1(%ebx), %eax		/* the high byte */
	call print_register
	movl %ebx, %eax
	call print_register
	movb $' ', %al
	call print
	incl %esi
	jmp 1b
2:	movb $'\n', %al
	call print
	xorl %eax, %eax
	EXIT

/* The register in AL, as two digits. */
print_register:
	outb %al, $PORT_RTC
	inb $(PORT_RTC + 1), %al
	movzbl %al, %edi
	movl %edi, %eax
	shrl $4, %eax
	movb digits(%eax), %al
	call print
	andl $15, %edi
	movb digits(%edi), %al
print:
	movw $PORT_UART, %dx
	outb %al, %dx
	ret

	.data
registers:
	.byte 0x15, 0x17, 0x30, 0x34, 0
digits:
	.ascii "0123456789abcdef"

	.section .note.GNU-stack, "", @progbits
