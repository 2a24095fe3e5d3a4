/* SPDX-License-Identifier: MIT */
/* The types that Linux's i386 system calls take. */
#ifndef _SYS_TYPES_H
#define _SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef int pid_t;
typedef int32_t ssize_t;
typedef int32_t off_t;
typedef int64_t loff_t;
typedef uint32_t mode_t;

#endif
