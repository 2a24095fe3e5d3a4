/* SPDX-License-Identifier: MIT */
/*
 * Selectors. The numbers are those of Linux on i386, so that static Linux programs and debuggers
 * find what they expect: kernel code 0x60, kernel data 0x68, user code 0x73, user data 0x7b, the
 * TSS in slot 16, and slots 6..8 for thread-local storage.
 *
 * The kernel runs with DS = ES = __USER_DS, as Linux does: an entry from user space then changes no
 * base or limit. FS and GS are null in the kernel and belong to the user program outside of it.
 */
#ifndef ARCH_SEGMENT_H
#define ARCH_SEGMENT_H

#define GDT_ENTRIES 32

#define GDT_ENTRY_TLS_MIN 6
#define GDT_ENTRY_KERNEL_CS 12
#define GDT_ENTRY_KERNEL_DS 13
#define GDT_ENTRY_DEFAULT_USER_CS 14
#define GDT_ENTRY_DEFAULT_USER_DS 15
#define GDT_ENTRY_TSS 16

#define __KERNEL_CS (GDT_ENTRY_KERNEL_CS * 8)
#define __KERNEL_DS (GDT_ENTRY_KERNEL_DS * 8)
#define __USER_CS (GDT_ENTRY_DEFAULT_USER_CS * 8 + 3)
#define __USER_DS (GDT_ENTRY_DEFAULT_USER_DS * 8 + 3)
#define __TSS_SEL (GDT_ENTRY_TSS * 8)

#endif
