// SPDX-License-Identifier: MIT
/*
 * Lines for addresses, from DWARF made by hand, and what a hostile line table may cost. Numbers are
 * those of the DWARF 4 standard: 7.5 (units, abbreviations), 6.2 (line programs).
 */
#include <stdio.h>
#include <time.h>

#include "inspect/symbols.h"
#include "unit/elf_image.h"
#include "unit/unit.h"

#define UNIT_BYTES 0x10u /* of code */
#define FIRST_LINE 7

/* A file that grows. */
struct bytes {
	char *data;
	size_t len, room;
};

static void put(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->room) {
		b->room = 2 * (b->len + len);
		b->data = realloc(b->data, b->room);
		CU_ASSERT_PTR_NOT_NULL_FATAL(b->data);
	}
	if (data)
		memcpy(b->data + b->len, data, len);
	else
		memset(b->data + b->len, 0, len);
	b->len += len;
}

static void put32(struct bytes *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void set32(struct bytes *b, size_t at, uint32_t value)
{
	memcpy(b->data + at, &value, sizeof(value));
}

/* One abbreviation: a unit without children, with a line program, from an address to another. */
static const unsigned char abbrev[] = {
	1,    0x11, 0, /* DW_TAG_compile_unit, DW_CHILDREN_no */
	0x10, 0x17,    /* DW_AT_stmt_list, DW_FORM_sec_offset */
	0x11, 0x01,    /* DW_AT_low_pc, DW_FORM_addr */
	0x12, 0x01,    /* DW_AT_high_pc, DW_FORM_addr */
	0,    0,    0,
};

static void unit_put(struct bytes *info, uint32_t start, uint32_t lines)
{
	put32(info, 2 + 4 + 1 + 1 + 12);
	put(info, "\4\0", 2); /* version 4 */
	put32(info, 0);	      /* abbreviations */
	put(info, "\4\1", 2); /* addresses of 4 bytes; abbreviation 1 */
	put32(info, lines);
	put32(info, start);
	put32(info, start + UNIT_BYTES);
}

/* Line FIRST_LINE of thing.c at `start`, and `rows` more rows that say the same. */
static void lines_put(struct bytes *lines, uint32_t start, unsigned rows)
{
	static const char header[] = "\1\1\373\16\15"		/* base -5, range 14 */
				     "\0\1\1\1\1\0\0\0\1\0\0\1" /* operands */
				     "\0thing.c\0\0\0\0";	/* folders, files */
	size_t unit = lines->len;

	put32(lines, 0);
	put(lines, "\2\0", 2);
	put32(lines, sizeof(header));
	put(lines, header, sizeof(header));
	put(lines, "\0\5\2", 3); /* DW_LNE_set_address */
	put32(lines, start);
	put(lines, "\3", 1); /* DW_LNS_advance_line */
	put(lines, &(char){ FIRST_LINE - 1 }, 1);
	for (unsigned i = 0; i <= rows; i++)
		put(lines, "\1", 1); /* DW_LNS_copy */
	put(lines, "\2", 1);	     /* DW_LNS_advance_pc */
	put(lines, &(char){ UNIT_BYTES }, 1);
	put(lines, "\0\1\1", 3); /* DW_LNE_end_sequence */
	set32(lines, unit, (uint32_t)(lines->len - unit - 4));
}

enum { NONE, TEXT, SYMTAB, STRTAB, ABBREV, INFO, LINE, SECTIONS };

/* Of sections, and of the symbol. */
static const char names[] = "\0.text\0.symtab\0.strtab\0.debug_abbrev\0.debug_info\0"
			    ".debug_line\0do_thing";

/* An ELF file with these sections of DWARF and one symbol. */
static struct bytes file_make(const struct bytes *abbrevs, const struct bytes *info,
			      const struct bytes *line)
{
	const Elf32_Sym sym[2] = { { 0 },
				   { .st_name = sizeof(names) - sizeof("do_thing"),
				     .st_value = ELF_IMAGE_CODE,
				     .st_size = 0x1000,
				     .st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
				     .st_shndx = TEXT } };
	const struct {
		uint32_t name, type;
		const void *data;
		size_t bytes;
	} content[SECTIONS] = {
		[TEXT] = { 1, SHT_NOBITS, NULL, 0 },
		[SYMTAB] = { 7, SHT_SYMTAB, sym, sizeof(sym) },
		[STRTAB] = { 15, SHT_STRTAB, names, sizeof(names) },
		[ABBREV] = { 23, SHT_PROGBITS, abbrevs->data, abbrevs->len },
		[INFO] = { 37, SHT_PROGBITS, info->data, info->len },
		[LINE] = { 49, SHT_PROGBITS, line->data, line->len },
	};
	Elf32_Ehdr ehdr = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_EXEC,
			    .e_machine = EM_386,
			    .e_version = EV_CURRENT,
			    .e_ehsize = sizeof(ehdr),
			    .e_shoff = sizeof(ehdr),
			    .e_shentsize = sizeof(Elf32_Shdr),
			    .e_shnum = SECTIONS,
			    .e_shstrndx = STRTAB };
	Elf32_Shdr shdr[SECTIONS] = { 0 };
	struct bytes file = { 0 };

	put(&file, NULL, sizeof(ehdr) + sizeof(shdr));
	for (unsigned i = TEXT; i < SECTIONS; i++) {
		shdr[i] = (Elf32_Shdr){ .sh_name = content[i].name,
					.sh_type = content[i].type,
					.sh_offset = (uint32_t)file.len,
					.sh_size = (uint32_t)content[i].bytes };
		put(&file, content[i].data, content[i].bytes);
	}
	shdr[TEXT].sh_addr = ELF_IMAGE_CODE;
	shdr[TEXT].sh_size = 0x1000;
	shdr[TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	shdr[SYMTAB].sh_link = STRTAB;
	shdr[SYMTAB].sh_entsize = sizeof(Elf32_Sym);
	memcpy(file.data, &ehdr, sizeof(ehdr));
	memcpy(file.data + sizeof(ehdr), shdr, sizeof(shdr));
	return file;
}

/* The symbols of such a file; the three are freed. */
static struct symbols *file_open(struct bytes *abbrevs, struct bytes *info, struct bytes *line)
{
	struct bytes file = file_make(abbrevs, info, line);
	struct symbols *s = NULL;

	CU_ASSERT_EQUAL_FATAL(bytes_open(&s, file.data, file.len), 0);
	free(abbrevs->data);
	free(info->data);
	free(line->data);
	free(file.data);
	return s;
}

/* Those of a file with `units` units, each with the given number of rows too many. */
static struct symbols *units_open(unsigned units, const unsigned rows[])
{
	struct bytes abbrevs = { 0 }, info = { 0 }, line = { 0 };

	put(&abbrevs, abbrev, sizeof(abbrev));
	for (unsigned i = 0; i < units; i++) {
		unit_put(&info, ELF_IMAGE_CODE + i * UNIT_BYTES, (uint32_t)line.len);
		lines_put(&line, ELF_IMAGE_CODE + i * UNIT_BYTES, rows[i]);
	}
	return file_open(&abbrevs, &info, &line);
}

static void formats_as(const struct symbols *s, gva_t addr, const char *wanted)
{
	char text[SYMBOL_TEXT_BYTES];

	symbols_format(s, addr, text);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void line_comes_from_the_unit_of_the_address(void)
{
	struct symbols *s = units_open(2, (unsigned[]){ 0, 0 });

	formats_as(s, ELF_IMAGE_CODE, "do_thing at thing.c:7");
	formats_as(s, ELF_IMAGE_CODE + 0x1f, "do_thing+0x1f at thing.c:7");
	formats_as(s, ELF_IMAGE_CODE + 0x20, "do_thing+0x20");
	formats_as(s, ELF_IMAGE_CODE - 1, "");
	symbols_close(s);
}

/* A row takes a byte here, and over a hundred in memory. */
static void line_program_of_one_unit_is_limited(void)
{
	struct symbols *s = units_open(3, (unsigned[]){ 0, 256u << 10, 255u << 10 });

	formats_as(s, ELF_IMAGE_CODE, "do_thing at thing.c:7");
	formats_as(s, ELF_IMAGE_CODE + 0x10, "do_thing+0x10");
	formats_as(s, ELF_IMAGE_CODE + 0x20, "do_thing+0x20 at thing.c:7");
	symbols_close(s);
}

static void line_programs_of_all_units_are_limited(void)
{
	const unsigned rows = 200u << 10; /* five of these are below a megabyte */
	struct symbols *s = units_open(6, (unsigned[]){ rows, rows, rows, rows, rows, rows });

	formats_as(s, ELF_IMAGE_CODE + 0x40, "do_thing+0x40 at thing.c:7");
	formats_as(s, ELF_IMAGE_CODE + 0x50, "do_thing+0x50");
	symbols_close(s);
}

static void dwarf_section_beyond_the_limit_is_not_looked_at(void)
{
	struct symbols *s =
		units_open(3, (unsigned[]){ 0, 2u << 20, (2u << 20) - (unsigned)0x100 });

	formats_as(s, ELF_IMAGE_CODE, "do_thing at thing.c:7");
	symbols_close(s);
	s = units_open(3, (unsigned[]){ 0, 2u << 20, 2u << 20 });
	formats_as(s, ELF_IMAGE_CODE, "do_thing");
	symbols_close(s);
}

/* 4096 units ask for an abbreviation that does not exist, behind 2 MB of others. */
static void units_with_endless_abbreviations_are_given_up(void)
{
	struct bytes abbrevs = { 0 }, info = { 0 }, line = { 0 };
	struct timespec begun, now;
	struct symbols *s;

	for (unsigned i = 0x4000; i < 0x4000 + 300000; i++) { /* numbers of three bytes, LEB128 */
		put(&abbrevs, &(char){ (char)(i | 0x80) }, 1);
		put(&abbrevs, &(char){ (char)(i >> 7 | 0x80) }, 1);
		put(&abbrevs, &(char){ (char)(i >> 14 & 0x7f) }, 1);
		put(&abbrevs, "\x11\0\0", 4);
	}
	for (unsigned i = 0; i < 4096; i++) {
		unit_put(&info, ELF_IMAGE_CODE, 0);
		info.data[info.len - 13] = 2;
	}
	lines_put(&line, ELF_IMAGE_CODE, 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
	s = file_open(&abbrevs, &info, &line);
	formats_as(s, ELF_IMAGE_CODE, "do_thing");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	CU_ASSERT(now.tv_sec - begun.tv_sec < 3);
	symbols_close(s);
}

static const struct unit_test tests[] = {
	UNIT_TEST(line_comes_from_the_unit_of_the_address),
	UNIT_TEST(line_program_of_one_unit_is_limited),
	UNIT_TEST(line_programs_of_all_units_are_limited),
	UNIT_TEST(dwarf_section_beyond_the_limit_is_not_looked_at),
	UNIT_TEST(units_with_endless_abbreviations_are_given_up),
	UNIT_END,
};

extern const struct unit_suite suite_symbols_lines;
const struct unit_suite suite_symbols_lines = { "symbols_lines", tests };
