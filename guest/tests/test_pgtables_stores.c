// SPDX-License-Identifier: MIT
/*
 * Instructions that store into page tables: every form of store that a shadow pager has to carry
 * out itself, and those that pull away what they stand on.
 */
#include "selftest.h"
#include "slots.h"
#include "tables.h"
#include "user_code.h"
#include <arch/processor.h>
#include <arch/traps.h>
#include <lib/string.h>

#define VA AREA(0)
#define ALIAS AREA(1)
#define ENTRY(i) ((volatile u32 *)(ALIAS + (i)*4))
#define LAST (PTRS_PER_PTE - 1)

/* VA is table 0, AREA(2) table 2; ALIAS shows the two side by side. All but A and D of an entry. */
#define WITHOUT_AD(entry) ((entry) & ~(u32)(_PAGE_ACCESSED | _PAGE_DIRTY))

static void open(void)
{
	tables_open();
	link_table(0, 0, 0);
	link_table(0, 1, 1);
	link_table(0, 2, 2);
	own_table[1][0] = entry_of(own_table[0], MAP_USER_RW);
	own_table[1][1] = entry_of(own_table[2], MAP_USER_RW);
	for (u32 i = 0; i < 8; i++)
		link_frame(0, i, 0);
	for (u32 i = 0; i < 8; i++) /* so that all of it may be cached */
		load_word(VA + i * PAGE_SIZE);
}

/* What page i of VA shows after an INVLPG: a frame's number. */
static u32 shown(u32 i)
{
	invlpg(VA + i * PAGE_SIZE);
	return (load_word(VA + i * PAGE_SIZE) >> 28) - 1;
}

static void two_entries(struct selftest_result *r, const void *arg)
{
	u32 upper = frame_entry(2, MAP_USER_RW);

	(void)arg;
	open();
	*ENTRY(0) = frame_entry(1, MAP_USER_RW);
	/* Bytes 2 and 3 of entry 0 stay what they are, those of entry 1 are frame 2's. */
	*(volatile u32 *)((u32)ENTRY(0) + 2) = (*ENTRY(0) >> 16) | upper << 16;
	*(volatile u16 *)((u32)ENTRY(1) + 2) = (u16)(upper >> 16);
	EXPECT_EQ(r, own_table[0][1], upper);
	EXPECT_EQ(r, shown(0), 1);
	EXPECT_EQ(r, shown(1), 2);
	tables_close();
}

static void two_tables(struct selftest_result *r, const void *arg)
{
	u32 last = frame_entry(1, MAP_USER_RW), first = frame_entry(2, MAP_USER_RW);

	(void)arg;
	open();
	own_table[0][LAST] = frame_entry(0, MAP_USER_RW) & 0xff;
	own_table[2][0] = first & 0xffffff00;
	/* Three bytes of the one, one byte of the other. */
	*(volatile u32 *)((u32)ENTRY(LAST) + 1) = last >> 8 | first << 24;
	invlpg(VA + LAST * PAGE_SIZE);
	invlpg(AREA(2));
	EXPECT_EQ(r, WITHOUT_AD(own_table[0][LAST]), last);
	EXPECT_EQ(r, load_word(VA + LAST * PAGE_SIZE), COLOUR(1, 0));
	EXPECT_EQ(r, load_word(AREA(2)), COLOUR(2, 0));
	tables_close();
}

static void locked_updates(struct selftest_result *r, const void *arg)
{
	u32 old = frame_entry(1, MAP_USER_RW), seen, new = frame_entry(2, MAP_USER_RW);
	bool equal, was_set;

	(void)arg;
	open();
	seen = old;
	asm volatile("xchgl %0, %1" : "+r"(seen), "+m"(*ENTRY(0)) : : "memory");
	EXPECT_EQ(r, WITHOUT_AD(seen), frame_entry(0, MAP_USER_RW));
	EXPECT_EQ(r, shown(0), 1);
	seen = *ENTRY(0);
	asm volatile("lock cmpxchgl %3, %1"
		     : "+a"(seen), "+m"(*ENTRY(0)), "=@ccz"(equal)
		     : "r"(new)
		     : "memory");
	EXPECT(r, equal);
	EXPECT_EQ(r, shown(0), 2);
	seen = 0x12345678;
	asm volatile("lock cmpxchgl %3, %1"
		     : "+a"(seen), "+m"(*ENTRY(0)), "=@ccz"(equal)
		     : "r"(old)
		     : "memory");
	EXPECT(r, !equal);
	EXPECT_EQ(r, WITHOUT_AD(seen), new);
	EXPECT_EQ(r, shown(0), 2);
	asm volatile("lock btrl $0, %0" : "+m"(*ENTRY(0)), "=@ccc"(was_set) : : "memory");
	EXPECT(r, was_set);
	invlpg(VA);
	EXPECT_EQ(r, try_load(VA).error_code, 0);
	asm volatile("lock btsl $0, %0" : "+m"(*ENTRY(0)), "=@ccc"(was_set) : : "memory");
	EXPECT(r, !was_set);
	EXPECT_EQ(r, shown(0), 2);
	asm volatile("btcl $1, %0" : "+m"(*ENTRY(0)) : : "memory");
	invlpg(VA);
	EXPECT_EQ(r, try_store(VA).error_code, PF_PROT | PF_WRITE);
	tables_close();
}

/* CMPXCHG8B stores two entries at once. */
static void two_by_cmpxchg8b(struct selftest_result *r, const void *arg)
{
	volatile u64 *pair = (volatile u64 *)ENTRY(0);
	u64 seen;
	bool equal;

	(void)arg;
	open();
	seen = *pair;
	asm volatile("lock cmpxchg8b %1"
		     : "+A"(seen), "+m"(*pair), "=@ccz"(equal)
		     : "b"(frame_entry(1, MAP_USER_RW)), "c"(frame_entry(3, MAP_USER_RW))
		     : "memory");
	EXPECT(r, equal);
	EXPECT_EQ(r, shown(0), 1);
	EXPECT_EQ(r, shown(1), 3);
	tables_close();
}

static void string_stores(struct selftest_result *r, const void *arg)
{
	u32 entries[8], count = 8;
	const u32 *from = entries;
	volatile u32 *to = ENTRY(0);

	(void)arg;
	open();
	for (u32 i = 0; i < 8; i++)
		entries[i] = frame_entry(i % NR_FRAMES, MAP_USER_RW);
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	EXPECT_EQ(r, count, 0);
	for (u32 i = 0; i < 8; i++)
		EXPECT_EQ(r, shown(i), i % NR_FRAMES);
	to = ENTRY(2);
	count = 4;
	asm volatile("rep stosl"
		     : "+D"(to), "+c"(count)
		     : "a"(frame_entry(3, MAP_USER_RW))
		     : "memory");
	for (u32 i = 0; i < 8; i++)
		EXPECT_EQ(r, shown(i), i >= 2 && i < 6 ? 3 : i % NR_FRAMES);
	/* Across the end of one table into the other one. */
	to = ENTRY(LAST - 1);
	count = 4;
	asm volatile("rep stosl"
		     : "+D"(to), "+c"(count)
		     : "a"(frame_entry(1, MAP_USER_RW))
		     : "memory");
	invlpg(AREA(2) + PAGE_SIZE);
	EXPECT_EQ(r, shown(LAST), 1);
	EXPECT_EQ(r, load_word(AREA(2) + PAGE_SIZE), COLOUR(1, 0));
	tables_close();
}

static void stack_stores(struct selftest_result *r, const void *arg)
{
	static const struct desc_struct none;
	u32 cs, *words = own_table[0];

	(void)arg;
	asm("movl %%cs, %0" : "=r"(cs));
	open();
	stack_push((u32)ENTRY(1), frame_entry(2, MAP_USER_RW));
	EXPECT_EQ(r, shown(0), 2);
	stack_call((u32)ENTRY(101));
	EXPECT_EQ(r, words[100], (u32)stack_call_return);
	stack_far_call((u32)ENTRY(111));
	EXPECT_EQ(r, words[109], (u32)stack_far_call_return);
	EXPECT_EQ(r, words[110] & 0xfffc, cs & 0xfffc);
	idt_table[TABLES_GATE] =
		pack_gate((u32)tables_gate_handler, __KERNEL_CS, GATE_INTERRUPT, 0);
	stack_int((u32)ENTRY(121));
	idt_table[TABLES_GATE] = none;
	EXPECT_EQ(r, words[118], (u32)stack_int_return);
	EXPECT_EQ(r, words[119] & 0xfffc, cs & 0xfffc);
	EXPECT_EQ(r, words[120] & X86_EFLAGS_FIXED, X86_EFLAGS_FIXED);
	stack_iret((u32)ENTRY(131));
	EXPECT_EQ(r, words[128], (u32)stack_iret_return);
	EXPECT_EQ(r, shown(0), 2);
	EXPECT_EQ(r, shown(1), 0);
	tables_close();
}

/*
 * The table is an LDT, too: loading a segment sets the descriptor's accessed bit, a G in the PTE.
 */
static void descriptor_accessed(struct selftest_result *r, const void *arg)
{
	struct desc_struct d = segment_at(0, DATA_DPL3 & ~1u);

	(void)arg;
	open();
	own_table[0][64] = d.a;
	own_table[0][65] = d.b;
	slot_set(SLOT, pack_descriptor((u32)ENTRY(64), 8 - 1, LDT_SEGMENT, 0));
	asm volatile("lldt %w0\n\t"
		     "movl %1, %%fs\n\t"
		     "movl %2, %%fs\n\t"
		     "lldt %w2"
		     :
		     : "r"(SLOT), "r"(SELECTOR_TI | 3), "r"(0)
		     : "memory");
	slots_clear();
	EXPECT_EQ(r, own_table[0][64], d.a);
	EXPECT_EQ(r, own_table[0][65], d.b | 1u << 8);
	EXPECT_EQ(r, shown(0), 0);
	tables_close();
}

/* The store replaces the page it is in; what follows comes from the new one. */
static void code_moves_itself(struct selftest_result *r, const void *arg)
{
	u32 (*code)(volatile u32 * entry, u32 value, u32 page) =
		(u32(*)(volatile u32 *, u32, u32))VA;

	(void)arg;
	open();
	for (u32 n = 0; n < 2; n++) {
		memcpy(window_frame(n), own_code, (size_t)(own_code_end - own_code));
		((u8 *)window_frame(n))[own_code_number - own_code] = (u8)(n + 1);
	}
	EXPECT_EQ(r, code(ENTRY(0), frame_entry(1, MAP_USER_RW), VA), 2);
	EXPECT_EQ(r, code(ENTRY(0), frame_entry(0, MAP_USER_RW), VA), 1);
	tables_close();
}

static void stack_moves(struct selftest_result *r, const void *arg)
{
	(void)arg;
	open();
	EXPECT_EQ(r, stack_swap(VA + 0x800, (u32 *)ENTRY(0), frame_entry(1, MAP_USER_RW)),
		  COLOUR(1, 0x7fc / 4));
	EXPECT_EQ(r, window_frame(0)[0x7fc / 4], COLOUR(0, 0x7fc / 4));
	tables_close();
}

/*
 * A table that maps itself loses W by a store through that mapping: the store is done, the next is
 * not.
 */
static void table_closes_itself(struct selftest_result *r, const void *arg)
{
	u32 self = VA + 9 * PAGE_SIZE, entry = self + 9 * 4;

	(void)arg;
	open();
	own_table[0][9] = entry_of(own_table[0], MAP_KERNEL_RW);
	put_word(entry, entry_of(own_table[0], MAP_KERNEL_RO));
	invlpg(self);
	EXPECT_EQ(r, WITHOUT_AD(own_table[0][9]), entry_of(own_table[0], MAP_KERNEL_RO));
	EXPECT_EQ(r, own_table[0][9] & _PAGE_DIRTY, 0);
	EXPECT_EQ(r, try_store(entry).error_code, PF_PROT | PF_WRITE);
	put_word((u32)ENTRY(9), entry_of(own_table[0], MAP_KERNEL_RW));
	put_word(entry, 0);
	invlpg(self);
	EXPECT_EQ(r, try_load(entry).error_code, 0);
	tables_close();
}

const struct selftest pgtables_store_tests[] = {
	{ "store_over_two_entries_changes_both", two_entries, NULL },
	{ "store_over_two_tables_changes_both", two_tables, NULL },
	{ "xchg_cmpxchg_and_bit_operations_on_a_pte", locked_updates, NULL },
	{ "cmpxchg8b_on_two_ptes", two_by_cmpxchg8b, NULL },
	{ "rep_movs_and_rep_stos_into_tables", string_stores, NULL },
	{ "push_call_interrupt_and_iret_on_a_stack_in_a_table", stack_stores, NULL },
	{ "accessed_bit_of_a_descriptor_in_a_table", descriptor_accessed, NULL },
	{ "instruction_that_replaces_its_own_page", code_moves_itself, NULL },
	{ "instruction_that_replaces_its_own_stack", stack_moves, NULL },
	{ "table_that_makes_itself_readonly", table_closes_itself, NULL },
	{ NULL, NULL, NULL },
};
