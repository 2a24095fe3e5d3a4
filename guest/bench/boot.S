/* SPDX-License-Identifier: MIT */
/*
 * Entry of a bench image: no relocation, no tables; the loader's flat segments stay in use, which
 * is safe because nothing ever loads a segment register or takes an interrupt.
 */
#include <arch/multiboot.h>

#define MULTIBOOT_FLAGS MULTIBOOT_MEMORY_INFO

	.section .boot.header, "a"
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_FLAGS)

	.text
	.globl startup_32
startup_32:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx
	pushl %eax
	xorl %ebp, %ebp
	call bench_main

	.bss
	.balign 16
	.skip 4096
stack_top:

	.section .note.GNU-stack, "", @progbits
