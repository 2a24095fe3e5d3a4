/* SPDX-License-Identifier: MIT */
/*
 * Where a program begins: the kernel leaves argc at (%esp), then argv, a NULL, envp, a NULL and the
 * auxiliary vector, with %esp a multiple of 16 (i386 psABI, process initialization).
 */
	.text
	.globl _start
	.type _start, @function
_start:
	xorl %ebp, %ebp /* the end of a walk by frame pointers */
	movl %esp, %eax
	andl $-16, %esp
	subl $12, %esp
	pushl %eax
	call start_c
	hlt
	.size _start, . - _start

	.section .note.GNU-stack, "", @progbits
