/* SPDX-License-Identifier: MIT */
/*
 * A page is read, its PTE changed without INVLPG, and the page read again: the exit status is 1 for
 * the old frame and 2 for the new one. Either is right for a CPU; --tlb chooses.
 */
#include "tiny.h"

#define PTE(frame) ((frame) + 3)
#define WINDOW 0x400000

	.globl tiny_main
tiny_main:
	movl $1, old_frame
	movl $2, new_frame
	movl $table, %eax
	addl $3, %eax
	movl %eax, directory + 4	/* WINDOW */
	movl $0x83, directory		/* the first 4 MiB, one to one */
	movl $PTE(old_frame), table
	movl %cr4, %eax
	orl $0x10, %eax			/* PSE */
	movl %eax, %cr4
	movl $directory, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $0x80000000, %eax		/* PG */
	movl %eax, %cr0

	movl WINDOW, %eax
	movl $PTE(new_frame), table
	movl WINDOW, %eax
	EXIT

	.bss
	.balign 4096
directory:
	.skip 4096
table:	.skip 4096
old_frame:
	.skip 4096
new_frame:
	.skip 4096

	.section .note.GNU-stack, "", @progbits
