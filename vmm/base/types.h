/* SPDX-License-Identifier: MIT */
/*
 * Address types that every folder of vmm/ shares.
 *
 * The guest is a 32-bit machine, so its linear addresses have 32 bits; its physical addresses have
 * up to 40, because a 4 MiB page may carry PSE-36 bits (Intel SDM vol. 3, 4.3).
 */
#ifndef VMM_BASE_TYPES_H
#define VMM_BASE_TYPES_H

#include <stdint.h>

typedef uint32_t gva_t; /* guest-linear address */
typedef uint64_t gpa_t; /* guest-physical address */
typedef uint64_t pfn_t; /* guest page frame number: gpa >> 12 */
typedef uint32_t pte_t; /* one entry of a 2-level page table */

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u
#define PAGE_OFFSET_MASK 0xfffu

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
