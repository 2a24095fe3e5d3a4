// SPDX-License-Identifier: MIT
/*
 * Changes of privilege: call gates, far calls and returns, IRET, conforming code, gates of 16 bits,
 * and what comes of a bad stack in the TSS.
 *
 * SLOT holds the gate, SLOT2 the code it leads to, SLOT3 a stack. Rings 1 and 2 are never entered:
 * a gate to ring 1 only makes the CPU look for that ring's stack.
 *
 * Left out, as QEMU 7.2 differs from the manual there: an absent code segment behind a JMP to a
 * gate (#GP there, #NP in the manual), an absent stack in the TSS (#TS, #SS) and an absent SS at
 * IRET or RET (#NP, #SS), a call gate to conforming code (it changes the level), and segment
 * limits.
 */
#include "kernel_code.h"
#include "selftest.h"
#include "slots.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>
#include <lib/string.h>

#define STACK_TOP (USER_STACK_PAGE + PAGE_SIZE)
#define BEYOND_GDT 0x1000
#define GATE_PRESENT (DESC_PRESENT << 8)
#define PARAMS 2

static struct desc_struct call_gate(const char *handler, u16 selector, u8 type, u8 dpl)
{
	struct desc_struct gate = pack_gate((u32)handler, selector, type, dpl);

	gate.b |= PARAMS;
	return gate;
}

static void begin(void)
{
	memset(&gate_frame, 0, sizeof(gate_frame));
	gate_count = 0;
	window_open();
}

static void end(void)
{
	window_close();
	slots_clear();
}

/* --- calls through a gate --------------------------------------------------------------------- */

static void gate_from_ring3(struct selftest_result *r, const void *arg)
{
	const u32 *frame = gate_frame.dword;
	struct trapped t;

	(void)arg;
	begin();
	slot_set(SLOT, call_gate(gate_lret8, __KERNEL_CS, GATE_CALL, 3));
	t = window_run_user(user_call_far, 0, SLOT | 3);
	end();
	EXPECT_EQ(r, gate_count, 1);
	EXPECT_EQ(r, gate_cs & 3, read_cpl());
	EXPECT_EQ(r, gate_flags & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT_EQ(r, frame[0], window_user_address(user_call_far_return));
	EXPECT_EQ(r, frame[1] & 0xffff, __USER_CS);
	EXPECT_EQ(r, frame[2], USER_PARAM0);
	EXPECT_EQ(r, frame[3], USER_PARAM1);
	EXPECT_EQ(r, frame[4], STACK_TOP - USER_CALL_FAR_STACK);
	EXPECT_EQ(r, frame[5] & 0xffff, __USER_DS);
	/* and back: RET 8 takes the parameters from both stacks */
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.cs & 0xffff, __USER_CS);
	EXPECT_EQ(r, t.regs.bx, STACK_TOP - USER_CALL_FAR_STACK + 4 * PARAMS);
	EXPECT_EQ(r, t.regs.cx & 0xffff, __USER_DS);
}

/* Words of 16 bits; the offset, too, so that the code segment begins at the handler. */
static void gate16_from_ring3(struct selftest_result *r, const void *arg)
{
	const u16 *frame = gate_frame.word;

	(void)arg;
	begin();
	slot_set(SLOT2, segment_at((u32)gate_unwind, CODE_DPL0));
	slot_set(SLOT, call_gate(NULL, SLOT2, GATE_CALL16, 3));
	window_run_user(user_call_far, 0, SLOT | 3);
	end();
	EXPECT_EQ(r, gate_count, 1);
	EXPECT_EQ(r, gate_cs & 3, read_cpl());
	EXPECT_EQ(r, frame[0], window_user_address(user_call_far_return) & 0xffff);
	EXPECT_EQ(r, frame[1], __USER_CS);
	EXPECT_EQ(r, frame[2], USER_PARAM0 & 0xffff);
	EXPECT_EQ(r, frame[3], USER_PARAM0 >> 16);
	EXPECT_EQ(r, frame[4], (STACK_TOP - USER_CALL_FAR_STACK) & 0xffff);
	EXPECT_EQ(r, frame[5], __USER_DS);
}

static void run_call_far(u32 selector)
{
	call_far(selector, 0xffffffff); /* the gate has the offset */
}

/* No change of level: no other stack, no parameters. */
static void gate_from_kernel(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	slot_set(SLOT, call_gate(kernel_far_procedure, __KERNEL_CS, GATE_CALL, 0));
	t = probe_kernel(run_call_far, SLOT);
	EXPECT_EQ(r, t.vector, NO_TRAP);
	slot_set(SLOT, call_gate(gate_unwind, __KERNEL_CS, GATE_CALL, 0));
	probe_kernel(jump_far, SLOT);
	end();
	EXPECT_EQ(r, gate_count, 1);
}

struct gate_case {
	bool user;
	bool jump;
	struct desc_struct gate;
	u8 code; /* access byte of SLOT2 */
	u8 rpl;
	u32 vector, error_code;
};

static void gate_refused(struct selftest_result *r, const void *arg)
{
	const struct gate_case *c = arg;
	struct trapped t;

	begin();
	slot_set(SLOT, c->gate);
	slot_set_flat(SLOT2, c->code);
	if (c->user)
		t = window_run_user(c->jump ? user_jump_far : user_call_far, 0, SLOT | c->rpl);
	else
		t = probe_kernel(c->jump ? jump_far : run_call_far, SLOT | c->rpl);
	end();
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code, c->error_code);
	EXPECT_EQ(r, user_mode(&t.regs), c->user);
	EXPECT_EQ(r, gate_count, 0);
}

/* --- the stack of the inner level ------------------------------------------------------------- */

struct stack_case {
	u16 ss1;
	u8 stack; /* access byte of SLOT3 */
	u32 error_code;
};

/* A call and an INT to ring 1, which has this stack. */
static void bad_inner_stack(struct selftest_result *r, const void *arg)
{
	const struct stack_case *c = arg;
	struct trapped call, interrupt;

	begin();
	init_tss.ss1 = c->ss1;
	init_tss.sp1 = STACK_TOP;
	slot_set_flat(SLOT3, c->stack);
	slot_set_flat(SLOT2, CODE_DPL1);
	slot_set(SLOT, call_gate(gate_unwind, SLOT2, GATE_CALL, 3));
	idt_table[USER_INT_GATE] = pack_gate((u32)gate_unwind, SLOT2, GATE_INTERRUPT, 3);
	call = window_run_user(user_call_far, 0, SLOT | 3);
	interrupt = window_run_user(user_int_gate, 0, 0);
	idt_table[USER_INT_GATE] = (struct desc_struct){ 0, 0 };
	init_tss.ss1 = 0;
	init_tss.sp1 = 0;
	end();
	EXPECT_EQ(r, call.vector, TRAP_TS);
	EXPECT_EQ(r, call.error_code, c->error_code);
	EXPECT_EQ(r, call.regs.sp, STACK_TOP - USER_CALL_FAR_STACK);
	EXPECT_EQ(r, interrupt.vector, TRAP_TS);
	EXPECT_EQ(r, interrupt.error_code, c->error_code);
	EXPECT_EQ(r, interrupt.regs.ip, window_user_address(user_int_gate));
	EXPECT_EQ(r, gate_count, 0);
}

static void load_tss(u32 limit)
{
	gdt_table[GDT_ENTRY_TSS] = pack_descriptor((u32)&init_tss, limit, TSS_AVAILABLE, 0);
	asm volatile("ltr %w0" : : "r"(__TSS_SEL) : "memory");
}

/* A TSS that ends behind ss0:esp0. */
static void inner_stack_beyond_the_tss(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	slot_set_flat(SLOT2, CODE_DPL1);
	slot_set(SLOT, call_gate(gate_unwind, SLOT2, GATE_CALL, 3));
	load_tss(offsetof(struct tss_struct, sp1) - 1);
	t = window_run_user(user_call_far, 0, SLOT | 3);
	load_tss(sizeof(init_tss) - 1);
	end();
	EXPECT_EQ(r, t.vector, TRAP_TS);
	EXPECT_EQ(r, t.error_code, __TSS_SEL);
}

/* --- conforming code -------------------------------------------------------------------------- */

/* Code of ring 0 that ring 3 may call, at ring 3. */
static void conforming_keeps_cpl(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	slot_set_flat(SLOT, CONFORMING_DPL0);
	t = window_run_user(user_call_far, window_user_address(user_far_procedure), SLOT);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.si & 0xffff, SLOT | 3);
	EXPECT_EQ(r, t.regs.cs & 0xffff, __USER_CS);
	t = window_run_user(user_jump_far, window_user_address(user_cli), SLOT);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.regs.cs & 0xffff, SLOT | 3);
	end();
	EXPECT_EQ(r, call_far(__KERNEL_CS, (u32)kernel_far_procedure) & 0xfffc, __KERNEL_CS);
}

struct user_case {
	const char *routine, *target; /* target: address in EAX */
	u16 selector;		      /* in EDX */
	u8 slot;		      /* access byte of SLOT */
	u32 vector, error_code;
};

static void far_at_ring3(struct selftest_result *r, const void *arg)
{
	const struct user_case *c = arg;
	struct trapped t;

	begin();
	slot_set_flat(SLOT, c->slot);
	t = window_run_user(c->routine, window_user_address(c->target), c->selector);
	end();
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code, c->error_code);
	EXPECT_EQ(r, t.regs.cs & 3, 3);
}

static void load_ds_at_ring3(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	slot_set_flat(SLOT, CONFORMING_DPL0);
	t = window_run_user(user_load_ds, SLOT, 0);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	slot_set_flat(SLOT, CODE_DPL0);
	t = window_run_user(user_load_ds, SLOT, 0);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.error_code, SLOT);
	end();
}

/* --- IRET and far RET to ring 3 --------------------------------------------------------------- */

static struct trapped return_outward(u32 by, u32 cs, u32 ss, u32 ds, const char *routine)
{
	const struct user_state state = {
		.ip = window_user_address(routine),
		.sp = STACK_TOP - PROBE_LRET_BYTES,
		.cs = cs,
		.ss = ss,
		.ds = ds,
		.by = by,
	};

	return probe_user(&state);
}

struct return_case {
	u16 cs, ss; /* 0: the usual ones */
	u8 slot;    /* access byte of SLOT */
	u32 vector, error_code;
};

/* Refused at the instruction, at the inner level, by IRET as by far RET. */
static void return_refused(struct selftest_result *r, const void *arg)
{
	const struct return_case *c = arg;

	begin();
	slot_set_flat(SLOT, c->slot);
	for (u32 by = BY_IRET; by <= BY_LRET; by++) {
		struct trapped t = return_outward(by, c->cs, c->ss, 0, user_exit);

		EXPECT_EQ(r, t.vector, c->vector);
		EXPECT_EQ(r, t.error_code, c->error_code);
		EXPECT_EQ(r, t.regs.ip, (u32)(by == BY_IRET ? probe_iret_insn : probe_lret_insn));
		EXPECT_EQ(r, t.regs.cs & 3, read_cpl());
	}
	end();
}

static void lret_to_ring3(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	t = return_outward(BY_LRET, 0, 0, 0, user_exit);
	end();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.cs & 0xffff, __USER_CS);
	EXPECT_EQ(r, t.regs.ss & 0xffff, __USER_DS);
	EXPECT_EQ(r, t.regs.sp, STACK_TOP); /* released there, too */
}

/* What ring 3 could not load does not stay in DS; conforming code does. */
static void return_nulls_segments(struct selftest_result *r, const void *arg)
{
	(void)arg;
	begin();
	for (u32 by = BY_IRET; by <= BY_LRET; by++) {
		struct trapped t = return_outward(by, 0, 0, __KERNEL_DS, user_see_segments);

		EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
		EXPECT_EQ(r, t.regs.bx & 0xffff, 0);
		EXPECT_EQ(r, t.regs.cx & 0xffff, __USER_DS);
		slot_set_flat(SLOT, CONFORMING_DPL0);
		t = return_outward(by, 0, 0, SLOT, user_see_segments);
		EXPECT_EQ(r, t.regs.bx & 0xffff, SLOT);
	}
	end();
}

/* IRET at ring 3 to ring 3, with an image that has IF clear. */
static void iret_at_ring3(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	t = window_run_user(user_iret, window_user_address(user_see_flags), __USER_CS);
	end();
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.bx & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT_EQ(r, t.regs.sp, STACK_TOP);
}

/* --- interrupt and trap gates ----------------------------------------------------------------- */

/*
 * Through a gate of 16 bits and back by an IRET of 16 bits, in a segment that begins at the code.
 */
static void gate16_int(struct selftest_result *r, const void *arg)
{
	u32 wanted_if = *(const u8 *)arg == GATE_TRAP16 ? X86_EFLAGS_IF : 0, cs;
	const u16 *frame = gate_frame.word;

	begin();
	slot_set(SLOT2, segment_at((u32)gate_iret16, CODE_DPL0));
	idt_table[KERNEL_INT_GATE] = pack_gate(0, SLOT2, *(const u8 *)arg, 0);
	cs = call_far(SLOT2, (u32)(kernel_int - gate_iret16));
	idt_table[KERNEL_INT_GATE] = (struct desc_struct){ 0, 0 };
	end();
	EXPECT_EQ(r, gate_count, 1);
	EXPECT_EQ(r, gate_flags & X86_EFLAGS_IF, wanted_if);
	EXPECT_EQ(r, frame[0], (u32)(kernel_int_return - gate_iret16));
	EXPECT_EQ(r, frame[1] & 0xfffc, SLOT2);
	EXPECT_EQ(r, frame[2] & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT_EQ(r, cs & 0xfffc, SLOT2);
}

static void gate16_int_from_ring3(struct selftest_result *r, const void *arg)
{
	const u16 *frame = gate_frame.word;

	(void)arg;
	begin();
	slot_set(SLOT2, segment_at((u32)gate_unwind, CODE_DPL0));
	idt_table[USER_INT_GATE] = pack_gate(0, SLOT2, GATE_INTERRUPT16, 3);
	window_run_user(user_int_gate, 0, 0);
	idt_table[USER_INT_GATE] = (struct desc_struct){ 0, 0 };
	end();
	EXPECT_EQ(r, gate_count, 1);
	EXPECT_EQ(r, frame[0], window_user_address(user_int_gate_return) & 0xffff);
	EXPECT_EQ(r, frame[1], __USER_CS);
	EXPECT_EQ(r, frame[2] & X86_EFLAGS_IF, X86_EFLAGS_IF);
	EXPECT_EQ(r, frame[3], STACK_TOP & 0xffff);
	EXPECT_EQ(r, frame[4], __USER_DS);
}

static void int_0x80_is_a_trap_gate(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	begin();
	t = window_run_user(user_exit, 0, 0);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.flags & X86_EFLAGS_IF, X86_EFLAGS_IF);
	t = window_run_user(user_cli, 0, 0);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.flags & X86_EFLAGS_IF, 0);
	end();
}

#define REFUSED(...)                                                                               \
	gate_refused, &(const struct gate_case)                                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define STACK(...)                                                                                 \
	bad_inner_stack, &(const struct stack_case)                                                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define FAR_USER(...)                                                                              \
	far_at_ring3, &(const struct user_case)                                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define RETURN(...)                                                                                \
	return_refused, &(const struct return_case)                                                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define TYPE(type)                                                                                 \
	&(const u8)                                                                                \
	{                                                                                          \
		type                                                                               \
	}
/* A gate whose offset nobody comes to use. */
#define GATE(selector, dpl)                                                                        \
	{                                                                                          \
		.a = (u32)(selector) << 16, .b = (DESC_PRESENT | DESC_DPL(dpl) | GATE_CALL) << 8   \
	}
#define GATE_ABSENT(selector, dpl)                                                                 \
	{                                                                                          \
		.a = (u32)(selector) << 16, .b = (DESC_DPL(dpl) | GATE_CALL) << 8                  \
	}
#define USER true
#define KERNEL false
#define CALL false
#define JUMP true

const struct selftest gate_tests[] = {
	{ "call_gate_from_ring3_switches_stacks_and_copies_parameters", gate_from_ring3, NULL },
	{ "call_gate_of_16_bits_pushes_words", gate16_from_ring3, NULL },
	{ "call_gate_to_the_same_level_keeps_the_stack", gate_from_kernel, NULL },
	{ "gp_by_call_gate_with_dpl_below_cpl",
	  REFUSED(USER, CALL, GATE(__KERNEL_CS, 0), EMPTY, 0, TRAP_GP, SLOT) },
	{ "gp_by_call_gate_with_dpl_below_rpl",
	  REFUSED(KERNEL, CALL, GATE(__KERNEL_CS, 0), EMPTY, 3, TRAP_GP, SLOT) },
	{ "np_by_absent_call_gate",
	  REFUSED(USER, CALL, GATE_ABSENT(__KERNEL_CS, 3), EMPTY, 3, TRAP_NP, SLOT) },
	{ "gp_by_call_gate_to_null", REFUSED(USER, CALL, GATE(0, 3), EMPTY, 3, TRAP_GP, 0) },
	{ "gp_by_call_gate_beyond_the_gdt",
	  REFUSED(USER, CALL, GATE(BEYOND_GDT, 3), EMPTY, 3, TRAP_GP, BEYOND_GDT) },
	{ "gp_by_call_gate_to_data",
	  REFUSED(USER, CALL, GATE(__KERNEL_DS, 3), EMPTY, 3, TRAP_GP, __KERNEL_DS) },
	{ "gp_by_call_gate_to_less_privileged_code",
	  REFUSED(KERNEL, CALL, GATE(SLOT2, 0), CODE_DPL3, 0, TRAP_GP, SLOT2) },
	{ "np_by_call_gate_to_absent_code",
	  REFUSED(USER, CALL, GATE(SLOT2, 3), ABSENT(CODE_DPL0), 3, TRAP_NP, SLOT2) },
	{ "gp_by_jump_through_a_gate_to_an_inner_level",
	  REFUSED(USER, JUMP, GATE(__KERNEL_CS, 3), EMPTY, 3, TRAP_GP, __KERNEL_CS) },
	{ "gp_by_jump_through_a_gate_with_dpl_below_cpl",
	  REFUSED(USER, JUMP, GATE(__KERNEL_CS, 0), EMPTY, 3, TRAP_GP, SLOT) },
	{ "ts_by_null_stack_of_the_inner_level", STACK(0, EMPTY, 0) },
	{ "ts_by_inner_stack_beyond_the_gdt", STACK(BEYOND_GDT | 1, EMPTY, BEYOND_GDT) },
	{ "ts_by_inner_stack_with_another_rpl", STACK(SLOT3, DATA_DPL1, SLOT3) },
	{ "ts_by_inner_stack_with_another_dpl", STACK(SLOT3 | 1, DATA_DPL0, SLOT3) },
	{ "ts_by_readonly_inner_stack", STACK(SLOT3 | 1, DATA_RO_DPL1, SLOT3) },
	{ "ts_by_code_as_inner_stack", STACK(SLOT3 | 1, CODE_DPL1, SLOT3) },
	{ "ts_by_inner_stack_beyond_the_tss", inner_stack_beyond_the_tss, NULL },
	{ "conforming_code_runs_at_the_callers_level", conforming_keeps_cpl, NULL },
	{ "conforming_code_may_be_read_at_any_level", load_ds_at_ring3, NULL },
	{ "gp_by_far_call_to_kernel_code_at_ring3",
	  FAR_USER(user_call_far, user_exit, __KERNEL_CS, EMPTY, TRAP_GP, __KERNEL_CS) },
	{ "gp_by_far_jump_to_kernel_code_at_ring3",
	  FAR_USER(user_jump_far, user_exit, __KERNEL_CS | 3, EMPTY, TRAP_GP, __KERNEL_CS) },
	{ "np_by_far_jump_to_absent_conforming_code_at_ring3",
	  FAR_USER(user_jump_far, user_exit, SLOT, ABSENT(CONFORMING_DPL0), TRAP_NP, SLOT) },
	{ "gp_by_far_ret_to_an_inner_level",
	  FAR_USER(user_lret, user_exit, __KERNEL_CS, EMPTY, TRAP_GP, __KERNEL_CS) },
	{ "gp_by_iret_to_an_inner_level",
	  FAR_USER(user_iret, user_exit, __KERNEL_CS, EMPTY, TRAP_GP, __KERNEL_CS) },
	{ "far_ret_at_ring3_stays_there",
	  FAR_USER(user_lret, user_exit, __USER_CS, EMPTY, SYSCALL_VECTOR, 0) },
	{ "iret_at_ring3_leaves_the_interrupt_flag", iret_at_ring3, NULL },
	{ "far_ret_to_ring3_releases_parameters_of_both_stacks", lret_to_ring3, NULL },
	{ "return_to_ring3_nulls_data_segments_of_the_kernel", return_nulls_segments, NULL },
	{ "gp_by_return_to_code_with_another_dpl",
	  RETURN(__KERNEL_CS | 3, 0, EMPTY, TRAP_GP, __KERNEL_CS) },
	{ "gp_by_return_to_user_code_with_the_kernels_rpl",
	  RETURN(__USER_CS & ~3, 0, EMPTY, TRAP_GP, __USER_CS & ~3) },
	{ "gp_by_return_to_conforming_code_of_less_privilege",
	  RETURN(SLOT, 0, CONFORMING_DPL3, TRAP_GP, SLOT) },
	{ "np_by_return_to_absent_user_code",
	  RETURN(SLOT | 3, 0, ABSENT(CODE_DPL3), TRAP_NP, SLOT) },
	{ "gp_by_return_with_null_stack", RETURN(0, 3, EMPTY, TRAP_GP, 0) },
	{ "gp_by_return_with_kernel_stack_segment",
	  RETURN(0, __KERNEL_DS, EMPTY, TRAP_GP, __KERNEL_DS) },
	{ "gp_by_return_with_stack_of_another_rpl",
	  RETURN(0, __USER_DS & ~3, EMPTY, TRAP_GP, __USER_DS & ~3) },
	{ "gp_by_return_with_stack_of_another_dpl",
	  RETURN(0, __KERNEL_DS | 3, EMPTY, TRAP_GP, __KERNEL_DS) },
	{ "gp_by_return_with_readonly_stack", RETURN(0, SLOT | 3, DATA_RO_DPL3, TRAP_GP, SLOT) },
	{ "interrupt_gate_of_16_bits_pushes_words_and_clears_if", gate16_int,
	  TYPE(GATE_INTERRUPT16) },
	{ "trap_gate_of_16_bits_keeps_if", gate16_int, TYPE(GATE_TRAP16) },
	{ "interrupt_gate_of_16_bits_switches_stacks", gate16_int_from_ring3, NULL },
	{ "trap_gate_of_int_0x80_keeps_if_where_an_interrupt_gate_clears_it",
	  int_0x80_is_a_trap_gate, NULL },
	{ NULL, NULL, NULL },
};
