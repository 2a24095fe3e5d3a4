/* SPDX-License-Identifier: MIT */
/*
 * Windows: two 4 MiB pieces of user space with page tables and frames of their own, where tests map
 * what they like. The kernel has nothing there.
 *
 * USER_WINDOW holds the ring-3 code (user_code.S) and its stack; DATA_WINDOW is what tests poke at.
 * window_open() gives both an empty, permissive start; window_close() removes them and flushes.
 */
#ifndef TESTS_WINDOW_H
#define TESTS_WINDOW_H

#include "probe.h"
#include <arch/pgtable.h>

#define USER_WINDOW 0x08000000u
#define DATA_WINDOW 0x08400000u

#define USER_CODE_PAGE USER_WINDOW
#define USER_STACK_PAGE (USER_WINDOW + 0x1000)

#define NR_FRAMES 4

/* Page flags, by what they allow. */
#define MAP_NONE 0
#define MAP_KERNEL_RO _PAGE_PRESENT
#define MAP_KERNEL_RW (_PAGE_PRESENT | _PAGE_RW)
#define MAP_USER_RO (_PAGE_PRESENT | _PAGE_USER)
#define MAP_USER_RW (_PAGE_PRESENT | _PAGE_USER | _PAGE_RW)

void window_open(void);
void window_close(void);

/* The entries that translate an address in either window. The caller does the INVLPG. */
pgd_t *window_pde(u32 va);
pte_t *window_pte(u32 va);

/* Frame n, through the direct map; zero after window_open(). */
u32 *window_frame(u32 n);

/* Maps the page at va to frame n with these flags and invalidates the old translation. */
void window_map(u32 va, u32 n, u32 flags);

/*
 * Runs a routine of user_code.S at ring 3 with EAX = ax and EDX = dx, on a stack of its own. The
 * window must be open.
 */
struct trapped window_run_user(const char *routine, u32 ax, u32 dx);

/* Where a routine, or a label, of user_code.S is in user space. */
u32 window_user_address(const char *label);

#endif
