// SPDX-License-Identifier: MIT
/*
 * Segment loads: which selector is refused, by which exception, and the error code that names it.
 *
 * The descriptor under test sits in SLOT. Limits and access rights at the time of use are not
 * tested here: QEMU, the machine these tests are also proven on, does not check them; nor does it
 * refuse LTR of a null selector.
 */
#include "probe.h"
#include "selftest.h"
#include "slots.h"
#include <arch/desc.h>
#include <arch/processor.h>
#include <arch/segment.h>

struct segment_case {
	void (*run)(u32 selector);
	u8 slot_access;
	u16 selector;
	u32 vector, error_code;
};

static void load_es(u32 selector)
{
	asm volatile("movl %0, %%es\n\t"
		     "movl %1, %%es"
		     :
		     : "r"(selector), "r"(__USER_DS)
		     : "memory");
}

static void load_fs(u32 selector)
{
	asm volatile("movl %0, %%fs\n\t"
		     "movl %1, %%fs"
		     :
		     : "r"(selector), "r"(0)
		     : "memory");
}

static void load_ss(u32 selector)
{
	u32 ss;

	asm volatile("movl %%ss, %0\n\t"
		     "movl %1, %%ss\n\t"
		     "movl %0, %%ss"
		     : "=&r"(ss)
		     : "r"(selector)
		     : "memory");
}

static void far_jump(u32 selector)
{
	asm volatile("pushl %0\n\t"
		     "pushl $1f\n\t"
		     "ljmp *(%%esp)\n"
		     "1:\taddl $8, %%esp"
		     :
		     : "r"(selector)
		     : "memory", "cc");
}

static void iret_to(u32 selector)
{
	asm volatile("pushfl\n\t"
		     "pushl %0\n\t"
		     "pushl $1f\n\t"
		     "iret\n"
		     "1:"
		     :
		     : "r"(selector)
		     : "memory", "cc");
}

static void load_ldt(u32 selector)
{
	asm volatile("lldt %w0\n\t"
		     "lldt %w1"
		     :
		     : "r"(selector), "r"(0)
		     : "memory");
}

static void load_task_register(u32 selector)
{
	asm volatile("ltr %w0" : : "r"(selector) : "memory");
}

static void segment_load(struct selftest_result *r, const void *arg)
{
	const struct segment_case *c = arg;
	struct trapped t;

	slot_set_flat(SLOT, c->slot_access);
	t = probe_kernel(c->run, c->selector);
	slots_clear();
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code, c->error_code);
}

static void accessed_bit(struct selftest_result *r, const void *arg)
{
	struct trapped t;

	(void)arg;
	slot_set_flat(SLOT, DATA_DPL0 & ~1);
	t = probe_kernel(load_es, SLOT);
	EXPECT_EQ(r, t.vector, NO_TRAP);
	EXPECT_EQ(r, (gdt_table[GDT_ENTRY_TLS_MIN].b >> 8) & 0xff, DATA_DPL0);
	slots_clear();
}

/* A segment with a base: FS:0 is the word the base points to. */
static void base_is_added(struct selftest_result *r, const void *arg)
{
	static const u32 word = 0x600df00d;
	u32 seen;

	(void)arg;
	slot_set(SLOT, segment_at((u32)&word - 16, DATA_DPL3));
	asm volatile("movl %1, %%fs\n\t"
		     "movl %%fs:16, %0\n\t"
		     "movl %2, %%fs"
		     : "=&r"(seen)
		     : "r"(SLOT + 3), "r"(0)
		     : "memory");
	slots_clear();
	EXPECT_EQ(r, seen, word);
}

/* An entry whose saved FS names a segment that is gone comes back with FS null, no panic. */
static void lost_selector_becomes_null(struct selftest_result *r, const void *arg)
{
	u32 fs;

	(void)arg;
	slot_set_flat(SLOT, DATA_DPL3);
	asm volatile("movl %0, %%fs" : : "r"(SLOT + 3) : "memory");
	slots_clear();
	asm volatile("int $0x80" : : "a"(0x7fff) : "memory", "cc");
	asm volatile("movl %%fs, %0" : "=r"(fs));
	EXPECT_EQ(r, fs & 0xffff, 0);
}

#define SEGMENT(...)                                                                               \
	segment_load, &(const struct segment_case)                                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

const struct selftest segment_tests[] = {
	{ "segment_load_of_good_data_selector_works",
	  SEGMENT(load_es, DATA_DPL0, SLOT, NO_TRAP, 0) },
	{ "segment_load_of_null_selector_works", SEGMENT(load_es, EMPTY, 3, NO_TRAP, 0) },
	{ "gp_by_selector_beyond_the_gdt", SEGMENT(load_es, EMPTY, 0x1003, TRAP_GP, 0x1000) },
	{ "gp_by_selector_of_an_empty_descriptor", SEGMENT(load_fs, EMPTY, SLOT, TRAP_GP, SLOT) },
	{ "gp_by_ldt_selector_without_an_ldt",
	  SEGMENT(load_es, EMPTY, 8 | SELECTOR_TI, TRAP_GP, 8 | SELECTOR_TI) },
	{ "gp_by_system_descriptor_as_data",
	  SEGMENT(load_es, EMPTY, __TSS_SEL, TRAP_GP, __TSS_SEL) },
	{ "gp_by_execute_only_code_as_data",
	  SEGMENT(load_es, CODE_EXECUTE_ONLY_DPL0, SLOT, TRAP_GP, SLOT) },
	{ "gp_by_rpl_above_dpl", SEGMENT(load_es, DATA_DPL0, SLOT | 3, TRAP_GP, SLOT) },
	{ "np_by_absent_data_segment", SEGMENT(load_es, ABSENT(DATA_DPL0), SLOT, TRAP_NP, SLOT) },
	{ "gp_by_null_selector_in_ss", SEGMENT(load_ss, EMPTY, 0, TRAP_GP, 0) },
	{ "gp_by_readonly_segment_in_ss", SEGMENT(load_ss, DATA_RO_DPL0, SLOT, TRAP_GP, SLOT) },
	{ "gp_by_dpl_3_segment_in_kernel_ss", SEGMENT(load_ss, DATA_DPL3, SLOT, TRAP_GP, SLOT) },
	{ "ss_by_absent_segment_in_ss", SEGMENT(load_ss, ABSENT(DATA_DPL0), SLOT, TRAP_SS, SLOT) },
	{ "far_jump_to_code_segment_works", SEGMENT(far_jump, EMPTY, __KERNEL_CS, NO_TRAP, 0) },
	{ "gp_by_far_jump_to_null", SEGMENT(far_jump, EMPTY, 0, TRAP_GP, 0) },
	{ "gp_by_far_jump_to_data", SEGMENT(far_jump, EMPTY, __KERNEL_DS, TRAP_GP, __KERNEL_DS) },
	{ "gp_by_far_jump_to_user_code",
	  SEGMENT(far_jump, EMPTY, __USER_CS, TRAP_GP, __USER_CS & ~3) },
	{ "np_by_far_jump_to_absent_code",
	  SEGMENT(far_jump, ABSENT(CODE_DPL0), SLOT, TRAP_NP, SLOT) },
	{ "gp_by_far_jump_to_conforming_code_of_less_privilege",
	  SEGMENT(far_jump, CONFORMING_DPL3, SLOT, TRAP_GP, SLOT) },
	{ "gp_by_iret_to_null", SEGMENT(iret_to, EMPTY, 0, TRAP_GP, 0) },
	{ "gp_by_iret_to_data", SEGMENT(iret_to, EMPTY, __KERNEL_DS, TRAP_GP, __KERNEL_DS) },
	{ "np_by_iret_to_absent_code", SEGMENT(iret_to, ABSENT(CODE_DPL0), SLOT, TRAP_NP, SLOT) },
	{ "gp_by_lldt_of_data", SEGMENT(load_ldt, EMPTY, __KERNEL_DS, TRAP_GP, __KERNEL_DS) },
	{ "gp_by_lldt_of_an_ldt_selector",
	  SEGMENT(load_ldt, EMPTY, 8 | SELECTOR_TI, TRAP_GP, 8 | SELECTOR_TI) },
	{ "np_by_lldt_of_an_absent_ldt",
	  SEGMENT(load_ldt, ABSENT(LDT_SEGMENT), SLOT, TRAP_NP, SLOT) },
	{ "np_by_ltr_of_an_absent_tss",
	  SEGMENT(load_task_register, ABSENT(TSS_AVAILABLE), SLOT, TRAP_NP, SLOT) },
	{ "gp_by_ltr_of_a_busy_tss",
	  SEGMENT(load_task_register, EMPTY, __TSS_SEL, TRAP_GP, __TSS_SEL) },
	{ "segment_load_sets_the_accessed_bit", accessed_bit, NULL },
	{ "segment_base_is_added", base_is_added, NULL },
	{ "return_with_a_lost_selector_makes_it_null", lost_selector_becomes_null, NULL },
	{ NULL, NULL, NULL },
};
