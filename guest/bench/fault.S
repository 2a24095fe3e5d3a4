/* SPDX-License-Identifier: MIT */
/*
 * The page-fault loop: each turn touches a page that is not there; the handler reads CR2, makes the
 * entry (in a table that is mapped as all memory is) and returns. After each PAGES turns the
 * entries are cleared and the directory is loaded anew, so that it begins again.
 */
#include "loop_head.S"

#define PAGES 1000
#define WINDOW 0x400000 /* behind the memory that main.c maps */
#define CODE 0x08
#define DATA 0x10
#define P_RW_A_D 0x63
#define GATE_32 0x8e00
#define VEC_PF 14

	BENCH_HEAD fault, 1, 1000

	.data
	.balign 8
gdt:	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
gdt_pointer:
	.word gdt_pointer - gdt - 1
	.long gdt
idt_pointer:
	.word (VEC_PF + 1) * 8 - 1
	.long idt

	/* tables of entries that change, away from what is read and written all the time */
	.bss
	.balign 4096
table:	.skip 4096
idt:	.skip 4096

	.text
	.globl bench_loop
bench_loop:
	pushl %ebx
	pushl %esi
	pushl %edi
	lgdt gdt_pointer
	ljmp $CODE, $1f
1:	movl $DATA, %eax
	movl %eax, %ss
	movl %eax, %ds
	movl %eax, %es
	movl $handler, %eax
	movw %ax, idt + VEC_PF * 8
	movw $CODE, idt + VEC_PF * 8 + 2
	movw $GATE_32, idt + VEC_PF * 8 + 4
	shrl $16, %eax
	movw %ax, idt + VEC_PF * 8 + 6
	lidt idt_pointer
	/* the directory's second entry leads to our table */
	movl %cr3, %eax
	movl $table + 0x23, 4(%eax)
	movl %eax, %cr3

	movl 16(%esp), %ecx
	xorl %ebx, %ebx			/* the sum */
	xorl %esi, %esi			/* page */
2:	movl %esi, %eax
	shll $12, %eax
	addl WINDOW(%eax), %ebx
	incl %esi
	cmpl $PAGES, %esi
	jb 3f
	xorl %esi, %esi
	pushl %ecx
	xorl %eax, %eax
	movl $table, %edi
	movl $1024, %ecx
	rep stosl
	popl %ecx
	movl %cr3, %eax
	movl %eax, %cr3
3:	decl %ecx
	jnz 2b
	movl %ebx, %eax
	popl %edi
	popl %esi
	popl %ebx
	ret

/* Every page is the zeros at 3 MiB. */
handler:
	pushl %eax
	movl %cr2, %eax
	subl $WINDOW, %eax
	shrl $12, %eax
	movl $0x300000 + P_RW_A_D, table(, %eax, 4)
	popl %eax
	addl $4, %esp			/* the error code */
	iret

	.section .note.GNU-stack, "", @progbits
