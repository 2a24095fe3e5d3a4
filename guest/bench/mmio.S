/* SPDX-License-Identifier: MIT */
/*
 * The MMIO loop: reads the first register of a device's page, so that a turn is one access that the
 * host has to make for the guest. What is read depends on the machine, so it is no part of the sum.
 */
#include "loop_head.S"

#define WINDOW 0x3ff000 /* BENCH_MMIO_PAGE */

	BENCH_HEAD mmio, 1, 1000

	.text
	.globl bench_loop
bench_loop:
	movl 4(%esp), %ecx

1:	movl WINDOW, %eax
	decl %ecx
	jnz 1b
	xorl %eax, %eax
	ret

	.section .note.GNU-stack, "", @progbits
