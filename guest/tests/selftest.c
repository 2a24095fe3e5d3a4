// SPDX-License-Identifier: MIT
#include "selftest.h"
#include <kernel/printk.h>
#include <lib/string.h>

/* test= takes the name of a suite, too. */
static const struct suite {
	const char *name;
	const struct selftest *tests;
	bool slow; /* not one of "quick" */
} suites[] = {
	{ "lib", lib_tests, false },
	{ "trap", trap_tests, false },
	{ "ring3", ring3_tests, false },
	{ "fault", fault_tests, false },
	{ "paging", paging_tests, false },
	{ "pgtables", pgtables_tests, false },
	{ "pgtables", pgtables_store_tests, false },
	{ "pgtables", pgtables_mode_tests, false },
	{ "segment", segment_tests, false },
	{ "selector", selector_tests, false },
	{ "gate", gate_tests, false },
	{ "ioperm", ioperm_tests, false },
	{ "double_fault", double_fault_tests, false },
	{ "debug", debug_tests, false },
	{ "cpu", cpu_tests, false },
	{ "device", device_tests, false },
	{ "sched", sched_tests, false },
	{ "process", process_tests, false },
	{ "signal", signal_tests, false },
	{ "oom", oom_tests, false },
	{ "uaccess", uaccess_tests, false },
	{ "vfs", vfs_tests, false },
	{ "preempt", preempt_tests, true },
	{ "mm", mm_tests, true },
};

void selftest_fail(struct selftest_result *r, const char *file, int line, const char *what)
{
	printk("# %s:%d: expected %s\n", file, line, what);
	r->failed = true;
}

void selftest_expect_eq(struct selftest_result *r, const char *file, int line, const char *what,
			u32 value, u32 expected)
{
	if (value == expected)
		return;
	printk("# %s:%d: %s is %#x, expected %#x\n", file, line, what, value, expected);
	r->failed = true;
}

static bool chosen(const struct suite *s, const struct selftest *t, const char *name)
{
	return !strcmp(name, "all") || (!strcmp(name, "quick") && !s->slow) ||
	       !strcmp(name, s->name) || !strcmp(name, t->name);
}

static u32 count_chosen(const char *name)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(suites); i++)
		for (const struct selftest *t = suites[i].tests; t->name; t++)
			n += chosen(&suites[i], t, name);
	return n;
}

u32 run_selftests(const char *name)
{
	u32 number = 0, failed = 0, count;

	mm_tests_collect();
	count = count_chosen(name);
	if (!strcmp(name, "none"))
		return 0;
	if (!count) {
		if (run_action(name))
			return 0;
		printk("there is no test %s\n", name);
		return 1;
	}
	printk("KTAP version 1\n1..%u\n", count);
	for (u32 i = 0; i < ARRAY_SIZE(suites); i++) {
		for (const struct selftest *t = suites[i].tests; t->name; t++) {
			struct selftest_result r = { false };

			if (!chosen(&suites[i], t, name))
				continue;
			t->run(&r, t->arg);
			printk("%sok %u %s\n", r.failed ? "not " : "", ++number, t->name);
			failed += r.failed;
		}
	}
	printk("# Totals: pass:%u fail:%u\n", count - failed, failed);
	return failed;
}
