/* SPDX-License-Identifier: MIT */
/*
 * From an image file to a machine ready to start: multiboot 1 (ELF or a.out kludge), else a plain
 * ELF32 executable, else a flat binary at 1 MiB.
 *
 * The image is untrusted: every field is checked against the file and the RAM before use, and
 * nothing is copied before everything is checked.
 */
#ifndef VMM_MACHINE_LOADER_H
#define VMM_MACHINE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "machine/ram.h"

#define LOADER_MULTIBOOT_MAGIC 0x2badb002u /* EAX at entry */

enum loader_kind { LOADER_MULTIBOOT, LOADER_ELF, LOADER_FLAT };

struct loader_image {
	const char *name; /* for messages and the command line: the path as given */
	const void *data;
	size_t bytes;
};

struct loader_request {
	struct loader_image image;
	const struct loader_image *initrd; /* multiboot module, or NULL */
	const char *append;		   /* or NULL */
	bool tty;			   /* appended as tty=1 or tty=0 */
};

struct loader_result {
	enum loader_kind kind;
	uint32_t entry; /* EIP */
	uint32_t eax;	/* LOADER_MULTIBOOT_MAGIC or 0 */
	uint32_t ebx;	/* address of the multiboot information, or 0 */
	uint32_t end;	/* first free physical address above the image, information and modules */
};

/*
 * Load into `ram`. -EINVAL with a line in `d` for anything that cannot be loaded.
 */
int loader_load(struct ram *ram, const struct loader_request *request, struct loader_result *result,
		struct diag *d);

/*
 * Read a whole regular file. -ENOENT, -EISDIR, -EACCES, -EFBIG, -EINVAL (empty) and others, with a
 * line in `d` that names the file and the mend. Free with free(). `what` says what the file is for
 * ("image", "initrd").
 */
int loader_read_file(const char *path, const char *what, void **data, size_t *bytes,
		     struct diag *d);

#endif
