// SPDX-License-Identifier: MIT
/*
 * Ring 3: getting there by IRET, back by INT 0x80 and by faults, and what is forbidden there.
 */
#include "selftest.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>
#include <arch/segment.h>
#include <drivers/i8253.h>
#include <kernel/time.h>

#define ENOSYS 38

static void iret_and_back(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	t = window_run_user(user_exit, 0, 0);
	window_close();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.cs & 0xffff, __USER_CS);
	EXPECT_EQ(r, t.regs.ss & 0xffff, __USER_DS);
	EXPECT_EQ(r, t.regs.sp, USER_STACK_PAGE + PAGE_SIZE);
	EXPECT_EQ(r, t.regs.flags & X86_EFLAGS_IF, X86_EFLAGS_IF);
}

static void syscall_round_trip(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	t = window_run_user(user_syscall, 0x7fff, 0x1234);
	window_close();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.bx, (u32)-ENOSYS);
	EXPECT_EQ(r, t.regs.cx, 1);
	EXPECT_EQ(r, t.regs.dx, 0x1234);
	EXPECT_EQ(r, t.regs.si, 2);
	EXPECT_EQ(r, t.regs.di, 3);
	EXPECT_EQ(r, t.regs.bp, 4);
	EXPECT_EQ(r, t.regs.sp, USER_STACK_PAGE + PAGE_SIZE);
}

static void int3_round_trip(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	t = window_run_user(user_int3, 0, 0);
	window_close();
	EXPECT_EQ(r, t.count, 2);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.bx, 1);
}

struct refused {
	const char *routine;
	u32 ax;
	u32 error_code;
};

static void gp_at_ring3(struct selftest_result *r, const void *arg)
{
	const struct refused *c = arg;
	struct trapped t;

	window_open();
	t = window_run_user(c->routine, c->ax, 0);
	window_close();
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.error_code, c->error_code);
	EXPECT_EQ(r, t.regs.cs & 3, 3);
	EXPECT_EQ(r, t.count, 1);
}

static void popf_keeps_if(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	window_open();
	t = window_run_user(user_popf, 0, 0);
	window_close();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.bx & X86_EFLAGS_IF, X86_EFLAGS_IF);
}

/*
 * The user program sees jiffies in a read-only page of its own and can only get on if the timer
 * interrupts it. The rate is higher than HZ because it spins.
 */
static void timer_at_ring3(struct selftest_result *r, const void *arg)
{
	u32 jiffies_page = __pa(&jiffies) & PAGE_MASK;
	u32 user_jiffies = DATA_WINDOW + (__pa(&jiffies) & ~PAGE_MASK);
	struct trapped t;

	(void)arg;
	window_open();
	*window_pte(DATA_WINDOW) = jiffies_page | MAP_USER_RO;
	local_irq_disable();
	pit_init(20 * HZ);
	t = window_run_user(user_spin, user_jiffies, (u32)jiffies);
	pit_init(HZ);
	local_irq_enable();
	window_close();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.cs & 3, 3);
	EXPECT(r, (u32)jiffies != t.regs.dx);
}

#define REFUSED(...)                                                                               \
	gp_at_ring3, &(const struct refused)                                                       \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

const struct selftest ring3_tests[] = {
	{ "ring3_by_iret_and_back_by_int_0x80", iret_and_back, NULL },
	{ "int_0x80_returns_to_ring3_with_registers_kept", syscall_round_trip, NULL },
	{ "bp_from_ring3_passes_its_dpl_3_gate", int3_round_trip, NULL },
	{ "gp_by_cli_at_ring3", REFUSED(user_cli, 0, 0) },
	{ "gp_by_sti_at_ring3", REFUSED(user_sti, 0, 0) },
	{ "gp_by_hlt_at_ring3", REFUSED(user_hlt, 0, 0) },
	{ "gp_by_in_at_ring3", REFUSED(user_in, 0, 0) },
	{ "gp_by_out_at_ring3", REFUSED(user_out, 0, 0) },
	{ "gp_by_mov_from_cr0_at_ring3", REFUSED(user_read_cr0, 0, 0) },
	{ "gp_by_mov_to_cr3_at_ring3", REFUSED(user_write_cr3, 0, 0) },
	{ "gp_by_clts_at_ring3", REFUSED(user_clts, 0, 0) },
	{ "gp_by_lmsw_at_ring3", REFUSED(user_lmsw, 0, 0) },
	{ "gp_by_lgdt_at_ring3", REFUSED(user_lgdt, 0, 0) },
	{ "gp_by_lidt_at_ring3", REFUSED(user_lidt, 0, 0) },
	{ "gp_by_lldt_at_ring3", REFUSED(user_lldt, 0, 0) },
	{ "gp_by_ltr_at_ring3", REFUSED(user_ltr, 0, 0) },
	{ "gp_by_invlpg_at_ring3", REFUSED(user_invlpg, 0, 0) },
	{ "gp_by_rdmsr_at_ring3", REFUSED(user_rdmsr, 0, 0) },
	{ "gp_by_wbinvd_at_ring3", REFUSED(user_wbinvd, 0, 0) },
	{ "gp_by_int_through_a_dpl_0_gate_names_the_vector",
	  REFUSED(user_int_irq_gate, 0, FIRST_IRQ_VECTOR * 8 + 2) },
	{ "gp_by_kernel_data_selector_at_ring3", REFUSED(user_load_ds, __KERNEL_DS, __KERNEL_DS) },
	{ "popf_at_ring3_leaves_the_interrupt_flag", popf_keeps_if, NULL },
	{ "timer_interrupts_ring3_and_returns_to_it", timer_at_ring3, NULL },
	{ NULL, NULL, NULL },
};
