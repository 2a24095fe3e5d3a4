/* SPDX-License-Identifier: MIT */
/*
 * The cpio "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst), from
 * memory that is not trusted. Freestanding and without the kernel's headers, so that the host tests
 * it.
 *
 *   header 110 bytes: "070701" (or "070702": with a checksum), then 13 fields of 8 hex digits:
 *	ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
 *   name of namesize bytes with its NUL, zeros up to 4 bytes; filesize bytes; zeros up to 4 bytes
 *   the last entry has the name "TRAILER!!!"; zeros or another archive may follow it.
 */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include <stdbool.h>
#include <stdint.h>

#define CPIO_HEADER_BYTES 110u
#define CPIO_PATH_MAX 4096u /* a name or the target of a link, with a NUL */

struct cpio_entry {
	uint32_t at; /* offset of its header */
	uint32_t ino, mode, uid, gid, nlink, mtime, dev_major, dev_minor, rdev_major, rdev_minor;
	/*
	 * With a NUL; in the archive, or in scratch until the next call. No leading, trailing or
	 * double slash, no "." and ".."; "": the root.
	 */
	const char *name;
	uint32_t name_len;
	const uint8_t *data; /* in the archive */
	uint32_t size;
};

struct cpio {
	const uint8_t *bytes;
	char *scratch; /* CPIO_PATH_MAX bytes */
	uint32_t size, at;
	bool trailer;	   /* the last thing read */
	const char *wrong; /* after an error: what, */
	uint32_t wrong_at; /* and the offset of the header or byte it is about */
};

/* size: below 2 GiB. */
void cpio_open(struct cpio *c, const void *bytes, uint32_t size, char *scratch);
/*
 * 1: *e is the next entry; 0: the end; -1: c->wrong and c->wrong_at tell what is not as it must be.
 */
int cpio_next(struct cpio *c, struct cpio_entry *e);

#endif
