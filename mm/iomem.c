// SPDX-License-Identifier: MIT
#include "mm/iomem.h"

#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/show.h"

struct iomem iomem;

static bool holds(const struct iomem_resource *outer, const struct iomem_resource *inner)
{
	return outer->start <= inner->start && inner->last <= outer->last;
}

static bool disjoint(const struct iomem_resource *a, const struct iomem_resource *b)
{
	return a->last < b->start || b->last < a->start;
}

/* The order of the table: by start; of two with the same, the larger first. */
static bool comes_before(const struct iomem_resource *a, const struct iomem_resource *b)
{
	return a->start != b->start ? a->start < b->start : a->last >= b->last;
}

int iomem_add(paddr_t start, paddr_t last, const char *name)
{
	const struct iomem_resource new = { start, last, name };
	unsigned place = 0;

	if (last < start)
		return -EINVAL;
	for (unsigned n = 0; n < iomem.count; n++) {
		const struct iomem_resource *r = &iomem.resource[n];

		if (!disjoint(r, &new) && !holds(r, &new) && !holds(&new, r))
			return -EBUSY;
		if (comes_before(r, &new))
			place = n + 1;
	}
	if (iomem.count == IOMEM_RESOURCES)
		return -ENOSPC;
	memmove(&iomem.resource[place + 1], &iomem.resource[place],
		(iomem.count++ - place) * sizeof(new));
	iomem.resource[place] = new;
	return 0;
}

uint32_t iomem_bytes(const char *name)
{
	uint32_t bytes = 0;

	for (unsigned n = 0; n < iomem.count; n++)
		if (!strcmp(iomem.resource[n].name, name))
			bytes += iomem.resource[n].last - iomem.resource[n].start + 1;
	return bytes;
}

void iomem_reset(void)
{
	iomem.count = 0;
}

void show_iomem(struct show_buf *b)
{
	for (unsigned n = 0; n < iomem.count; n++) {
		const struct iomem_resource *r = &iomem.resource[n];
		int depth = 0;

		/* Those before it begin no later, so they hold it, or end before it. */
		for (unsigned outer = 0; outer < n; outer++)
			depth += holds(&iomem.resource[outer], r);
		show_printf(b, "%*s%08x-%08x : %s\n", 2 * depth, "", r->start, r->last, r->name);
	}
}
