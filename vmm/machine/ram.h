/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM: one memfd, mapped once, touched lazily.
 *
 * File offset equals guest-physical address. The hole at 640K..1M is part of the file and not of
 * the RAM. ram_span() is the only way from a guest-physical address to a host pointer; it returns
 * NULL instead of trusting.
 */
#ifndef VMM_MACHINE_RAM_H
#define VMM_MACHINE_RAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/types.h"

#define RAM_LOW_END 0xa0000u	 /* 640K: start of the hole */
#define RAM_HIGH_START 0x100000u /* 1M: its end */
#define RAM_MIN_BYTES (2u << 20)
#define RAM_MAX_BYTES (3ull << 30) /* the hole for devices starts at 0xC0000000 */

struct ram {
	int fd;		/* memfd, sealed against resizing */
	uint8_t *host;	/* start of the mapping; use ram_span */
	uint64_t bytes; /* what -m said, a multiple of 4096 */
};

struct ram_range {
	gpa_t start;
	uint64_t bytes;
};

/* -EINVAL: bytes is no multiple of a page, or out of RAM_MIN..RAM_MAX; -ENOMEM and others: host. */
int ram_create(struct ram *ram, uint64_t bytes, struct diag *d);
void ram_destroy(struct ram *ram);

/* The RAM ranges in order (two); returns how many were written, at most `max`. */
unsigned ram_ranges(const struct ram *ram, struct ram_range *out, unsigned max);

/* Host pointer to [gpa, gpa + len), or NULL if any byte is not RAM, len is 0, or it wraps. */
void *ram_span(const struct ram *ram, gpa_t gpa, uint64_t len);

/*
 * Zero [gpa, gpa + len). Whole pages are given back to the host, so that clearing a large .bss
 * costs no memory. False (nothing changed) where ram_span would return NULL.
 */
bool ram_zero(const struct ram *ram, gpa_t gpa, uint64_t len);

/* Host pointer to the 4 KiB frame at `frame` (aligned), or NULL. */
static inline uint8_t *ram_page(const struct ram *ram, gpa_t frame)
{
	if (frame >= ram->bytes || (frame >= RAM_LOW_END && frame < RAM_HIGH_START))
		return 0;
	return ram->host + frame;
}

#endif
