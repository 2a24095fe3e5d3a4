// SPDX-License-Identifier: MIT
#include "selftest.h"
#include <kernel/printk.h>
#include <lib/string.h>

static const struct selftest *const suites[] = {
	lib_tests,     trap_tests,	   ring3_tests, fault_tests,  paging_tests,
	segment_tests, double_fault_tests, cpu_tests,	device_tests,
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

static bool chosen(const struct selftest *t, const char *name)
{
	return !strcmp(name, "all") || !strcmp(name, t->name);
}

static u32 count_chosen(const char *name)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(suites); i++)
		for (const struct selftest *t = suites[i]; t->name; t++)
			n += chosen(t, name);
	return n;
}

u32 run_selftests(const char *name)
{
	u32 number = 0, failed = 0, count = count_chosen(name);

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
		for (const struct selftest *t = suites[i]; t->name; t++) {
			struct selftest_result r = { false };

			if (!chosen(t, name))
				continue;
			t->run(&r, t->arg);
			printk("%sok %u %s\n", r.failed ? "not " : "", ++number, t->name);
			failed += r.failed;
		}
	}
	printk("# Totals: pass:%u fail:%u\n", count - failed, failed);
	return failed;
}
