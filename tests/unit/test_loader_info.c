// SPDX-License-Identifier: MIT
/* What the loader tells a multiboot image: its command line, module and memory. */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/loader_rig.h"
#include "unit/unit.h"

static uint8_t image[IMAGE_BYTES];

/* What QEMU 7.2's microvm hands over at -m 80M, dumped by a guest; cmdline and name are ours. */
static void information_has_the_form_that_qemu_gives(void)
{
	static const uint32_t map[] = {
		20, 0,	      0, 0x9fc00,   0, 1, 20, 0x9fc00, 0, 0x400,   0, 2,
		20, 0xd0000,  0, 0x20000,   0, 4, 20, 0xf0000, 0, 0x10000, 0, 2,
		20, 0x100000, 0, 0x4f00000, 0, 1, 20, 0,       0, 0,	   0, 0,
	};
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(word(&b, 0x9500),
			0x24d); /* 0, 2, 3, 6, 9; QEMU has 1, a boot device, too */
	CU_ASSERT_EQUAL(word(&b, 0x9504), 0x27f);
	CU_ASSERT_EQUAL(word(&b, 0x9508), 0x13c00);
	CU_ASSERT_EQUAL(word(&b, 0x950c), 0);
	CU_ASSERT_EQUAL(word(&b, 0x9514), 0); /* no modules */
	CU_ASSERT_EQUAL(word(&b, 0x952c), sizeof(map));
	CU_ASSERT_EQUAL(word(&b, 0x9530), 0x9000);
	CU_ASSERT_EQUAL(memcmp(ram_span(&b.ram, 0x9000, sizeof(map)), map, sizeof(map)), 0);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9510)), "x.bin tty=0");
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9540)), "shadowbox");
	ram_destroy(&b.ram);
}

static void command_line_is_path_append_and_tty(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	b.request.append = "highmem=16M quiet";
	b.request.tty = true;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9510)), "x.bin highmem=16M quiet tty=1");
	b.request.append = "";
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9510)), "x.bin tty=1");
	ram_destroy(&b.ram);
}

/* What follows "--" is for init: tty= is the kernel's. */
static void command_line_has_tty_before_the_dashes(void)
{
	static const char *const rows[][2] = {
		{ "init=/bin/x -- a b", "x.bin init=/bin/x tty=0 -- a b" },
		{ "-- a", "x.bin tty=0 -- a" },
		{ "init=x --", "x.bin init=x tty=0 --" },
		{ "--x y-- -", "x.bin --x y-- - tty=0" },
		{ "---", "x.bin --- tty=0" },
		{ "a -- b -- c", "x.bin a tty=0 -- b -- c" },
	};
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b.request.append = rows[i][0];
		CU_ASSERT_EQUAL(bench_load(&b), 0);
		CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9510)), rows[i][1]);
	}
	ram_destroy(&b.ram);
}

static void command_line_has_a_limit(void)
{
	static char append[4096];
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	/* "x.bin " and " tty=0" leave 4095 - 12 characters. */
	memset(append, 'a', 4095 - 12);
	b.request.append = append;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(strlen(string_at(&b, word(&b, 0x9510))), 4095);
	append[4095 - 12] = 'a';
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "command line has 4096 bytes, more than 4095"));
	ram_destroy(&b.ram);
}

static void path_of_the_initrd_has_a_limit(void)
{
	static char name[4097];
	const struct loader_image initrd = { name, "contents", 8 };
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	memset(name, 'i', sizeof(name) - 1);
	b.request.initrd = &initrd;
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "path of the initrd"));
	ram_destroy(&b.ram);
}

static void module_lies_page_aligned_above_the_image(void)
{
	const struct loader_image initrd = { "dir/initrd.img", "contents", 8 };
	struct bench b = bench_of(image, image_build(IMAGE_MULTIBOOT_ELF, image));
	uint32_t mods;

	b.request.initrd = &initrd;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(word(&b, 0x9514), 1);
	mods = word(&b, 0x9518);
	CU_ASSERT_EQUAL(word(&b, mods), 0x101000);
	CU_ASSERT_EQUAL(word(&b, mods + 4), 0x101008);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, mods + 8)), "dir/initrd.img");
	CU_ASSERT_EQUAL(word(&b, mods + 12), 0);
	CU_ASSERT_EQUAL(memcmp(string_at(&b, 0x101000), "contents", 8), 0);
	CU_ASSERT_EQUAL(b.result.end, 0x102000);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9510)), "x.bin tty=0");
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, 0x9540)), "shadowbox");
	ram_destroy(&b.ram);
}

/* The image ends at 0x101000: 0x4eff000 bytes are left of 80 MiB. */
static void module_fills_ram_but_not_more(void)
{
	struct loader_image initrd = { "initrd", NULL, 0x4eff000 };
	struct bench b = bench_of(image, image_build(IMAGE_MULTIBOOT_ELF, image));
	void *data = calloc(1, initrd.bytes + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	initrd.data = data;
	b.request.initrd = &initrd;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.end, HOSTILE_RAM_BYTES);
	initrd.bytes++;
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "no room for the initrd"));
	free(data);
	ram_destroy(&b.ram);
}

/* An image where the information would go pushes it above itself, and the module above that. */
static void information_makes_way_for_the_image(void)
{
	static char name[4096];
	struct loader_image initrd = { "initrd", "contents", 8 };
	struct bench b = bench_of(image, image_build(IMAGE_ADDRESSES, image));

	image_put(image, MB_HEADER_ADDR, 4, 0x8000);
	image_put(image, MB_LOAD_ADDR, 4, 0x8000);
	image_put(image, MB_BSS_END, 4, 0x9501);
	image_put(image, MB_ENTRY, 4, 0x8020);
	b.request.initrd = &initrd;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.ebx, MIB + 0x500);
	CU_ASSERT_EQUAL(word(&b, MIB + 0x530), MIB);
	CU_ASSERT_EQUAL(word(&b, word(&b, MIB + 0x518)), MIB + 0x1000);
	CU_ASSERT_EQUAL(b.result.end, MIB + 0x2000);
	CU_ASSERT_EQUAL(word(&b, 0x9500) & 0xff, 0);

	/* 0x500 + 68 + 16 + "x.bin tty=0" + "shadowbox" and a long name: into the second page. */
	memset(name, 'i', sizeof(name) - 1);
	initrd.name = name;
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(word(&b, word(&b, MIB + 0x518)), MIB + 0x2000);
	CU_ASSERT_STRING_EQUAL(string_at(&b, word(&b, word(&b, MIB + 0x518) + 8)), name);
	initrd.name = "initrd";

	image_put(image, MB_BSS_END, 4, 0x9000);
	CU_ASSERT_EQUAL(bench_load(&b), 0);
	CU_ASSERT_EQUAL(b.result.ebx, MULTIBOOT_INFO);
	ram_destroy(&b.ram);
}

/* Low memory and all of the high one taken: nowhere to put it. */
static void information_without_room_is_refused(void)
{
	struct bench b = bench_of(image, image_build(IMAGE_MULTIBOOT_ELF, image));

	image_put(image, ELF_PHDR(0) + offsetof(Elf32_Phdr, p_memsz), 4, 0x4f00000);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_type), 4, PT_LOAD);
	image_put(image, ELF_PHDR(1) + offsetof(Elf32_Phdr, p_memsz), 4, 0xa0000);
	CU_ASSERT_EQUAL(bench_load(&b), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.d.text, "no room for the boot information"));
	ram_destroy(&b.ram);
}

static const struct unit_test tests[] = {
	UNIT_TEST(information_has_the_form_that_qemu_gives),
	UNIT_TEST(command_line_is_path_append_and_tty),
	UNIT_TEST(command_line_has_tty_before_the_dashes),
	UNIT_TEST(command_line_has_a_limit),
	UNIT_TEST(path_of_the_initrd_has_a_limit),
	UNIT_TEST(module_lies_page_aligned_above_the_image),
	UNIT_TEST(module_fills_ram_but_not_more),
	UNIT_TEST(information_makes_way_for_the_image),
	UNIT_TEST(information_without_room_is_refused),
	UNIT_END,
};

extern const struct unit_suite suite_loader_info;
const struct unit_suite suite_loader_info = { "loader_info", tests };
