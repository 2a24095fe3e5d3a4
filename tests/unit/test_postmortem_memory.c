// SPDX-License-Identifier: MIT
/*
 * What a post-mortem reads in the guest's memory: page walks, stack, backtrace; and that hostile
 * memory does it no harm.
 */
#include "unit/postmortem_rig.h"

static void page_walks_go_line_by_line(void)
{
	struct fixture f;

	setup(&f);
	record(&f, &(struct x86_fault_record){ .vector = VEC_PF, .has_error = true });
	f.state.cr2 = KERNEL + 0x2004; /* PTE[0x102] is 0 */
	f.state.eip = KERNEL + 0x10;
	write_pm(&f);
	has(&f, "  page walk of CR2 c0102004\n"
		"    PDE[768] 0x00001c00 = 0x00002023 P RW A\n"
		"    PTE[258] 0x00002408 = 0x00000000 not present\n"
		"    no translation\n"
		"  page walk of EIP c0100010\n"
		"    PDE[768] 0x00001c00 = 0x00002023 P RW A\n"
		"    PTE[256] 0x00002400 = 0x00100063 P RW A D\n"
		"    physical 00100010, writable, supervisor\n");
	teardown(&f);
}

static void page_walk_of_cr2_needs_a_page_fault(void)
{
	struct fixture f;

	setup(&f);
	record(&f, &(struct x86_fault_record){ .vector = VEC_GP, .has_error = true });
	f.state.cr2 = 0x1234;
	write_pm(&f);
	has_not(&f, "page walk of CR2");
	f.pm.faults = NULL; /* an engine that does not see them: CR2 itself tells */
	write_pm(&f);
	has(&f, "  page walk of CR2 00001234\n");
	teardown(&f);
}

static void page_walk_tells_that_paging_is_off(void)
{
	struct fixture f;

	setup(&f);
	f.state.cr0 = CR0_PE;
	f.state.eip = 0x100000;
	write_pm(&f);
	has(&f, "  page walk of EIP 00100000\n    paging is off\n");
	f.state.eip = 0xa0000; /* the hole */
	write_pm(&f);
	has(&f, "  page walk of EIP 000a0000\n    paging is off (not RAM)\n");
	teardown(&f);
}

/* A pointer to a function has its name, a return address the place of its call. */
static void stack_names_what_looks_like_code(void)
{
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	poke32(&f, 0x101000, KERNEL + 5);
	poke32(&f, 0x101004, KERNEL + 0x80);
	poke32(&f, 0x101008, KERNEL + 0x1010);
	poke32(&f, 0x10100c, KERNEL + 0x10);
	write_pm(&f);
	has(&f, "  stack\n"
		"    c0101000  c0100005  do_thing+0x5\n"
		"    c0101004  c0100080  after\n"
		"    c0101008  c0101010\n"
		"    c010100c  c0100010  do_thing+0x10\n"
		"    c0101010  00000000\n");
	has(&f, "    c010103c  00000000\n  backtrace"); /* 16 words */
	teardown(&f);
}

static void stack_ends_where_memory_does(void)
{
	struct fixture f;

	setup(&f);
	f.state.gpr[X86_ESP] = KERNEL + 0x1ffa; /* its second word crosses the end */
	write_pm(&f);
	has(&f, "  stack\n"
		"    c0101ffa  00000000\n"
		"    c0101ffe  (no memory there)\n"
		"  backtrace");
	teardown(&f);
}

static void backtrace_follows_ebp_to_its_end(void)
{
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	f.state.gpr[X86_EBP] = KERNEL + 0x1100;
	poke32(&f, 0x101100, KERNEL + 0x1200);
	poke32(&f, 0x101104, KERNEL + 0x10); /* after the last byte of do_thing */
	poke32(&f, 0x101200, 0);
	poke32(&f, 0x101204, KERNEL + 0x88);
	write_pm(&f);
	CU_ASSERT_STRING_EQUAL(strstr(f.text, "  backtrace"), "  backtrace by EBP\n"
							      "    #0  c0100000  do_thing\n"
							      "    #1  c0100010  do_thing+0x10\n"
							      "    #2  c0100088  after+0x8\n");
	teardown(&f);
}

static void backtrace_in_circles_or_downwards_ends(void)
{
	struct fixture f;

	setup(&f);
	f.state.gpr[X86_EBP] = KERNEL + 0x1100;
	poke32(&f, 0x101100, KERNEL + 0x1100);
	poke32(&f, 0x101104, 0x1234);
	write_pm(&f);
	CU_ASSERT_STRING_EQUAL(strstr(f.text, "  backtrace"), "  backtrace by EBP\n"
							      "    #0  c0100000\n"
							      "    #1  00001234\n");
	/* A chain of words that goes up forever is cut. */
	for (uint32_t at = 0x101100; at < 0x101f00; at += 8) {
		poke32(&f, at, KERNEL + (at - 0x100000) + 8);
		poke32(&f, at + 4, 0x1234);
	}
	write_pm(&f);
	has(&f, "    #23 00001234\n    ...\n");
	has_not(&f, "#24");
	teardown(&f);
}

/* Whatever the registers say: it ends, in a bounded number of lines. */
static void hostile_state_is_harmless(void)
{
	static const uint32_t values[] = {
		0,	   1,	       0xfff,	   0x1000,     0xa0000,	   RAM_BYTES - 1,
		RAM_BYTES, 0x7fffffff, 0xc0100fff, 0xfffff000, 0xfffffffd, 0xffffffff,
	};
	struct fixture f;

	setup(&f);
	f.symbols = kernel_symbols();
	for (unsigned i = 0; i < ARRAY_SIZE(values) * ARRAY_SIZE(values); i++) {
		uint32_t a = values[i % ARRAY_SIZE(values)], b = values[i / ARRAY_SIZE(values)];

		f.state.cr3 = i % 3 ? a : DIRECTORY;
		f.state.cr4 = i % 2 ? CR4_PSE : 0;
		f.state.eip = b;
		f.state.gpr[X86_ESP] = a;
		f.state.gpr[X86_EBP] = b & ~3u;
		f.state.seg[X86_CS].base = a;
		f.state.seg[X86_SS].base = b;
		f.state.seg[X86_SS].attr ^= SEG_DB;
		f.log.next = i;
		write_pm(&f);
		CU_ASSERT(lines_of(&f) < 120);
	}
	teardown(&f);
}

/* A directory that maps itself, and one full of ones. */
static void hostile_tables_are_harmless(void)
{
	struct fixture f;

	setup(&f);
	f.state.cr4 = CR4_PSE;
	memset(ram_span(&f.ram, DIRECTORY, 4096), 0xff, 4096);
	write_pm(&f);
	has(&f, "no translation");
	memset(ram_span(&f.ram, DIRECTORY, 4096), 0, 4096);
	poke32(&f, DIRECTORY + 768 * 4, DIRECTORY | PTE_P);
	f.state.eip = 0xc0300000; /* the directory itself, by PDE[768] twice */
	write_pm(&f);
	has(&f, "    physical 00001000, read-only, supervisor\n");
	teardown(&f);
}

static void nothing_of_the_guest_is_changed(void)
{
	uint8_t before[8192];
	struct fixture f;

	setup(&f);
	poke32(&f, DIRECTORY + 768 * 4, TABLE | PTE_P); /* A clear here, and in PTE[0x101] */
	memcpy(before, ram_span(&f.ram, DIRECTORY, sizeof(before)), sizeof(before));
	write_pm(&f);
	CU_ASSERT_EQUAL(memcmp(before, ram_span(&f.ram, DIRECTORY, sizeof(before)), sizeof(before)),
			0);
	teardown(&f);
}

static const struct unit_test tests[] = {
	UNIT_TEST(page_walks_go_line_by_line),
	UNIT_TEST(page_walk_of_cr2_needs_a_page_fault),
	UNIT_TEST(page_walk_tells_that_paging_is_off),
	UNIT_TEST(stack_names_what_looks_like_code),
	UNIT_TEST(stack_ends_where_memory_does),
	UNIT_TEST(backtrace_follows_ebp_to_its_end),
	UNIT_TEST(backtrace_in_circles_or_downwards_ends),
	UNIT_TEST(hostile_state_is_harmless),
	UNIT_TEST(hostile_tables_are_harmless),
	UNIT_TEST(nothing_of_the_guest_is_changed),
	UNIT_END,
};

extern const struct unit_suite suite_postmortem_memory;
const struct unit_suite suite_postmortem_memory = { "postmortem_memory", tests };
