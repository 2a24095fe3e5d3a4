/* SPDX-License-Identifier: MIT */
/*
 * The ALU loop: registers only. Each instruction depends on some before it, so that no part can be
 * left out, and the sum depends on all.
 */
#include "loop_head.S"

	BENCH_HEAD alu, 10, 1000000

	.text
	.globl bench_loop
bench_loop:
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 20(%esp), %ecx
	movl $1, %eax
	movl $2, %ebx
	movl $3, %edx
	movl $4, %esi

	.balign 16
1:	addl %ebx, %eax
	xorl %eax, %edx
	shll $3, %ebx
	leal 7(%eax,%edx,2), %esi
	subl %esi, %ebx
	rorl $5, %edx
	orl $0x11, %ebx
	addl $0x9e3779b9, %eax
	decl %ecx
	jnz 1b

	addl %ebx, %eax
	addl %edx, %eax
	addl %esi, %eax
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

	.section .note.GNU-stack, "", @progbits
