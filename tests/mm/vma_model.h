/* SPDX-License-Identifier: MIT */
/*
 * Random calls of mmap, munmap, mprotect, mremap, madvise and mlock on one space, each result
 * compared with what a plain array of pages says, and now and then the whole space. Uses mm/ alone.
 */
#ifndef TESTS_MM_VMA_MODEL_H
#define TESTS_MM_VMA_MODEL_H

#include "mm/types.h"

/* `ops` calls, mm_check_all() after each check_every. What went wrong: 0 if nothing. */
unsigned vma_model_run(uint32_t seed, uint32_t ops, uint32_t check_every);

#endif
