// SPDX-License-Identifier: MIT
/*
 * guest/fs/elf_check.c. What is refused, and when, was measured with execve() on Linux 6.18; the
 * numbers of the plans are calculated by hand.
 */
#include <errno.h>
#include <string.h>

#include "guest/fs/elf_check.h"
#include "unit.h"

#define TOP 0xc0000000u

static struct elf_header good_header(void)
{
	return (struct elf_header){
		.e_ident = { 0x7f, 'E', 'L', 'F', 1, 1, 1 },
		.e_type = ET_EXEC,
		.e_machine = 3,
		.e_version = 1,
		.e_entry = 0x8049000,
		.e_phoff = 52,
		.e_ehsize = 52,
		.e_phentsize = 32,
		.e_phnum = 4,
	};
}

static int check(const struct elf_header *h)
{
	struct elf_header out;

	return elf_check_header(h, sizeof(*h), &out);
}

static void header_fields_that_linux_checks(void)
{
	static const struct {
		uint16_t type, machine, phentsize, phnum;
		int err;
	} cases[] = {
		{ ET_EXEC, 3, 32, 1, 0 },
		{ ET_DYN, 3, 32, 1, 0 },
		{ ET_EXEC, 6, 32, 1, 0 },
		{ 0, 3, 32, 1, -ENOEXEC },
		{ 1, 3, 32, 1, -ENOEXEC },
		{ 4, 3, 32, 1, -ENOEXEC },
		{ 0xffff, 3, 32, 1, -ENOEXEC },
		{ ET_EXEC, 0, 32, 1, -ENOEXEC },
		{ ET_EXEC, 62, 32, 1, -ENOEXEC },
		{ ET_EXEC, 40, 32, 1, -ENOEXEC },
		{ ET_EXEC, 3, 31, 1, -ENOEXEC },
		{ ET_EXEC, 3, 56, 1, -ENOEXEC },
		{ ET_EXEC, 3, 32, 0, -ENOEXEC },
		{ ET_EXEC, 3, 32, 129, 0 },
		{ ET_EXEC, 3, 32, 2048, 0 },
		{ ET_EXEC, 3, 32, 2049, -ENOEXEC },
		{ ET_EXEC, 3, 32, 0xffff, -ENOEXEC },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_header h = good_header();

		h.e_type = cases[i].type;
		h.e_machine = cases[i].machine;
		h.e_phentsize = cases[i].phentsize;
		h.e_phnum = cases[i].phnum;
		CU_ASSERT_EQUAL(check(&h), cases[i].err);
	}
}

static void header_fields_that_linux_ignores(void)
{
	struct elf_header h = good_header();

	memset(h.e_ident + 4, 0xee, 12);
	h.e_version = 0;
	h.e_ehsize = 0;
	h.e_shoff = h.e_flags = UINT32_MAX;
	CU_ASSERT_EQUAL(check(&h), 0);
}

static void magic_and_length_are_checked(void)
{
	for (int i = 0; i < 4; i++) {
		struct elf_header h = good_header();

		h.e_ident[i] ^= 1;
		CU_ASSERT_EQUAL(check(&h), -ENOEXEC);
	}
	for (uint32_t n = 0; n < sizeof(struct elf_header); n++) {
		struct elf_header h = good_header(), out;

		CU_ASSERT_EQUAL(elf_check_header(&h, n, &out), -ENOEXEC);
	}
}

static void interpreter_name_has_2_to_4096_bytes(void)
{
	static const struct {
		uint32_t bytes;
		int err;
	} cases[] = { { 0, -ENOEXEC }, { 1, -ENOEXEC },	   { 2, 0 },
		      { 4096, 0 },     { 4097, -ENOEXEC }, { UINT32_MAX, -ENOEXEC } };
	const struct elf_phdr *found;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_phdr ph[2] = { { .p_type = PT_LOAD },
					  { .p_type = PT_INTERP, .p_filesz = cases[i].bytes } };

		CU_ASSERT_EQUAL(elf_find_interp(ph, 2, &found), cases[i].err);
		CU_ASSERT_PTR_EQUAL(found, &ph[1]);
		CU_ASSERT_EQUAL(elf_find_interp(ph, 1, &found), 0);
		CU_ASSERT_PTR_NULL(found);
	}
}

static void stack_is_executable_unless_a_header_says_no(void)
{
	struct elf_phdr ph[2] = { { .p_type = PT_LOAD }, { .p_type = PT_GNU_STACK, .p_flags = 6 } };

	CU_ASSERT_TRUE(elf_exec_stack(ph, 1));
	CU_ASSERT_FALSE(elf_exec_stack(ph, 2));
	ph[1].p_flags = 7;
	CU_ASSERT_TRUE(elf_exec_stack(ph, 2));
}

/* Text of two pages and 0x123 bytes; data that begins in mid-page, with bss over the page's end. */
static void segment_is_cut_into_file_zeros_and_bss(void)
{
	const struct elf_phdr text = { PT_LOAD, 0x1000, 0x8049000, 0, 0x2123, 0x2123, 5, 0x1000 };
	const struct elf_phdr data = { PT_LOAD, 0x3ef8, 0x804cef8, 0, 0x210, 0x2000, 6, 0x1000 };
	const struct elf_phdr bss = { PT_LOAD, 0x77, 0x8050010, 0, 0, 0x1ff8, 6, 0x1000 };
	struct elf_segment s;

	CU_ASSERT_EQUAL_FATAL(elf_plan_segment(&text, 0, TOP, &s), 0);
	CU_ASSERT(s.map_start == 0x8049000 && s.map_bytes == 0x3000 && s.map_offset == 0x1000);
	CU_ASSERT(!s.zero_bytes && !s.anon_bytes && s.flags == 5);

	CU_ASSERT_EQUAL_FATAL(elf_plan_segment(&data, 0, TOP, &s), 0);
	CU_ASSERT(s.map_start == 0x804c000 && s.map_bytes == 0x2000 && s.map_offset == 0x3000);
	CU_ASSERT(s.zero_start == 0x804d108 && s.zero_bytes == 0xef8);
	CU_ASSERT(s.anon_start == 0x804e000 && s.anon_bytes == 0x1000);

	/* Without bytes of the file its offset means nothing. */
	CU_ASSERT_EQUAL_FATAL(elf_plan_segment(&bss, 0, TOP, &s), 0);
	CU_ASSERT(!s.map_bytes && !s.zero_bytes);
	CU_ASSERT(s.anon_start == 0x8050000 && s.anon_bytes == 0x3000);
}

static void segment_moves_by_the_bias(void)
{
	const struct elf_phdr ph = { PT_LOAD, 0x10, 0x1010, 0, 0x20, 0x30, 6, 0x1000 };
	struct elf_segment s;

	CU_ASSERT_EQUAL_FATAL(elf_plan_segment(&ph, 0x400000, TOP, &s), 0);
	CU_ASSERT(s.map_start == 0x401000 && s.map_offset == 0 && s.zero_start == 0x401030);
}

static void segments_that_make_no_sense_are_refused(void)
{
	static const struct {
		uint32_t offset, vaddr, filesz, memsz;
		int err;
	} cases[] = {
		{ 0, 0x8048000, 0x1000, 0xfff, -EINVAL }, /* memory smaller than the file */
		{ 0, 0x8048000, 0, 0xffffffff, -EINVAL },
		{ 0, 0x8048000, 0xfffffff0, 0xfffffff0, -EINVAL },
		{ 0, TOP, 1, 1, -EINVAL },
		{ 0, TOP, 0, 0, -EINVAL },
		{ 0xfff, TOP - 1, 1, 1, 0 },
		{ 0xfff, TOP - 1, 1, 2, -EINVAL },
		{ 0, 0xfffff000, 0x1000, 0x1000, -EINVAL },
		{ 0, 0xfffff000, 0, 0x2000, -EINVAL },
		{ 0, 0x1000, 0, TOP - 0x1000, 0 },
		{ 0, 0x1000, 0, TOP - 0xfff, -EINVAL },
		{ 0x10, 0x8048000, 1, 1, -EINVAL }, /* offset and address differ in the page */
		{ 0, 0x8048010, 1, 1, -EINVAL },
		{ 0xfffff000, 0x8048000, 0x10, 0x10, 0 }, /* beyond the file: SIGBUS when touched */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct elf_phdr ph = { PT_LOAD,
					     cases[i].offset,
					     cases[i].vaddr,
					     0,
					     cases[i].filesz,
					     cases[i].memsz,
					     5,
					     0 };
		struct elf_segment s;

		CU_ASSERT_EQUAL(elf_plan_segment(&ph, 0, TOP, &s), cases[i].err);
	}
}

static void plan_knows_borders_headers_and_break(void)
{
	const struct elf_phdr ph[] = {
		{ PT_GNU_STACK, 0, 0xdead0000, 0, 5, 1, 6, 0 },
		{ PT_LOAD, 0, 0x8048000, 0, 0x94, 0x94, 4, 0x1000 },
		{ PT_LOAD, 0x1000, 0x8049000, 0, 0x432, 0x432, 5, 0x4000 },
		{ PT_LOAD, 0x2000, 0x804a800, 0, 0, 0x1900, 6, 0x3000 },
	};
	struct elf_header h = good_header();
	struct elf_plan plan;

	CU_ASSERT_EQUAL_FATAL(elf_plan_all(&h, ph, TOP, &plan), 0);
	CU_ASSERT(plan.low == 0x8048000 && plan.high == 0x804d000);
	CU_ASSERT_EQUAL(plan.phdr, 0x8048034);
	CU_ASSERT_EQUAL(plan.align, 0x4000); /* 0x3000 is no power of two */
	CU_ASSERT(plan.start_code == 0x8049000 && plan.end_code == 0x8049432);
	CU_ASSERT(plan.start_data == 0x804a800 && plan.end_data == 0x804a800);
	CU_ASSERT_EQUAL(plan.brk, 0x804c100);
	h.e_phnum = 1;
	CU_ASSERT_EQUAL(elf_plan_all(&h, ph, TOP, &plan), 0);
	CU_ASSERT(plan.high == 0 && plan.phdr == 0 && plan.start_code == 0);
}

/* From 4 MiB on, at a multiple of the alignment; low counts from there. */
static void position_independent_programs_start_at_4_mib(void)
{
	CU_ASSERT_EQUAL(elf_bias(&(struct elf_plan){ .low = 0, .align = 0x1000 }), 0x400000);
	CU_ASSERT_EQUAL(elf_bias(&(struct elf_plan){ .low = 0x1000, .align = 0x1000 }), 0x3ff000);
	CU_ASSERT_EQUAL(elf_bias(&(struct elf_plan){ .low = 0, .align = 0x1000000 }), 0x1000000);
}

static uint64_t random_state;

static uint32_t random32(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) ^ (uint32_t)(random_state >> 21 & 0x80000000);
}

/* A number of a kind that borders are made of. */
static uint32_t wild(void)
{
	static const uint32_t edges[] = { 0,	      1,	  0xfff,      0x1000,	  0x8048000,
					  0x7fffffff, 0x80000000, TOP - 1,    TOP,	  TOP + 1,
					  0xfffff000, 0xfffffffe, 0xffffffff, 0x10000000, 52 };

	switch (random32() % 4) {
	case 0:
		return random32();
	case 1:
		return random32() & ~0xfffu;
	case 2:
		return random32() % 0x10000;
	default:
		return edges[random32() % (sizeof(edges) / sizeof(edges[0]))];
	}
}

/* Below the top in 64-bit arithmetic, page-aligned where it must be, no part over the next. */
static void check_segment(const struct elf_phdr *ph, const struct elf_segment *s)
{
	uint64_t map_end = (uint64_t)s->map_start + s->map_bytes;
	uint64_t zero_end = (uint64_t)s->zero_start + s->zero_bytes;
	uint64_t anon_end = (uint64_t)s->anon_start + s->anon_bytes;

	CU_ASSERT(map_end <= TOP && (!s->anon_bytes || anon_end <= TOP));
	CU_ASSERT(!((s->map_start | s->map_bytes | s->map_offset | s->anon_bytes) % ELF_PAGE));
	CU_ASSERT(!s->zero_bytes || (zero_end == map_end && s->zero_start >= s->map_start));
	CU_ASSERT(!s->anon_bytes || !s->map_bytes || s->anon_start == map_end);
	CU_ASSERT(!ph->p_memsz || !s->anon_bytes ||
		  anon_end >= (uint64_t)ph->p_vaddr + ph->p_memsz);
}

static void random_headers_give_plans_below_the_top(void)
{
	unsigned accepted = 0;

	random_state = 1;
	for (int round = 0; round < 300000; round++) {
		struct elf_header h = good_header();
		struct elf_phdr ph[4];
		struct elf_plan plan;
		struct elf_segment s;

		h.e_phoff = wild();
		for (int i = 0; i < 4; i++)
			ph[i] = (struct elf_phdr){ random32() % 4 ? PT_LOAD : wild(),
						   wild(),
						   wild(),
						   wild(),
						   wild(),
						   wild(),
						   wild(),
						   wild() };
		for (int i = 0; i < 4; i++) {
			if (elf_plan_segment(&ph[i], 0, TOP, &s))
				continue;
			check_segment(&ph[i], &s);
			accepted++;
		}
		if (elf_plan_all(&h, ph, TOP, &plan) || !plan.high)
			continue;
		CU_ASSERT(plan.low < plan.high || plan.low == plan.high);
		CU_ASSERT(plan.high <= TOP && plan.brk <= plan.high);
		CU_ASSERT(plan.align && !(plan.align & (plan.align - 1)));
	}
	CU_ASSERT(accepted > 1000);
}

static const struct unit_test tests[] = {
	UNIT_TEST(header_fields_that_linux_checks),
	UNIT_TEST(header_fields_that_linux_ignores),
	UNIT_TEST(magic_and_length_are_checked),
	UNIT_TEST(interpreter_name_has_2_to_4096_bytes),
	UNIT_TEST(stack_is_executable_unless_a_header_says_no),
	UNIT_TEST(segment_is_cut_into_file_zeros_and_bss),
	UNIT_TEST(segment_moves_by_the_bias),
	UNIT_TEST(segments_that_make_no_sense_are_refused),
	UNIT_TEST(plan_knows_borders_headers_and_break),
	UNIT_TEST(position_independent_programs_start_at_4_mib),
	UNIT_TEST(random_headers_give_plans_below_the_top),
	UNIT_END,
};

const struct unit_suite suite_elf = { "elf", tests };
