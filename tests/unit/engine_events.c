// SPDX-License-Identifier: MIT
/* Halting, interrupts, exceptions from outside, and shutdown, on every engine. */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

/* --- halt and interrupts ---------------------------------------------------------------------- */

RIG_GUEST(sleeper, "sti; hlt; inc %eax; cli; hlt");

static void halt_wakes_by_an_interrupt(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, sleeper);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_TRUE(r.s.halted);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 2);
	/* nothing happened: it stays */
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_TRUE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), 0);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), RIG_VECTOR);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), RIG_CODE + 2);
	CU_ASSERT_EQUAL(rig_stack(&r, 1) & ~rig_ring1(), RIG_CS0);
	CU_ASSERT_TRUE(rig_stack(&r, 2) & EFLAGS_IF);
	CU_ASSERT_FALSE(r.s.eflags & EFLAGS_IF);
	rig_end(&r);
}

static void idle_time_passes_to_the_deadline_and_no_further_back(void)
{
	uint64_t until;
	struct rig r;

	RIG_BEGIN_GUEST(&r, sleeper);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	until = r.ops->now_ns(r.e) + 20000000u;
	/* may be early, by a signal, but not for ever */
	for (unsigned n = 0; n < 10 && r.ops->now_ns(r.e) < until; n++)
		r.ops->idle_until(r.e, until);
	CU_ASSERT_TRUE(r.ops->now_ns(r.e) >= until);
	CU_ASSERT_TRUE(r.ops->now_ns(r.e) < until + (rig_virtual_time() ? 1 : 500000000u));
	r.ops->idle_until(r.e, until - 10);
	CU_ASSERT_TRUE(r.ops->now_ns(r.e) >= until);
	rig_end(&r);
}

static void interrupt_is_refused_while_it_cannot_be_taken(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xf4"); /* hlt, IF clear */
	CU_ASSERT_FALSE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), -EBUSY);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_FALSE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), -EBUSY);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 1);
	rig_end(&r);
}

static void state_with_interrupts_on_is_ready_at_once(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\x90\xf4");
	r.s.eflags |= EFLAGS_IF;
	rig_set(&r);
	CU_ASSERT_TRUE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), 0);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), RIG_VECTOR);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), RIG_CODE);
	rig_end(&r);
}

/* What a snapshot of a sleeping guest needs. */
static void state_that_is_halted_sleeps_and_wakes(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xcc");
	r.s.eflags |= EFLAGS_IF;
	r.s.halted = true;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_TRUE(r.s.halted);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE);
	CU_ASSERT_TRUE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), 0);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), RIG_VECTOR);
	rig_end(&r);
}

static void only_one_interrupt_is_taken_at_a_time(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, sleeper);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), 0);
	CU_ASSERT_FALSE(r.ops->interrupt_ready(r.e));
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR + 1), -EBUSY);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), RIG_VECTOR);
	rig_end(&r);
}

static void interrupt_of_user_code_changes_to_the_stack_of_the_tss(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xeb\xfe");
	r.s.eflags |= EFLAGS_IF;
	rig_user(&r);
	CU_ASSERT_EQUAL(r.ops->inject_interrupt(r.e, RIG_VECTOR), 0);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), RIG_VECTOR);
	CU_ASSERT_EQUAL(r.s.cpl, 0);
	CU_ASSERT_EQUAL(r.s.gpr[X86_ESP], RIG_STACK0 - 20);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), RIG_CODE);
	CU_ASSERT_EQUAL(rig_stack(&r, 1), RIG_CS3);
	CU_ASSERT_EQUAL(rig_stack(&r, 3), RIG_STACK);
	CU_ASSERT_EQUAL(rig_stack(&r, 4), RIG_DS3);
	rig_end(&r);
}

/* --- the window ------------------------------------------------------------------------------- */

RIG_GUEST(opener, "nop; sti; inc %eax; inc %eax; cli; hlt");

static void window_opens_one_instruction_after_sti(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, opener);
	r.ops->request_window(r.e, true);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_WINDOW);
	/* SDM vol. 2, STI */
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 3);
	CU_ASSERT_TRUE(r.ops->interrupt_ready(r.e));
	r.ops->request_window(r.e, false);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 6);
	rig_end(&r);
}

/* Is this host's SVM that of QEMU's TCG, whose VMRUN does not load the shadow (see below)? */
static bool host_is_tcg(void)
{
	unsigned eax, ebx, ecx, edx;

	__cpuid(0x40000000, eax, ebx, ecx, edx);
	return ebx == 0x54474354 && ecx == 0x43544743; /* "TCGTCGTCGTCG" */
}

RIG_GUEST(blinker, "1: sti; nop; cli; jmp 1b");

static void run_that_ends_behind_sti_leaves_its_shadow(void)
{
	unsigned behind = 0, ready = 0;
	struct rig r;

	RIG_BEGIN_GUEST(&r, blinker);
	for (unsigned n = 0; n < 1000; n++) {
		CU_ASSERT_EQUAL(rig_run_to(&r, r.ops->now_ns(r.e) + 1 + n % 50 * 1000u),
				ENGINE_EXIT_DEADLINE);
		if (r.s.eip != RIG_CODE + 1)
			continue;
		behind++;
		ready += r.ops->interrupt_ready(r.e);
	}
	printf("# runs that ended behind STI: %u, ready: %u\n", behind, ready);
	CU_ASSERT_TRUE(behind);
	CU_ASSERT_TRUE(!ready || host_is_tcg());
	rig_end(&r);
}

static void window_waits_for_the_shadow_of_mov_ss(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, opener);
	r.s.eflags |= EFLAGS_IF;
	r.s.mov_ss_shadow = true;
	rig_set(&r);
	CU_ASSERT_FALSE(r.ops->interrupt_ready(r.e));
	r.ops->request_window(r.e, true);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_WINDOW);
	/* VMRUN of QEMU 7.2's TCG does not load the shadow (AMD APM vol. 2, 15.21.5) */
	CU_ASSERT_TRUE(r.s.eip == RIG_CODE + 1 || (!rig_virtual_time() && r.s.eip == RIG_CODE));
	rig_end(&r);
}

static void window_is_open_at_once_where_nothing_is_in_the_way(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, opener);
	r.s.eflags |= EFLAGS_IF;
	rig_set(&r);
	r.ops->request_window(r.e, true);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_WINDOW);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE);
	rig_end(&r);
}

RIG_GUEST(popper, "push $0x202; out %al, $0x80; popf; nop; cli; hlt");

static void ask_for_window(struct rig *r, struct rig_access *a)
{
	r->ops->request_window(r->e, true);
	r->ops->kick(r->e);
}

static void window_asked_for_from_a_device_opens_behind_popf(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, popper);
	r.on_access = ask_for_window;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_WINDOW);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 8);
	rig_end(&r);
}

/* --- exceptions from outside ------------------------------------------------------------------ */

static void injected_exceptions_enter_their_handlers_as_faults(void)
{
	static const struct {
		uint8_t vector;
		bool has_error;
	} rows[] = {
		{ VEC_DE, false }, { VEC_BR, false }, { VEC_UD, false }, { VEC_NM, false },
		{ VEC_DF, true },  { VEC_TS, true },  { VEC_NP, true },	 { VEC_SS, true },
		{ VEC_GP, true },  { VEC_PF, true },  { VEC_MF, false }, { VEC_AC, true },
		{ VEC_MC, false }, { VEC_XM, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		uint32_t error = rows[n].vector == VEC_DF || rows[n].vector == VEC_AC ? 0 : 6;
		struct rig r;

		RIG_BEGIN(&r, "\x90\xf4");
		CU_ASSERT_EQUAL(r.ops->inject_exception(r.e, rows[n].vector, error, 0x12345678), 0);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), rows[n].vector);
		CU_ASSERT_EQUAL(r.s.gpr[X86_ESP], RIG_STACK - (rows[n].has_error ? 16 : 12));
		if (rows[n].has_error)
			CU_ASSERT_EQUAL(rig_stack(&r, 0), error);
		CU_ASSERT_EQUAL(rig_stack(&r, rows[n].has_error), RIG_CODE);
		CU_ASSERT_EQUAL(r.s.cr2, rows[n].vector == VEC_PF ? 0x12345678 : 0);
		rig_end(&r);
	}
}

static void no_exception_has_a_number_above_31(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\x90\xf4");
	CU_ASSERT_EQUAL(r.ops->inject_exception(r.e, 32, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 2);
	rig_end(&r);
}

static void exception_injected_after_a_port_access_comes_behind_it(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\xe5\x80\x90\xf4"); /* in $0x80, %eax; nop; hlt */
	r.on_access = ask_for_window;
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_KICKED);
	CU_ASSERT_EQUAL(r.ops->inject_exception(r.e, VEC_UD, 0, 0), 0);
	r.ops->request_window(r.e, false);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), VEC_UD);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), RIG_CODE + 2);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0xa1b2c3d4);
	rig_end(&r);
}

/* --- page faults ------------------------------------------------------------------------------ */

#define PF_HANDLER (RIG_HANDLERS + 16 * VEC_PF)
#define NOT_THERE 0x00923456u

/* Of what the engine counts under this name; 0 where it does not. */
static uint64_t cause(struct rig *r, const char *name)
{
	struct engine_stats stats;

	r->ops->stats(r->e, &stats);
	for (const struct engine_cause *c = stats.cause; c->name; c++)
		if (!strcmp(c->name, name))
			return c->count;
	return 0;
}

RIG_GUEST(reader, "mov 0x00923456, %ebx");
RIG_GUEST(soon, "push %eax; mov %cr2, %eax; hlt");
RIG_GUEST(late, ".fill 12, 1, 0x90; mov %cr2, %eax; hlt");
RIG_GUEST(porter, "out %al, $0x80; mov %cr2, %eax; hlt");
RIG_GUEST(stopper, "hlt; mov %cr2, %eax; hlt");

/* Exits for privileged instructions, where the engine tells. */
static uint64_t page_fault_to(const uint8_t *handler, const uint8_t *end, uint32_t eip)
{
	uint64_t exits;
	struct rig r;

	RIG_BEGIN_GUEST(&r, reader);
	rig_put(&r, PF_HANDLER, handler, (uint64_t)(end - handler));
	rig_paging_on(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(r.s.eip, eip);
	CU_ASSERT_EQUAL(r.s.cr2, NOT_THERE);
	CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], handler == stopper ? 0 : NOT_THERE);
	CU_ASSERT_EQUAL(r.accesses, handler == porter);
	exits = cause(&r, "privileged instruction");
	rig_end(&r);
	return exits;
}

#define PAGE_FAULT_TO(name, eip) page_fault_to(name, name##_end, PF_HANDLER + (eip))

/* However far an engine goes by itself before it lets the CPU have the handler. */
static void handler_of_page_faults_finds_cr2_soon_or_late(void)
{
	uint64_t at_once = PAGE_FAULT_TO(soon, 5), in_time = PAGE_FAULT_TO(late, 16);

	PAGE_FAULT_TO(porter, 6);
	PAGE_FAULT_TO(stopper, 1);
	/* a deprivileged guest: HLT is an exit; MOV from CR2 is none where it comes at once */
	if (rig_ring1()) {
		CU_ASSERT_EQUAL(at_once, 1);
		CU_ASSERT_EQUAL(in_time, 2);
	}
}

/* --- shutdown --------------------------------------------------------------------------------- */

RIG_GUEST(doomed, "mov $0x77, %ebx; out %al, $0x80; int3");

/* int3 without an IDT: #GP, #DF, shutdown (SDM vol. 3, 6.15, interrupt 8). */
static void triple_fault_is_a_shutdown(void)
{
	const struct x86_fault_log *log;
	struct rig r;

	RIG_BEGIN_GUEST(&r, doomed);
	r.s.idtr.limit = 0;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_SHUTDOWN);
	log = r.ops->faults(r.e);
	if (r.ops->state_caveat(r.e)) {
		/* then the state is one from before the end */
		CU_ASSERT_PTR_NULL(log);
		CU_ASSERT_TRUE(r.s.eip >= RIG_CODE && r.s.eip <= RIG_CODE + 7);
		CU_ASSERT_EQUAL(r.s.gpr[X86_ESP], RIG_STACK);
		CU_ASSERT_EQUAL(r.s.gdtr.base, RIG_GDT);
		CU_ASSERT_TRUE(r.s.cr0 & CR0_PE);
	} else {
		CU_ASSERT_PTR_NOT_NULL_FATAL(log);
		CU_ASSERT_EQUAL(log->record[(log->next - 2) % X86_FAULT_LOG].vector, VEC_DF);
		CU_ASSERT_EQUAL(r.s.eip, RIG_CODE + 7);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0x77);
	}
	/* and nothing runs after it */
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_SHUTDOWN);
	rig_end(&r);
}

static void state_set_after_a_shutdown_runs_again(void)
{
	struct rig r;

	RIG_BEGIN_GUEST(&r, doomed);
	r.s.idtr.limit = 0;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_SHUTDOWN);
	r.s.idtr.limit = 0x7ff;
	r.s.eip = RIG_CODE;
	rig_set(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_vector(&r), VEC_BP);
	CU_ASSERT_PTR_NULL(r.ops->state_caveat(r.e));
	rig_end(&r);
}

static void tables_outside_ram_fault_and_do_not_hang(void)
{
	struct rig r;

	RIG_BEGIN(&r, "\x90\xf4");
	r.s.cr3 = 0xfffff000;
	r.s.cr0 |= CR0_PG;
	rig_set(&r);
	rig_run(&r);
	/*
	 * With nested paging KVM turns what the CPU finds outside RAM into a #PF, whose delivery
	 * finds the same, and so on inside KVM_RUN; only deadlines come through.
	 */
	CU_ASSERT_TRUE(r.out.reason == ENGINE_EXIT_SHUTDOWN ||
		       (!rig_virtual_time() && r.out.reason == ENGINE_EXIT_DEADLINE));
	rig_end(&r);
}

static const struct unit_test tests[] = {
	UNIT_TEST(halt_wakes_by_an_interrupt),
	UNIT_TEST(idle_time_passes_to_the_deadline_and_no_further_back),
	UNIT_TEST(interrupt_is_refused_while_it_cannot_be_taken),
	UNIT_TEST(state_with_interrupts_on_is_ready_at_once),
	UNIT_TEST(state_that_is_halted_sleeps_and_wakes),
	UNIT_TEST(only_one_interrupt_is_taken_at_a_time),
	UNIT_TEST(interrupt_of_user_code_changes_to_the_stack_of_the_tss),
	UNIT_TEST(window_opens_one_instruction_after_sti),
	UNIT_TEST(run_that_ends_behind_sti_leaves_its_shadow),
	UNIT_TEST(window_waits_for_the_shadow_of_mov_ss),
	UNIT_TEST(window_is_open_at_once_where_nothing_is_in_the_way),
	UNIT_TEST(window_asked_for_from_a_device_opens_behind_popf),
	UNIT_TEST(injected_exceptions_enter_their_handlers_as_faults),
	UNIT_TEST(no_exception_has_a_number_above_31),
	UNIT_TEST(exception_injected_after_a_port_access_comes_behind_it),
	UNIT_TEST(handler_of_page_faults_finds_cr2_soon_or_late),
	UNIT_TEST(triple_fault_is_a_shutdown),
	UNIT_TEST(state_set_after_a_shutdown_runs_again),
	UNIT_TEST(tables_outside_ram_fault_and_do_not_hang),
	UNIT_END,
};

const struct unit_suite suite_engine_events = { "engine_events", tests };
