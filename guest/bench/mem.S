/* SPDX-License-Identifier: MIT */
/*
 * The memory loop: three loads, two stores and a read-modify-write a turn, at a stride of one page
 * and a line, so that turns touch all 64 pages of the buffer and all of their lines.
 */
#include "loop_head.S"

#define BUFFER_BYTES 0x40000 /* BENCH_BUFFER_BYTES */
#define STRIDE (4096 + 64)

	BENCH_HEAD mem, 12, 1000000

	.text
	.globl bench_loop
bench_loop:
	pushl %ebp
	pushl %ebx
	pushl %esi
	pushl %edi
	movl 20(%esp), %ecx
	movl $bench_buffer, %ebp
	xorl %esi, %esi
	movl $1, %eax
	movl $2, %ebx

	.balign 16
1:	addl (%ebp,%esi), %eax
	movl 8(%ebp,%esi), %edx
	movl %eax, 4(%ebp,%esi)
	xorl %edx, %ebx
	movl 16(%ebp,%esi), %edi
	addl %ecx, 16(%ebp,%esi)
	leal 5(%edi,%ebx), %ebx
	movl %ebx, 8(%ebp,%esi)
	addl $STRIDE, %esi
	andl $(BUFFER_BYTES - 64), %esi
	decl %ecx
	jnz 1b

	addl %ebx, %eax
	popl %edi
	popl %esi
	popl %ebx
	popl %ebp
	ret

	.section .note.GNU-stack, "", @progbits
