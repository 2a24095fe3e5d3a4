/* SPDX-License-Identifier: MIT */
/*
 * Error numbers with Linux's values on i386, for code that has no libc. Functions return them negative.
 */
#ifndef MM_ERRNO_H
#define MM_ERRNO_H

#ifdef MM_HOST
#include <errno.h>
#else
#define EPERM 1
#define ENOENT 2
#define EIO 5
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ENOSPC 28
#endif

#endif
