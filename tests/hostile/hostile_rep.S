/* SPDX-License-Identifier: MIT */
/*
 * Repeated string instructions over all of the address space, again and again: a single instruction
 * by the clock of virtual time, and seconds of work.
 */
#include "tiny.h"

	.globl tiny_main
tiny_main:
	xorl %edi, %edi
	movl $-1, %ecx
	movb $0xa5, %al
	repne scasb
	xorl %esi, %esi
	movl $-1, %ecx
	rep lodsl
	jmp tiny_main

	.section .note.GNU-stack, "", @progbits
