// SPDX-License-Identifier: MIT
/*
 * Page faults: who may do what with which page, the error code, and CR2.
 *
 * One row a case: access, page-directory flags, page-table flags, expected error code. The access
 * is a read, write or fetch of the first word of DATA_WINDOW's second page.
 */
#include "selftest.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>

#define TARGET (DATA_WINDOW + PAGE_SIZE + 0x10)
#define OLD_VALUE 0xc3c3c3c3 /* as code: RET */
#define NEW_VALUE 0x12345678

#define NO_FAULT NO_TRAP

enum access { READ, WRITE, FETCH };

struct fault_case {
	bool user;
	enum access access;
	u32 pde_flags, pte_flags;
	u32 error_code;
};

static void kernel_read(u32 va)
{
	asm volatile("movl (%0), %%eax" : : "r"(va) : "eax", "memory");
}

static void kernel_write(u32 va)
{
	asm volatile("movl %1, (%0)" : : "r"(va), "r"(NEW_VALUE) : "memory");
}

static void kernel_fetch(u32 va)
{
	asm volatile("call *%0" : : "r"(va) : "memory");
}

static struct trapped do_access(const struct fault_case *c)
{
	static void (*const kernel[])(u32) = { kernel_read, kernel_write, kernel_fetch };
	static const char *const user[] = { user_read, user_write, user_fetch };

	if (c->user)
		return window_run_user(user[c->access], TARGET, NEW_VALUE);
	return probe_kernel(kernel[c->access], TARGET);
}

static void page_fault(struct selftest_result *r, const void *arg)
{
	const struct fault_case *c = arg;
	struct trapped t;
	u32 *word;

	window_open();
	window_map(TARGET & PAGE_MASK, 0, c->pte_flags);
	*window_pde(TARGET) = (*window_pde(TARGET) & PAGE_MASK) | c->pde_flags;
	invlpg(TARGET);
	word = &window_frame(0)[(TARGET & ~PAGE_MASK) / 4];
	*word = OLD_VALUE;
	t = do_access(c);
	window_close();

	if (c->error_code == NO_FAULT) {
		EXPECT_EQ(r, t.vector, c->user ? SYSCALL_VECTOR : NO_TRAP);
		EXPECT_EQ(r, *word, c->access == WRITE ? NEW_VALUE : OLD_VALUE);
		return;
	}
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, c->error_code);
	EXPECT_EQ(r, t.cr2, TARGET);
	EXPECT_EQ(r, t.count, 1);
	EXPECT_EQ(r, *word, OLD_VALUE);
	if (c->access == FETCH)
		EXPECT_EQ(r, t.regs.ip, TARGET);
}

/* A dword that begins in a writable page and ends in a missing one: all or nothing. */
static void crossing_write(struct selftest_result *r, const void *arg)
{
	u32 border = DATA_WINDOW + PAGE_SIZE;
	struct trapped t;

	(void)arg;
	window_open();
	window_map(DATA_WINDOW, 0, MAP_KERNEL_RW);
	t = probe_kernel(kernel_write, border - 2);
	window_close();
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_WRITE);
	EXPECT_EQ(r, t.cr2 & PAGE_MASK, border);
	EXPECT_EQ(r, window_frame(0)[PAGE_SIZE / 4 - 1], 0);
}

/*
 * A read-modify-write that may read and not write. (Where it may do neither, CPUs differ in which
 * of the two they report.)
 */
static void run_add(u32 va)
{
	asm volatile("addl $1, (%0)" : : "r"(va) : "memory", "cc");
}

static void rmw_faults_as_write(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	window_map(DATA_WINDOW, 0, MAP_KERNEL_RO);
	t = probe_kernel(run_add, DATA_WINDOW);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_PROT | PF_WRITE);
	window_close();
}

/* The frame of the fault is what a handler needs to mend the page and run the instruction again. */
static void push_fault_is_restartable(struct selftest_result *r, const void *arg)
{
	const struct user_state state = {
		.ip = window_user_address(user_popf), /* begins with a PUSH */
		.sp = DATA_WINDOW + PAGE_SIZE,
	};
	struct trapped t;

	(void)arg;
	window_open();
	t = probe_user(&state);
	window_close();
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, PF_USER | PF_WRITE);
	EXPECT_EQ(r, t.cr2, state.sp - 4);
	EXPECT_EQ(r, t.regs.sp, state.sp);
	EXPECT_EQ(r, t.regs.ip, state.ip);
}

/* STOSD that meets a missing page has done, and counted, what lies before it. */
static void run_stos(u32 va)
{
	u32 count = 8;

	asm volatile("rep stosl" : "+D"(va), "+c"(count) : "a"(NEW_VALUE) : "memory");
}

static void rep_stos_stops_at_the_fault(struct selftest_result *r, const void *arg)
{
	u32 border = DATA_WINDOW + PAGE_SIZE;
	struct trapped t;

	(void)arg;
	window_open();
	window_map(DATA_WINDOW, 0, MAP_KERNEL_RW);
	t = probe_kernel(run_stos, border - 12);
	window_close();
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.cr2, border);
	EXPECT_EQ(r, t.regs.di, border);
	EXPECT_EQ(r, t.regs.cx, 5);
	EXPECT_EQ(r, window_frame(0)[PAGE_SIZE / 4 - 1], NEW_VALUE);
	EXPECT_EQ(r, window_frame(0)[PAGE_SIZE / 4 - 4], 0);
}

#define KERNEL(...)                                                                                \
	page_fault, &(const struct fault_case)                                                     \
	{                                                                                          \
		false, __VA_ARGS__                                                                 \
	}
#define USER(...)                                                                                  \
	page_fault, &(const struct fault_case)                                                     \
	{                                                                                          \
		true, __VA_ARGS__                                                                  \
	}
#define ALL MAP_USER_RW

const struct selftest fault_tests[] = {
	{ "pf_kernel_read_of_missing_page_gives_0", KERNEL(READ, ALL, MAP_NONE, 0) },
	{ "pf_kernel_write_to_missing_page_gives_2", KERNEL(WRITE, ALL, MAP_NONE, 2) },
	{ "pf_kernel_fetch_from_missing_page_gives_0", KERNEL(FETCH, ALL, MAP_NONE, 0) },
	{ "pf_kernel_read_of_missing_table_gives_0", KERNEL(READ, MAP_NONE, ALL, 0) },
	{ "pf_kernel_write_to_missing_table_gives_2", KERNEL(WRITE, MAP_NONE, ALL, 2) },
	{ "pf_kernel_write_to_readonly_page_gives_3", KERNEL(WRITE, ALL, MAP_KERNEL_RO, 3) },
	{ "pf_kernel_write_to_readonly_user_page_gives_3", KERNEL(WRITE, ALL, MAP_USER_RO, 3) },
	{ "pf_kernel_write_through_readonly_directory_gives_3",
	  KERNEL(WRITE, MAP_USER_RO, ALL, 3) },
	{ "kernel_may_read_readonly_page", KERNEL(READ, ALL, MAP_KERNEL_RO, NO_FAULT) },
	{ "kernel_may_read_user_page", KERNEL(READ, ALL, MAP_USER_RO, NO_FAULT) },
	{ "kernel_may_write_user_page", KERNEL(WRITE, ALL, MAP_USER_RW, NO_FAULT) },
	{ "kernel_may_run_readonly_page", KERNEL(FETCH, ALL, MAP_KERNEL_RO, NO_FAULT) },
	{ "pf_user_read_of_missing_page_gives_4", USER(READ, ALL, MAP_NONE, 4) },
	{ "pf_user_write_to_missing_page_gives_6", USER(WRITE, ALL, MAP_NONE, 6) },
	{ "pf_user_fetch_from_missing_page_gives_4", USER(FETCH, ALL, MAP_NONE, 4) },
	{ "pf_user_read_of_missing_table_gives_4", USER(READ, MAP_NONE, ALL, 4) },
	{ "pf_user_write_to_missing_table_gives_6", USER(WRITE, MAP_NONE, ALL, 6) },
	{ "pf_user_read_of_supervisor_page_gives_5", USER(READ, ALL, MAP_KERNEL_RW, 5) },
	{ "pf_user_write_to_supervisor_page_gives_7", USER(WRITE, ALL, MAP_KERNEL_RW, 7) },
	{ "pf_user_fetch_from_supervisor_page_gives_5", USER(FETCH, ALL, MAP_KERNEL_RW, 5) },
	{ "pf_user_read_through_supervisor_directory_gives_5", USER(READ, MAP_KERNEL_RW, ALL, 5) },
	{ "pf_user_write_through_supervisor_directory_gives_7",
	  USER(WRITE, MAP_KERNEL_RW, ALL, 7) },
	{ "pf_user_write_to_readonly_page_gives_7", USER(WRITE, ALL, MAP_USER_RO, 7) },
	{ "pf_user_write_through_readonly_directory_gives_7", USER(WRITE, MAP_USER_RO, ALL, 7) },
	{ "user_may_read_readonly_page", USER(READ, ALL, MAP_USER_RO, NO_FAULT) },
	{ "user_may_write_writable_page", USER(WRITE, ALL, MAP_USER_RW, NO_FAULT) },
	{ "pf_write_across_pages_commits_nothing", crossing_write, NULL },
	{ "pf_by_read_modify_write_of_readonly_page_gives_3", rmw_faults_as_write, NULL },
	{ "pf_by_push_leaves_esp_and_eip_to_restart", push_fault_is_restartable, NULL },
	{ "pf_in_rep_stos_keeps_what_was_stored_and_counted", rep_stos_stops_at_the_fault, NULL },
	{ NULL, NULL, NULL },
};
