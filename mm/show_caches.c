// SPDX-License-Identifier: MIT
#include "mm/show.h"
#include "mm/slub.h"

/*
 * Tunables and the last number of slabdata are SLAB's; SLUB prints zeros there. It counts every
 * object of a CPU slab as active, and all slabs.
 */
static void show_cache(struct show_buf *b, const struct kmem_cache_info *c)
{
	show_printf(b, "%-17s %6u %6u %6u %4u %4u", c->name, c->active_objects, c->total_objects,
		    c->size, c->objects_per_slab, c->pages_per_slab);
	show_printf(b, " : tunables %4u %4u %4u : slabdata %6u %6u %6u\n", 0, 0, 0, c->slabs,
		    c->slabs, 0);
}

void show_slabinfo(struct show_buf *b)
{
	struct kmem_cache_info info;

	show_printf(b, "slabinfo - version: 2.1\n"
		       "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		       "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		       "<active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned n = 0; kmem_cache_info(n, &info); n++)
		show_cache(b, &info);
}
