/* SPDX-License-Identifier: MIT */
/*
 * Fixed-width names for the guest kernel.
 *
 * The guest is 32-bit: `unsigned long` and pointers are 32 bits wide. Physical addresses fit in
 * 32 bits too (no PAE); only what the boot loader reports (struct e820_entry) needs 64.
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define __packed __attribute__((packed))
#define __noreturn __attribute__((noreturn))
#define __page_aligned __attribute__((aligned(4096)))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
