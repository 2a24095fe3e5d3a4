/* SPDX-License-Identifier: MIT */
/*
 * What Linux shows under /proc, in its formats, byte for byte where Linux 2.6.32 has one.
 *
 * Each writer appends to a buffer and never writes past it; `needed` counts on, so that a caller
 * can size a second try.
 */
#ifndef MM_SHOW_H
#define MM_SHOW_H

#include "mm/types.h"

struct show_buf {
	char *text;    /* ends in a NUL after show_printf(); NULL if bytes is 0 */
	size_t bytes;  /* room, the terminating NUL included */
	size_t needed; /* what was written or would have been, the NUL not included */
};

void show_printf(struct show_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct show_file {
	const char *name; /* "buddyinfo", ... */
	void (*show)(struct show_buf *b);
};

/*
 * buddyinfo zoneinfo meminfo slabinfo vmallocinfo iomem page_tables; ends in a row without a name.
 */
extern const struct show_file show_files[];

/* NULL: there is no such file. */
const struct show_file *show_find(const char *name);

/* The writers themselves: show_zones.c, show_caches.c, show_vmalloc.c, iomem.c, show_tables.c. */
void show_buddyinfo(struct show_buf *b);
void show_zoneinfo(struct show_buf *b);
void show_meminfo(struct show_buf *b);
void show_slabinfo(struct show_buf *b);
void show_vmallocinfo(struct show_buf *b);
void show_iomem(struct show_buf *b);
void show_page_tables(struct show_buf *b);

#endif
