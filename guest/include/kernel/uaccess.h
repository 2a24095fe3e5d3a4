/* SPDX-License-Identifier: MIT */
/*
 * The only way from the kernel to user memory. An address is checked against TASK_SIZE (length
 * included), and a fault that the page-fault ladder cannot mend ends in the exception table. CR0.WP
 * is set, so a write to a copy-on-write page breaks it as the user's own would.
 */
#ifndef KERNEL_UACCESS_H
#define KERNEL_UACCESS_H

#include <lib/types.h>

#include "mm/layout.h"

/* Bytes that could not be copied: 0 is success. from: the rest of `to` is zeroed. */
u32 copy_to_user(u32 to, const void *from, u32 n);
u32 copy_from_user(void *to, u32 from, u32 n);
u32 clear_user(u32 to, u32 n);
/* Length without the NUL, n if there is none in the first n bytes, or -EFAULT. */
int strncpy_from_user(char *to, u32 from, u32 n);
/* Length with the NUL, 0 on a fault, more than n: no NUL in n bytes. */
u32 strnlen_user(u32 s, u32 n);
/* 0 or -EFAULT. */
int get_user_u32(u32 *value, u32 from);
int put_user_u32(u32 value, u32 to);

static inline bool access_ok(u32 addr, u32 n)
{
	return n <= PAGE_OFFSET && addr <= PAGE_OFFSET - n;
}

#endif
