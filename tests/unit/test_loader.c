// SPDX-License-Identifier: MIT
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/loader_rig.h"
#include "unit/unit.h"

static uint8_t image[IMAGE_BYTES];

/* --- bad images ------------------------------------------------------------------------------ */

static void bad_images_are_refused_and_nothing_is_copied(void)
{
	for (unsigned i = 0; i < hostile_image_count; i++) {
		struct bench b = bench_of(image, hostile_build(&hostile_images[i], image));
		struct stat st;
		bool said;

		CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
		said = strstr(b.d.text, hostile_images[i].message) &&
		       !strncmp(b.d.text, "x.bin: ", 7) && !strchr(b.d.text, '\n');
		if (!said)
			printf("%s: %s\n", hostile_images[i].name, b.d.text);
		CU_ASSERT_TRUE(said);
		CU_ASSERT_EQUAL(fstat(b.ram.fd, &st), 0);
		CU_ASSERT_EQUAL(st.st_blocks, 0);
		ram_destroy(&b.ram);
	}
}

/* Every prefix of every good image either loads or is refused with a line. */
static void truncated_images_never_go_wrong(void)
{
	for (unsigned kind = 0; kind < IMAGE_KINDS; kind++) {
		size_t whole = image_build((enum image_kind)kind, image);

		for (size_t bytes = 0; bytes <= whole; bytes++) {
			uint8_t *exact = malloc(bytes ? bytes : 1);
			struct bench b = bench_of(exact, bytes);
			int err;

			memcpy(exact, image, bytes);
			err = bench_load(&b);
			CU_ASSERT_TRUE(err ? err == -EINVAL && b.d.text[0] : !b.d.text[0]);
			ram_destroy(&b.ram);
			free(exact);
		}
	}
}

static void a_long_name_leaves_room_for_the_mend(void)
{
	static char name[4000];
	struct bench b = bench_of(image, 0);

	memset(name, 'n', sizeof(name) - 1);
	b.request.image.name = name;
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "give a multiboot"));
	ram_destroy(&b.ram);
}

/* --- where good images go -------------------------------------------------------------------- */

static void addresses_place_the_file_and_clear_the_bss(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	image_put(image, MB_BSS_END, 4, MIB + 0x3000);
	memset(ram_span(&b.ram, MIB, 0x4000), 0xee, 0x4000);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_MULTIBOOT);
	CU_ASSERT_EQUAL(b.result.entry, MIB + ADDRESSES_CODE);
	CU_ASSERT_EQUAL(b.result.eax, 0x2badb002);
	CU_ASSERT_EQUAL(b.result.ebx, MULTIBOOT_INFO);
	CU_ASSERT_EQUAL(b.result.end, MIB + 0x3000);
	CU_ASSERT_EQUAL(memcmp(ram_span(&b.ram, MIB, ADDRESSES_BYTES), image, ADDRESSES_BYTES), 0);
	CU_ASSERT_EQUAL(word(&b, MIB + ADDRESSES_BYTES), 0);
	CU_ASSERT_EQUAL(word(&b, MIB + 0x2ffc), 0);
	CU_ASSERT_EQUAL(word(&b, MIB + 0x3000), 0xeeeeeeee);
	ram_destroy(&b.ram);
}

/* Header 0x40 into the file, text from 0x20 before it, 0x30 bytes long. */
static void addresses_choose_a_part_of_the_file(void)
{
	struct bench b = bench_of(image, 0x80);

	memmove(image + 0x40, image, image_build(IMAGE_ADDRESSES, image));
	for (unsigned i = 0; i < 0x40; i++)
		image[i] = (uint8_t)(0x80 + i);
	image_put(image + 0x40, MB_HEADER_ADDR, 4, 0x200020);
	image_put(image + 0x40, MB_LOAD_ADDR, 4, 0x200000);
	image_put(image + 0x40, MB_LOAD_END, 4, 0x200030);
	image_put(image + 0x40, MB_ENTRY, 4, 0x20002f);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.entry, 0x20002f);
	CU_ASSERT_EQUAL(word(&b, 0x200000), 0xa3a2a1a0);
	CU_ASSERT_EQUAL(word(&b, 0x200020), 0x1badb002);
	CU_ASSERT_EQUAL(word(&b, 0x20002c), 0x200020);
	CU_ASSERT_EQUAL(word(&b, 0x200030), 0);
	ram_destroy(&b.ram);
}

static void last_place_for_a_header_is_found(void)
{
	static uint8_t elf[IMAGE_BYTES];
	struct bench b;

	/* 12 bytes that end at 8192; the ELF header tells where the rest is. */
	image_build(IMAGE_MULTIBOOT_ELF, elf);
	memmove(elf + 8180, elf + ELF_TEXT, ELF_TEXT_BYTES);
	memset(elf + ELF_TEXT, 0, ELF_TEXT_BYTES);
	image_put(elf, ELF_PHDR(0) + offsetof(Elf32_Phdr, p_offset), 4, 8180);
	b = bench_of(elf, 8180 + ELF_TEXT_BYTES);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_MULTIBOOT);
	CU_ASSERT_EQUAL(word(&b, MIB), 0x1badb002);
	ram_destroy(&b.ram);
}

/* A magic number that starts no header, before one that does. */
static void a_wrong_candidate_does_not_hide_the_header(void)
{
	struct bench b = bench_of(image, ADDRESSES_BYTES + 16);

	memmove(image + 16, image, image_build(IMAGE_ADDRESSES, image));
	image_put(image, 0, 4, 0x1badb002);
	image_put(image, 4, 4, 0x777);
	image_put(image, 8, 4, 0);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_MULTIBOOT);
	ram_destroy(&b.ram);
}

static void the_first_wrong_header_is_named(void)
{
	struct bench b = bench_of(image, 64);

	memset(image, 0, 64);
	image_put(image, 8, 4, 0x1badb002);
	image_put(image, 32, 4, 0x1badb002);
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "multiboot header at 0x8 has a bad checksum"));
	ram_destroy(&b.ram);
}

/* Beyond the first 8 KiB a magic number without its checksum is just a constant in the program. */
static void a_magic_number_further_on_is_data(void)
{
	struct bench b = bench_of(image, IMAGE_BYTES);

	memset(image, 0, IMAGE_BYTES);
	image_put(image, 8192, 4, 0x1badb002);
	image_put(image, IMAGE_BYTES - 4, 4, 0x1badb002);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_FLAT);
	ram_destroy(&b.ram);
}

/* Flags 17 and up are wishes that a loader may ignore (Multiboot 0.6.96, 3.1.2). */
static void optional_features_are_ignored(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	image_put(image, MB_FLAGS, 4, 0xffff0003);
	image_fix_checksum(image, 0);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	ram_destroy(&b.ram);
}

static void elf_segments_go_to_their_physical_addresses(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_type), 4, PT_LOAD);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_offset), 4, 1);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_paddr), 4, 0x3000ffd);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_filesz), 4, 3);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_memsz), 4, 7);
	memset(ram_span(&b.ram, MIB, 0x2000), 0xee, 0x2000);
	memset(ram_span(&b.ram, 0x3000000, 0x2000), 0xee, 0x2000);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_ELF);
	CU_ASSERT_EQUAL(b.result.entry, MIB + ELF_CODE_SKIP);
	CU_ASSERT_EQUAL(b.result.eax, 0);
	CU_ASSERT_EQUAL(b.result.ebx, 0);
	CU_ASSERT_EQUAL(b.result.end, 0x3002000);
	CU_ASSERT_EQUAL(memcmp(string_at(&b, 0x3000ffd), "ELF\0\0\0\0\356", 8), 0);
	CU_ASSERT_EQUAL(word(&b, 0x3000ff9), 0xeeeeeeee);
	CU_ASSERT_EQUAL(word(&b, MIB + 0x40), 0);
	CU_ASSERT_EQUAL(word(&b, MIB + 0xffc), 0);
	CU_ASSERT_EQUAL(word(&b, MIB + 0x1000), 0xeeeeeeee);
	ram_destroy(&b.ram);
}

static void put_second(const uint32_t type, uint32_t vaddr, uint32_t paddr, uint32_t memsz)
{
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_type), 4, type);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_vaddr), 4, vaddr);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_paddr), 4, paddr);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_memsz), 4, memsz);
}

static void segments_may_touch(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	put_second(PT_LOAD, 0, MIB + 0x1000, 0x1000);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	image_put(image, ELF_PHDR(0) + offsetof(Elf32_Phdr, p_paddr), 4, MIB + 0x1000);
	put_second(PT_LOAD, 0, MIB, 0x1000);
	image_put(image, offsetof(Elf32_Ehdr, e_entry), 4, MIB + 0x1000);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	ram_destroy(&b.ram);
}

static void empty_segments_need_no_place(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	put_second(PT_LOAD, 0xffffffff, 0xa0000, 0);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_offset), 4, 0xffffffff);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	ram_destroy(&b.ram);
}

/* A static PIE linked at its place needs no relocation to start. */
static void position_independent_elf_is_loaded(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	image_put(image, offsetof(Elf32_Ehdr, e_type), 2, ET_DYN);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	ram_destroy(&b.ram);
}

/* Only what is loaded can hold the entry: not a note that has its address. */
static void entry_is_looked_up_in_loaded_segments_alone(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	put_second(PT_NOTE, 0xc0000000, MIB, 0x1000);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_filesz), 4, 0x40);
	image_put(image, offsetof(Elf32_Ehdr, e_entry), 4, 0xc0000000);
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "in no loaded segment"));
	ram_destroy(&b.ram);
}

static void segments_have_a_limit(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	/* The table moves behind the text; every segment is a byte of memory of its own. */
	for (unsigned i = 0; i < 65; i++) {
		const Elf32_Phdr ph = {
			.p_type = PT_LOAD,
			.p_paddr = MIB + i,
			.p_filesz = 1,
			.p_memsz = 1,
		};

		memcpy(image + 0x100 + i * sizeof(ph), &ph, sizeof(ph));
	}
	b.request.image.bytes = 0x100 + 65 * sizeof(Elf32_Phdr);
	image_put(image, offsetof(Elf32_Ehdr, e_phoff), 4, 0x100);
	image_put(image, offsetof(Elf32_Ehdr, e_phnum), 2, 64);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	image_put(image, offsetof(Elf32_Ehdr, e_phnum), 2, 65);
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "more than 64 segments"));
	ram_destroy(&b.ram);
}

/* A kernel of the upper half: p_vaddr 0xc0100000, p_paddr 1 MiB. */
static void a_virtual_entry_becomes_physical(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_MULTIBOOT_ELF, image));

	image_put(image, ELF_PHDR(0) + offsetof(Elf32_Phdr, p_vaddr), 4, 0xc0100000);
	image_put(image, offsetof(Elf32_Ehdr, e_entry), 4, 0xc010000c);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.entry, 0x10000c);
	image_put(image, offsetof(Elf32_Ehdr, e_entry), 4, 0x10000c);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.entry, 0x10000c);
	ram_destroy(&b.ram);
}

static void anything_else_is_flat_at_1_mib(void)
{
	static const char script[] = "#!/bin/sh\n";
	struct bench b = bench_of(script, sizeof(script));

	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.kind, LOADER_FLAT);
	CU_ASSERT_EQUAL(b.result.entry, MIB);
	CU_ASSERT_EQUAL(b.result.eax, 0);
	CU_ASSERT_EQUAL(b.result.ebx, 0);
	CU_ASSERT_EQUAL(b.result.end, MIB + 4096);
	CU_ASSERT_STRING_EQUAL(string_at(&b, MIB), script);
	ram_destroy(&b.ram);
}

static void flat_image_larger_than_ram_is_refused(void)
{
	static uint8_t data[2 * MIB];
	struct loader_request request = { .image = { "flat", data, MIB } };
	struct loader_result result;
	struct diag d = { 0 };
	struct ram ram;

	CU_ASSERT_EQUAL_FATAL(ram_create(&ram, 2 * MIB, NULL), 0);
	CU_ASSERT_EQUAL(loader_load(&ram, &request, &result, &d), 0);
	CU_ASSERT_EQUAL(result.end, 2 * MIB);
	request.image.bytes = MIB + 1;
	CU_ASSERT_EQUAL(loader_load(&ram, &request, &result, &d), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "flat image at 0x100000..0x200001 exceeds the RAM"));
	ram_destroy(&ram);
}

static void plain_images_take_neither_initrd_nor_command_line(void)
{
	const struct loader_image initrd = { "i", "data", 4 };
	struct bench b = bench_of(image, image_build(IMAGE_ELF, image));

	b.request.initrd = &initrd;
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "--initrd"));
	b.request.initrd = NULL;
	b.request.append = "quiet";
	b.d.text[0] = 0;
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "--append"));
	b.request.append = "";
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	ram_destroy(&b.ram);
}

/* --- reading files --------------------------------------------------------------------------- */

static void files_are_read_whole(void)
{
	char path[] = "/tmp/test_loader.XXXXXX";
	int fd = mkstemp(path);
	struct diag d = { 0 };
	void *data = NULL;
	size_t bytes = 0;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(loader_read_file(path, "image", &data, &bytes, &d), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.text, "the image is empty"));
	CU_ASSERT_EQUAL(write(fd, "hello", 5), 5);
	CU_ASSERT_EQUAL(loader_read_file(path, "image", &data, &bytes, NULL), 0);
	CU_ASSERT_EQUAL(bytes, 5);
	CU_ASSERT_EQUAL(memcmp(data, "hello", 5), 0);
	free(data);
	close(fd);
	unlink(path);
}

static void files_that_cannot_be_read_say_why(void)
{
	char fifo[] = "/tmp/test_loader.XXXXXX", large[] = "/tmp/test_loader.XXXXXX";
	const struct {
		const char *path;
		int err;
		const char *text;
	} rows[] = {
		{ "/nonexistent/guest.bin", ENOENT, "check the path" },
		{ "/dev/null/guest.bin", ENOTDIR, "check the path" },
		{ "/tmp", EISDIR, "/tmp: the image is a directory; give the file itself" },
		{ "/dev/null", EINVAL, "not a regular file" },
		{ fifo, EINVAL, "not a regular file" },
		{ large, EFBIG, "larger than any RAM" },
		{ "", ENOENT, "cannot open the image" },
	};
	int fd = mkstemp(large);

	CU_ASSERT_FATAL(fd >= 0 && !ftruncate(fd, (3ll << 30) + 1));
	CU_ASSERT_FATAL(mkdtemp(fifo) && !rmdir(fifo) && !mkfifo(fifo, 0600));
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct diag d = { 0 };
		void *data;
		size_t bytes;

		CU_ASSERT_EQUAL(loader_read_file(rows[i].path, "image", &data, &bytes, &d),
				-rows[i].err);
		CU_ASSERT_PTR_NOT_NULL(strstr(d.text, rows[i].text));
	}
	close(fd);
	unlink(large);
	unlink(fifo);
}

static const struct unit_test tests[] = {
	UNIT_TEST(bad_images_are_refused_and_nothing_is_copied),
	UNIT_TEST(truncated_images_never_go_wrong),
	UNIT_TEST(a_long_name_leaves_room_for_the_mend),
	UNIT_TEST(addresses_place_the_file_and_clear_the_bss),
	UNIT_TEST(addresses_choose_a_part_of_the_file),
	UNIT_TEST(last_place_for_a_header_is_found),
	UNIT_TEST(a_wrong_candidate_does_not_hide_the_header),
	UNIT_TEST(the_first_wrong_header_is_named),
	UNIT_TEST(a_magic_number_further_on_is_data),
	UNIT_TEST(optional_features_are_ignored),
	UNIT_TEST(elf_segments_go_to_their_physical_addresses),
	UNIT_TEST(segments_may_touch),
	UNIT_TEST(empty_segments_need_no_place),
	UNIT_TEST(position_independent_elf_is_loaded),
	UNIT_TEST(entry_is_looked_up_in_loaded_segments_alone),
	UNIT_TEST(segments_have_a_limit),
	UNIT_TEST(a_virtual_entry_becomes_physical),
	UNIT_TEST(anything_else_is_flat_at_1_mib),
	UNIT_TEST(flat_image_larger_than_ram_is_refused),
	UNIT_TEST(plain_images_take_neither_initrd_nor_command_line),
	UNIT_TEST(files_are_read_whole),
	UNIT_TEST(files_that_cannot_be_read_say_why),
	UNIT_END,
};

extern const struct unit_suite suite_loader;
const struct unit_suite suite_loader = { "loader", tests };
