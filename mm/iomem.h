/* SPDX-License-Identifier: MIT */
/*
 * What lies where in physical memory: the tree that Linux shows as /proc/iomem, filled at boot from
 * the memory map and the kernel's own sections.
 *
 * It is kept as a sorted table, a range before those inside of it. Two ranges are disjoint, or one
 * holds the other.
 */
#ifndef MM_IOMEM_H
#define MM_IOMEM_H

#include "mm/types.h"

#define IOMEM_RESOURCES 96

struct iomem_resource {
	paddr_t start, last; /* `last` belongs to it */
	const char *name;
};

struct iomem {
	uint32_t count;
	struct iomem_resource resource[IOMEM_RESOURCES];
};

extern struct iomem iomem;

/*
 * `name` must stay. -EINVAL: last is before start. -EBUSY: it overlaps another in part. -ENOSPC:
 * the table is full. Of two equal ranges the first is the outer one.
 */
int iomem_add(paddr_t start, paddr_t last, const char *name);

/* Bytes of all ranges of that name. */
uint32_t iomem_bytes(const char *name);

/* Forget everything. */
void iomem_reset(void);

#endif
