// SPDX-License-Identifier: MIT
/*
 * Cached translations and cached code: what may be stale, what may not, and that the three kinds of
 * TLB differ only where the architecture lets them (Intel SDM vol. 3, 4.10).
 */
#include <string.h>

#include "unit.h"
#include "x86_fixture.h"

#define PAGE_A 0x100000u /* linear pages of the tests, and frames to map them to */
#define FRAME_B 0x110u
#define FRAME_C 0x120u

/* Read [PAGE_A] into EAX. */
#define LOAD "\xa1\x00\x00\x10\x00"
/* invlpg [PAGE_A]; mov eax, [PAGE_A] */
#define INVLPG_LOAD "\x0f\x01\x3d\x00\x00\x10\x00" LOAD
/* mov ecx, cr3; mov cr3, ecx; mov eax, [PAGE_A] */
#define CR3_LOAD "\x0f\x20\xd9\x0f\x22\xd9" LOAD

static void begin(struct x86_fixture *x, enum x86_tlb_kind kind)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, kind));
	fixture_paging(x);
	fixture_write32(x, FRAME_B << PAGE_SHIFT, 0xbbbbbbbb);
	fixture_write32(x, FRAME_C << PAGE_SHIFT, 0xcccccccc);
	x->frame[PAGE_A >> PAGE_SHIFT] = FRAME_B;
}

static void grant(struct x86_fixture *x, unsigned rights)
{
	x->rights[PAGE_A >> PAGE_SHIFT] = (uint8_t)(FIX_PRESENT | rights);
}

/*
 * `code` begins with LOAD. After it has run, remap the page from B to C behind the TLB's back and
 * run `count` instructions more: what do they load?
 */
static uint32_t remapped_load(enum x86_tlb_kind kind, unsigned rights, const char *code,
			      size_t bytes, unsigned count)
{
	struct x86_fixture x;
	uint32_t loaded;

	begin(&x, kind);
	x.s.cr4 |= CR4_PGE;
	fixture_set(&x);
	grant(&x, rights);
	fixture_run(&x, code, bytes, 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0xbbbbbbbb);
	x.frame[PAGE_A >> PAGE_SHIFT] = FRAME_C;
	fixture_continue(&x, count);
	loaded = x.s.gpr[X86_EAX];
	fixture_end(&x);
	return loaded;
}

#define REMAPPED(kind, rights, code, count)                                                        \
	remapped_load(kind, rights, LOAD code, sizeof(LOAD code) - 1, count)

static void normal_and_hoard_keep_a_translation_without_invlpg(void)
{
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_NORMAL, MAP_W | MAP_U, LOAD, 1), 0xbbbbbbbb);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W | MAP_U, LOAD, 1), 0xbbbbbbbb);
}

static void drop_sees_a_remap_at_once(void)
{
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_DROP, MAP_W | MAP_U, LOAD, 1), 0xcccccccc);
}

static void invlpg_drops_the_page_global_or_not(void)
{
	for (int kind = X86_TLB_NORMAL; kind <= X86_TLB_HOARD; kind++) {
		CU_ASSERT_EQUAL(REMAPPED((enum x86_tlb_kind)kind, MAP_W, INVLPG_LOAD, 2),
				0xcccccccc);
		CU_ASSERT_EQUAL(REMAPPED((enum x86_tlb_kind)kind, MAP_W | MAP_G, INVLPG_LOAD, 2),
				0xcccccccc);
	}
}

static void cr3_load_drops_all_but_global_pages(void)
{
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_NORMAL, MAP_W, CR3_LOAD, 3), 0xcccccccc);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W, CR3_LOAD, 3), 0xcccccccc);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_NORMAL, MAP_W | MAP_G, CR3_LOAD, 3), 0xbbbbbbbb);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W | MAP_G, CR3_LOAD, 3), 0xbbbbbbbb);
}

static void change_of_pge_drops_global_pages(void)
{
	/* mov ecx, cr4; xor ecx, PGE; mov cr4, ecx; load */
#define PGE_LOAD "\x0f\x20\xe1\x81\xf1\x80\x00\x00\x00\x0f\x22\xe1" LOAD
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W | MAP_G, PGE_LOAD, 4), 0xcccccccc);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_NORMAL, MAP_W | MAP_G, PGE_LOAD, 4), 0xcccccccc);
}

static void invlpg_inside_a_large_page_drops_all_of_it(void)
{
	/* invlpg [0x37f000], in the same 4 MiB as PAGE_A; load */
#define FAR_LOAD "\x0f\x01\x3d\x00\xf0\x37\x00" LOAD
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_NORMAL, MAP_W | MAP_LARGE, FAR_LOAD, 2), 0xcccccccc);
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W | MAP_LARGE, FAR_LOAD, 2), 0xcccccccc);
	/* but not a 4 KiB page that happens to lie there */
	CU_ASSERT_EQUAL(REMAPPED(X86_TLB_HOARD, MAP_W, FAR_LOAD, 2), 0xbbbbbbbb);
}

/*
 * Store twice to PAGE_A, which was read-only when it was read and is writable now. How many page
 * faults? The handler of #PF is an IRET that drops the error code, so that the store runs again.
 */
static uint64_t raised_rights_faults(enum x86_tlb_kind kind)
{
	struct x86_fixture x;
	uint64_t faults;

	begin(&x, kind);
	grant(&x, MAP_U);
	fixture_write(&x, FIX_HANDLER + 16 * VEC_PF, "\x83\xc4\x04\xcf", 4);
	/* load; mov [PAGE_A], eax; mov [PAGE_A], eax; hlt */
	FIXTURE_RUN(&x, LOAD "\xa3\x00\x00\x10\x00\xa3\x00\x00\x10\x00\xf4", 1);
	grant(&x, MAP_U | MAP_W);
	CU_ASSERT_EQUAL(fixture_continue(&x, 20), X86_STOP_HALT);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 16);
	faults = x86_page_faults(x.cpu);
	fixture_end(&x);
	return faults;
}

static void hoard_faults_once_where_rights_were_raised(void)
{
	CU_ASSERT_EQUAL(raised_rights_faults(X86_TLB_HOARD), 1);
}

static void normal_and_drop_walk_again_where_rights_were_raised(void)
{
	CU_ASSERT_EQUAL(raised_rights_faults(X86_TLB_NORMAL), 0);
	CU_ASSERT_EQUAL(raised_rights_faults(X86_TLB_DROP), 0);
}

static void lowered_rights_hold_after_invlpg(void)
{
	for (int kind = X86_TLB_NORMAL; kind <= X86_TLB_HOARD; kind++) {
		struct x86_fixture x;

		begin(&x, (enum x86_tlb_kind)kind);
		/* mov [PAGE_A], eax; invlpg [PAGE_A]; mov [PAGE_A], eax */
		FIXTURE_RUN(&x,
			    "\xa3\x00\x00\x10\x00\x0f\x01\x3d\x00\x00\x10\x00"
			    "\xa3\x00\x00\x10\x00",
			    1);
		grant(&x, 0);
		fixture_continue(&x, 3);
		fixture_expect_fault(&x, VEC_PF, PF_P | PF_W, 12);
		fixture_end(&x);
	}
}

static void cached_supervisor_page_is_closed_to_user_code(void)
{
	struct x86_fixture x;
	unsigned before;

	begin(&x, X86_TLB_HOARD);
	grant(&x, 0);
	/* load at CPL 0; push the user's frame; iret; load through SS, as IRET made DS null */
	FIXTURE_RUN(&x,
		    LOAD "\x6a\x23\x68\x00\xa0\x00\x00\x6a\x02\x6a\x1b"
			 "\x68\x16\x00\x01\x00\xcf\x36" LOAD,
		    7);
	CU_ASSERT_EQUAL(x.s.cpl, 3);
	before = x.walks;
	fixture_continue(&x, 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), PF_P | PF_U);
	CU_ASSERT_TRUE(x.walks - before <= 4); /* stacks and tables; not the page itself */
	fixture_end(&x);
}

/* Pages 256 apart share a set of four ways (and a slot of the fast layer). */
static void normal_forgets_the_oldest_of_five_pages_in_a_set(void)
{
	/* four loads to fill the set, three that hit, a fifth page, three hits, and the oldest */
#define PAGE_0 "\xa1\x00\x00\x10\x00"
#define PAGE_1 "\xa1\x00\x00\x20\x00"
#define PAGE_2 "\xa1\x00\x00\x30\x00"
#define PAGE_3 "\xa1\x00\x00\x00\x00"
#define PAGE_4 "\xa1\x00\x00\x40\x00" /* beyond RAM, but mapped */
	struct x86_fixture x;
	unsigned filled;

	begin(&x, X86_TLB_NORMAL);
	FIXTURE_RUN(
		&x,
		PAGE_0 PAGE_1 PAGE_2 PAGE_3 PAGE_0 PAGE_1 PAGE_2 PAGE_4 PAGE_1 PAGE_2 PAGE_3 PAGE_0,
		4);
	filled = x.walks;
	fixture_continue(&x, 3);
	CU_ASSERT_EQUAL(x.walks, filled);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.walks, filled + 1);
	fixture_continue(&x, 3);
	CU_ASSERT_EQUAL(x.walks, filled + 1);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.walks, filled + 2);
	fixture_end(&x);
}

/* --- code ------------------------------------------------------------------------------------- */

static void store_to_the_next_instruction_takes_effect(void)
{
	struct x86_fixture x;

	for (int kind = X86_TLB_NORMAL; kind <= X86_TLB_HOARD; kind++) {
		begin(&x, (enum x86_tlb_kind)kind);
		/* mov byte [FIX_CODE + 7], 0x43 (inc ebx); inc eax */
		FIXTURE_RUN(&x, "\xc6\x05\x07\x00\x01\x00\x43\x40", 0);
		x.s.gpr[X86_EAX] = x.s.gpr[X86_EBX] = 0;
		fixture_set(&x);
		fixture_continue(&x, 2);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EBX], 1);
		fixture_end(&x);
	}
}

static void host_write_to_code_takes_effect(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	FIXTURE_RUN(&x, "\xb8\x01\x00\x00\x00\xf4", 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 1);
	fixture_write(&x, FIX_CODE + 1, "\x02", 1);
	x.s.eip = FIX_CODE;
	fixture_set(&x);
	fixture_continue(&x, 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 2);
	fixture_end(&x);
}

static void loop_that_is_rewritten_leaves_its_chain(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	/*
	 * 00 mov ecx, 5;  05: inc eax; dec ecx; cmp ecx, 2; jne 13
	 * 0c mov byte [FIX_CODE + 5], 0x43 (inc ebx);  13: test ecx, ecx; jne 05; hlt
	 */
	FIXTURE_RUN(&x,
		    "\xb9\x05\x00\x00\x00\x40\x49\x83\xf9\x02\x75\x07"
		    "\xc6\x05\x05\x00\x01\x00\x43\x85\xc9\x75\xee\xf4",
		    0);
	x.s.gpr[X86_EAX] = x.s.gpr[X86_EBX] = 0;
	fixture_set(&x);
	CU_ASSERT_EQUAL(fixture_continue(&x, 1000), X86_STOP_HALT);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 3);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EBX], 2);
	fixture_end(&x);
}

static void remapped_code_page_is_fetched_anew_after_invlpg(void)
{
	struct x86_fixture x;

	for (int kind = X86_TLB_NORMAL; kind <= X86_TLB_HOARD; kind++) {
		begin(&x, (enum x86_tlb_kind)kind);
		/* B: mov al, 1; ret   C: mov al, 2; ret */
		fixture_write(&x, FRAME_B << PAGE_SHIFT, "\xb0\x01\xc3", 3);
		fixture_write(&x, FRAME_C << PAGE_SHIFT, "\xb0\x02\xc3", 3);
		/* call PAGE_A; 05: invlpg [PAGE_A]; 0c: call PAGE_A; hlt */
		FIXTURE_RUN(&x,
			    "\xe8\xfb\xff\x0e\x00\x0f\x01\x3d\x00\x00\x10\x00"
			    "\xe8\xef\xff\x0e\x00\xf4",
			    3);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX] & 0xff, 1);
		x.frame[PAGE_A >> PAGE_SHIFT] = FRAME_C;
		fixture_continue(&x, 100);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX] & 0xff, 2);
		fixture_end(&x);
	}
}

static void instruction_across_two_pages_runs_and_faults_on_the_second(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	/* mov eax, 0x44332211 with two bytes on the first page, run twice, then with other bytes */
	fixture_write(&x, PAGE_A - 2, "\xb8\x11\x22\x33\x44", 5);
	x.frame[PAGE_A >> PAGE_SHIFT] = PAGE_A >> PAGE_SHIFT;
	for (unsigned n = 0; n < 3; n++) {
		fixture_get(&x);
		x.s.eip = PAGE_A - 2;
		fixture_set(&x);
		fixture_continue(&x, 1);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], n < 2 ? 0x44332211 : 0x55332211);
		CU_ASSERT_EQUAL(x.s.eip, PAGE_A + 3);
		if (n == 1)
			fixture_write(&x, PAGE_A + 2, "\x55", 1);
	}
	x.rights[PAGE_A >> PAGE_SHIFT] = 0;
	x.s.eip = PAGE_A - 2;
	fixture_set(&x);
	fixture_continue(&x, 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	CU_ASSERT_EQUAL(x.s.cr2, PAGE_A);
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), PAGE_A - 2); /* EIP of the instruction */
	fixture_end(&x);
}

/* The decoder's place for such an instruction is used again although the next one faults. */
static void instruction_across_pages_survives_one_that_cannot_be_fetched(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	fixture_write(&x, 0x13ffe, "\xb8\x11\x22\x33\x44", 5); /* mov eax, 0x44332211 */
	fixture_write(&x, 0x15fff, "\x81", 1);		       /* add ..., the rest is absent */
	x.rights[0x16] = 0;
	for (unsigned n = 0; n < 2; n++) {
		fixture_get(&x);
		x.s.gpr[X86_EAX] = 0;
		x.s.halted = false;
		x.s.eip = 0x13ffe;
		fixture_set(&x);
		fixture_continue(&x, 1);
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], 0x44332211);
		x.s.eip = 0x15fff;
		fixture_set(&x);
		fixture_continue(&x, 2);
		CU_ASSERT_EQUAL(fixture_vector(&x), VEC_PF);
	}
	fixture_end(&x);
}

static void data_beside_code_on_a_page_does_not_disturb_it(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	/* mov ecx, 1000; 05: inc dword [FIX_CODE + 0x800]; dec ecx; jnz 05; hlt */
	FIXTURE_RUN(&x, "\xb9\xe8\x03\x00\x00\xff\x05\x00\x08\x01\x00\x49\x75\xf7\xf4", 5000);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_CODE + 0x800), 1000);
	fixture_end(&x);
}

/* --- counting --------------------------------------------------------------------------------- */

static void deadline_is_exact_for_every_count(void)
{
	static const uint32_t incs[] = { 0, 1, 2, 2, 3 }; /* done by the first n of a turn */
	struct x86_fixture x;

	for (unsigned count = 0; count <= 40; count++) {
		begin(&x, X86_TLB_NORMAL);
		/* 00: inc eax; inc eax; jmp 05; 05 (padded): inc eax; jmp 00 */
		FIXTURE_RUN(&x, "\x40\x40\xeb\x01\x90\x40\xeb\xf8", 0);
		CU_ASSERT_EQUAL(fixture_continue(&x, count), X86_STOP_DEADLINE);
		CU_ASSERT_EQUAL(x86_instructions(x.cpu), count);
		/* five instructions a turn, three of them count in EAX */
		CU_ASSERT_EQUAL(x.s.gpr[X86_EAX], count / 5 * 3 + incs[count % 5]);
		fixture_end(&x);
	}
}

static void repeated_string_instruction_counts_as_one(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	/* mov edi, 0x200000; mov ecx, 10000; rep stosb; hlt */
	FIXTURE_RUN(&x, "\xbf\x00\x00\x20\x00\xb9\x10\x27\x00\x00\xf3\xaa\xf4", 100);
	CU_ASSERT_EQUAL(x86_instructions(x.cpu), 4);
	CU_ASSERT_EQUAL(x.s.gpr[X86_EDI], 0x202710);
	fixture_end(&x);
}

static void kick_before_a_run_ends_it_at_once(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	FIXTURE_RUN(&x, "\xeb\xfe", 0);
	x86_kick(x.cpu);
	CU_ASSERT_EQUAL(fixture_continue(&x, 1000000), X86_STOP_KICKED);
	CU_ASSERT_EQUAL(x86_instructions(x.cpu), 0);
	CU_ASSERT_EQUAL(fixture_continue(&x, 100), X86_STOP_DEADLINE);
	fixture_end(&x);
}

static void faulting_without_end_still_passes_time(void)
{
	struct x86_fixture x;

	begin(&x, X86_TLB_NORMAL);
	/* the handler of #UD starts with UD2 */
	fixture_write(&x, FIX_HANDLER + 16 * VEC_UD, "\x0f\x0b", 2);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\x0f\x0b", 1000), X86_STOP_DEADLINE);
	fixture_end(&x);
}

static const struct unit_test tests[] = {
	UNIT_TEST(normal_and_hoard_keep_a_translation_without_invlpg),
	UNIT_TEST(drop_sees_a_remap_at_once),
	UNIT_TEST(invlpg_drops_the_page_global_or_not),
	UNIT_TEST(cr3_load_drops_all_but_global_pages),
	UNIT_TEST(change_of_pge_drops_global_pages),
	UNIT_TEST(invlpg_inside_a_large_page_drops_all_of_it),
	UNIT_TEST(hoard_faults_once_where_rights_were_raised),
	UNIT_TEST(normal_and_drop_walk_again_where_rights_were_raised),
	UNIT_TEST(lowered_rights_hold_after_invlpg),
	UNIT_TEST(cached_supervisor_page_is_closed_to_user_code),
	UNIT_TEST(normal_forgets_the_oldest_of_five_pages_in_a_set),
	UNIT_TEST(store_to_the_next_instruction_takes_effect),
	UNIT_TEST(host_write_to_code_takes_effect),
	UNIT_TEST(loop_that_is_rewritten_leaves_its_chain),
	UNIT_TEST(remapped_code_page_is_fetched_anew_after_invlpg),
	UNIT_TEST(instruction_across_two_pages_runs_and_faults_on_the_second),
	UNIT_TEST(instruction_across_pages_survives_one_that_cannot_be_fetched),
	UNIT_TEST(data_beside_code_on_a_page_does_not_disturb_it),
	UNIT_TEST(deadline_is_exact_for_every_count),
	UNIT_TEST(repeated_string_instruction_counts_as_one),
	UNIT_TEST(kick_before_a_run_ends_it_at_once),
	UNIT_TEST(faulting_without_end_still_passes_time),
	UNIT_END,
};

const struct unit_suite suite_x86_tlb = { "x86_tlb", tests };
