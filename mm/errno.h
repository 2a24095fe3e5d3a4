/* SPDX-License-Identifier: MIT */
/*
 * Error numbers with Linux's values on i386, for code that has no libc. Functions return them
 * negative.
 */
#ifndef MM_ERRNO_H
#define MM_ERRNO_H

#ifdef MM_HOST
#include <errno.h>
#else
#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define ENOEXEC 8
#define EBADF 9
#define ECHILD 10
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define ENFILE 23
#define EMFILE 24
#define ENOTTY 25
#define ETXTBSY 26
#define EFBIG 27
#define ENOSPC 28
#define ESPIPE 29
#define EROFS 30
#define EPIPE 32
#define ERANGE 34
#define ENAMETOOLONG 36
#define ENOSYS 38
#define ELOOP 40
#define EOVERFLOW 75
#define ELIBBAD 80
#define EOPNOTSUPP 95
/* Inside the kernel alone: restart the call after the signal (Linux, errno.h). */
#define ERESTARTSYS 512
#define ERESTARTNOHAND 514 /* restart only if there is no handler */
#endif

#endif
