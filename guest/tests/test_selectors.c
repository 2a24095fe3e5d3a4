// SPDX-License-Identifier: MIT
/*
 * Asking about selectors: LAR, LSL, VERR, VERW, ARPL; and segments in an LDT.
 *
 * LAR, LSL, VERR and VERW never trap. A VMM that runs this kernel at ring 1 with a GDT of its own
 * (design, section 5) cannot answer them for the kernel's descriptors; there the rows of ring 0 do
 * nothing. Ring 3 sees the same answers everywhere.
 */
#include "kernel_code.h"
#include "selftest.h"
#include "slots.h"
#include "user_code.h"
#include "window.h"
#include <arch/processor.h>

#define BEYOND_GDT 0x1000
#define UNTOUCHED USER_UNTOUCHED

/* --- LAR, LSL, VERR, VERW --------------------------------------------------------------------- */

/* Result and ZF of one of the four. */
struct answer {
	u32 value; /* UNTOUCHED where there is none */
	bool zf;
};

static struct answer ask_lar(u32 selector)
{
	struct answer a = { .value = UNTOUCHED };

	asm("lar %2, %0; setz %1" : "+r"(a.value), "=q"(a.zf) : "r"(selector) : "cc");
	return a;
}

static struct answer ask_lsl(u32 selector)
{
	struct answer a = { .value = UNTOUCHED };

	asm("lsl %2, %0; setz %1" : "+r"(a.value), "=q"(a.zf) : "r"(selector) : "cc");
	return a;
}

static struct answer ask_verr(u32 selector)
{
	struct answer a = { .value = UNTOUCHED };

	asm("verr %w1; setz %0" : "=q"(a.zf) : "r"(selector) : "cc");
	return a;
}

static struct answer ask_verw(u32 selector)
{
	struct answer a = { .value = UNTOUCHED };

	asm("verw %w1; setz %0" : "=q"(a.zf) : "r"(selector) : "cc");
	return a;
}

struct ask_case {
	struct answer (*ask)(u32 selector);
	struct desc_struct slot;
	u32 selector;
	bool zf;
	u32 value; /* compared if ZF is set; 0: there is none */
};

/* Bits 19:16 of what LAR gives are undefined. */
#define LAR_DEFINED 0x00f0ff00

static void ask(struct selftest_result *r, const void *arg)
{
	const struct ask_case *c = arg;
	struct answer a;

	if (read_cpl())
		return;
	slot_set(SLOT, c->slot);
	a = c->ask(c->selector);
	slots_clear();
	EXPECT_EQ(r, a.zf, c->zf);
	if (!c->zf)
		EXPECT_EQ(r, a.value, UNTOUCHED);
	else if (c->ask == ask_lar)
		EXPECT_EQ(r, a.value & LAR_DEFINED, c->value);
	else if (c->value)
		EXPECT_EQ(r, a.value, c->value);
}

struct user_ask {
	const char *routine;
	u32 selector;
	bool zf;
	u32 value; /* as above */
};

static void ask_at_ring3(struct selftest_result *r, const void *arg)
{
	const struct user_ask *c = arg;
	struct trapped t;
	u32 value;

	window_open();
	t = window_run_user(c->routine, c->selector, 0);
	window_close();
	value = c->routine == user_lar && c->zf ? t.regs.bx & LAR_DEFINED : t.regs.bx;
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.cx & 0xff, c->zf);
	EXPECT_EQ(r, value, c->value);
}

/* --- ARPL ------------------------------------------------------------------------------------- */

static void arpl(struct selftest_result *r, const void *arg)
{
	(void)arg;
	for (u32 have = 0; have <= 3; have++) {
		for (u32 least = 0; least <= 3; least++) {
			u16 selector = (u16)(SLOT | have);
			bool raised;

			asm("arpl %w2, %w0; setz %1"
			    : "+r"(selector), "=q"(raised)
			    : "r"(least)
			    : "cc");
			EXPECT_EQ(r, raised, have < least);
			EXPECT_EQ(r, selector, SLOT | (have < least ? least : have));
		}
	}
}

/* --- the LDT ---------------------------------------------------------------------------------- */

#define LDT_ENTRIES 3
#define LDT_DATA (1 * 8 | SELECTOR_TI)
#define LDT_CODE (2 * 8 | SELECTOR_TI)
#define LDT_BEYOND (LDT_ENTRIES * 8 | SELECTOR_TI)

static struct desc_struct ldt[LDT_ENTRIES + 1];
static const u32 ldt_word = 0x600df00d;

static void load_ldt(u32 selector)
{
	asm volatile("lldt %w0" : : "r"(selector) : "memory");
}

static void ldt_open(void)
{
	ldt[LDT_DATA / 8] = segment_at((u32)&ldt_word - 16, DATA_DPL3);
	ldt[LDT_CODE / 8] = segment_at((u32)kernel_far_procedure, CODE_DPL0);
	ldt[LDT_BEYOND / 8] = ldt[LDT_DATA / 8];
	slot_set(SLOT, pack_descriptor((u32)ldt, LDT_ENTRIES * 8 - 1, LDT_SEGMENT, 0));
	load_ldt(SLOT);
}

static void ldt_close(void)
{
	load_ldt(0);
	slots_clear();
}

static void load_fs(u32 selector)
{
	asm volatile("movl %0, %%fs" : : "r"(selector) : "memory");
}

static void ldt_data(struct selftest_result *r, const void *arg)
{
	u32 seen = 0;
	struct trapped t;

	(void)arg;
	ldt_open();
	t = probe_kernel(load_fs, LDT_DATA | 3);
	EXPECT_EQ(r, t.vector, NO_TRAP);
	if (t.vector == NO_TRAP)
		asm volatile("movl %1, %%fs\n\t"
			     "movl %%fs:16, %0\n\t"
			     "movl %2, %%fs"
			     : "=&r"(seen)
			     : "r"(LDT_DATA | 3), "r"(0)
			     : "memory");
	EXPECT_EQ(r, seen, ldt_word);
	t = probe_kernel(load_fs, LDT_BEYOND | 3);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.error_code, LDT_BEYOND);
	ldt_close();
	t = probe_kernel(load_fs, LDT_DATA | 3);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.error_code, LDT_DATA);
}

static void ldt_code(struct selftest_result *r, const void *arg)
{
	u32 cs;

	(void)arg;
	ldt_open();
	cs = call_far(LDT_CODE, 0);
	ldt_close();
	EXPECT_EQ(r, cs & 0xfffc, LDT_CODE);
}

static void ldt_at_ring3(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	ldt_open();
	window_open();
	t = window_run_user(user_load_ds, LDT_DATA | 3, 0);
	EXPECT_EQ(r, t.vector, SYSCALL_VECTOR);
	EXPECT_EQ(r, t.regs.ds & 0xffff, LDT_DATA | 3);
	t = window_run_user(user_load_ds, LDT_CODE | 3, 0);
	EXPECT_EQ(r, t.vector, TRAP_GP);
	EXPECT_EQ(r, t.error_code, LDT_CODE);
	window_close();
	ldt_close();
}

#define ASK(...)                                                                                   \
	ask, &(const struct ask_case)                                                              \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define ASK_USER(...)                                                                              \
	ask_at_ring3, &(const struct user_ask)                                                     \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
/* Descriptors with these access bytes: a flat segment; 0x1235 bytes at 0; a system descriptor. */
#define FLAT(access)                                                                               \
	{                                                                                          \
		.a = 0xffff, .b = 0x00cf0000 | (access) << 8                                       \
	}
#define SMALL(access)                                                                              \
	{                                                                                          \
		.a = 0x1234, .b = 0x00400000 | (access) << 8                                       \
	}
#define SYSTEM(type)                                                                               \
	{                                                                                          \
		.a = 0x1234, .b = (DESC_PRESENT | (type)) << 8                                     \
	}
#define NONE                                                                                       \
	{                                                                                          \
		0, 0                                                                               \
	}
#define FLAT_LAR(access) (0x00c00000 | (access) << 8)
#define YES true
#define NO false

const struct selftest selector_tests[] = {
	{ "lar_gives_the_access_rights",
	  ASK(ask_lar, FLAT(DATA_DPL0), SLOT, YES, FLAT_LAR(DATA_DPL0)) },
	{ "lar_does_not_ask_for_presence",
	  ASK(ask_lar, FLAT(ABSENT(DATA_DPL0)), SLOT, YES, FLAT_LAR(ABSENT(DATA_DPL0))) },
	{ "lar_of_null_clears_zf", ASK(ask_lar, NONE, 3, NO, 0) },
	{ "lar_beyond_the_gdt_clears_zf", ASK(ask_lar, NONE, BEYOND_GDT, NO, 0) },
	{ "lar_with_rpl_above_dpl_clears_zf", ASK(ask_lar, FLAT(DATA_DPL0), SLOT | 3, NO, 0) },
	{ "lar_of_conforming_code_ignores_rpl",
	  ASK(ask_lar, FLAT(CONFORMING_DPL0), SLOT | 3, YES, FLAT_LAR(CONFORMING_DPL0)) },
	{ "lar_of_a_tss_works", ASK(ask_lar, SYSTEM(0x9), SLOT, YES, (DESC_PRESENT | 0x9) << 8) },
	{ "lar_of_an_ldt_works", ASK(ask_lar, SYSTEM(0x2), SLOT, YES, LDT_SEGMENT << 8) },
	{ "lar_of_a_call_gate_works",
	  ASK(ask_lar, SYSTEM(GATE_CALL), SLOT, YES, (DESC_PRESENT | GATE_CALL) << 8) },
	{ "lar_of_an_interrupt_gate_clears_zf", ASK(ask_lar, SYSTEM(GATE_INTERRUPT), SLOT, NO, 0) },
	{ "lar_of_a_reserved_type_clears_zf", ASK(ask_lar, SYSTEM(0x8), SLOT, NO, 0) },
	{ "lsl_gives_a_limit_in_bytes", ASK(ask_lsl, SMALL(DATA_DPL0), SLOT, YES, 0x1234) },
	{ "lsl_scales_a_limit_in_pages", ASK(ask_lsl, FLAT(DATA_DPL0), SLOT, YES, 0xffffffff) },
	{ "lsl_of_a_tss_works", ASK(ask_lsl, SYSTEM(0xb), SLOT, YES, 0x1234) },
	{ "lsl_of_a_call_gate_clears_zf", ASK(ask_lsl, SYSTEM(GATE_CALL), SLOT, NO, 0) },
	{ "lsl_with_rpl_above_dpl_clears_zf", ASK(ask_lsl, FLAT(CODE_DPL0), SLOT | 3, NO, 0) },
	{ "verr_of_data_sets_zf", ASK(ask_verr, FLAT(DATA_RO_DPL0), SLOT, YES, 0) },
	{ "verr_of_execute_only_code_clears_zf",
	  ASK(ask_verr, FLAT(CODE_EXECUTE_ONLY_DPL0), SLOT, NO, 0) },
	{ "verr_of_conforming_code_ignores_rpl",
	  ASK(ask_verr, FLAT(CONFORMING_DPL0), SLOT | 3, YES, 0) },
	{ "verr_of_a_system_descriptor_clears_zf", ASK(ask_verr, SYSTEM(0x9), SLOT, NO, 0) },
	{ "verw_of_writable_data_sets_zf", ASK(ask_verw, FLAT(DATA_DPL0), SLOT, YES, 0) },
	{ "verw_of_readonly_data_clears_zf", ASK(ask_verw, FLAT(DATA_RO_DPL0), SLOT, NO, 0) },
	{ "verw_of_code_clears_zf", ASK(ask_verw, FLAT(CODE_DPL0), SLOT, NO, 0) },
	{ "verw_with_rpl_above_dpl_clears_zf", ASK(ask_verw, FLAT(DATA_DPL0), SLOT | 3, NO, 0) },
	{ "lar_at_ring3_sees_user_data", ASK_USER(user_lar, __USER_DS, YES, FLAT_LAR(DATA_DPL3)) },
	{ "lar_at_ring3_sees_no_kernel_data", ASK_USER(user_lar, __KERNEL_DS, NO, UNTOUCHED) },
	{ "lsl_at_ring3_sees_user_code", ASK_USER(user_lsl, __USER_CS, YES, 0xffffffff) },
	{ "lsl_at_ring3_sees_no_kernel_code", ASK_USER(user_lsl, __KERNEL_CS, NO, UNTOUCHED) },
	{ "verr_at_ring3_sees_user_code", ASK_USER(user_verr, __USER_CS, YES, 0) },
	{ "verr_at_ring3_sees_no_kernel_data", ASK_USER(user_verr, __KERNEL_DS, NO, 0) },
	{ "verw_at_ring3_sees_user_data", ASK_USER(user_verw, __USER_DS, YES, 0) },
	{ "verw_at_ring3_sees_no_user_code", ASK_USER(user_verw, __USER_CS, NO, 0) },
	{ "arpl_raises_rpl_to_the_callers_and_tells", arpl, NULL },
	{ "ldt_segment_is_used_while_the_ldt_is_loaded", ldt_data, NULL },
	{ "ldt_code_runs_with_its_base", ldt_code, NULL },
	{ "ldt_segments_are_checked_at_ring3", ldt_at_ring3, NULL },
	{ NULL, NULL, NULL },
};
