/* SPDX-License-Identifier: MIT */
/*
 * Directories and tables for tests that use them in unusual ways: as each other, through aliases,
 * by instructions that store into them.
 *
 * tables_open() opens the windows (window.h), empties all tables, gives each directory the kernel's
 * entries and those of the windows, colours the window's frames, and loads directory 0. AREA(n) are
 * 4 MiB pieces of user space with nothing in them. tables_close() puts everything back. In between
 * the test does its own INVLPGs.
 */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#define TABLES_GATE 0x91 /* vector that stack_int raises */

#ifndef __ASSEMBLER__
#include "window.h"

#define AREA(n) (0x10000000u + (n)*PGDIR_SIZE)
#define NR_OWN_DIRS 3
#define NR_OWN_TABLES 4

extern pgd_t own_dir[NR_OWN_DIRS][PTRS_PER_PGD];
extern pte_t own_table[NR_OWN_TABLES][PTRS_PER_PTE];

void tables_open(void);
void tables_close(void);

/* Loads a directory of ours. */
void tables_use(u32 dir);

/* Word i of window frame n after tables_open(). */
#define COLOUR(n, i) (0x10000000u * ((n) + 1) | (u32)(i) << 4)

/* An entry for window frame n, and one for anything in the direct map. */
u32 frame_entry(u32 n, u32 flags);
u32 entry_of(const volatile void *page, u32 flags);

/* Stores an entry and invalidates what it translates. */
void store_entry(volatile u32 *entry, u32 value, u32 va);

/*
 * In directory d: AREA(area) is table t. The table's entry i: window frame n. Both for user writes.
 */
void link_table(u32 d, u32 area, u32 t);
void link_frame(u32 t, u32 i, u32 n);

static inline u32 load_word(u32 va)
{
	return *(volatile u32 *)va;
}

static inline void put_word(u32 va, u32 value)
{
	*(volatile u32 *)va = value;
}

/* A kernel access as a probe: what it raises. */
struct trapped try_load(u32 va);
struct trapped try_store(u32 va);

/*
 * tables_code.S. Each switches to a stack that ends at `top`, with interrupts off, and pushes below
 * it; then back to the old one.
 */
void stack_push(u32 top, u32 value);
void stack_call(u32 top);
void stack_far_call(u32 top);
void stack_int(u32 top);
void stack_iret(u32 top);
extern const char stack_call_return[], stack_far_call_return[], stack_int_return[],
	stack_iret_return[], tables_gate_handler[];

/* Pops with *entry = value and INVLPG of top done just before: from the new frame. */
u32 stack_swap(u32 top, u32 *entry, u32 value);

/* Reads physical memory with CR0.PG clear for that moment. The code must be mapped one to one. */
u32 paging_off_read(u32 pa);
extern const char paging_off_start[];

/* A routine to be copied: *entry = value, INVLPG of page, return the byte at own_code_number. */
extern const char own_code[], own_code_number[], own_code_end[];
#endif
#endif
