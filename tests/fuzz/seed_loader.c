// SPDX-License-Identifier: MIT
/*
 * Writes a first corpus for fuzz_loader.c into a folder: all good and bad images of
 * hostile/images.c, alone and with an initrd and a command line.
 *
 *     seed_loader FOLDER
 */
#include <stdio.h>

#include "hostile/images.h"

static const uint8_t options[] = { 0, 3, 7 };

static bool write_seed(const char *folder, const char *name, uint8_t option, const uint8_t *data,
		       size_t bytes)
{
	char path[4096];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s.%u", folder, name, option);
	f = fopen(path, "wb");
	if (!f) {
		perror(path);
		return false;
	}
	ok = fputc(option, f) != EOF && fwrite(data, 1, bytes, f) == bytes;
	return !fclose(f) && ok;
}

int main(int argc, char **argv)
{
	static const char *const good[IMAGE_KINDS] = { "addresses", "elf", "multiboot-elf",
						       "flat" };
	static uint8_t buf[IMAGE_BYTES];
	bool ok = true;

	if (argc != 2) {
		fprintf(stderr, "usage: seed_loader FOLDER\n");
		return 2;
	}
	for (unsigned o = 0; o < sizeof(options); o++) {
		for (unsigned i = 0; i < IMAGE_KINDS; i++)
			ok &= write_seed(argv[1], good[i], options[o], buf,
					 image_build((enum image_kind)i, buf));
		for (unsigned i = 0; i < hostile_image_count; i++)
			ok &= write_seed(argv[1], hostile_images[i].name, options[o], buf,
					 hostile_build(&hostile_images[i], buf));
	}
	return ok ? 0 : 1;
}
