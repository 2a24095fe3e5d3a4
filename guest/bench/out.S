/* SPDX-License-Identifier: MIT */
/*
 * The OUT loop: writes to a port that no device has, so that a turn is one exit to the host and
 * nothing else.
 */
#include "loop_head.S"

#define PORT 0x1e0

	BENCH_HEAD out, 1, 1000

	.text
	.globl bench_loop
bench_loop:
	movl 4(%esp), %ecx
	movl $PORT, %edx
	xorl %eax, %eax

1:	outb %al, %dx
	decl %ecx
	jnz 1b
	ret

	.section .note.GNU-stack, "", @progbits
