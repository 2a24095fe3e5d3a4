// SPDX-License-Identifier: MIT
/* The monitor's memory and its queue of changes. */
#include "engine/kvm_monitor.h"

#include <string.h>

#include "unit.h"
#include "x86/regs.h"

#define POOL_PAGES 70u

static uint64_t *pool_entry(const struct monitor *m, uint32_t page, uint32_t index)
{
	return (uint64_t *)(void *)(m->memory + MONITOR_BYTES + (size_t)page * PAGE_BYTES) + index;
}

static void every_gate_has_dpl_0_and_leads_to_its_own_stub(void)
{
	struct monitor m;

	CU_ASSERT_EQUAL_FATAL(monitor_create(&m, POOL_PAGES), 0);
	for (unsigned n = 0; n < MONITOR_VECTORS; n++) {
		uint64_t gate[2], at;

		/* Intel SDM vol. 3, figure 6-8; the IDT is the first page */
		memcpy(gate, m.memory + n * sizeof(gate), sizeof(gate));
		at = (gate[0] & 0xffff) | (gate[0] >> 48) << 16 | gate[1] << 32;
		CU_ASSERT_EQUAL(gate[0] >> 40 & 0xff, 0x8e);
		CU_ASSERT_EQUAL(gate[0] >> 16 & 0xffff, MONITOR_CS);
		CU_ASSERT_EQUAL(monitor_vector(at), (int)n);
		CU_ASSERT_EQUAL(monitor_vector(at + 2), (int)n);
		CU_ASSERT_EQUAL(monitor_vector(at + 1), -1);
		/* OUT, then IRETQ, with the error code dropped before where there is one */
		CU_ASSERT_EQUAL(m.memory[at - MONITOR_LIN], 0xe6);
		CU_ASSERT_EQUAL(m.memory[at - MONITOR_LIN + 1], MONITOR_PORT);
	}
	monitor_destroy(&m);
}

static void an_entry_is_added_at_once_unless_its_page_has_changes_queued(void)
{
	const struct monitor_change c = { .what = MONITOR_STORE, .at = monitor_entry_at(65, 3) };
	struct monitor m;

	CU_ASSERT_EQUAL_FATAL(monitor_create(&m, POOL_PAGES), 0);
	monitor_add(&m, 65, 3, 0x1007);
	CU_ASSERT_EQUAL(*pool_entry(&m, 65, 3), 0x1007);
	CU_ASSERT_TRUE(monitor_queue_empty(&m));
	monitor_change(&m, &c);
	monitor_note_page(&m, 65);
	monitor_add(&m, 65, 3, 0x2007);
	CU_ASSERT_EQUAL(*pool_entry(&m, 65, 3), 0x1007);
	CU_ASSERT_EQUAL(m.queued, 2);
	CU_ASSERT_EQUAL(m.queue[1].value, 0x2007);
	monitor_add(&m, 64, 3, 0x3007);
	CU_ASSERT_EQUAL(*pool_entry(&m, 64, 3), 0x3007);
	CU_ASSERT_TRUE(monitor_queue_load(&m, false));
	monitor_add(&m, 65, 3, 0x4007);
	CU_ASSERT_EQUAL(*pool_entry(&m, 65, 3), 0x4007);
	monitor_destroy(&m);
}

static void a_queue_longer_than_the_stub_takes_comes_in_pieces(void)
{
	const struct monitor_change c = { .what = MONITOR_INVLPG, .lin = 0x1000 };
	const size_t count = 100000;
	struct monitor m;
	unsigned pieces = 1;

	CU_ASSERT_EQUAL_FATAL(monitor_create(&m, POOL_PAGES), 0);
	for (size_t n = 0; n < count; n++)
		monitor_change(&m, &c);
	CU_ASSERT_EQUAL(m.queued, count);
	while (!monitor_queue_load(&m, false))
		pieces++;
	/* 0x1c0000 bytes of room, 32 each: 57344 */
	CU_ASSERT_EQUAL(pieces, 2);
	CU_ASSERT_TRUE(monitor_queue_empty(&m));
	CU_ASSERT_TRUE(monitor_intact(&m));
	monitor_destroy(&m);
}

static void a_changed_byte_of_code_or_slots_is_noticed(void)
{
	static const size_t at[] = { 0x10, 0x1004, 0x2000, 0x3000, 0x3050 };
	struct monitor m;

	CU_ASSERT_EQUAL_FATAL(monitor_create(&m, POOL_PAGES), 0);
	CU_ASSERT_TRUE(monitor_intact(&m));
	for (unsigned n = 0; n < ARRAY_SIZE(at); n++) {
		m.memory[at[n]] ^= 1;
		CU_ASSERT_FALSE(monitor_intact(&m));
		m.memory[at[n]] ^= 1;
	}
	monitor_gdt(&m)[MONITOR_FIRST_SLOT] ^= 3ull << 45; /* DPL 3 for the monitor's code */
	CU_ASSERT_FALSE(monitor_intact(&m));
	monitor_gdt(&m)[MONITOR_FIRST_SLOT] ^= 3ull << 45;
	monitor_gdt(&m)[1] = 0x00cfbb000000ffff;
	CU_ASSERT_TRUE(monitor_intact(&m));
	monitor_destroy(&m);
}

static void system_registers_are_those_of_64_bit_mode(void)
{
	struct kvm_sregs s = { 0 };

	monitor_sregs(&s);
	CU_ASSERT_EQUAL(s.efer, 0x500); /* LME and LMA; no SCE, no NXE */
	CU_ASSERT_EQUAL(s.gdt.limit, 0xffff);
	CU_ASSERT_EQUAL(s.idt.limit, 0xfff);
	CU_ASSERT_TRUE(s.gdt.base > UINT32_MAX + (2ull << 20));
	monitor_enter_sregs(&s);
	CU_ASSERT_EQUAL(s.cs.l, 1);
	CU_ASSERT_EQUAL(s.cs.dpl, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST(every_gate_has_dpl_0_and_leads_to_its_own_stub),
	UNIT_TEST(an_entry_is_added_at_once_unless_its_page_has_changes_queued),
	UNIT_TEST(a_queue_longer_than_the_stub_takes_comes_in_pieces),
	UNIT_TEST(a_changed_byte_of_code_or_slots_is_noticed),
	UNIT_TEST(system_registers_are_those_of_64_bit_mode),
	UNIT_END,
};

const struct unit_suite suite_kvm_monitor = { "kvm_monitor", tests };
