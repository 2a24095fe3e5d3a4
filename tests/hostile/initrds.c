// SPDX-License-Identifier: MIT
/*
 * usage: initrds FOLDER
 *
 * Writes archives into FOLDER, good and bad, and on stdout a line for each: file, the status that
 * vmm ends with when the guest runs /init from it, a part of what the guest says; with tabs
 * between.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MODE 0100755u
#define LINK_MODE 0120777u
#define DIR_MODE 0040755u
#define CHAR_MODE 0020666u

#define MANY 100000

static FILE *out;
static uint32_t offset, next_ino;

static void put(const void *data, size_t n)
{
	if (n && fwrite(data, 1, n, out) != n)
		exit(2);
	offset += (uint32_t)n;
}

static void pad(void)
{
	put("\0\0\0", -offset & 3);
}

struct entry {
	const char *name;
	uint32_t mode, nlink, ino;
	uint32_t size, namesize; /* as the header says */
	const void *data;
	uint32_t bytes; /* as there are */
};

static void put_entry(const struct entry *e)
{
	char header[111];

	snprintf(header, sizeof(header),
		 "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", e->ino, e->mode, 0u,
		 0u, e->nlink, 1700000000u, e->size, 0u, 0u, 4u, 64u, e->namesize, 0u);
	put(header, 110);
	put(e->name, strlen(e->name) + 1);
	pad();
	put(e->data, e->bytes);
	pad();
}

static struct entry entry(const char *name, uint32_t mode, const void *data, uint32_t bytes)
{
	return (struct entry){ name, mode, 1, ++next_ino, bytes, (uint32_t)strlen(name) + 1,
			       data, bytes };
}

static void add(const char *name, uint32_t mode, const void *data, uint32_t bytes)
{
	struct entry e = entry(name, mode, data, bytes);

	put_entry(&e);
}

static void add_link(const char *name, const char *target)
{
	add(name, LINK_MODE, target, (uint32_t)strlen(target));
}

static void trailer(void)
{
	add("TRAILER!!!", 0, NULL, 0);
}

/* exit(0) as an ELF program: header, one PT_LOAD, code. */
static const struct {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version, entry, phoff, shoff, flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	uint32_t p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align;
	uint8_t code[12];
} program = {
	{ 0x7f, 'E', 'L', 'F', 1, 1, 1 },
	2,
	3,
	1,
	0x8048054,
	52,
	0,
	0,
	52,
	32,
	1,
	0,
	0,
	0,
	1,
	0,
	0x8048000,
	0,
	96,
	96,
	5,
	4096,
	{ 0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, 0xf4 },
};

static void add_init(void)
{
	add("init", FILE_MODE, &program, sizeof(program));
}

/* --- the archives ----------------------------------------------------------------------------- */

static void good(void)
{
	add(".", DIR_MODE, NULL, 0);
	add_init();
	trailer();
}

/* The same anywhere in memory: its code has no addresses. */
static void position_independent(void)
{
	uint8_t pie[sizeof(program)];
	const uint32_t start = 0x54;

	memcpy(pie, &program, sizeof(pie));
	pie[16] = 3;
	memcpy(pie + 24, &start, 4); /* e_entry */
	memset(pie + 60, 0, 4);	     /* p_vaddr */
	add("init", FILE_MODE, pie, sizeof(pie));
	trailer();
}

/* A program that would fail, and wants to be loaded by one that ends with status 0. */
static void interpreter_runs_first(void)
{
	static const char name[11] = "/lib/ld.so";
	uint8_t pie[sizeof(program)], wants[128 + sizeof(name)] = { 0 };
	const uint32_t start = 0x54, interp[8] = { 3, 128, 0, 0, sizeof(name) };

	memcpy(pie, &program, sizeof(pie));
	pie[16] = 3;
	memcpy(pie + 24, &start, 4);
	memset(pie + 60, 0, 4);
	for (size_t i = 0; i < 84; i++) /* header and PT_LOAD; zeros are no code */
		wants[i] = ((const uint8_t *)&program)[i];
	wants[44] = 2; /* e_phnum */
	memcpy(wants + 84, interp, sizeof(interp));
	snprintf((char *)wants + 128, sizeof(name), "%s", name);
	add("lib/ld.so", FILE_MODE, pie, sizeof(pie));
	add("init", FILE_MODE, wants, sizeof(wants));
	trailer();
}

static void padded_to_512(void)
{
	good();
	while (offset % 512)
		put("", 1);
}

static void two_archives(void)
{
	add("other", FILE_MODE, "x", 1);
	trailer();
	add_init();
	trailer();
}

/* Three names; as cpio writes them, the last has the content. */
static void hard_links(void)
{
	struct entry e = entry("init", FILE_MODE, NULL, 0);

	e.nlink = 3;
	put_entry(&e);
	e.name = "two.";
	put_entry(&e);
	e.name = "thre";
	e.data = &program;
	e.size = e.bytes = sizeof(program);
	put_entry(&e);
	trailer();
}

static void link_chain(void)
{
	add_link("init", "./a/../b");
	add("a", DIR_MODE, NULL, 0);
	add_link("b", "/dir/init");
	add("dir", DIR_MODE, NULL, 0);
	add("dir/init", FILE_MODE, &program, sizeof(program));
	trailer();
}

static void directories_missing(void)
{
	add_link("init", "x/y/z/init");
	add("x/y/z/init", FILE_MODE, &program, sizeof(program));
	trailer();
}

static void later_name_counts(void)
{
	add("init", FILE_MODE, "#!/nonsense\n", 12);
	add_init();
	trailer();
}

static void many_files(void)
{
	char name[40];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%s/file%u", i % 2 ? "d" : "other", i);
		add(name, FILE_MODE, "x", 1);
	}
	add_init();
	trailer();
}

static void deep_directories(void)
{
	char name[4000] = "";

	for (unsigned i = 0; i < 1990; i++)
		memcpy(name + 2 * i, "d/", 3);
	add(name, DIR_MODE, NULL, 0);
	add_init();
	trailer();
}

static void names_missing(void)
{
	add("etc", DIR_MODE, NULL, 0);
	trailer();
}

static void link_loop(void)
{
	add_link("init", "a");
	add_link("a", "b");
	add_link("b", "/a");
	trailer();
}

static void init_is_a_device(void)
{
	add("init", CHAR_MODE, NULL, 0);
	trailer();
}

static void init_is_a_directory(void)
{
	add("init", DIR_MODE, NULL, 0);
	trailer();
}

static void name_leads_up(void)
{
	add("a/../../init", FILE_MODE, &program, sizeof(program));
	trailer();
}

static void path_through_a_file(void)
{
	add("a", FILE_MODE, "x", 1);
	add("a/b", FILE_MODE, "x", 1);
	trailer();
}

static void directory_over_a_file(void)
{
	add("a", FILE_MODE, "x", 1);
	add("a", DIR_MODE, NULL, 0);
	trailer();
}

static void file_over_a_directory(void)
{
	add("a", DIR_MODE, NULL, 0);
	add("a", FILE_MODE, "x", 1);
	trailer();
}

static void dev_is_a_file(void)
{
	add("dev", FILE_MODE, "x", 1);
	add_init();
	trailer();
}

static void component_of_300(void)
{
	char name[301];

	memset(name, 'n', 300);
	name[300] = '\0';
	add(name, FILE_MODE, "x", 1);
	trailer();
}

static void type_unknown(void)
{
	add("odd", 0170644, NULL, 0);
	trailer();
}

static void trailer_missing(void)
{
	add_init();
}

static void cut_in_a_file(void)
{
	struct entry e = entry("init", FILE_MODE, &program, 50);

	e.size = sizeof(program);
	put_entry(&e);
}

static void cut_in_a_header(void)
{
	add_init();
	put("0707010000", 10);
}

static void size_of_4_gib(void)
{
	struct entry e = entry("init", FILE_MODE, &program, sizeof(program));

	e.size = UINT32_MAX;
	put_entry(&e);
	trailer();
}

static void name_of_4_gib(void)
{
	struct entry e = entry("init", FILE_MODE, &program, sizeof(program));

	e.namesize = UINT32_MAX;
	put_entry(&e);
	trailer();
}

static void junk_behind(void)
{
	good();
	put("junk", 4);
}

static void compressed(void)
{
	put("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
}

static void text(void)
{
	put("this is no archive\n", 19);
}

static void zeros(void)
{
	for (unsigned i = 0; i < 1024; i++)
		put("", 1);
}

static const struct {
	const char *name;
	void (*write)(void);
	int status;
	const char *says;
} archives[] = {
	{ "good", good, 0, "1 files, 0 directories" },
	{ "position_independent", position_independent, 0, "1 files" },
	{ "interpreter_runs_first", interpreter_runs_first, 0, "2 files, 1 directories" },
	{ "padded_to_512", padded_to_512, 0, "1 files" },
	{ "two_archives", two_archives, 0, "2 files" },
	{ "hard_links", hard_links, 0, "1 files" },
	{ "link_chain", link_chain, 0, "3 files, 2 directories" },
	{ "directories_missing", directories_missing, 0, "2 files, 3 directories" },
	{ "later_name_counts", later_name_counts, 0, "2 files" },
	{ "many_files", many_files, 0, "100001 files, 2 directories" },
	{ "deep_directories", deep_directories, 0, "1 files, 1990 directories" },
	{ "names_missing", names_missing, 100, "init=/init cannot be run, error 2" },
	{ "link_loop", link_loop, 100, "init=/init cannot be run, error 40" },
	{ "init_is_a_device", init_is_a_device, 100, "init=/init cannot be run, error 13" },
	{ "init_is_a_directory", init_is_a_directory, 100, "init=/init cannot be run, error 13" },
	{ "name_leads_up", name_leads_up, 100, "offset 0 (0): a name has the component \"..\"" },
	{ "path_through_a_file", path_through_a_file, 100,
	  "offset 116 (0x74): a name leads through something that is no directory" },
	{ "directory_over_a_file", directory_over_a_file, 100, "has the name of a file before it" },
	{ "file_over_a_directory", file_over_a_directory, 100,
	  "has the name of a directory before it" },
	{ "dev_is_a_file", dev_is_a_file, 100, "/dev of the initrd is no directory" },
	{ "component_of_300", component_of_300, 100, "longer than 255 bytes" },
	{ "type_unknown", type_unknown, 100, "a file is of no known type" },
	{ "trailer_missing", trailer_missing, 100, "there is no trailer; the archive is cut" },
	{ "cut_in_a_file", cut_in_a_file, 100, "offset 0 (0): the archive ends inside a file" },
	{ "cut_in_a_header", cut_in_a_header, 100, "the archive ends inside a header" },
	{ "size_of_4_gib", size_of_4_gib, 100, "the archive ends inside a file" },
	{ "name_of_4_gib", name_of_4_gib, 100, "the length of a name is 0 or above 4096" },
	{ "junk_behind", junk_behind, 100, "no cpio header (070701) where one must be" },
	{ "compressed", compressed, 100, "it is compressed (gzip); give it uncompressed" },
	{ "text", text, 100, "no cpio header (070701) where one must be" },
	{ "zeros", zeros, 100, "it is empty" },
};

int main(int argc, char **argv)
{
	char path[4096];

	if (argc != 2)
		return 2;
	for (size_t i = 0; i < sizeof(archives) / sizeof(archives[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s.cpio", argv[1], archives[i].name);
		out = fopen(path, "wb");
		if (!out)
			return 2;
		offset = 0;
		archives[i].write();
		if (fclose(out))
			return 2;
		printf("%s.cpio\t%d\t%s\n", archives[i].name, archives[i].status, archives[i].says);
	}
	return 0;
}
