// SPDX-License-Identifier: MIT
/*
 * Delivery of exceptions and interrupts through the IDT, and debug exceptions. Expectations are
 * those of the Intel SDM: vol. 3, chapter 6 and 17, and vol. 2, INT n.
 */
#include <string.h>

#include "unit.h"
#include "x86_fixture.h"

#define DPL3_HANDLER 0x30000u /* of vector v: 16 * v further on, each a loop */

static void begin(struct x86_fixture *x, unsigned cpl)
{
	CU_ASSERT_TRUE_FATAL(fixture_begin(x, X86_TLB_NORMAL));
	fixture_level(x, cpl);
	fixture_gate(x, fixture_idt(0x80), FIX_KCODE, FIX_HANDLER + 16 * 0x80,
		     FIX_SYSTEM(SYS_INT32, 3), 0);
}

/* A handler that runs at CPL 3 on the stack that is there. */
static void dpl3_handler(struct x86_fixture *x, unsigned vector)
{
	fixture_gate(x, fixture_idt(vector), FIX_UCODE, DPL3_HANDLER + 16 * vector,
		     FIX_SYSTEM(SYS_INT32, 0), 0);
	fixture_write(x, DPL3_HANDLER + 16 * vector, "\xeb\xfe", 2);
}

/* --- the frame -------------------------------------------------------------------------------- */

static void fault_pushes_its_own_eip_with_rf_and_clears_if_nt(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.eflags |= EFLAGS_IF | EFLAGS_NT | EFLAGS_CF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x90\x0f\x0b", 2);
	fixture_expect_fault(&x, VEC_UD, 0, 1);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 12);
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_KCODE);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2),
			EFLAGS_FIXED | EFLAGS_CF | EFLAGS_IF | EFLAGS_NT | EFLAGS_RF);
	CU_ASSERT_EQUAL(x.s.eflags, EFLAGS_FIXED | EFLAGS_CF);
	fixture_end(&x);
}

static void trap_gate_leaves_if(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_gate(&x, fixture_idt(VEC_UD), FIX_KCODE, FIX_HANDLER + 16 * VEC_UD,
		     FIX_SYSTEM(SYS_TRAP32, 0), 0);
	x.s.eflags |= EFLAGS_IF;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\x0f\x0b", 1);
	fixture_expect_fault(&x, VEC_UD, 0, 0);
	CU_ASSERT_TRUE(x.s.eflags & EFLAGS_IF);
	fixture_end(&x);
}

static void software_interrupt_from_cpl_3_switches_to_the_stack_of_the_tss(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	FIXTURE_RUN(&x, "\xcd\x80", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), 0x80);
	CU_ASSERT_EQUAL(x.s.cpl, 0);
	CU_ASSERT_EQUAL(x.s.seg[X86_SS].selector, FIX_KDATA);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 20);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE + 2);
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_UCODE);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED); /* RF clear */
	CU_ASSERT_EQUAL(fixture_stack(&x, 3), FIX_ESP3);
	CU_ASSERT_EQUAL(fixture_stack(&x, 4), FIX_UDATA);
	/* DS and ES are the handler's business (vol. 3, 6.12.1) */
	CU_ASSERT_EQUAL(x.s.seg[X86_DS].selector, FIX_UDATA);
	CU_ASSERT_EQUAL(fixture_type(&x, FIX_KDATA) & SEG_ACCESSED, SEG_ACCESSED);
	fixture_end(&x);
}

static void gate_of_16_bits_pushes_words(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_descriptor(&x, FIX_FREE, FIX_HANDLER, 0xffff, FIX_CODE32(0) & ~SEG_G);
	fixture_gate(&x, fixture_idt(0x21), FIX_FREE, 0xdead0210, FIX_SYSTEM(SYS_INT16, 0), 0);
	FIXTURE_RUN(&x, "\xcd\x21", 2);
	CU_ASSERT_TRUE(x.s.halted);
	CU_ASSERT_EQUAL(x.s.eip, 0x211); /* the upper half of the offset is not used */
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0 - 6);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 6), 0x0002);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 4), FIX_KCODE);
	CU_ASSERT_EQUAL(fixture_read16(&x, FIX_ESP0 - 2), EFLAGS_FIXED);
	fixture_end(&x);
}

static void tss_of_16_bits_gives_ss_and_sp(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_write32(&x, FIX_TSS + 2, 0x7000 | FIX_KDATA << 16);
	x.s.seg[X86_TR].attr = (uint16_t)FIX_SYSTEM(SYS_TSS16_BUSY, 0);
	x.s.seg[X86_TR].limit = 5; /* the last byte needed */
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xcd\x80", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), 0x80);
	CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], 0x7000 - 20);
	fixture_end(&x);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void int_n_int3_and_into_need_the_dpl_of_the_gate_and_int1_does_not(void)
{
	static const struct {
		const char *code;
		int vector;
		uint32_t error;
	} cases[] = {
		{ "\xcd\x20", VEC_GP, 0x20 * 8 + 2 },
		{ "\xcc", VEC_GP, VEC_BP * 8 + 2 },
		{ "\xce", VEC_GP, VEC_OF * 8 + 2 },
	};
	struct x86_fixture x;

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		begin(&x, 3);
		x.s.eflags |= EFLAGS_OF;
		fixture_set(&x);
		fixture_run(&x, cases[n].code, strlen(cases[n].code), 1);
		fixture_expect_fault(&x, cases[n].vector, cases[n].error, 0);
		fixture_end(&x);
	}
	begin(&x, 3);
	FIXTURE_RUN(&x, "\xf1", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), VEC_DB);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE + 1);
	fixture_end(&x);
}

static void into_and_bound_trap_only_when_they_must(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	FIXTURE_RUN(&x, "\xce", 1);
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 1);
	fixture_write32(&x, FIX_DATA, 0xfffffffe); /* -2 .. 5 */
	fixture_write32(&x, FIX_DATA + 4, 5);
	for (int32_t index = -4; index < 8; index++) {
		x.s.gpr[X86_EAX] = (uint32_t)index;
		x.s.gpr[X86_ESP] = FIX_ESP0;
		fixture_set(&x);
		FIXTURE_RUN(&x, "\x62\x05\x00\x50\x00\x00", 1);
		if (index >= -2 && index <= 5)
			CU_ASSERT_EQUAL(x.s.eip, FIX_CODE + 6)
		else
			fixture_expect_fault(&x, VEC_BR, 0, 0);
	}
	fixture_end(&x);
}

struct gate_case {
	unsigned type, selector;
	uint32_t offset;
	unsigned code_attr; /* of segment FIX_FREE, with limit 0xff in bytes */
	uint16_t idt_limit;
	int vector;
	uint32_t error;
};

/* Vector 0x20 as INT n and as an external interrupt: then EXT is set (vol. 3, 6.13). */
static void gate_and_handler_segment_are_checked(void)
{
	static const struct gate_case cases[] = {
		{ SEG_P | SYS_INT32, 0x40, 0, FIX_CODE32(0), 0x106, VEC_GP, 0x102 },
		{ SYS_INT32, 0x40, 0, FIX_CODE32(0), 0x7ff, VEC_NP, 0x102 },
		{ SEG_P | SYS_CALL32, 0x40, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0x102 },
		{ SEG_P | SEG_S | SYS_INT32, 0x40, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0x102 },
		{ SEG_P | SYS_INT32, 0x00, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0 },
		{ SEG_P | SYS_INT32, 0x10, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0x10 },
		{ SEG_P | SYS_INT32, 0x100, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0x100 },
		{ SEG_P | SYS_INT32, 0x1b, 0, FIX_CODE32(0), 0x7ff, VEC_GP, 0x18 },
		{ SEG_P | SYS_INT32, 0x40, 0, FIX_CODE32(0) & ~SEG_P, 0x7ff, VEC_NP, 0x40 },
		{ SEG_P | SYS_INT32, 0x40, 0x100, FIX_CODE32(0), 0x7ff, VEC_GP, 0 },
	};

	for (size_t n = 0; n < 2 * ARRAY_SIZE(cases); n++) {
		const struct gate_case *t = &cases[n / 2];
		bool external = n & 1;
		struct x86_fixture x;

		begin(&x, 0);
		fixture_descriptor(&x, FIX_FREE, 0, 0xff, t->code_attr & ~SEG_G);
		fixture_gate(&x, fixture_idt(0x20), t->selector, t->offset, t->type, 0);
		x.s.idtr.limit = t->idt_limit;
		x.s.eip = FIX_CODE;
		fixture_set(&x);
		if (external) {
			x86_interrupt(x.cpu, 0x20);
			fixture_continue(&x, 1);
		} else {
			FIXTURE_RUN(&x, "\xcd\x20", 2);
		}
		fixture_expect_fault(&x, t->vector, t->error | external, 0);
		fixture_end(&x);
	}
}

static void task_gate_stops_with_a_text(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	fixture_gate(&x, fixture_idt(0x20), FIX_TR, 0, FIX_SYSTEM(SYS_TASK, 0), 0);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\xcd\x20", 2), X86_STOP_UNSUPPORTED);
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "task gate"));
	CU_ASSERT_PTR_NOT_NULL(strstr(x86_stop_info(x.cpu)->text, "int"));
	CU_ASSERT_EQUAL(x.s.eip, FIX_CODE);
	fixture_end(&x);
}

struct stack_case {
	uint32_t tr_limit, ss0;
	unsigned attr; /* of segment FIX_FREE */
	uint32_t limit;
	uint8_t vector;
	uint32_t error;
};

/*
 * By INT 0x80, then by UD2, where EXT is set. The handlers of #TS and #SS run at CPL 3, so that
 * they can be entered without the stack that is wrong.
 */
static void stack_of_the_tss_is_checked(void)
{
	static const struct stack_case cases[] = {
		{ 8, FIX_KDATA, FIX_DATA32(0), 0xfffff, VEC_TS, FIX_TR },
		{ 0x67, 0x00, FIX_DATA32(0), 0xfffff, VEC_TS, 0 },
		{ 0x67, 0x100, FIX_DATA32(0), 0xfffff, VEC_TS, 0x100 },
		{ 0x67, 0x13, FIX_DATA32(0), 0xfffff, VEC_TS, 0x10 },
		{ 0x67, 0x40, FIX_DATA32(3), 0xfffff, VEC_TS, 0x40 },
		{ 0x67, 0x40, FIX_CODE32(0), 0xfffff, VEC_TS, 0x40 },
		{ 0x67, 0x40, FIX_DATA32(0) & ~SEG_WRITE, 0xfffff, VEC_TS, 0x40 },
		{ 0x67, 0x40, FIX_DATA32(0) & ~SEG_P, 0xfffff, VEC_SS, 0x40 },
		/* 20 bytes below 0x8000: the topmost is beyond, or the lowest below expand-down */
		{ 0x67, 0x40, FIX_DATA32(0) & ~SEG_G, 0x7ffe, VEC_SS, 0x40 },
		{ 0x67, 0x40, (FIX_DATA32(0) & ~SEG_G) | SEG_EXPDOWN, 0x7fec, VEC_SS, 0x40 },
	};

	for (size_t n = 0; n < 2 * ARRAY_SIZE(cases); n++) {
		const struct stack_case *t = &cases[n / 2];
		bool fault = n & 1;
		struct x86_fixture x;

		begin(&x, 3);
		dpl3_handler(&x, t->vector);
		fixture_descriptor(&x, FIX_FREE, 0, t->limit, t->attr);
		fixture_write32(&x, FIX_TSS + 8, t->ss0);
		x.s.seg[X86_TR].limit = t->tr_limit;
		fixture_set(&x);
		fixture_run(&x, fault ? "\x0f\x0b" : "\xcd\x80", 2, 2);
		CU_ASSERT_EQUAL(x.s.cpl, 3);
		CU_ASSERT_EQUAL(x.s.eip, DPL3_HANDLER + 16u * t->vector);
		CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP3 - 16);
		CU_ASSERT_EQUAL(fixture_stack(&x, 0), t->error | fault);
		CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_CODE);
		fixture_end(&x);
	}
}

static void expand_down_stack_of_exactly_the_frame_is_enough(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_descriptor(&x, FIX_FREE, 0, 0x7feb, (FIX_DATA32(0) & ~SEG_G) | SEG_EXPDOWN);
	fixture_write32(&x, FIX_TSS + 8, FIX_FREE);
	FIXTURE_RUN(&x, "\xcd\x80", 2);
	CU_ASSERT_EQUAL(fixture_vector(&x), 0x80);
	fixture_end(&x);
}

static void page_fault_on_the_new_stack_commits_nothing(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	fixture_paging(&x);
	dpl3_handler(&x, VEC_PF);
	/* two words of the frame on a page that is there, three on one that is not */
	fixture_write32(&x, FIX_TSS + 4, FIX_ESP0 + 8);
	fixture_write32(&x, FIX_ESP0, 0x11111111);
	fixture_write32(&x, FIX_ESP0 + 4, 0x22222222);
	x.rights[(FIX_ESP0 >> PAGE_SHIFT) - 1] = 0;
	x.s.gpr[X86_EBX] = 0x1234;
	fixture_set(&x);
	FIXTURE_RUN(&x, "\xcd\x80", 2);
	CU_ASSERT_EQUAL(x.s.eip, DPL3_HANDLER + 16 * VEC_PF);
	CU_ASSERT_EQUAL(x.s.cr2, FIX_ESP0 - 4);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), PF_W); /* a supervisor write */
	CU_ASSERT_EQUAL(fixture_stack(&x, 1), FIX_CODE);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), FIX_UCODE);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0), 0x11111111);
	CU_ASSERT_EQUAL(fixture_read32(&x, FIX_ESP0 + 4), 0x22222222);
	fixture_end(&x);
}

/* --- faults that meet ------------------------------------------------------------------------- */

enum first { FIRST_UD, FIRST_GP, FIRST_PF, FIRST_EXTERNAL };
enum second { SECOND_NP, SECOND_PF };

#define ABSENT_PAGE 0x300000u

/* Make the gate of `vector` raise #NP, or #PF while the handler's descriptor is read. */
static void spoil_gate(struct x86_fixture *x, unsigned vector, enum second second)
{
	fixture_gate(x, fixture_idt(vector), second == SECOND_NP ? FIX_KCODE : 0x0c,
		     FIX_HANDLER + 16 * vector, second == SECOND_NP ? SYS_INT32 : SEG_P | SYS_INT32,
		     0);
}

static void raise_first(struct x86_fixture *x, enum first first, uint8_t vector)
{
	x->s.eip = FIX_CODE;
	x->s.gpr[X86_EAX] = 0x100;
	fixture_set(x);
	if (first == FIRST_EXTERNAL)
		x86_interrupt(x->cpu, vector);
	else if (first == FIRST_UD)
		fixture_write(x, FIX_CODE, "\x0f\x0b", 2);
	else if (first == FIRST_GP)
		fixture_write(x, FIX_CODE, "\x8e\xd8", 2);
	else
		fixture_write(x, FIX_CODE, "\xa1\x00\x00\x30\x00", 5); /* mov eax, [ABSENT_PAGE] */
}

/* SDM vol. 3, table 6-5. */
static void second_fault_makes_a_double_fault_or_is_handled_in_its_turn(void)
{
	static const struct {
		enum first first;
		uint8_t vector; /* of the first */
		enum second second;
		int result;
		uint32_t error;
	} cases[] = {
		{ FIRST_UD, VEC_UD, SECOND_NP, VEC_NP, VEC_UD * 8 + 3 },
		{ FIRST_UD, VEC_UD, SECOND_PF, VEC_PF, 0 },
		{ FIRST_GP, VEC_GP, SECOND_NP, VEC_DF, 0 },
		{ FIRST_GP, VEC_GP, SECOND_PF, VEC_PF, 0 },
		{ FIRST_PF, VEC_PF, SECOND_NP, VEC_DF, 0 },
		{ FIRST_PF, VEC_PF, SECOND_PF, VEC_DF, 0 },
		{ FIRST_EXTERNAL, 0x20, SECOND_NP, VEC_NP, 0x20 * 8 + 3 },
		{ FIRST_EXTERNAL, 0x20, SECOND_PF, VEC_PF, 0 },
		/* the source counts, not the number */
		{ FIRST_EXTERNAL, VEC_GP, SECOND_NP, VEC_NP, VEC_GP * 8 + 3 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct x86_fixture x;

		begin(&x, 0);
		fixture_paging(&x);
		x.rights[FIX_LDT >> PAGE_SHIFT] = 0;
		x.rights[ABSENT_PAGE >> PAGE_SHIFT] = 0;
		spoil_gate(&x, cases[n].vector, cases[n].second);
		raise_first(&x, cases[n].first, cases[n].vector);
		fixture_continue(&x, 2);
		fixture_expect_fault(&x, cases[n].result, cases[n].error, 0);
		if (cases[n].second == SECOND_PF)
			CU_ASSERT_EQUAL(x.s.cr2, FIX_LDT + 8);
		fixture_end(&x);
	}
}

static void fault_while_delivering_a_double_fault_shuts_down(void)
{
	for (enum second second = SECOND_NP; second <= SECOND_PF; second++) {
		const struct x86_fault_log *log;
		struct x86_fixture x;

		begin(&x, 0);
		fixture_paging(&x);
		x.rights[FIX_LDT >> PAGE_SHIFT] = 0;
		spoil_gate(&x, VEC_GP, SECOND_NP);
		spoil_gate(&x, VEC_DF, second);
		raise_first(&x, FIRST_GP, VEC_GP);
		CU_ASSERT_EQUAL(fixture_continue(&x, 5), X86_STOP_SHUTDOWN);
		CU_ASSERT_EQUAL(x.s.eip, FIX_CODE);
		CU_ASSERT_EQUAL(x.s.gpr[X86_ESP], FIX_ESP0);
		CU_ASSERT_EQUAL(fixture_continue(&x, 5), X86_STOP_SHUTDOWN);
		log = x86_faults(x.cpu);
		CU_ASSERT_EQUAL(log->next, 3);
		CU_ASSERT_EQUAL(log->record[0].vector, VEC_GP);
		CU_ASSERT_EQUAL(log->record[0].error, 0x100);
		CU_ASSERT_FALSE(log->record[0].delivered);
		CU_ASSERT_EQUAL(log->record[1].vector, VEC_DF);
		CU_ASSERT_EQUAL(log->record[2].vector, second == SECOND_NP ? VEC_NP : VEC_PF);
		CU_ASSERT_EQUAL(log->record[2].eip, FIX_CODE);
		fixture_end(&x);
	}
}

static void endless_chain_of_benign_faults_shuts_down(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	dpl3_handler(&x, VEC_AC);
	x.s.cr0 |= CR0_AM;
	x.s.eflags |= EFLAGS_AC;
	x.s.gpr[X86_ESP] = FIX_ESP3 - 2;
	fixture_set(&x);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\x50", 5), X86_STOP_SHUTDOWN); /* push eax */
	fixture_end(&x);
}

/* --- from outside ----------------------------------------------------------------------------- */

static void external_interrupt_wakes_hlt_and_is_not_logged(void)
{
	struct x86_fixture x;

	begin(&x, 0);
	x.s.eflags |= EFLAGS_IF;
	fixture_set(&x);
	CU_ASSERT_EQUAL(FIXTURE_RUN(&x, "\xf4\x90", 5), X86_STOP_HALT);
	CU_ASSERT_TRUE(x.s.halted);
	x86_interrupt(x.cpu, 0x30);
	fixture_get(&x);
	CU_ASSERT_FALSE(x.s.halted);
	CU_ASSERT_EQUAL(x.s.eip, FIX_HANDLER + 16 * 0x30);
	CU_ASSERT_EQUAL(fixture_stack(&x, 0), FIX_CODE + 1);
	CU_ASSERT_EQUAL(fixture_stack(&x, 2), EFLAGS_FIXED | EFLAGS_IF);
	CU_ASSERT_EQUAL(x86_faults(x.cpu)->next, 0);
	fixture_end(&x);
}

static void injected_page_fault_looks_like_the_guest_s_own(void)
{
	struct x86_fixture x;

	begin(&x, 3);
	x.s.eip = FIX_CODE;
	fixture_set(&x);
	x86_exception(x.cpu, VEC_PF, PF_U | PF_W, 0xdeadb000);
	fixture_continue(&x, 1);
	fixture_expect_fault(&x, VEC_PF, PF_U | PF_W, 0);
	CU_ASSERT_EQUAL(x.s.cr2, 0xdeadb000);
	CU_ASSERT_EQUAL(x86_page_faults(x.cpu), 1);
	CU_ASSERT_TRUE(x86_faults(x.cpu)->record[0].delivered);
	CU_ASSERT_EQUAL(x86_faults(x.cpu)->record[0].cr2, 0xdeadb000);
	fixture_end(&x);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fault_pushes_its_own_eip_with_rf_and_clears_if_nt),
	UNIT_TEST(trap_gate_leaves_if),
	UNIT_TEST(software_interrupt_from_cpl_3_switches_to_the_stack_of_the_tss),
	UNIT_TEST(gate_of_16_bits_pushes_words),
	UNIT_TEST(tss_of_16_bits_gives_ss_and_sp),
	UNIT_TEST(int_n_int3_and_into_need_the_dpl_of_the_gate_and_int1_does_not),
	UNIT_TEST(into_and_bound_trap_only_when_they_must),
	UNIT_TEST(gate_and_handler_segment_are_checked),
	UNIT_TEST(task_gate_stops_with_a_text),
	UNIT_TEST(stack_of_the_tss_is_checked),
	UNIT_TEST(expand_down_stack_of_exactly_the_frame_is_enough),
	UNIT_TEST(page_fault_on_the_new_stack_commits_nothing),
	UNIT_TEST(second_fault_makes_a_double_fault_or_is_handled_in_its_turn),
	UNIT_TEST(fault_while_delivering_a_double_fault_shuts_down),
	UNIT_TEST(endless_chain_of_benign_faults_shuts_down),
	UNIT_TEST(external_interrupt_wakes_hlt_and_is_not_logged),
	UNIT_TEST(injected_page_fault_looks_like_the_guest_s_own),
	UNIT_END,
};

const struct unit_suite suite_x86_events = { "x86_events", tests };
