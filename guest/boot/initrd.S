/* SPDX-License-Identifier: MIT */
/* The file system of the user programs (guest/user), which a module of the boot loader replaces. */
	.section .init.ramfs, "a", @progbits
	.globl __initrd_start, __initrd_end
	.balign 4096
__initrd_start:
	.incbin INITRD_CPIO
__initrd_end:

	.section .note.GNU-stack, "", @progbits
