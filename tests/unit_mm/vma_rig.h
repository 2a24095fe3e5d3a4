/* SPDX-License-Identifier: MIT */
/*
 * What the tests of address spaces share: a machine with one space, and its VMAs as text.
 *
 * A map is drawn in units of one page from RIG_BASE: a letter a page, '.' a hole, a new letter a
 * new VMA.
 */
#ifndef TESTS_UNIT_MM_VMA_RIG_H
#define TESTS_UNIT_MM_VMA_RIG_H

#include "mm/mm.h"
#include "mm_host.h"

#define MIB (1u << 20)
#define RIG_BASE 0x20000000u

struct vma_rig {
	struct mm_struct *mm;
	uint32_t free_before;
};

extern struct vma_rig rig;

void rig_begin(void);
/* The space ends: checked before, and after it that all memory came back. */
void rig_end(void);

/* Address of the n-th page. */
static inline vaddr_t at(unsigned page)
{
	return RIG_BASE + page * PAGE_SIZE;
}

/* Anonymous, private, fixed: `pages` from page n. */
void rig_map(unsigned page, unsigned pages, uint32_t prot);
/* How pages [0, pages) look: see above. Letters begin with 'a'. */
const char *rig_draw(unsigned pages);
/* A write to each page of [n, n + pages), as the process would. */
void rig_touch(unsigned page, unsigned pages);

/* A file of `pages` pages that all begin with their index, f_count 1, freed by its last fput(). */
struct file *rig_file(unsigned pages, uint32_t mode);
/*
 * Calls fn for n = 1, 2, ... with the nth allocation failing until it does without; checks for
 * leaks.
 */
void rig_fail_each(int (*fn)(void));

#define MAP_ANON_FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW (PROT_READ | PROT_WRITE)

/* mmap's result is that error. */
#define IS_ERROR(result, error) ((result) == (uint32_t) - (error))

#endif
