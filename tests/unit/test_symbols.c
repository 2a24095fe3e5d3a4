// SPDX-License-Identifier: MIT
/*
 * Names for addresses, from an ELF file made by hand (unit/elf_image.h), and what a hostile one may
 * cost. Lines are tested in test_symbols_lines.c.
 */
#include <errno.h>
#include <time.h>

#include "inspect/symbols.h"
#include "unit/elf_image.h"
#include "unit/unit.h"

static void formats_as(const struct symbols *s, gva_t addr, const char *wanted)
{
	char text[SYMBOL_TEXT_BYTES];

	symbols_format(s, addr, text);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void symbol_with_a_size_holds_its_bytes_alone(void)
{
	struct symbols *s = kernel_symbols();

	formats_as(s, ELF_IMAGE_CODE, "do_thing");
	formats_as(s, ELF_IMAGE_CODE + 15, "do_thing+0xf");
	formats_as(s, ELF_IMAGE_CODE + 16, "");
	formats_as(s, ELF_IMAGE_CODE + 0x1013, "table+0x3");
	formats_as(s, ELF_IMAGE_CODE + 0x1014, "");
	formats_as(s, ELF_IMAGE_CODE - 1, "");
	formats_as(s, 0, "");
	formats_as(s, 0xffffffff, "");
	formats_as(NULL, ELF_IMAGE_CODE, "");
	symbols_close(s);
}

static void label_inside_a_function_does_not_hide_it(void)
{
	struct symbols *s = kernel_symbols();

	formats_as(s, ELF_IMAGE_CODE + 4, "do_thing+0x4");
	formats_as(s, ELF_IMAGE_CODE + 6, "do_thing+0x6");
	symbols_close(s);
}

static void label_of_code_reaches_to_the_next_symbol(void)
{
	struct symbols *s = kernel_symbols();

	formats_as(s, ELF_IMAGE_CODE + 0x40, "label");
	formats_as(s, ELF_IMAGE_CODE + 0x7f, "label+0x3f");
	formats_as(s, ELF_IMAGE_CODE + 0x80, "after");
	formats_as(s, ELF_IMAGE_CODE + 0x88, "");   /* "after" has ended, and it lies between */
	formats_as(s, ELF_IMAGE_CODE + 0x1024, ""); /* a label of data holds nothing */
	symbols_close(s);
}

static void return_address_is_looked_up_at_its_call(void)
{
	struct symbols *s = kernel_symbols();
	char text[SYMBOL_TEXT_BYTES];

	symbols_format_return(s, ELF_IMAGE_CODE + 16, text);
	CU_ASSERT_STRING_EQUAL(text, "do_thing+0x10");
	symbols_format_return(s, ELF_IMAGE_CODE, text);
	CU_ASSERT_STRING_EQUAL(text, "");
	symbols_close(s);
}

static void code_is_what_lies_in_sections_of_code(void)
{
	struct symbols *s = kernel_symbols();

	CU_ASSERT_TRUE(symbols_is_code(s, ELF_IMAGE_CODE));
	CU_ASSERT_TRUE(symbols_is_code(s, ELF_IMAGE_CODE + 0xfff));
	CU_ASSERT_FALSE(symbols_is_code(s, ELF_IMAGE_CODE + 0x1000));
	CU_ASSERT_FALSE(symbols_is_code(s, ELF_IMAGE_CODE - 1));
	CU_ASSERT_FALSE(symbols_is_code(NULL, ELF_IMAGE_CODE));
	symbols_close(s);
}

static void symbol_names_cannot_steer_a_terminal(void)
{
	struct symbols *s = kernel_symbols();

	formats_as(s, ELF_IMAGE_CODE + 0x100, "esc?[2J");
	symbols_close(s);
}

static void file_without_i386_symbols_is_refused(void)
{
	struct symbols *s = NULL;
	struct elf_image e;

	CU_ASSERT_EQUAL(bytes_open(&s, "", 0), -ENOEXEC);
	CU_ASSERT_EQUAL(bytes_open(&s, "#!/bin/sh\n", 10), -ENOEXEC);
	image_make(&e, kernel_rows, 0);
	CU_ASSERT_EQUAL(bytes_open(&s, &e, sizeof(e)), -ENOEXEC);
	image_make(&e, kernel_rows, 1);
	e.ehdr.e_machine = EM_X86_64;
	CU_ASSERT_EQUAL(bytes_open(&s, &e, sizeof(e)), -ENOEXEC);
	image_make(&e, kernel_rows, 1);
	e.ehdr.e_type = ET_REL;
	CU_ASSERT_EQUAL(bytes_open(&s, &e, sizeof(e)), -ENOEXEC);
	image_make(&e, kernel_rows, 1);
	e.ehdr.e_ident[EI_DATA] = ELFDATA2MSB;
	CU_ASSERT_EQUAL(bytes_open(&s, &e, sizeof(e)), -ENOEXEC);
	CU_ASSERT_EQUAL(symbols_open(&s, -1), -EBADF);
}

/* Any cut, and any single byte of the headers and symbols turned over, is survived. */
static void damaged_file_is_harmless(void)
{
	char text[SYMBOL_TEXT_BYTES];
	struct elf_image e;

	image_make(&e, kernel_rows, ARRAY_SIZE(kernel_rows));
	for (size_t n = 0; n < sizeof(e); n++) {
		struct symbols *s = NULL;
		struct elf_image bad = e;

		((unsigned char *)&bad)[n] ^= 0xff;
		if (bytes_open(&s, &bad, sizeof(bad)) == 0)
			symbols_format(s, ELF_IMAGE_CODE + 4, text);
		symbols_close(s);
		s = NULL;
		if (bytes_open(&s, &e, n) == 0)
			symbols_format(s, ELF_IMAGE_CODE + 4, text);
		symbols_close(s);
	}
}

/* --- a file that is made to waste time -------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * An image whose symbols stand at one address, and whose names are the ends of one string of
 * `bytes` letters: symbol n has the name from its letter n * 5 % (bytes / 2) on. `end` is the last
 * byte.
 */
static char *crowd_make(size_t *total, uint32_t count, uint32_t bytes, char end)
{
	size_t syms = count * sizeof(Elf32_Sym);
	struct elf_image *e;
	Elf32_Sym *sym;
	char *strings;

	*total = sizeof(*e) + syms + bytes + 2;
	e = calloc(1, *total);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	image_make(e, kernel_rows, 1);
	sym = (Elf32_Sym *)(e + 1);
	strings = (char *)(e + 1) + syms;
	e->shdr[1].sh_name = e->shdr[2].sh_name = 0;
	e->shdr[3].sh_offset = sizeof(*e);
	e->shdr[3].sh_size = (uint32_t)syms;
	e->shdr[4].sh_offset = (uint32_t)(sizeof(*e) + syms);
	e->shdr[4].sh_size = bytes + 2;
	memset(strings + 1, 'A', bytes);
	strings[bytes + 1] = end;
	for (uint32_t i = 0; i < count; i++)
		sym[i] = (Elf32_Sym){ .st_name = 1 + i * 5 % (bytes / 2),
				      .st_value = ELF_IMAGE_CODE,
				      .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
				      .st_shndx = 1 };
	return (char *)e;
}

/* Comparing two of these names takes as long as they are: a megabyte. */
static void names_of_a_megabyte_at_one_address_cost_no_time(void)
{
	struct symbols *s = NULL;
	double begun = cpu_seconds();
	char text[SYMBOL_TEXT_BYTES];
	size_t bytes;
	char *e = crowd_make(&bytes, 100000, 1u << 20, 0);

	CU_ASSERT_EQUAL(bytes_open(&s, e, bytes), 0);
	symbols_format(s, ELF_IMAGE_CODE, text);
	CU_ASSERT_EQUAL(strspn(text, "A"), SYMBOL_NAME_BYTES - 1);
	CU_ASSERT(cpu_seconds() - begun < 1);
	symbols_close(s);
	free(e);
}

/* Looking for the end of each of its strings would take as long as the table is. */
static void string_table_without_an_end_is_refused(void)
{
	struct symbols *s = NULL;
	size_t bytes;
	char *e = crowd_make(&bytes, 10, 4096, 'A');

	CU_ASSERT_EQUAL(bytes_open(&s, e, bytes), -ENOEXEC);
	free(e);
}

static void symbols_beyond_the_limit_are_not_looked_at(void)
{
	const uint32_t most = 256u << 10;
	struct symbols *s = NULL;
	size_t bytes;
	char *e = crowd_make(&bytes, most + 1, 4096, 0);
	Elf32_Sym *sym = (Elf32_Sym *)(e + sizeof(struct elf_image));

	sym[most - 1].st_value = ELF_IMAGE_CODE + 0x100;
	sym[most - 1].st_size = 4;
	sym[most].st_value = ELF_IMAGE_CODE + 0x200;
	sym[most].st_size = 4;
	CU_ASSERT_EQUAL(bytes_open(&s, e, bytes), 0);
	CU_ASSERT_TRUE(symbols_find(s, ELF_IMAGE_CODE + 0x102, &(struct symbol_hit){ 0 }));
	CU_ASSERT_FALSE(symbols_find(s, ELF_IMAGE_CODE + 0x202, &(struct symbol_hit){ 0 }));
	symbols_close(s);
	free(e);
}

static void file_beyond_the_limit_is_refused(void)
{
	int fd = memfd_create("symbols", MFD_CLOEXEC);
	struct symbols *s = NULL;

	CU_ASSERT_EQUAL(ftruncate(fd, SYMBOLS_FILE_MAX + 1), 0);
	CU_ASSERT_EQUAL(symbols_open(&s, fd), -EFBIG);
	close(fd);
}

/* e_shnum 0 with section headers: their number stands elsewhere, and may be a million. */
static void file_of_countless_sections_is_refused(void)
{
	struct symbols *s = NULL;
	struct elf_image e;

	image_make(&e, kernel_rows, 1);
	e.ehdr.e_shnum = 0;
	e.shdr[0].sh_size = 5;
	CU_ASSERT_EQUAL(bytes_open(&s, &e, sizeof(e)), -ENOEXEC);
}

static const struct unit_test tests[] = {
	UNIT_TEST(symbol_with_a_size_holds_its_bytes_alone),
	UNIT_TEST(label_inside_a_function_does_not_hide_it),
	UNIT_TEST(label_of_code_reaches_to_the_next_symbol),
	UNIT_TEST(return_address_is_looked_up_at_its_call),
	UNIT_TEST(code_is_what_lies_in_sections_of_code),
	UNIT_TEST(symbol_names_cannot_steer_a_terminal),
	UNIT_TEST(file_without_i386_symbols_is_refused),
	UNIT_TEST(damaged_file_is_harmless),
	UNIT_TEST(names_of_a_megabyte_at_one_address_cost_no_time),
	UNIT_TEST(string_table_without_an_end_is_refused),
	UNIT_TEST(symbols_beyond_the_limit_are_not_looked_at),
	UNIT_TEST(file_beyond_the_limit_is_refused),
	UNIT_TEST(file_of_countless_sections_is_refused),
	UNIT_END,
};

extern const struct unit_suite suite_symbols;
const struct unit_suite suite_symbols = { "symbols", tests };
