// SPDX-License-Identifier: MIT
/*
 * How much of a zone is kept back, and from whom. Numbers and formulas of Linux 2.6.32.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"

/* The largest y with y * y <= x, digit by digit in base 2. */
uint32_t int_sqrt(uint32_t x)
{
	uint32_t root = 0;

	for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
		if (x >= root + bit) {
			x -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
	}
	return root;
}

uint32_t nr_lowmem_pages(void)
{
	uint32_t pages = 0;

	for_each_populated_zone(z)
		if (z->type != ZONE_HIGHMEM && z->present_pages > z->watermark[WMARK_HIGH])
			pages += z->present_pages - z->watermark[WMARK_HIGH];
	return pages;
}

/* The network and block layers' needs grow with the machine, but not as fast: the square root. */
uint32_t min_free_kbytes_for(uint32_t lowmem_kbytes)
{
	uint32_t kbytes = int_sqrt(lowmem_kbytes * 16);

	if (kbytes < 128)
		return 128;
	return kbytes > 65536 ? 65536 : kbytes;
}

/* What the zone must keep of the machine's `pages_min`, in proportion to its part of lowmem. */
static uint32_t zone_share(const struct zone *z, uint32_t pages_min, uint32_t lowmem_pages)
{
	if (!lowmem_pages)
		return 0;
	return (uint32_t)((uint64_t)pages_min * z->present_pages / lowmem_pages);
}

/*
 * HIGHMEM needs no reserve: nothing that must not fail uses it. Its min is small, so that reclaim
 * there has something to work with; its distance to low and high is a share like the others'.
 */
void setup_per_zone_wmarks(void)
{
	uint32_t pages_min = mm.min_free_kbytes >> (PAGE_SHIFT - 10);
	uint32_t lowmem_pages = 0;

	for_each_populated_zone(z)
		if (z->type != ZONE_HIGHMEM)
			lowmem_pages += z->present_pages;
	for_each_populated_zone(zone) {
		uint32_t share = zone_share(zone, pages_min, lowmem_pages);
		uint32_t min = share;

		if (zone->type == ZONE_HIGHMEM) {
			min = zone->present_pages / 1024;
			if (min < SWAP_CLUSTER_MAX)
				min = SWAP_CLUSTER_MAX;
			if (min > 128)
				min = 128;
		}
		zone->watermark[WMARK_MIN] = min;
		zone->watermark[WMARK_LOW] = min + (share >> 2);
		zone->watermark[WMARK_HIGH] = min + (share >> 1);
	}
}

/*
 * An allocation that could have gone to a higher zone must leave of a lower one what the zones
 * above it have, together, divided by the lower one's ratio:
 *
 *                    DMA        Normal           HighMem
 *      DMA reserves  0      Normal / 256    (Normal + HighMem) / 256
 *      Normal               0               HighMem / 32
 */
void setup_per_zone_lowmem_reserve(void)
{
	static const uint32_t ratio[MAX_NR_ZONES] = {
		[ZONE_DMA] = 256, [ZONE_NORMAL] = 32, [ZONE_HIGHMEM] = 1
	};

	for (unsigned node = 0; node < mm.nodes; node++) {
		struct zone *zone = mm.node[node].zone;

		for (unsigned lower = 0; lower < MAX_NR_ZONES; lower++) {
			uint32_t above = 0;

			memset(zone[lower].lowmem_reserve, 0, sizeof(zone[lower].lowmem_reserve));
			for (unsigned type = lower + 1; type < MAX_NR_ZONES; type++) {
				above += zone[type].present_pages;
				zone[lower].lowmem_reserve[type] = above / ratio[lower];
			}
		}
	}
}

/* Free pages may be fewer than the block: the sums are signed. */
bool zone_watermark_ok(const struct zone *z, unsigned order, uint32_t mark, enum zone_type highest,
		       unsigned flags)
{
	int32_t free = (int32_t)(z->stat[NR_FREE_PAGES] - (1u << order) + 1);
	int32_t min = (int32_t)mark;

	if (flags & ALLOC_HIGH)
		min -= min / 2;
	if (flags & ALLOC_HARDER)
		min -= min / 4;
	if (free <= min + (int32_t)z->lowmem_reserve[highest])
		return false;
	for (unsigned o = 0; o < order; o++) {
		/* Blocks of this order are of no use to the next. */
		free -= (int32_t)(z->free_area[o].nr_free << o);
		/* Fewer large blocks need to be kept than small ones. */
		min >>= 1;
		if (free <= min)
			return false;
	}
	return true;
}
