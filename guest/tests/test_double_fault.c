// SPDX-License-Identifier: MIT
/*
 * A fault while delivering a fault (Intel SDM vol. 3, 6.15, table 6-5): what becomes #DF, and what
 * is simply served as the second fault. The IDT is spoiled for the length of one probe, with
 * interrupts off.
 */
#include "selftest.h"
#include "window.h"
#include <arch/desc.h>
#include <arch/processor.h>
#include <lib/string.h>

#define MISSING (DATA_WINDOW + 8 * PAGE_SIZE)
#define FIRST_FREE_VECTOR 0x90
#define BAD_SELECTOR 0x1000 /* beyond the GDT */
#define GATE_PRESENT (DESC_PRESENT << 8)
#define ERROR_EXT 1 /* the bit of an error code that says: while delivering something else */
#define ERROR_IDT 2

static void raise_de(u32 zero)
{
	u32 a = 1, d = 0;

	asm volatile("divl %2" : "+a"(a), "+d"(d) : "r"(zero) : "cc", "memory");
}

static void raise_ud(u32 unused)
{
	(void)unused;
	asm volatile("ud2" : : : "memory");
}

static void raise_gp(u32 unused)
{
	(void)unused;
	asm volatile("movl %0, %%es" : : "r"(BAD_SELECTOR) : "memory");
}

static void raise_pf(u32 unused)
{
	(void)unused;
	*(volatile u32 *)MISSING = 0;
}

static void raise_int(u32 unused)
{
	(void)unused;
	asm volatile("int %0" : : "i"(FIRST_FREE_VECTOR) : "memory");
}

static struct desc_struct gate_absent(struct desc_struct gate)
{
	gate.b &= ~(u32)GATE_PRESENT;
	return gate;
}

static struct desc_struct gate_bad_selector(struct desc_struct gate)
{
	gate.a = (gate.a & 0xffff) | (u32)BAD_SELECTOR << 16;
	return gate;
}

struct delivery_case {
	void (*raise)(u32 zero);
	u32 gate; /* the vector whose gate is spoiled */
	struct desc_struct (*spoil)(struct desc_struct gate);
	u32 vector, error_code; /* what arrives; EXT is left out, see spoiled_gate() */
};

/*
 * EXT of the error code is not compared: QEMU leaves it clear where the SDM sets it. It is 0 for a
 * double fault on both.
 */
static void spoiled_gate(struct selftest_result *r, const void *arg)
{
	const struct delivery_case *c = arg;
	struct desc_struct saved = idt_table[c->gate];
	u32 flags = local_irq_save();
	struct trapped t;

	window_open();
	idt_table[c->gate] = c->spoil(idt_table[c->gate == FIRST_FREE_VECTOR ? TRAP_UD : c->gate]);
	t = probe_kernel(c->raise, 0);
	idt_table[c->gate] = saved;
	window_close();
	local_irq_restore(flags);
	EXPECT_EQ(r, t.vector, c->vector);
	EXPECT_EQ(r, t.error_code & ~(u32)ERROR_EXT, c->error_code);
	EXPECT_EQ(r, t.count, 1);
}

/*
 * Moves the IDT to where entries from `border` on lie in the page at DATA_WINDOW + PAGE_SIZE and
 * those before it in the page at DATA_WINDOW. Returns the address of entry 0.
 */
static u32 split_idt(u32 border)
{
	u32 base = DATA_WINDOW + PAGE_SIZE - border * (u32)sizeof(struct desc_struct);
	struct desc_ptr p = { sizeof(idt_table) - 1, base };

	window_map(DATA_WINDOW, 0, MAP_KERNEL_RW);
	window_map(DATA_WINDOW + PAGE_SIZE, 1, MAP_KERNEL_RW);
	memcpy((void *)base, idt_table, sizeof(idt_table));
	load_idt(&p);
	return base;
}

/* #PF, whose own gate is on a missing page: two page faults. */
static void df_pf_gate_missing(struct selftest_result *r, const void *arg)
{
	u32 flags = local_irq_save();
	struct desc_ptr saved;
	struct trapped t;

	(void)arg;
	store_idt(&saved);
	window_open();
	split_idt(TRAP_PF);
	window_map(DATA_WINDOW + PAGE_SIZE, 1, MAP_NONE);
	t = probe_kernel(raise_pf, 0);
	load_idt(&saved);
	window_close();
	local_irq_restore(flags);
	EXPECT_EQ(r, t.vector, TRAP_DF);
	EXPECT_EQ(r, t.error_code, 0);
}

/* #DE, whose gate is on a missing page: a page fault after a contributory one is served as such. */
static void pf_de_gate_missing(struct selftest_result *r, const void *arg)
{
	u32 flags = local_irq_save();
	struct desc_ptr saved;
	struct trapped t;
	u32 base;

	(void)arg;
	store_idt(&saved);
	window_open();
	base = split_idt(TRAP_DE + 1);
	window_map(DATA_WINDOW, 0, MAP_NONE);
	t = probe_kernel(raise_de, 0);
	load_idt(&saved);
	window_close();
	local_irq_restore(flags);
	EXPECT_EQ(r, t.vector, TRAP_PF);
	EXPECT_EQ(r, t.error_code, 0);
	EXPECT_EQ(r, t.cr2 & ~7u, base);
}

#define DELIVERY(...)                                                                              \
	spoiled_gate, &(const struct delivery_case)                                                \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define IDT_CODE(vector) ((vector)*8 + ERROR_IDT)

const struct selftest double_fault_tests[] = {
	{ "np_by_int_through_an_absent_gate", DELIVERY(raise_int, FIRST_FREE_VECTOR, gate_absent,
						       TRAP_NP, IDT_CODE(FIRST_FREE_VECTOR)) },
	{ "gp_by_int_through_a_gate_with_a_bad_selector",
	  DELIVERY(raise_int, FIRST_FREE_VECTOR, gate_bad_selector, TRAP_GP, BAD_SELECTOR) },
	{ "np_when_the_gate_of_a_benign_fault_is_absent",
	  DELIVERY(raise_ud, TRAP_UD, gate_absent, TRAP_NP, IDT_CODE(TRAP_UD)) },
	{ "df_when_the_gate_of_de_is_absent",
	  DELIVERY(raise_de, TRAP_DE, gate_absent, TRAP_DF, 0) },
	{ "df_when_the_gate_of_de_has_a_bad_selector",
	  DELIVERY(raise_de, TRAP_DE, gate_bad_selector, TRAP_DF, 0) },
	{ "df_when_the_gate_of_gp_is_absent",
	  DELIVERY(raise_gp, TRAP_GP, gate_absent, TRAP_DF, 0) },
	{ "df_when_the_gate_of_pf_is_absent",
	  DELIVERY(raise_pf, TRAP_PF, gate_absent, TRAP_DF, 0) },
	{ "df_when_the_gate_of_pf_is_on_a_missing_page", df_pf_gate_missing, NULL },
	{ "pf_when_the_gate_of_de_is_on_a_missing_page", pf_de_gate_missing, NULL },
	{ NULL, NULL, NULL },
};
