// SPDX-License-Identifier: MIT
/*
 * usage: bad_elfs GOOD FOLDER
 *
 * Programs that no kernel should run, made from one that works: each is GOOD with a few bytes
 * changed, cut or appended. What execve() must say to each stands in guest/user/tests/test_exec.c.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE 65536

#define EHDR(field) offsetof(Elf32_Ehdr, field), sizeof(((Elf32_Ehdr *)NULL)->field)
#define PHDR(n, field)                                                                             \
	sizeof(Elf32_Ehdr) + (n) * sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, field),               \
		sizeof(((Elf32_Phdr *)NULL)->field)

struct change {
	size_t offset, bytes;
	unsigned value;
};

/* Appended text; the last program header, PT_GNU_STACK in GOOD, becomes a PT_INTERP of it. */
struct interpreter {
	const char *path;
	size_t size;
};

static const struct recipe {
	const char *name;
	size_t cut; /* 0: not */
	struct change change[4];
	struct interpreter interpreter;
} recipes[] = {
	{ .name = "header_cut", .cut = 40 },
	{ .name = "headers_cut", .cut = 60 },
	{ .name = "magic_cut", .cut = 1 },
	{ .name = "text_cut", .cut = 52 + 4 * 32 },
	{ .name = "bad_magic", .change = { { 1, 1, 'F' } } },
	{ .name = "machine_arm", .change = { { EHDR(e_machine), EM_ARM } } },
	{ .name = "type_relocatable", .change = { { EHDR(e_type), ET_REL } } },
	{ .name = "type_core", .change = { { EHDR(e_type), ET_CORE } } },
	{ .name = "phentsize_33", .change = { { EHDR(e_phentsize), 33 } } },
	{ .name = "phnum_0", .change = { { EHDR(e_phnum), 0 } } },
	{ .name = "phnum_65535", .change = { { EHDR(e_phnum), 65535 } } },
	{ .name = "phoff_beyond", .change = { { EHDR(e_phoff), 0x10000000 } } },
	{ .name = "phoff_wraps", .change = { { EHDR(e_phoff), 0xfffffff0 } } },
	{ .name = "filesz_above_memsz", .change = { { PHDR(0, p_memsz), 16 } } },
	{ .name = "memsz_huge", .change = { { PHDR(0, p_memsz), 0xffffffff } } },
	{ .name = "vaddr_in_kernel", .change = { { PHDR(0, p_vaddr), 0xfffff000 } } },
	{ .name = "vaddr_wraps",
	  .change = { { PHDR(0, p_vaddr), 0xffff0000 }, { PHDR(0, p_memsz), 0x20000 } } },
	{ .name = "vaddr_misaligned", .change = { { PHDR(0, p_vaddr), 0x08048123 } } },
	{ .name = "nothing_to_load",
	  .change = { { PHDR(0, p_type), PT_NULL },
		      { PHDR(1, p_type), PT_NULL },
		      { PHDR(2, p_type), PT_NULL } } },
	{ .name = "entry_nowhere", .change = { { EHDR(e_entry), 0x10000000 } } },
	{ .name = "entry_in_kernel", .change = { { EHDR(e_entry), 0xfffff000 } } },
	{ .name = "interpreter_missing", .interpreter = { "/nowhere/ld.so", 15 } },
	{ .name = "interpreter_device", .interpreter = { "/dev/null", 10 } },
	{ .name = "interpreter_folder", .interpreter = { "/dev", 5 } },
	{ .name = "interpreter_open_end", .interpreter = { "/nowhere/ld.so", 14 } },
	{ .name = "interpreter_empty", .interpreter = { "", 1 } },
	{ .name = "interpreter_long", .interpreter = { "", 5000 } },
};

static size_t load(const char *path, unsigned char *bytes)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(bytes, 1, MAX_FILE, f) : 0;

	if (f)
		(void)fclose(f);
	if (n < sizeof(Elf32_Ehdr) + 4 * sizeof(Elf32_Phdr)) {
		fprintf(stderr, "bad_elfs: %s: no program of four headers\n", path);
		exit(1);
	}
	return n;
}

static void store(const char *folder, const char *name, const unsigned char *bytes, size_t n)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 || chmod(path, 0755) < 0) {
		fprintf(stderr, "bad_elfs: %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

static void put(unsigned char *bytes, const struct change *c)
{
	for (size_t i = 0; i < c->bytes; i++)
		bytes[c->offset + i] = (unsigned char)(c->value >> (8 * i));
}

static size_t add_interpreter(unsigned char *bytes, size_t n, const struct interpreter *i)
{
	const struct change changes[] = {
		{ PHDR(3, p_type), PT_INTERP },
		{ PHDR(3, p_offset), (unsigned)n },
		{ PHDR(3, p_filesz), (unsigned)i->size },
	};

	for (size_t c = 0; c < sizeof(changes) / sizeof(changes[0]); c++)
		put(bytes, &changes[c]);
	memset(bytes + n, 0, i->size);
	memcpy(bytes + n, i->path, strlen(i->path) < i->size ? strlen(i->path) : i->size);
	return n + i->size;
}

int main(int argc, char **argv)
{
	static unsigned char good[MAX_FILE], bad[MAX_FILE + 8192];
	size_t size;

	if (argc != 3) {
		fputs("usage: bad_elfs GOOD FOLDER\n", stderr);
		return 2;
	}
	size = load(argv[1], good);
	for (size_t r = 0; r < sizeof(recipes) / sizeof(recipes[0]); r++) {
		const struct recipe *recipe = &recipes[r];
		size_t n = recipe->cut ? recipe->cut : size;

		memcpy(bad, good, size);
		for (int c = 0; c < 4; c++)
			put(bad, &recipe->change[c]);
		if (recipe->interpreter.size)
			n = add_interpreter(bad, n, &recipe->interpreter);
		store(argv[2], recipe->name, bad, n);
	}
	store(argv[2], "empty", good, 0);
	return 0;
}
