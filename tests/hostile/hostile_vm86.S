/* SPDX-License-Identifier: MIT */
/* IRET to virtual-8086 mode, which this machine does not have. */
#include "tiny.h"

	.globl tiny_main
tiny_main:
	pushl $0			/* GS, FS, DS, ES, SS, ESP */
	pushl $0
	pushl $0
	pushl $0
	pushl $0
	pushl $0x1000
	pushl $0x20002			/* EFLAGS: VM */
	pushl $0
	pushl $0x8000
	iret

	.section .note.GNU-stack, "", @progbits
