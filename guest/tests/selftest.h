/* SPDX-License-Identifier: MIT */
/*
 * Self-tests of the machine and of the kernel, instead of init when test= is given.
 *
 * A test is a row of a table: a name that states the rule, a function, and an argument. Tests run
 * in order on the boot thread with interrupts on, and leave everything as they found it. They
 * assert what the Intel SDM guarantees, not what one CPU happens to do: a TLB may keep a stale
 * translation or drop a good one at any time.
 *
 * Output is KTAP. The command line's test= chooses: "all", "none", "quick" (all but the suites that
 * take long), or the name of a suite (without _tests) or of one test; the actions of
 * actions.c (panic, triple, hang, echo, count) go by name only.
 */
#ifndef TESTS_SELFTEST_H
#define TESTS_SELFTEST_H

#include <kernel/selftest.h>
#include <lib/types.h>

struct selftest_result {
	bool failed;
};

struct selftest {
	const char *name; /* NULL ends a table */
	void (*run)(struct selftest_result *r, const void *arg);
	const void *arg;
};

/* One table a file. */
extern const struct selftest trap_tests[], ring3_tests[], fault_tests[], paging_tests[],
	segment_tests[], selector_tests[], gate_tests[], ioperm_tests[], double_fault_tests[],
	debug_tests[], cpu_tests[], device_tests[], lib_tests[], sched_tests[], process_tests[],
	signal_tests[], oom_tests[], uaccess_tests[], vfs_tests[], preempt_tests[],
	pgtables_tests[], pgtables_store_tests[], pgtables_mode_tests[];

/* The tests of the memory manager; mm_tests_collect() fills in the table. */
extern struct selftest mm_tests[];
void mm_tests_collect(void);

/* Both record a failure, print it with the place, and let the test go on. */
#define EXPECT(r, condition)                                                                       \
	((condition) ? (void)0 : selftest_fail(r, __FILE__, __LINE__, #condition))
#define EXPECT_EQ(r, value, expected)                                                              \
	selftest_expect_eq(r, __FILE__, __LINE__, #value, (u32)(value), (u32)(expected))

void selftest_fail(struct selftest_result *r, const char *file, int line, const char *what);
void selftest_expect_eq(struct selftest_result *r, const char *file, int line, const char *what,
			u32 value, u32 expected);

/* The actions: return false if there is none of that name. */
bool run_action(const char *name);

/* An action: what pairs of alloc and free cost (count.c). */
void count_mm_pairs(void);

#endif
