// SPDX-License-Identifier: MIT
/*
 * Debug registers: breakpoints on instructions and on data (Intel SDM vol. 3, 18.2 and 18.3).
 */
#include "kernel_code.h"
#include "selftest.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>

#define DR6_HITS 0xf
#define DR6_CLEAR 0xffff0ff0
#define DR7_FIXED 0x400 /* always reads 1 */
#define DR7_ENABLE(n) (3u << (2 * (n)))
#define DR7_KIND(n, rw, len) ((u32)((rw) | ((len)-1) << 2) << (16 + 4 * (n)))

#define ON_EXECUTE 0
#define ON_WRITE 1
#define ON_ACCESS 3

static void set_breakpoint(u32 n, u32 address, u32 rw, u32 len)
{
	if (n == 0)
		asm volatile("movl %0, %%dr0" : : "r"(address));
	else
		asm volatile("movl %0, %%dr3" : : "r"(address));
	asm volatile("movl %0, %%dr6" : : "r"(DR6_CLEAR));
	asm volatile("movl %0, %%dr7" : : "r"(DR7_FIXED | DR7_ENABLE(n) | DR7_KIND(n, rw, len)));
}

/* Ends all breakpoints; returns those that hit, as bits. */
static u32 clear_breakpoints(void)
{
	u32 dr6;

	asm volatile("movl %0, %%dr7" : : "r"(DR7_FIXED));
	asm volatile("movl %%dr6, %0" : "=r"(dr6));
	asm volatile("movl %0, %%dr6" : : "r"(DR6_CLEAR));
	return dr6 & DR6_HITS;
}

struct breakpoint_case {
	void (*run)(u32 arg);
	u32 rw, len;
	u32 word, byte;	   /* of breakpoint_word, where the breakpoint is */
	const char *after; /* EIP of the trap; NULL: there is none */
};

static void data_breakpoint(struct selftest_result *r, const void *arg)
{
	const struct breakpoint_case *c = arg;
	struct trapped t;
	u32 hits;

	set_breakpoint(3, (u32)&breakpoint_word[c->word] + c->byte, c->rw, c->len);
	t = probe_kernel(c->run, 0x600df00d);
	hits = clear_breakpoints();
	EXPECT_EQ(r, t.vector, c->after ? TRAP_DB : NO_TRAP);
	EXPECT_EQ(r, t.count, c->after ? 1 : 0);
	EXPECT_EQ(r, hits, c->after ? 1 << 3 : 0);
	if (c->after)
		EXPECT_EQ(r, t.regs.ip, (u32)c->after);
	if (c->run == breakpoint_store)
		EXPECT_EQ(r, breakpoint_word[1], 0x600df00d);
}

/* A fault: it comes before the instruction, and RF in the image lets that pass once. */
static void instruction_breakpoint(struct selftest_result *r, const void *arg)
{
	struct trapped t;
	u32 hits;

	(void)arg;
	breakpoint_runs = 0;
	set_breakpoint(0, (u32)breakpoint_insn, ON_EXECUTE, 1);
	t = probe_kernel(breakpoint_execute, 0);
	EXPECT_EQ(r, breakpoint_runs, 1);
	EXPECT_EQ(r, t.vector, TRAP_DB);
	EXPECT_EQ(r, t.count, 1);
	EXPECT_EQ(r, t.regs.ip, (u32)breakpoint_insn);
	t = probe_kernel(breakpoint_execute, 0);
	EXPECT_EQ(r, t.count, 1);
	hits = clear_breakpoints();
	EXPECT_EQ(r, hits, 1);
	t = probe_kernel(breakpoint_execute, 0);
	EXPECT_EQ(r, t.vector, NO_TRAP);
	EXPECT_EQ(r, breakpoint_runs, 3);
}

static void user_breakpoint(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	set_breakpoint(0, window_user_address(user_exit), ON_EXECUTE, 1);
	t = window_run_user(user_exit, 0, 0);
	EXPECT_EQ(r, clear_breakpoints(), 1);
	EXPECT_EQ(r, t.count, 2);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);

	window_map(DATA_WINDOW, 0, MAP_USER_RW);
	set_breakpoint(3, DATA_WINDOW, ON_WRITE, 4);
	t = window_run_user(user_write, DATA_WINDOW, 1);
	EXPECT_EQ(r, clear_breakpoints(), 1 << 3);
	EXPECT_EQ(r, t.count, 2);
	EXPECT_EQ(r, *window_frame(0), 1);
	window_close();
}

#define DATA(...)                                                                                  \
	data_breakpoint, &(const struct breakpoint_case)                                           \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

const struct selftest debug_tests[] = {
	{ "db_by_instruction_breakpoint_comes_before_it_once", instruction_breakpoint, NULL },
	{ "db_by_write_breakpoint_comes_after_the_store",
	  DATA(breakpoint_store, ON_WRITE, 4, 1, 0, breakpoint_after_store) },
	{ "db_by_access_breakpoint_comes_after_the_store",
	  DATA(breakpoint_store, ON_ACCESS, 4, 1, 0, breakpoint_after_store) },
	{ "db_by_access_breakpoint_comes_after_the_load",
	  DATA(breakpoint_load, ON_ACCESS, 4, 1, 0, breakpoint_after_load) },
	{ "db_by_breakpoint_on_one_byte_of_the_store",
	  DATA(breakpoint_store, ON_WRITE, 1, 1, 3, breakpoint_after_store) },
	{ "write_breakpoint_lets_loads_pass", DATA(breakpoint_load, ON_WRITE, 4, 1, 0, NULL) },
	{ "write_breakpoint_beside_the_store_stays_quiet",
	  DATA(breakpoint_store, ON_WRITE, 4, 2, 0, NULL) },
	{ "write_breakpoint_on_the_byte_before_the_store_stays_quiet",
	  DATA(breakpoint_store, ON_WRITE, 1, 0, 3, NULL) },
	{ "db_by_breakpoint_on_the_byte_that_is_stored",
	  DATA(breakpoint_store_byte, ON_WRITE, 1, 1, 1, breakpoint_after_store_byte) },
	{ "write_breakpoint_on_the_byte_after_the_store_stays_quiet",
	  DATA(breakpoint_store_byte, ON_WRITE, 1, 1, 2, NULL) },
	{ "write_breakpoint_on_the_word_after_the_store_stays_quiet",
	  DATA(breakpoint_store_byte, ON_WRITE, 2, 1, 2, NULL) },
	{ "db_by_breakpoints_at_ring3", user_breakpoint, NULL },
	{ NULL, NULL, NULL },
};
