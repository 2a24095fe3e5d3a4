// SPDX-License-Identifier: MIT
/*
 * Post-mortems of machines made by hand. Expected lines are worked out from the Intel SDM (error
 * codes: vol. 3, 4.7 and 6.13; opcodes: vol. 2).
 */
#include "unit/postmortem_rig.h"

static void chain_ends_in_the_triple_fault(void)
{
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	record(&f, &(struct x86_fault_record){ .vector = VEC_PF,
					       .has_error = true,
					       .error = 2,
					       .eip = KERNEL + 3,
					       .cs = 0x60,
					       .icount = 77 });
	record(&f, &(struct x86_fault_record){ .vector = VEC_DF,
					       .has_error = true,
					       .eip = KERNEL + 3,
					       .cs = 0x60,
					       .icount = 77 });
	f.pm.triple = true;
	write_pm(&f);
	has(&f, "vmm: it died\n"
		"  exceptions, oldest first\n"
		"    #PF at 0060:c0100003 (do_thing+0x3), error 2 (write, not present, "
		"supervisor), CR2 00000000, instruction 77\n"
		"    -> #DF at 0060:c0100003 (do_thing+0x3), error 0, instruction 77\n"
		"    -> triple fault\n");
	teardown(&f);
}

static void exception_that_was_handled_has_no_successor(void)
{
	struct fixture f;

	setup(&f);
	record(&f,
	       &(struct x86_fault_record){
		       .vector = VEC_BP, .eip = 0x10, .cs = 0x73, .delivered = true, .icount = 1 });
	record(&f,
	       &(struct x86_fault_record){
		       .vector = 0x80, .eip = 0x20, .cs = 0x73, .delivered = true, .icount = 2 });
	write_pm(&f);
	has(&f, "    #BP at 0073:00000010, instruction 1, handler entered\n"
		"    INT 80 at 0073:00000020, instruction 2, handler entered\n"
		"  registers\n");
	teardown(&f);
}

static void log_that_has_wrapped_is_told_in_order(void)
{
	struct fixture f;

	setup(&f);
	for (uint64_t i = 0; i < 10; i++)
		record(&f, &(struct x86_fault_record){ .vector = VEC_DE,
						       .cs = 0x60,
						       .delivered = true,
						       .icount = 100 + i });
	write_pm(&f);
	has(&f, "    (2 before these)\n"
		"    #DE at 0060:00000000, instruction 102, handler entered\n"
		"    #DE at 0060:00000000, instruction 103, handler entered\n");
	has(&f, "instruction 109, handler entered\n  registers\n");
	has_not(&f, "instruction 101,");
	teardown(&f);
}

static void error_codes_are_told_in_words(void)
{
	static const struct {
		uint8_t vector;
		uint32_t error;
		const char *words;
	} cases[] = {
		{ VEC_PF, 0, "error 0 (read or fetch, not present, supervisor), CR2" },
		{ VEC_PF, 5, "error 5 (read or fetch, not allowed, user), CR2" },
		{ VEC_PF, 7, "error 7 (write, not allowed, user), CR2" },
		{ VEC_PF, 9, "error 9 (read or fetch, not allowed, supervisor, reserved bit set)" },
		{ VEC_GP, 0, "error 0, instruction" },
		{ VEC_GP, 0x10, "error 10 (selector 0010 in the GDT), instruction" },
		{ VEC_NP, 0x14, "error 14 (selector 0014 in the LDT), instruction" },
		{ VEC_GP, 0x1a, "error 1a (IDT gate 3), instruction" },
		{ VEC_NP, 0x103, "error 103 (IDT gate 32, external), instruction" },
		{ VEC_GP, 0x02, "error 2 (IDT gate 0), instruction" },
		{ VEC_TS, 0x81, "error 81 (selector 0080 in the GDT, external), instruction" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		setup(&f);
		record(&f, &(struct x86_fault_record){ .vector = cases[i].vector,
						       .has_error = true,
						       .error = cases[i].error });
		write_pm(&f);
		has(&f, cases[i].words);
		teardown(&f);
	}
}

static void registers_and_flags_are_told(void)
{
	struct fixture f;

	setup(&f);
	for (unsigned i = 0; i < X86_GPRS; i++)
		f.state.gpr[i] = 0x11111111u * (i + 1);
	f.state.eflags = 0x3246; /* IOPL 3, IF, ZF, PF, bit 1 */
	f.state.cpl = 3;
	f.state.halted = true;
	write_pm(&f);
	has(&f, "  registers\n"
		"    EAX 11111111  EBX 44444444  ECX 22222222  EDX 33333333\n"
		"    ESI 77777777  EDI 88888888  EBP 66666666  ESP 55555555\n"
		"    EIP c0100000\n"
		"    EFLAGS 00003246 [IF ZF PF] IOPL 3, CPL 3, halted\n");
	teardown(&f);
}

static void segment_attributes_are_told_in_words(void)
{
	static const struct {
		uint16_t attr;
		const char *words;
	} cases[] = {
		{ 0, "unusable" },
		{ 0xc09b, "32-bit code, readable, DPL 0" },
		{ 0xc0fd, "32-bit code, execute-only, conforming, DPL 3" },
		{ 0x009b, "16-bit code, readable, DPL 0" },
		{ 0xc0f3, "32-bit data, writable, DPL 3" },
		{ 0x4097, "32-bit data, writable, expand-down, DPL 0" },
		{ 0x00b1, "16-bit data, read-only, DPL 1" },
		{ 0x008b, "32-bit TSS, busy, DPL 0" },
		{ 0x0082, "LDT, DPL 0" },
		{ 0x008c, "not a TSS or LDT, DPL 0" },
	};
	char line[128];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		setup(&f);
		f.state.seg[X86_TR] = (struct x86_segment){ 0x80, cases[i].attr, 0x1234, 0x67 };
		write_pm(&f);
		snprintf(line, sizeof(line), "    TR   0080  base 00001234  limit 00000067  %s\n",
			 cases[i].words);
		has(&f, line);
		teardown(&f);
	}
}

static void control_registers_are_told_by_bit(void)
{
	struct fixture f;

	setup(&f);
	f.state.cr0 = 0x80010011;
	f.state.cr2 = 0x1234;
	f.state.cr4 = 0x90;
	f.state.dr[6] = 0xffff0ff0;
	f.state.dr[7] = 0x400;
	write_pm(&f);
	has(&f, "  control\n"
		"    CR0 80010011 [PG WP ET PE]\n"
		"    CR2 00001234  CR3 00001000\n"
		"    CR4 00000090 [PGE PSE]\n"
		"    DR6 ffff0ff0  DR7 00000400\n");
	teardown(&f);
}

/* push ebp; mov ebp, esp; nop; ud2; jmp KERNEL (from KERNEL + 8: -8); hlt */
static const uint8_t code32[] = { 0x55, 0x89, 0xe5, 0x90, 0x0f, 0x0b, 0xeb, 0xf8, 0xf4 };

static void code_starts_at_the_function_and_marks_eip(void)
{
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	poke(&f, 0x100000, code32, sizeof(code32));
	f.state.eip = KERNEL + 4;
	write_pm(&f);
	has(&f, "  code\n"
		"     c0100000  55                       push ebp\n"
		"     c0100001  89 e5                    mov ebp, esp\n"
		"     c0100003  90                       nop\n"
		"  => c0100004  0f 0b                    ud2\n"
		"     c0100006  eb f8                    jmp 0xC0100000  ; do_thing\n"
		"     c0100008  f4                       hlt\n");
	teardown(&f);
}

static void code_without_symbols_starts_at_eip(void)
{
	struct fixture f;

	setup(&f);
	poke(&f, 0x100000, code32, sizeof(code32));
	f.state.eip = KERNEL + 4;
	write_pm(&f);
	has(&f, "  code\n"
		"  => c0100004  0f 0b                    ud2\n");
	has_not(&f, "push ebp");
	teardown(&f);
}

/* Into the middle of "mov ebp, esp": what decodes before it is not what ran. */
static void code_out_of_step_with_its_function_starts_at_eip(void)
{
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	poke(&f, 0x100000, code32, sizeof(code32));
	f.state.eip = KERNEL + 2;
	write_pm(&f);
	has(&f, "  code\n"
		"  => c0100002  e5 90 ");
	teardown(&f);
}

static void code_of_a_16_bit_segment_decodes_as_such(void)
{
	static const uint8_t code[] = { 0xb8, 0x34, 0x12, 0xf4 };
	struct fixture f;

	setup(&f);
	poke(&f, 0x100000, code, sizeof(code));
	f.state.seg[X86_CS].attr &= (uint16_t)~SEG_DB;
	write_pm(&f);
	has(&f, "  => c0100000  b8 34 12                 mov ax, 0x1234\n");
	teardown(&f);
}

static void code_ends_where_memory_does(void)
{
	static const uint8_t nops[3] = { 0x90, 0x90, 0xe8 }; /* the call lacks its operand */
	struct fixture f;

	setup(&f);
	poke(&f, 0x101ffd, nops, sizeof(nops));
	f.state.eip = KERNEL + 0x1ffd;
	write_pm(&f);
	has(&f, "  => c0101ffd  90                       nop\n"
		"     c0101ffe  90                       nop\n"
		"     c0101fff  e8                       (bad)\n"
		"  page walk of EIP");
	f.state.eip = 0x5000;
	write_pm(&f);
	has(&f, "  => 00005000                           (no memory there)\n");
	teardown(&f);
}

/* KVM takes exceptions to the guest without a word. */
static void engine_that_sees_no_exceptions_is_told(void)
{
	struct fixture f;

	setup(&f);
	f.pm.faults = NULL;
	f.pm.triple = true;
	write_pm(&f);
	has(&f, "vmm: it died\n"
		"  exceptions: this engine does not see them\n"
		"  registers\n");
	has_not(&f, "-> triple fault");
	teardown(&f);
}

static void caveat_stands_before_what_it_is_about(void)
{
	struct fixture f;

	setup(&f);
	f.pm.caveat = "these registers are old";
	write_pm(&f);
	has(&f, "vmm: it died\n  note: these registers are old\n  registers\n");
	f.pm.caveat = NULL;
	write_pm(&f);
	has_not(&f, "note:");
	teardown(&f);
}

static void colour_is_there_only_if_asked_for(void)
{
	struct fixture f;

	setup(&f);
	write_pm(&f);
	has_not(&f, "\033");
	f.pm.colour = true;
	write_pm(&f);
	has(&f, "\033[1;31mvmm: it died\033[0m\n");
	teardown(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(chain_ends_in_the_triple_fault),
	UNIT_TEST(exception_that_was_handled_has_no_successor),
	UNIT_TEST(log_that_has_wrapped_is_told_in_order),
	UNIT_TEST(error_codes_are_told_in_words),
	UNIT_TEST(registers_and_flags_are_told),
	UNIT_TEST(segment_attributes_are_told_in_words),
	UNIT_TEST(control_registers_are_told_by_bit),
	UNIT_TEST(code_starts_at_the_function_and_marks_eip),
	UNIT_TEST(code_without_symbols_starts_at_eip),
	UNIT_TEST(code_out_of_step_with_its_function_starts_at_eip),
	UNIT_TEST(code_of_a_16_bit_segment_decodes_as_such),
	UNIT_TEST(code_ends_where_memory_does),
	UNIT_TEST(engine_that_sees_no_exceptions_is_told),
	UNIT_TEST(caveat_stands_before_what_it_is_about),
	UNIT_TEST(colour_is_there_only_if_asked_for),
	UNIT_END,
};

extern const struct unit_suite suite_postmortem;
const struct unit_suite suite_postmortem = { "postmortem", tests };
