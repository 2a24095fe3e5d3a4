// SPDX-License-Identifier: MIT
#include "inspect/symbols.h"

#include <elfutils/libdw.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (256u << 20)
#define SECTIONS_MAX 64u   /* of code; more are not looked at */
#define UNITS_MAX 4096u	   /* compilation units searched for an address */
#define NEIGHBOURS_MAX 64u /* symbols looked back at for one that holds an address */

struct symbol {
	gva_t start;
	uint32_t bytes;	  /* 0: up to the next one, as labels of assembly are */
	const char *name; /* ends inside the string table: elf_strptr has checked */
};

struct code_section {
	gva_t start;
	uint32_t bytes;
};

struct symbols {
	void *image;
	Elf *elf;
	Dwarf *dwarf;	       /* NULL: no usable line table */
	struct symbol *symbol; /* sorted by start */
	size_t count;
	struct code_section code[SECTIONS_MAX];
	unsigned codes;
};

/* --- opening ----------------------------------------------------------------------------------- */

/* All of a regular file; by pread, because a mapping of a file that shrinks is a SIGBUS. */
static int file_read(int fd, void **data, size_t *bytes)
{
	struct stat st;
	char *buf;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (st.st_size > (off_t)FILE_MAX)
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

static int symbol_order(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->bytes != y->bytes) /* the one with a size comes last, and is found first */
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int table_read(struct symbols *s, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t count = data ? data->d_size / sizeof(Elf32_Sym) : 0;

	/* An index is an int for gelf; the file's size keeps the count far below that. */
	s->symbol = calloc(count + 1, sizeof(*s->symbol));
	if (!s->symbol)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const char *name;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || !symbol_wanted(&sym))
			continue;
		name = elf_strptr(s->elf, shdr->sh_link, sym.st_name);
		if (!name || !*name || *name == '.')
			continue;
		s->symbol[s->count++] = (struct symbol){
			.start = (gva_t)sym.st_value,
			.bytes = (uint32_t)sym.st_size,
			.name = name,
		};
	}
	qsort(s->symbol, s->count, sizeof(*s->symbol), symbol_order);
	return 0;
}

/*
 * libdw would open further files for an alternate debug file or a split one, which the jail answers
 * with death, and would believe the size that a compressed section claims for itself. A guest that
 * is built by plain gcc or clang has none of these.
 */
static bool section_spoils_dwarf(const char *name, const GElf_Shdr *shdr)
{
	return shdr->sh_flags & SHF_COMPRESSED || !strncmp(name, ".zdebug", 7) ||
	       !strcmp(name, ".gnu_debugaltlink") || strstr(name, ".dwo");
}

static int sections_read(struct symbols *s)
{
	bool dwarf = true;
	Elf_Scn *scn = NULL;
	size_t names;
	int r = 0;

	if (elf_getshdrstrndx(s->elf, &names) < 0)
		return -ENOEXEC;
	while (!r && (scn = elf_nextscn(s->elf, scn))) {
		const char *name;
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		name = elf_strptr(s->elf, names, shdr.sh_name);
		if (!name || section_spoils_dwarf(name, &shdr))
			dwarf = false;
		if (shdr.sh_type == SHT_SYMTAB && !s->symbol)
			r = table_read(s, scn, &shdr);
		if (shdr.sh_flags & SHF_EXECINSTR && s->codes < SECTIONS_MAX)
			s->code[s->codes++] = (struct code_section){
				.start = (gva_t)shdr.sh_addr,
				.bytes = (uint32_t)shdr.sh_size,
			};
	}
	if (!r && !s->count)
		r = -ENOEXEC;
	if (!r && dwarf)
		s->dwarf = dwarf_begin_elf(s->elf, DWARF_C_READ, NULL);
	return r;
}

int symbols_open(struct symbols **out, int fd)
{
	struct symbols *s = calloc(1, sizeof(*s));
	GElf_Ehdr ehdr;
	size_t bytes = 0;
	int r;

	if (!s)
		return -ENOMEM;
	r = file_read(fd, &s->image, &bytes);
	if (r < 0)
		goto out;
	r = -ENOEXEC;
	if (elf_version(EV_CURRENT) == EV_NONE)
		goto out;
	s->elf = elf_memory(s->image, bytes);
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF || !gelf_getehdr(s->elf, &ehdr))
		goto out;
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS32 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr.e_machine != EM_386 || (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN))
		goto out;
	r = sections_read(s);
out:
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
	free(s->symbol);
	free(s->image);
	free(s);
}

/* --- looking up -------------------------------------------------------------------------------- */

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

/* The unit that has `addr`: by .debug_aranges, else by asking each one, as clang writes none. */
static bool unit_of(Dwarf *dwarf, gva_t addr, Dwarf_Die *unit)
{
	Dwarf_Off at = 0, next;
	size_t header;

	if (dwarf_addrdie(dwarf, addr, unit))
		return true;
	for (unsigned i = 0; i < UNITS_MAX; i++, at = next) {
		if (dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) || next <= at)
			return false;
		if (dwarf_offdie(dwarf, at + header, unit) && dwarf_haspc(unit, addr) > 0)
			return true;
	}
	return false;
}

bool symbols_line(const struct symbols *s, gva_t addr, char file[static SYMBOL_NAME_BYTES],
		  int *line)
{
	const char *path, *slash;
	Dwarf_Line *row;
	Dwarf_Die unit;

	if (!s || !s->dwarf || !unit_of(s->dwarf, addr, &unit))
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
