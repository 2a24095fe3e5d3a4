// SPDX-License-Identifier: MIT
/*
 * Writes every bad image of images.c into a folder, and a line for each on stdout: the file name,
 * a tab, and a part of the message that `vmm -m 80M FILE` must print on stderr, in one line, before
 * it leaves with status 102.
 *
 *     bad_images FOLDER
 */
#include <stdio.h>

#include "hostile/images.h"

static bool write_file(const char *path, const uint8_t *data, size_t bytes)
{
	FILE *f = fopen(path, "wb");
	bool ok;

	if (!f)
		return false;
	ok = fwrite(data, 1, bytes, f) == bytes;
	return !fclose(f) && ok;
}

int main(int argc, char **argv)
{
	static uint8_t buf[IMAGE_BYTES];
	char path[4096];

	if (argc != 2) {
		fprintf(stderr, "usage: bad_images FOLDER\n");
		return 2;
	}
	for (unsigned i = 0; i < hostile_image_count; i++) {
		const struct hostile_image *image = &hostile_images[i];

		snprintf(path, sizeof(path), "%s/%s", argv[1], image->name);
		if (!write_file(path, buf, hostile_build(image, buf))) {
			perror(path);
			return 1;
		}
		printf("%s\t%s\n", image->name, image->message);
	}
	return 0;
}
