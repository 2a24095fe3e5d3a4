// SPDX-License-Identifier: MIT
/*
 * Instructions that change the tables which they themselves go through, run by engine soft under
 * mmu shadow, strict and out of sync; and what the host does to a running guest's tables.
 */
#include <string.h>

#include "engine_rig.h"
#include "unit.h"

/* The rig maps the first 4 MiB one to one through RIG_TABLE; linear 4 MiB.. is ours. */
#define TABLE2 0x142000u
#define LIN 0x00400000u
#define PTE_OF(lin) (RIG_TABLE + ((lin) >> PAGE_SHIFT) * 4)
#define RW (PTE_P | PTE_W | PTE_U)

static void begin(struct rig *r, const uint8_t *code, uint64_t bytes, enum shadow_sync sync)
{
	rig_mmu = ENGINE_MMU_SHADOW;
	rig_sync = sync;
	rig_begin(r, code, bytes);
	rig_paging_on(r);
	rig_put32(r, RIG_DIRECTORY + 4, TABLE2 | RW);
	rig_mmu = ENGINE_MMU_DIRECT;
	rig_sync = SHADOW_STRICT;
}

#define FOR_BOTH(sync) for (unsigned sync = SHADOW_STRICT; sync <= SHADOW_UNSYNC; sync++)
#define BEGIN(r, name, sync) begin(r, name, (uint64_t)(name##_end - name), (enum shadow_sync)(sync))

/* The page of the code goes, and INVLPG says so: the next fetch is the fault. */
RIG_GUEST(code_page_goes, "movl $0, 0x141400\n"
			  "invlpg 0x100000\n"
			  "movl $0x1234, %eax\n"
			  "hlt\n");

static void store_that_unmaps_its_own_code_faults_at_the_next_fetch(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, code_page_goes, sync);
		CU_ASSERT_EQUAL(PTE_OF(RIG_CODE), 0x141400);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), VEC_PF);
		CU_ASSERT_EQUAL(r.s.cr2, RIG_CODE + 17); /* past MOV (10 bytes) and INVLPG (7) */
		CU_ASSERT_NOT_EQUAL(r.s.gpr[X86_EAX], 0x1234);
		rig_end(&r);
	}
}

/* PUSH into the table that maps the stack: the entry of the stack's own page becomes 0. */
RIG_GUEST(stack_page_goes, "movl $0x141604, %esp\n" /* one entry above that of 0x180000 */
			   "pushl $0\n"
			   "invlpg 0x180000\n"
			   "movl $0x180100, %esp\n"
			   "movl %esp, %ebx\n"
			   "movl -4(%esp), %eax\n"
			   "hlt\n");

static void push_into_the_table_of_the_stack_is_seen(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, stack_page_goes, sync);
		CU_ASSERT_EQUAL(PTE_OF(RIG_STACK), 0x141600);
		r.s.gpr[X86_ESP] = RIG_STACK;
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_SHUTDOWN);
		/* the handler's frame cannot be pushed either: #PF, #DF, shutdown */
		CU_ASSERT_EQUAL(rig_get32(&r, PTE_OF(RIG_STACK)), 0);
		CU_ASSERT_EQUAL(r.s.cr2, RIG_STACK + 0x100 - 4);
		rig_end(&r);
	}
}

/* The table writes the entry that maps the table. */
RIG_GUEST(table_page_changes, "movl $0x150027, 0x141504\n" /* where 0x141000 is now: 0x150000 */
			      "invlpg 0x141000\n"
			      "movl $0x55, 0x141010\n" /* goes to 0x150010 */
			      "movl 0x141010, %eax\n"
			      "hlt\n");

static void store_to_the_entry_that_maps_the_table_itself_moves_it(void)
{
	struct rig r;
	uint32_t before;

	FOR_BOTH(sync)
	{
		BEGIN(&r, table_page_changes, sync);
		CU_ASSERT_EQUAL(PTE_OF(RIG_TABLE), 0x141504);
		before = rig_get32(&r, 0x141010);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), -1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x55);
		CU_ASSERT_EQUAL(rig_get32(&r, 0x150010), 0x55);
		CU_ASSERT_EQUAL(rig_get32(&r, 0x141010), before);
		rig_end(&r);
	}
}

/* A store whose second half needs a walk through the frame that takes its first half. */
RIG_GUEST(straddles_into_table, "movl $0x00400ffe, %edi\n"
				"movl $0xaaaabbbb, (%edi)\n"
				"movl 0x142ffc, %eax\n"
				"movl 0x150000, %ebx\n"
				"hlt\n");

static void store_whose_first_half_hits_the_table_of_its_second_half(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, straddles_into_table, sync);
		rig_put32(&r, TABLE2, TABLE2 | RW);
		rig_put32(&r, TABLE2 + 4, 0x150000 | RW);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), -1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0xbbbb0000);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX] & 0xffff, 0xaaaa);
		rig_end(&r);
	}
}

/* REP MOVS over a whole table in use: each element is a store of its own. */
RIG_GUEST(table_copied, "movl $0x150000, %esi\n"
			"movl $0x142000, %edi\n"
			"movl 0x400000, %ebx\n" /* the table is in use */
			"movl $1024, %ecx\n"
			"cld\n"
			"rep movsl\n"
			"movl %cr3, %eax\n"
			"movl %eax, %cr3\n"
			"movl 0x400000, %eax\n"
			"movl 0x401000, %edx\n"
			"hlt\n");

static void table_that_is_copied_over_has_its_new_entries(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, table_copied, sync);
		rig_put32(&r, TABLE2, 0x160000 | RW);
		rig_put32(&r, 0x150000, 0x161000 | RW);
		rig_put32(&r, 0x150004, 0x162000 | RW);
		for (uint32_t n = 0; n < 3; n++)
			rig_put32(&r, 0x160000 + n * 0x1000, n + 1);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 2);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EDX], 3);
		rig_end(&r);
	}
}

/* LOCK BTS, XCHG and CMPXCHG set bits of an entry as kernels do. */
RIG_GUEST(entry_by_locked, "movl $7, 0x400000\n"
			   "movl $0x160005, %eax\n" /* P, US: read-only */
			   "xchgl %eax, 0x142000\n"
			   "invlpg 0x400000\n"
			   "movl 0x400000, %ebx\n"
			   "lock btsl $1, 0x142000\n" /* and writable again */
			   "movl $8, 0x400000\n"
			   "movl 0x160000, %ecx\n"
			   "hlt\n");

static void locked_instructions_on_entries_are_seen(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, entry_by_locked, sync);
		rig_put32(&r, TABLE2, 0x160000 | RW);
		r.s.cr0 |= CR0_WP;
		rig_set(&r);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), -1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x160000 | RW | PTE_A | PTE_D);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 7);
		CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 8);
		rig_end(&r);
	}
}

/* Code that is also a page table: both kinds of watching on one frame. */
RIG_GUEST(code_is_table, "movl 0x400000, %eax\n"
			 "movl $0x160067, 0x142000\n" /* entry 0, which is also an instruction */
			 "invlpg 0x400000\n"
			 "movl 0x400000, %ebx\n"
			 "movl $0x142008, %edx\n"
			 "call *%edx\n"
			 "movb $0x43, 0x142008\n" /* INC EBX instead of INC ECX */
			 "call *%edx\n"
			 "hlt\n");

static void frame_of_code_and_of_entries_is_watched_for_both(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, code_is_table, sync);
		rig_put32(&r, TABLE2, 0x161000 | RW);
		rig_put32(&r, TABLE2 + 8, 0xc341); /* INC ECX; RET */
		rig_put32(&r, 0x160000, 0x100);
		rig_put32(&r, 0x161000, 0x200);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(rig_vector(&r), -1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 0x200);
		CU_ASSERT_EQUAL(r.s.gpr[X86_ECX], 1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 0x101);
		rig_end(&r);
	}
}

/* Devices are never mapped: each access is an exit. */
RIG_GUEST(device_twice, "movl 0x400000, %eax\n"
			"movl 0x400000, %ebx\n"
			"movl %eax, 0x400004\n"
			"hlt\n");

static void each_access_to_a_device_is_an_exit(void)
{
	struct shadow_stats stats;
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, device_twice, sync);
		rig_put32(&r, TABLE2, RIG_MMIO | RW);
		CU_ASSERT_EQUAL(rig_run(&r), ENGINE_EXIT_HALT);
		CU_ASSERT_EQUAL(r.accesses, 3);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], r.s.gpr[X86_EBX]);
		shadow_get_stats(r.ops->shadow(r.e), &stats);
		CU_ASSERT_EQUAL(stats.mmio, 3);
		rig_end(&r);
	}
}

/* --- the host --------------------------------------------------------------------------------- */

RIG_GUEST(reads_twice, "movl 0x400000, %eax\n"
		       "hlt\n"
		       "movl 0x400000, %ebx\n"
		       "hlt\n");

static void poked_entry_is_seen_at_once(void)
{
	struct rig r;

	FOR_BOTH(sync)
	{
		BEGIN(&r, reads_twice, sync);
		rig_put32(&r, TABLE2, 0x160000 | RW);
		rig_put32(&r, 0x160000, 1);
		rig_put32(&r, 0x161000, 2);
		rig_run(&r);
		CU_ASSERT_EQUAL(r.ops->poke_entry(r.e, TABLE2, 0x161000 | RW), 0);
		r.s.halted = false;
		rig_set(&r);
		rig_run(&r);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EAX], 1);
		CU_ASSERT_EQUAL(r.s.gpr[X86_EBX], 2);
		rig_end(&r);
	}
}

static void broken_shadow_fails_an_audited_run_with_the_finding(void)
{
	struct engine_config config = { .mmu = ENGINE_MMU_SHADOW, .shadow.audit_exits = 1 };
	struct engine_exit out;
	struct shadow *shadow;
	struct x86_state s;
	struct engine *e;
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, RIG_RAM_BYTES, NULL), 0);
	config.ram = &ram;
	CU_ASSERT_EQUAL_FATAL(engine_soft.create(&e, &config, NULL), 0);
	shadow = engine_soft.shadow(e);
	/* paging on, with a table that is changed behind the shadow's back; then another page */
	memcpy(ram_span(&ram, RIG_CODE, 16), "\xa1\0\0\x40\0\xa1\0\x10\x40\0\xeb\xfe", 12);
	for (uint32_t n = 0; n < 1024; n++) {
		const pte_t pte = n << PAGE_SHIFT | RW;

		memcpy(ram_span(&ram, RIG_TABLE + n * 4, 4), &pte, 4);
	}
	memcpy(ram_span(&ram, RIG_DIRECTORY, 8), &(const pte_t[]){ RIG_TABLE | RW, RIG_TABLE | RW },
	       8);
	engine_soft.get_state(e, &s);
	s.cr3 = RIG_DIRECTORY;
	s.cr0 |= CR0_PG;
	s.eip = RIG_CODE;
	CU_ASSERT_EQUAL(engine_soft.set_state(e, &s), 0);
	engine_soft.run(e, 1, &out);
	CU_ASSERT_EQUAL(out.reason, ENGINE_EXIT_DEADLINE);
	memset(ram_span(&ram, RIG_TABLE, 4), 0, 4);
	CU_ASSERT_NOT_EQUAL(shadow_audit(shadow, NULL), 0);
	/* at the second load; what follows is an endless loop */
	engine_soft.run(e, 1000000, &out);
	CU_ASSERT_EQUAL(out.reason, ENGINE_EXIT_FAILED);
	CU_ASSERT_TRUE(engine_soft.now_ns(e) < 10);
	CU_ASSERT_PTR_NOT_NULL(strstr(out.text, "shadow audit: page "));
	engine_soft.destroy(e);
	ram_destroy(&ram);
}

static const struct unit_test tests[] = {
	UNIT_TEST(store_that_unmaps_its_own_code_faults_at_the_next_fetch),
	UNIT_TEST(push_into_the_table_of_the_stack_is_seen),
	UNIT_TEST(store_to_the_entry_that_maps_the_table_itself_moves_it),
	UNIT_TEST(store_whose_first_half_hits_the_table_of_its_second_half),
	UNIT_TEST(table_that_is_copied_over_has_its_new_entries),
	UNIT_TEST(locked_instructions_on_entries_are_seen),
	UNIT_TEST(frame_of_code_and_of_entries_is_watched_for_both),
	UNIT_TEST(each_access_to_a_device_is_an_exit),
	UNIT_TEST(poked_entry_is_seen_at_once),
	UNIT_TEST(broken_shadow_fails_an_audited_run_with_the_finding),
	UNIT_END,
};

extern const struct unit_suite suite_shadow_cases;
const struct unit_suite suite_shadow_cases = { "shadow_cases", tests };
