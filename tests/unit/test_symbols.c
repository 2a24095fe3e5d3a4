// SPDX-License-Identifier: MIT
/*
 * Names for addresses, from an ELF file made by hand (unit/elf_image.h). Lines, which need DWARF, are
 * tested with the real guest.elf in cli_test.sh.
 */
#include <errno.h>

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

static const struct unit_test tests[] = {
	UNIT_TEST(symbol_with_a_size_holds_its_bytes_alone),
	UNIT_TEST(label_inside_a_function_does_not_hide_it),
	UNIT_TEST(label_of_code_reaches_to_the_next_symbol),
	UNIT_TEST(return_address_is_looked_up_at_its_call),
	UNIT_TEST(code_is_what_lies_in_sections_of_code),
	UNIT_TEST(symbol_names_cannot_steer_a_terminal),
	UNIT_TEST(file_without_i386_symbols_is_refused),
	UNIT_TEST(damaged_file_is_harmless),
	UNIT_END,
};

extern const struct unit_suite suite_symbols;
const struct unit_suite suite_symbols = { "symbols", tests };
