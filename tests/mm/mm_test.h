/* SPDX-License-Identifier: MIT */
/*
 * Tests of the memory manager that run both under CUnit on the host and in the guest over KTAP:
 * they use mm/ alone. A test returns true if all its expectations held; EXPECT() says which did
 * not.
 *
 * Each starts with memory up (mm_init) and must leave as many free pages as it found, but for what
 * stays for good reason (a page table of the vmalloc area, a cache's CPU slab): the guest's runner
 * counts those in, the host's runs a test twice and compares after the second. Both drain, and run
 * all checkers.
 */
#ifndef TESTS_MM_MM_TEST_H
#define TESTS_MM_MM_TEST_H

#include "mm/arch.h"

struct mm_test {
	const char *name; /* the rule */
	bool (*fn)(void);
};

/* Expectations that failed since the test began; the runner resets it. */
extern unsigned mm_test_failures;

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			mm_test_failures++;                                                        \
			arch_printk("# %s:%d: expected %s\n", __FILE__, __LINE__, #condition);     \
		}                                                                                  \
	} while (0)

#define MM_TEST(fn)                                                                                \
	{                                                                                          \
#fn, fn                                                                            \
	}
#define MM_TEST_END                                                                                \
	{                                                                                          \
		0, 0                                                                               \
	}

/* One table a file; the runners list them. */
extern const struct mm_test mm_tests_page_alloc[];
extern const struct mm_test mm_tests_slub[];
extern const struct mm_test mm_tests_vmalloc[];
extern const struct mm_test mm_tests_highmem[];
extern const struct mm_test mm_tests_fault[];
extern const struct mm_test mm_tests_vma[];

#endif
