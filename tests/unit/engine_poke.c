// SPDX-License-Identifier: MIT
/*
 * The stale-translation probe: the guest uses a translation, the host changes the live entry behind
 * its back by poke_entry(), and the guest must see the change at its next access, without an INVLPG
 * of its own. On every engine, and on every kind of KVM below it.
 */
#include <errno.h>
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

#define PAGE 0x200000u /* linear address that the probes use, in the rig's table */
#define PAGE_ENTRY (RIG_TABLE + 4 * (PAGE >> PAGE_SHIFT))
#define BIG 0x400000u /* the same in the second directory entry */
#define BIG_ENTRY (RIG_DIRECTORY + 4)
#define OTHER_TABLE 0x142000u
#define FRAME_A 0x160000u
#define FRAME_B 0x161000u
#define ALL (PTE_P | PTE_W | PTE_U)

/* Loads (or adds) in a loop, and shows each value to the port, whose write ends the run. */
RIG_GUEST(load, "1: mov 0x200000, %eax; out %eax, $0x80; jmp 1b");
RIG_GUEST(load_big, "1: mov 0x400000, %eax; out %eax, $0x80; jmp 1b");
RIG_GUEST(store, "1: incl 0x200000; mov 0x200000, %eax; out %eax, $0x80; jmp 1b");
RIG_GUEST(jumps, "mov $0x200000, %esi; 1: call *%esi; out %eax, $0x80; jmp 1b");

static void kick_it(struct rig *r, struct rig_access *a)
{
	if (a->kind == RIG_OUT)
		r->ops->kick(r->e);
}

/* The word that the guest shows next, or the vector it died of, as ~vector. */
static uint32_t shown(struct rig *r)
{
	r->accesses = 0;
	switch (rig_run(r)) {
	case ENGINE_EXIT_KICKED:
		return r->log[0].value;
	case ENGINE_EXIT_HALT:
		return ~(uint32_t)rig_vector(r);
	default:
		return ~0xffu;
	}
}

static void probe_begin(struct rig *r, const uint8_t *code, const uint8_t *end)
{
	rig_begin(r, code, (uint64_t)(end - code));
	r->on_access = kick_it;
	rig_put32(r, FRAME_A, 'A');
	rig_put32(r, FRAME_B, 'B');
	rig_put32(r, BIG, 'C');
	rig_put32(r, BIG * 2, 'D');
	rig_put(r, OTHER_TABLE, ram_span(&r->ram, RIG_TABLE, PAGE_BYTES), PAGE_BYTES);
	r->s.cr4 |= CR4_PGE;
	rig_paging_on(r);
	rig_put32(r, PAGE_ENTRY, FRAME_A | ALL);
}

#define PROBE(r, name) probe_begin(r, name, name##_end)

static void poke(struct rig *r, gpa_t at, uint32_t value)
{
	CU_ASSERT_EQUAL(r->ops->poke_entry(r->e, at, value), 0);
	CU_ASSERT_EQUAL(rig_get32(r, at), value);
}

/* Twice, so that what is cached at all is cached. */
static void warm(struct rig *r, uint32_t first, uint32_t second)
{
	CU_ASSERT_EQUAL(shown(r), first);
	CU_ASSERT_EQUAL(shown(r), second);
}

static void remapped_page_is_seen(void)
{
	struct rig r;

	PROBE(&r, load);
	warm(&r, 'A', 'A');
	for (unsigned n = 0; n < 10; n++) {
		poke(&r, PAGE_ENTRY, FRAME_B | ALL);
		warm(&r, 'B', 'B');
		poke(&r, PAGE_ENTRY, FRAME_A | ALL);
		warm(&r, 'A', 'A');
	}
	rig_end(&r);
}

static void remapped_global_page_is_seen(void)
{
	struct rig r;

	PROBE(&r, load);
	rig_put32(&r, PAGE_ENTRY, FRAME_A | ALL | PTE_G);
	warm(&r, 'A', 'A');
	poke(&r, PAGE_ENTRY, FRAME_B | ALL | PTE_G);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

static void page_taken_away_faults(void)
{
	struct rig r;

	PROBE(&r, load);
	warm(&r, 'A', 'A');
	poke(&r, PAGE_ENTRY, FRAME_A | PTE_W | PTE_U);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), 0);
	CU_ASSERT_EQUAL(r.s.cr2, PAGE);
	rig_end(&r);
}

static void page_given_back_is_there(void)
{
	struct rig r;

	PROBE(&r, load);
	rig_put32(&r, PAGE_ENTRY, FRAME_A);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	poke(&r, PAGE_ENTRY, FRAME_B | ALL);
	r.s.eip = RIG_CODE;
	r.s.halted = false;
	rig_set(&r);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

static void page_made_read_only_refuses_the_store(void)
{
	struct rig r;

	PROBE(&r, store);
	warm(&r, 'A' + 1, 'A' + 2);
	poke(&r, PAGE_ENTRY, FRAME_A | PTE_P | PTE_U | PTE_A | PTE_D);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), PF_P | PF_W);
	CU_ASSERT_EQUAL(r.s.cr2, PAGE);
	CU_ASSERT_EQUAL(rig_get32(&r, FRAME_A), 'A' + 2);
	rig_end(&r);
}

static void page_closed_to_user_code_faults_there(void)
{
	struct rig r;

	PROBE(&r, load);
	r.s.eflags |= EFLAGS_IOPL;
	rig_user(&r);
	warm(&r, 'A', 'A');
	poke(&r, PAGE_ENTRY, FRAME_A | PTE_P | PTE_W);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), PF_P | PF_U);
	CU_ASSERT_EQUAL(r.s.cr2, PAGE);
	rig_end(&r);
}

static void accessed_and_dirty_that_were_cleared_are_set_again(void)
{
	struct rig r;

	PROBE(&r, store);
	warm(&r, 'A' + 1, 'A' + 2);
	for (unsigned n = 3; n < 6; n++) {
		CU_ASSERT_EQUAL(rig_get32(&r, PAGE_ENTRY) & (PTE_A | PTE_D), PTE_A | PTE_D);
		poke(&r, PAGE_ENTRY, FRAME_A | ALL);
		CU_ASSERT_EQUAL(shown(&r), 'A' + n);
	}
	rig_end(&r);
}

static void code_page_that_is_remapped_runs_the_other_code(void)
{
	struct rig r;

	PROBE(&r, jumps);
	rig_put(&r, FRAME_A, "\xb8\x01\x00\x00\x00\xc3", 6); /* mov $1, %eax; ret */
	rig_put(&r, FRAME_B, "\xb8\x02\x00\x00\x00\xc3", 6);
	warm(&r, 1, 1);
	poke(&r, PAGE_ENTRY, FRAME_B | ALL);
	warm(&r, 2, 2);
	rig_end(&r);
}

static void directory_entry_that_names_another_table_is_seen(void)
{
	struct rig r;

	PROBE(&r, load_big);
	rig_put32(&r, BIG_ENTRY, RIG_TABLE | ALL);
	rig_put32(&r, RIG_TABLE, FRAME_A | ALL);
	rig_put32(&r, OTHER_TABLE, FRAME_B | ALL);
	warm(&r, 'A', 'A');
	poke(&r, BIG_ENTRY, OTHER_TABLE | ALL);
	warm(&r, 'B', 'B');
	poke(&r, BIG_ENTRY, OTHER_TABLE | PTE_W);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	CU_ASSERT_EQUAL(r.s.cr2, BIG);
	rig_end(&r);
}

static void directory_entry_closed_to_user_code_faults_there(void)
{
	struct rig r;

	PROBE(&r, load_big);
	rig_put32(&r, BIG_ENTRY, OTHER_TABLE | ALL);
	rig_put32(&r, OTHER_TABLE, FRAME_B | ALL);
	r.s.eflags |= EFLAGS_IOPL;
	rig_user(&r);
	warm(&r, 'B', 'B');
	poke(&r, BIG_ENTRY, OTHER_TABLE | PTE_P | PTE_W);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	CU_ASSERT_EQUAL(rig_stack(&r, 0), PF_P | PF_U);
	rig_end(&r);
}

static void big_page_that_is_remapped_cut_and_joined_is_seen(void)
{
	struct rig r;

	PROBE(&r, load_big);
	rig_put32(&r, BIG_ENTRY, BIG | ALL | PTE_PS);
	rig_put32(&r, OTHER_TABLE, FRAME_B | ALL);
	warm(&r, 'C', 'C');
	poke(&r, BIG_ENTRY, 2 * BIG | ALL | PTE_PS);
	warm(&r, 'D', 'D');
	poke(&r, BIG_ENTRY, OTHER_TABLE | ALL);
	warm(&r, 'B', 'B');
	poke(&r, BIG_ENTRY, BIG | ALL | PTE_PS);
	warm(&r, 'C', 'C');
	poke(&r, BIG_ENTRY, 0);
	CU_ASSERT_EQUAL(shown(&r), ~(uint32_t)VEC_PF);
	rig_end(&r);
}

/* One table under two directory entries: an entry of it is changed once and seen at both places. */
RIG_GUEST(twice, "1: mov 0x200000, %eax; out %eax, $0x80; mov 0x600000, %eax; out %eax, $0x80\n"
		 "jmp 1b");

static void table_that_is_used_twice_changes_in_both_places(void)
{
	struct rig r;

	PROBE(&r, twice);
	rig_put32(&r, BIG_ENTRY, RIG_TABLE | ALL);
	warm(&r, 'A', 'A');
	warm(&r, 'A', 'A');
	poke(&r, PAGE_ENTRY, FRAME_B | ALL);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

/*
 * The guest's own stores into the table, through a mapping of it, and the host's pokes in turn: KVM
 * may have let the table go out of sync by then.
 */
RIG_GUEST(own,
	  "1: mov 0x200000, %eax; out %eax, $0x80\n"
	  "mov 0x141800, %ebx; xor $0x1000, %ebx; mov %ebx, 0x141800; invlpg 0x200000; jmp 1b");

static void pokes_and_stores_of_the_guest_take_turns(void)
{
	struct rig r;

	PROBE(&r, own);
	CU_ASSERT_EQUAL(PAGE_ENTRY, 0x141800);
	warm(&r, 'A', 'B');
	warm(&r, 'A', 'B');
	/* the guest, stopped behind its OUT, will turn A into B: make A of its B once more */
	poke(&r, PAGE_ENTRY, FRAME_A | ALL);
	warm(&r, 'B', 'A');
	poke(&r, PAGE_ENTRY, FRAME_A | ALL);
	warm(&r, 'B', 'A');
	rig_end(&r);
}

static void second_directory_sees_the_poke_when_it_is_loaded(void)
{
	struct rig r;

	PROBE(&r, load);
	warm(&r, 'A', 'A');
	/* another directory with the same table: used, left, used again */
	rig_put(&r, 0x143000, ram_span(&r.ram, RIG_DIRECTORY, PAGE_BYTES), PAGE_BYTES);
	r.s.cr3 = 0x143000;
	rig_set(&r);
	warm(&r, 'A', 'A');
	poke(&r, PAGE_ENTRY, FRAME_B | ALL);
	r.s.cr3 = RIG_DIRECTORY;
	rig_set(&r);
	warm(&r, 'B', 'B');
	r.s.cr3 = 0x143000;
	rig_set(&r);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

static void flush_makes_plain_stores_of_the_host_seen(void)
{
	struct rig r;

	PROBE(&r, load);
	warm(&r, 'A', 'A');
	rig_put32(&r, PAGE_ENTRY, FRAME_B | ALL);
	CU_ASSERT_EQUAL(r.ops->flush(r.e), 0);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

static void poke_changes_nothing_but_the_entry(void)
{
	struct x86_state before;
	struct rig r;

	PROBE(&r, load);
	warm(&r, 'A', 'A');
	before = r.s;
	poke(&r, PAGE_ENTRY, FRAME_B | ALL);
	CU_ASSERT_EQUAL(r.ops->get_state(r.e, &r.s), 0);
	r.s.tsc = before.tsc;
	CU_ASSERT_EQUAL(memcmp(&before, &r.s, sizeof(before)), 0);
	CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, PAGE_ENTRY + 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, PAGE_ENTRY + 2, 0), -EINVAL);
	CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, RIG_RAM_BYTES, 0), -EFAULT);
	CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, 0xa0000, 0), -EFAULT);
	CU_ASSERT_EQUAL(rig_get32(&r, PAGE_ENTRY), FRAME_B | ALL);
	warm(&r, 'B', 'B');
	rig_end(&r);
}

static void walk_sets_accessed_and_dirty_in_guest_ram(void)
{
	struct rig r;

	/* mov eax, [0x200000]; mov [0x201000], eax; hlt */
	RIG_BEGIN(&r, "\xa1\x00\x00\x20\x00\xa3\x00\x10\x20\x00\xf4");
	rig_paging_on(&r);
	CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
	CU_ASSERT_EQUAL(rig_get32(&r, PAGE_ENTRY) & (PTE_A | PTE_D), PTE_A);
	CU_ASSERT_EQUAL(rig_get32(&r, PAGE_ENTRY + 4) & (PTE_A | PTE_D), PTE_A | PTE_D);
	CU_ASSERT_EQUAL(rig_get32(&r, PAGE_ENTRY + 8) & (PTE_A | PTE_D), 0);
	rig_end(&r);
}

static const struct unit_test tests[] = {
	UNIT_TEST(remapped_page_is_seen),
	UNIT_TEST(remapped_global_page_is_seen),
	UNIT_TEST(page_taken_away_faults),
	UNIT_TEST(page_given_back_is_there),
	UNIT_TEST(page_made_read_only_refuses_the_store),
	UNIT_TEST(page_closed_to_user_code_faults_there),
	UNIT_TEST(accessed_and_dirty_that_were_cleared_are_set_again),
	UNIT_TEST(code_page_that_is_remapped_runs_the_other_code),
	UNIT_TEST(directory_entry_that_names_another_table_is_seen),
	UNIT_TEST(directory_entry_closed_to_user_code_faults_there),
	UNIT_TEST(big_page_that_is_remapped_cut_and_joined_is_seen),
	UNIT_TEST(table_that_is_used_twice_changes_in_both_places),
	UNIT_TEST(pokes_and_stores_of_the_guest_take_turns),
	UNIT_TEST(second_directory_sees_the_poke_when_it_is_loaded),
	UNIT_TEST(flush_makes_plain_stores_of_the_host_seen),
	UNIT_TEST(poke_changes_nothing_but_the_entry),
	UNIT_TEST(walk_sets_accessed_and_dirty_in_guest_ram),
	UNIT_END,
};

const struct unit_suite suite_engine_poke = { "engine_poke", tests };
