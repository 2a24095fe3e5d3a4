// SPDX-License-Identifier: MIT
/*
 * libFuzzer target: any bytes as a boot image.
 *
 * The first byte of the input chooses the surroundings (OPT_*), the rest is the image. The RAM is
 * 2 MiB and is kept from one run to the next, so that what an image leaves behind is part of the
 * next one's world. Besides what the sanitizers see, a run must end in one of two ways:
 *
 *  - refused: -EINVAL, one line that begins with the image's name, and no byte of RAM touched;
 *  - loaded: the entry and all that EBX leads to lie in RAM, strings end, modules are whole and
 *    above everything else.
 *
 * To build and run in this folder, with a first corpus from seed_loader.c (which see):
 *
 *     clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -g -O1 -I../../vmm -I.. fuzz_loader.c
 *         ../hostile/images.c ../../vmm/machine/{loader,elf32,multiboot,multiboot_info,ram}.c
 *         ../../vmm/base/diag.c
 *     ./a.out -max_len=16384 CORPUS
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostile/images.h"
#include "machine/loader.h"

#define RAM_BYTES (2u << 20)
#define NAME "image"
#define INITRD "contents of an initrd"

#define OPT_INITRD 1u
#define OPT_APPEND 2u
#define OPT_NAMES_LONG 4u /* strings of the boot information fill more than a page */

#define INFO_FLAGS 0x24du
#define INFO_CMDLINE 16u
#define INFO_MODS_COUNT 20u
#define INFO_MODS 24u
#define INFO_MAP_BYTES 44u
#define INFO_MAP 48u
#define INFO_LOADER_NAME 64u

/* Where an image that is refused would be seen first: its start and the boot information. */
static const uint32_t watched[] = { 0, 0x9000, 0x9500, RAM_HIGH_START, RAM_BYTES - 4 };
#define MARK 0xa5c3f01eu

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static struct ram ram;
static char long_name[3000];

static uint32_t read_word(uint32_t at)
{
	const void *p = ram_span(&ram, at, 4);
	uint32_t value;

	CHECK(p);
	memcpy(&value, p, 4);
	return value;
}

static void write_marks(void)
{
	const uint32_t mark = MARK;

	for (unsigned i = 0; i < ARRAY_SIZE(watched); i++)
		memcpy(ram_span(&ram, watched[i], 4), &mark, 4);
}

static void check_refused(const struct diag *d)
{
	CHECK(!strncmp(d->text, NAME ": ", strlen(NAME ": ")));
	CHECK(!strchr(d->text, '\n') && strchr(d->text, ';'));
	for (unsigned i = 0; i < ARRAY_SIZE(watched); i++)
		CHECK(read_word(watched[i]) == MARK);
}

static void check_string(uint32_t at, const char *begins)
{
	const char *s = ram_span(&ram, at, 1);

	CHECK(s && memchr(s, 0, RAM_BYTES - at));
	CHECK(!strncmp(s, begins, strlen(begins)));
	CHECK(ram_span(&ram, at, strlen(s) + 1));
}

static void check_module(uint32_t info, const struct loader_image *initrd, uint32_t end)
{
	uint32_t module = read_word(info + INFO_MODS);
	uint32_t start = read_word(module);

	CHECK(start % PAGE_BYTES == 0 && start >= RAM_HIGH_START);
	CHECK(read_word(module + 4) == start + initrd->bytes && start + initrd->bytes <= end);
	CHECK(!memcmp(ram_span(&ram, start, initrd->bytes), initrd->data, initrd->bytes));
	CHECK(info < start && module < start);
	check_string(read_word(module + 8), initrd->name);
}

static void check_loaded(const struct loader_request *request, const struct loader_result *r)
{
	CHECK(ram_span(&ram, r->entry, 1));
	CHECK(r->entry < r->end && r->end <= RAM_BYTES && r->end % PAGE_BYTES == 0);
	if (r->kind != LOADER_MULTIBOOT) {
		CHECK(!r->eax && !r->ebx && !request->initrd && !request->append);
		return;
	}
	CHECK(r->eax == LOADER_MULTIBOOT_MAGIC);
	CHECK(read_word(r->ebx) == INFO_FLAGS);
	CHECK(r->ebx < r->end && (r->entry < r->ebx - 0x500 || r->entry >= r->ebx));
	check_string(read_word(r->ebx + INFO_CMDLINE), NAME " ");
	check_string(read_word(r->ebx + INFO_LOADER_NAME), "shadowbox");
	CHECK(ram_span(&ram, read_word(r->ebx + INFO_MAP), read_word(r->ebx + INFO_MAP_BYTES)));
	CHECK(read_word(r->ebx + INFO_MODS_COUNT) == (request->initrd ? 1 : 0));
	if (request->initrd)
		check_module(r->ebx, request->initrd, r->end);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CHECK(!ram_create(&ram, RAM_BYTES, NULL));
	memset(long_name, 'n', sizeof(long_name) - 1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned options = size ? data[0] : 0;
	const struct loader_image initrd = {
		.name = options & OPT_NAMES_LONG ? long_name : "initrd",
		.data = INITRD,
		.bytes = sizeof(INITRD),
	};
	const struct loader_request request = {
		.image = { NAME, data + (size ? 1 : 0), size ? size - 1 : 0 },
		.initrd = options & OPT_INITRD ? &initrd : NULL,
		.append = !(options & OPT_APPEND)    ? NULL
			  : options & OPT_NAMES_LONG ? long_name
						     : "quiet",
	};
	struct loader_result result;
	struct diag d = { 0 };
	int err;

	write_marks();
	err = loader_load(&ram, &request, &result, &d);
	CHECK(err == 0 || err == -EINVAL);
	if (err)
		check_refused(&d);
	else
		check_loaded(&request, &result);
	return 0;
}

/* A mutated header hardly ever adds up: make it do so in every other input. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static const uint8_t magic[] = { 0x02, 0xb0, 0xad, 0x1b };
	uint8_t *at;

	size = LLVMFuzzerMutate(data, size, max_size);
	at = size > 1 ? memmem(data + 1, size - 1, magic, sizeof(magic)) : NULL;
	if (at && seed % 2 && size - (size_t)(at - data) >= 12)
		image_fix_checksum(at, 0);
	return size;
}
