/* SPDX-License-Identifier: MIT */
/*
 * Types of the memory manager. It is compiled freestanding for the 32-bit guest and hosted on
 * 64-bit machines for its tests, so an address of the guest never is an `unsigned long`: its width
 * is in its type. A `void *` is a pointer that may be followed on whatever runs the code; arch.h
 * turns one into a vaddr_t and back.
 */
#ifndef MM_TYPES_H
#define MM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32_t pte_t;	  /* one entry of a page table or directory */
typedef uint32_t paddr_t; /* guest-physical address; RAM ends below 4 GiB */
typedef uint32_t vaddr_t; /* guest-linear address */
typedef uint32_t pfn_t;	  /* page frame number: paddr >> 12 */
typedef uint32_t gfp_t;	  /* allocation flags, gfp.h */

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

#define container_of(ptr, type, member) ((type *)((uintptr_t)(ptr)-offsetof(type, member)))

/*
 * Hot functions get their arguments in registers: on i386 the stack costs a store, a load and often
 * a frame. A function whose last act is to call such a one jumps there, too. Elsewhere the ABI does
 * it.
 */
#ifdef __i386__
#define MM_REGPARM __attribute__((regparm(3)))
#else
#define MM_REGPARM
#endif

/* The compiler keeps what is before it before it. */
#define barrier() __asm__ volatile("" : : : "memory")

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
