/* SPDX-License-Identifier: MIT */
/*
 * The context-switch loop: two directories take turns in CR3, and a page that each maps otherwise
 * is read after each load.
 */
#include "loop_head.S"

#define WINDOW 0x400000 /* behind the memory that main.c maps */
#define CODE 0x08
#define DATA 0x10
#define P_RW_A_D 0x63

	BENCH_HEAD switch, 1, 1000

	.data
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt

	.bss
	.balign 4096
other:	.skip 4096
table:	.skip 4096
other_table:
	.skip 4096

	.text
	.globl bench_loop
bench_loop:
	pushl %ebx
	pushl %esi
	pushl %edi
	lgdt gdt_pointer
	ljmp $CODE, $2f
2:	movl $DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl %cr3, %esi
	movl $0x300000 + P_RW_A_D, table
	movl $0x301000 + P_RW_A_D, other_table
	movl $1, 0x300000
	movl $2, 0x301000
	movl (%esi), %eax
	movl %eax, other
	movl $table + P_RW_A_D, 4(%esi)
	movl $other_table + P_RW_A_D, other + 4
	movl $other, %edi
	xorl %ebx, %ebx			/* the sum */
	movl 16(%esp), %ecx
1:	xchgl %esi, %edi
	movl %esi, %cr3
	addl WINDOW, %ebx
	roll $1, %ebx
	decl %ecx
	jnz 1b
	movl %ebx, %eax
	popl %edi
	popl %esi
	popl %ebx
	ret

	.section .note.GNU-stack, "", @progbits
