/* SPDX-License-Identifier: MIT */
/* Between mm_host.c (kernel's half, TLB, signals) and mm_host_user.c (user's half). */
#ifndef TESTS_UNIT_MM_MM_HOST_INTERNAL_H
#define TESTS_UNIT_MM_MM_HOST_INTERNAL_H

#include "mm_host.h"

/* The TLB: translations of one page each. */
bool mm_host_tlb_has(vaddr_t va);
void mm_host_tlb_forget(vaddr_t va);
/* prot: PROT_READ, PROT_WRITE of mmap(2). */
void mm_host_forget_user(void);
void mm_host_tlb_fill(vaddr_t va, paddr_t pa, int prot);

/*
 * An access of user space found no translation that allows it: fill, deliver page faults until one
 * is there. False: the last fault was not mended (mm_host.outcome).
 */
bool mm_host_user_miss(vaddr_t va, bool write);

/* Runs fn(arg); false: it was left for a page fault that nobody mended. */
bool mm_host_try(void (*fn)(void *arg), void *arg);

/* The end of the test. */
void mm_host_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
