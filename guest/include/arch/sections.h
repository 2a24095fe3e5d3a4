/* SPDX-License-Identifier: MIT */
/* Borders of the kernel image, from the linker script: virtual addresses. */
#ifndef ARCH_SECTIONS_H
#define ARCH_SECTIONS_H

#include <lib/types.h>

extern char _text[], _etext[], _rodata[], _erodata[], _data[], _edata[], __bss_start[], _end[];
extern const u32 __start___ex_table[][2], __stop___ex_table[][2];

/* The stack of the boot thread, THREAD_SIZE bytes. */
extern char init_stack[], init_stack_top[];

#endif
