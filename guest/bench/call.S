/* SPDX-License-Identifier: MIT */
/*
 * The call loop: a turn is fib(FIB_N) by plain recursion, with a conditional branch, a call and a
 * return for each of its steps.
 */
#include "loop_head.S"

#define FIB_N 20
#define LEAF_INSNS 3	/* cmp, jb, ret */
#define INNER_INSNS 12	/* all but the two calls' own */
#define TURN_INSNS 5	/* around the call */

	/* Instructions of fib(n), by the recurrence of fib itself: I(0) and I(1) are leaves. */
	.set insns_before, LEAF_INSNS
	.set insns, LEAF_INSNS
	.rept FIB_N - 1
	.set insns_next, INNER_INSNS + insns + insns_before
	.set insns_before, insns
	.set insns, insns_next
	.endr

	BENCH_HEAD call, insns+TURN_INSNS, 1000000

	.text
	.globl bench_loop
bench_loop:
	pushl %ebx
	movl 8(%esp), %ecx
	xorl %ebx, %ebx

1:	movl $FIB_N, %eax
	call fib
	addl %eax, %ebx
	decl %ecx
	jnz 1b

	movl %ebx, %eax
	popl %ebx
	ret

/* EAX = fib(EAX); fib(0) = 0, fib(1) = 1. Changes EDX. */
fib:
	cmpl $2, %eax
	jb 1f
	pushl %eax
	decl %eax
	call fib
	popl %edx
	pushl %eax
	leal -2(%edx), %eax
	call fib
	popl %edx
	addl %edx, %eax
1:	ret

	.section .note.GNU-stack, "", @progbits
