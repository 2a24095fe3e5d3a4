// SPDX-License-Identifier: MIT
#include "inspect/symbols.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SYMBOLS_MAX (256u << 10) /* a Linux kernel has 100,000 */
#define SECTIONS_MAX 64u	 /* of code; more are not looked at */
#define SECTION_NAME_MAX 64u	 /* a longer name is none that we know */
#define NEIGHBOURS_MAX 64u	 /* symbols looked back at for one that holds an address */
#define UNITS_MAX 4096u		 /* compilation units that are asked for their addresses */
#define RANGES_MAX (64u << 10)	 /* of all units */
#define UNITS_NS 100000000u	 /* how long asking them may take */
#define DWARF_MAX (4u << 20)	 /* a section of DWARF; in libdw's memory it takes 10 times that */
/*
 * Line programs, of a unit and of all: each byte may become a row, of 120 bytes in libdw's memory.
 */
#define UNIT_LINES_MAX (256u << 10)
#define LINES_MAX (1u << 20)

struct symbol {
	gva_t start;
	uint32_t bytes;	  /* 0: up to the next one, as labels of assembly are */
	uint32_t index;	  /* in the file */
	const char *name; /* ends inside the string table */
};

struct code_section {
	gva_t start;
	uint32_t bytes;
};

/* Addresses of a compilation unit whose lines may be looked at. */
struct unit_range {
	gva_t start, last;
	Dwarf_Off unit;
};

/* A string table whose last byte is 0, so that every string in it ends. */
struct strings {
	const char *text;
	size_t bytes;
};

struct symbols {
	void *image;
	Elf *elf;
	Dwarf *dwarf;	       /* NULL: no usable line table */
	Elf_Data *lines;       /* .debug_line; NULL: none */
	struct symbol *symbol; /* sorted by start */
	size_t count;
	struct unit_range *range;
	size_t ranges;
	struct code_section code[SECTIONS_MAX];
	unsigned codes;
};

/* --- opening ---------------------------------------------------------------------------------- */

/* All of a regular file; by pread, because a mapping of a file that shrinks is a SIGBUS. */
static int file_read(int fd, void **data, size_t *bytes)
{
	struct stat st;
	char *buf;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (st.st_size > (off_t)SYMBOLS_FILE_MAX)
		return -EFBIG;
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return -ENOMEM;
	while (*bytes < (size_t)st.st_size) {
		ssize_t n = pread(fd, buf + *bytes, (size_t)st.st_size - *bytes, (off_t)*bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*bytes += (size_t)n;
	}
	*data = buf;
	return 0;
}

/* Functions, objects and labels; not sections, files, and the constants of SHN_ABS. */
static bool symbol_wanted(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE) && sym->st_name &&
	       sym->st_shndx != SHN_UNDEF && sym->st_shndx < SHN_LORESERVE;
}

/* Names have no part in it: comparing them would take as long as they are. */
static int symbol_order(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->bytes != y->bytes) /* the one with a size comes last, and is found first */
		return x->bytes < y->bytes ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/*
 * False: section `index` is no string table, or one that does not end in 0 (ELF, "String table").
 */
static bool strings_get(Elf *elf, size_t index, struct strings *strings)
{
	Elf_Data *data = elf_getdata(elf_getscn(elf, index), NULL);

	if (!data || !data->d_buf || !data->d_size)
		return false;
	*strings = (struct strings){ .text = data->d_buf, .bytes = data->d_size };
	return !strings->text[strings->bytes - 1];
}

static const char *string_at(const struct strings *strings, size_t offset)
{
	return offset < strings->bytes ? strings->text + offset : NULL;
}

static int table_read(struct symbols *s, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = data ? data->d_size / sizeof(Elf32_Sym) : 0;
	struct strings names;

	if (!strings_get(s->elf, shdr->sh_link, &names))
		return -ENOEXEC;
	if (count > SYMBOLS_MAX)
		count = SYMBOLS_MAX;
	s->symbol = calloc(count + 1, sizeof(*s->symbol));
	if (!s->symbol)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || !symbol_wanted(&sym))
			continue;
		name = string_at(&names, sym.st_name);
		if (!name || !*name || *name == '.')
			continue;
		s->symbol[s->count++] = (struct symbol){
			.start = (gva_t)sym.st_value,
			.bytes = (uint32_t)sym.st_size,
			.index = (uint32_t)i,
			.name = name,
		};
	}
	qsort(s->symbol, s->count, sizeof(*s->symbol), symbol_order);
	return 0;
}

/*
 * libdw would open further files for an alternate debug file or a split one, which the jail answers
 * with death, and would believe the size that a compressed section claims for itself. A guest that
 * is built by plain gcc or clang has none of these. Strings are not limited: they are only pointed
 * to.
 */
static bool section_spoils_dwarf(const char *name, const GElf_Shdr *shdr)
{
	if (strnlen(name, SECTION_NAME_MAX) == SECTION_NAME_MAX)
		return true;
	if (!strncmp(name, ".debug_", 7) && strcmp(name, ".debug_str") &&
	    strcmp(name, ".debug_line_str") && shdr->sh_size > DWARF_MAX)
		return true;
	return shdr->sh_flags & SHF_COMPRESSED || !strncmp(name, ".zdebug", 7) ||
	       !strcmp(name, ".gnu_debugaltlink") || strstr(name, ".dwo");
}

/* What a section holds for us; false: it keeps libdw away from all of them. */
static bool section_read(struct symbols *s, Elf_Scn *scn, const char *name, const GElf_Shdr *shdr)
{
	if (shdr->sh_flags & SHF_EXECINSTR && s->codes < SECTIONS_MAX)
		s->code[s->codes++] = (struct code_section){
			.start = (gva_t)shdr->sh_addr,
			.bytes = (uint32_t)shdr->sh_size,
		};
	if (!name || section_spoils_dwarf(name, shdr))
		return false;
	if (!strcmp(name, ".debug_line") && !s->lines)
		s->lines = elf_getdata(scn, NULL);
	return true;
}

static int sections_read(struct symbols *s, bool *dwarf)
{
	struct strings names = { .bytes = 0 };
	Elf_Scn *scn = NULL;
	size_t index;
	int r = 0;

	if (elf_getshdrstrndx(s->elf, &index) < 0)
		return -ENOEXEC;
	*dwarf = strings_get(s->elf, index, &names);
	while (!r && (scn = elf_nextscn(s->elf, scn))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (!section_read(s, scn, *dwarf ? string_at(&names, shdr.sh_name) : NULL, &shdr))
			*dwarf = false;
		if (shdr.sh_type == SHT_SYMTAB && !s->symbol)
			r = table_read(s, scn, &shdr);
	}
	return r || s->count ? r : -ENOEXEC;
}

/*
 * Bytes of the line program that a unit names: DW_AT_stmt_list is its offset in .debug_line, and
 * unit_length stands first there (DWARF 5, 3.1.1 and 6.2.4). 0: none, or one in the 64-bit format.
 */
static uint32_t unit_lines(const struct symbols *s, Dwarf_Die *unit)
{
	Dwarf_Attribute attr;
	Dwarf_Word at;
	uint32_t bytes;

	if (!s->lines || !s->lines->d_buf || s->lines->d_size < sizeof(bytes) ||
	    dwarf_formudata(dwarf_attr(unit, DW_AT_stmt_list, &attr), &at) < 0 ||
	    at > s->lines->d_size - sizeof(bytes))
		return 0;
	memcpy(&bytes, (const char *)s->lines->d_buf + at, sizeof(bytes));
	return bytes < 0xfffffff0 ? bytes : 0;
}

static void unit_read(struct symbols *s, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while (s->ranges < RANGES_MAX && (at = dwarf_ranges(unit, at, &base, &start, &end)) > 0)
		if (start < end && end - 1 <= UINT32_MAX)
			s->range[s->ranges++] = (struct unit_range){
				.start = (gva_t)start,
				.last = (gva_t)(end - 1),
				.unit = dwarf_dieoffset(unit),
			};
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Which unit has which addresses, asked once: .debug_aranges would tell, but clang writes none. An
 * honest guest's units take microseconds each.
 */
static int units_read(struct symbols *s)
{
	uint64_t begun = cpu_ns();
	Dwarf_Off at = 0, next;
	uint32_t lines = 0;
	size_t header;
	Dwarf_Die unit;

	s->range = calloc(RANGES_MAX, sizeof(*s->range));
	if (!s->range)
		return -ENOMEM;
	for (unsigned i = 0; i < UNITS_MAX && cpu_ns() - begun < UNITS_NS; i++, at = next) {
		uint32_t bytes;

		if (dwarf_nextcu(s->dwarf, at, &next, &header, NULL, NULL, NULL) || next <= at)
			break;
		if (!dwarf_offdie(s->dwarf, at + header, &unit))
			continue;
		bytes = unit_lines(s, &unit);
		if (!bytes || bytes > UNIT_LINES_MAX || bytes > LINES_MAX - lines)
			continue;
		lines += bytes;
		unit_read(s, &unit);
	}
	return 0;
}

/* Is it a file that libelf is given: i386, and not of so many sections that e_shnum cannot tell? */
static bool header_fits(const void *image, size_t bytes)
{
	Elf32_Ehdr ehdr;

	if (bytes < sizeof(ehdr))
		return false;
	memcpy(&ehdr, image, sizeof(ehdr));
	return !memcmp(ehdr.e_ident, ELFMAG, SELFMAG) && ehdr.e_ident[EI_CLASS] == ELFCLASS32 &&
	       ehdr.e_ident[EI_DATA] == ELFDATA2LSB && ehdr.e_machine == EM_386 &&
	       (ehdr.e_type == ET_EXEC || ehdr.e_type == ET_DYN) && ehdr.e_shnum;
}

static int image_read(struct symbols *s, size_t bytes)
{
	bool dwarf;
	int r;

	if (!header_fits(s->image, bytes) || elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	s->elf = elf_memory(s->image, bytes);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF)
		return -ENOEXEC;
	r = sections_read(s, &dwarf);
	if (!r && dwarf)
		s->dwarf = dwarf_begin_elf(s->elf, DWARF_C_READ, NULL);
	if (!r && s->dwarf)
		r = units_read(s);
	return r;
}

int symbols_open(struct symbols **out, int fd)
{
	struct symbols *s = calloc(1, sizeof(*s));
	size_t bytes = 0;
	int r;

	if (!s)
		return -ENOMEM;
	r = file_read(fd, &s->image, &bytes);
	if (!r)
		r = image_read(s, bytes);
	if (r < 0)
		symbols_close(s);
	else
		*out = s;
	return r;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	dwarf_end(s->dwarf);
	elf_end(s->elf);
	free(s->range);
	free(s->symbol);
	free(s->image);
	free(s);
}

/* --- looking up ------------------------------------------------------------------------------- */

static void name_copy(char *to, size_t bytes, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < bytes && from[i]; i++)
		to[i] = (unsigned char)from[i] < 0x20 || (unsigned char)from[i] >= 0x7f ? '?'
											: from[i];
	to[i] = 0;
}

static bool in_range(gva_t addr, gva_t start, uint32_t bytes)
{
	return addr >= start && addr - start < bytes;
}

static const struct code_section *code_of(const struct symbols *s, gva_t addr)
{
	for (unsigned i = 0; i < s->codes; i++)
		if (in_range(addr, s->code[i].start, s->code[i].bytes))
			return &s->code[i];
	return NULL;
}

bool symbols_is_code(const struct symbols *s, gva_t addr)
{
	return s && code_of(s, addr);
}

/* A symbol without a size holds what lies in the same section of code, up to the next symbol. */
static bool label_holds(const struct symbols *s, const struct symbol *label, gva_t addr)
{
	const struct code_section *code = code_of(s, addr);

	return code && code == code_of(s, label->start);
}

/* The nearest symbol at or below `addr` that holds it; one with a size is preferred to a label. */
static const struct symbol *symbol_of(const struct symbols *s, gva_t addr)
{
	const struct symbol *label = NULL;
	size_t low = 0, high = s->count;
	bool other = false; /* a symbol that does not hold it lies between */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->symbol[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < NEIGHBOURS_MAX && i < low; i++) {
		const struct symbol *at = &s->symbol[low - 1 - i];

		if (in_range(addr, at->start, at->bytes))
			return at;
		if (!at->bytes && !other && label_holds(s, at, addr))
			label = at;
		else if (label && in_range(label->start, at->start, at->bytes))
			return NULL; /* a label inside a function that ends before the address */
		other = true;
	}
	return label;
}

bool symbols_find(const struct symbols *s, gva_t addr, struct symbol_hit *hit)
{
	const struct symbol *at = s ? symbol_of(s, addr) : NULL;

	if (!at)
		return false;
	name_copy(hit->name, sizeof(hit->name), at->name);
	hit->start = at->start;
	hit->offset = addr - at->start;
	return true;
}

/* The unit that has `addr`, of those whose lines may be looked at. */
static bool unit_of(const struct symbols *s, gva_t addr, Dwarf_Die *unit)
{
	for (size_t i = 0; i < s->ranges; i++)
		if (addr >= s->range[i].start && addr <= s->range[i].last)
			return dwarf_offdie(s->dwarf, s->range[i].unit, unit);
	return false;
}

bool symbols_line(const struct symbols *s, gva_t addr, char file[static SYMBOL_NAME_BYTES],
		  int *line)
{
	const char *path, *slash;
	Dwarf_Line *row;
	Dwarf_Die unit;

	if (!s || !unit_of(s, addr, &unit))
		return false;
	row = dwarf_getsrc_die(&unit, addr);
	path = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	if (!path || dwarf_lineno(row, line) < 0)
		return false;
	slash = strrchr(path, '/');
	name_copy(file, SYMBOL_NAME_BYTES, slash ? slash + 1 : path);
	return true;
}

/* Look up `addr - back`, and give the offset of `addr`. */
static void format_at(const struct symbols *s, gva_t addr, uint32_t back,
		      char buf[static SYMBOL_TEXT_BYTES])
{
	char file[SYMBOL_NAME_BYTES];
	struct symbol_hit hit;
	int line, n = 0;

	buf[0] = 0;
	if (symbols_find(s, addr - back, &hit)) {
		n = snprintf(buf, SYMBOL_TEXT_BYTES, "%s", hit.name);
		if (hit.offset + back)
			n += snprintf(buf + n, SYMBOL_TEXT_BYTES - (size_t)n, "+%#x",
				      hit.offset + back);
	}
	if (symbols_line(s, addr - back, file, &line))
		snprintf(buf + n, SYMBOL_TEXT_BYTES - (size_t)n, "%sat %s:%d", n ? " " : "", file,
			 line);
}

void symbols_format(const struct symbols *s, gva_t addr, char buf[static SYMBOL_TEXT_BYTES])
{
	format_at(s, addr, 0, buf);
}

void symbols_format_return(const struct symbols *s, gva_t addr, char buf[static SYMBOL_TEXT_BYTES])
{
	format_at(s, addr, 1, buf);
}
