// SPDX-License-Identifier: MIT
/*
 * Per-CPU lists: single pages, which are most of what is allocated, come from and go to a list that
 * the buddy refills and relieves `batch` pages at a time. Pages on it are not free in the buddy's
 * sense: they neither count nor coalesce.
 */
#include "mm/arch.h"
#include "mm/page_internal.h"

static uint32_t rounddown_pow_of_two(uint32_t x)
{
	return x ? 1u << (31 - __builtin_clz(x)) : 0;
}

/*
 * Linux 2.6.32, zone_batchsize: a thousandth of the zone, at most 512 KiB, a quarter of that; then
 * to one less than a power of two, so that batches do not always hit pages of the same cache
 * colour. May be 0, and then batch is 1 and high 0: no list at all.
 */
uint32_t pcp_batch(uint32_t present_pages)
{
	uint32_t batch = present_pages / 1024;

	if (batch > (512u << 10) / PAGE_SIZE)
		batch = (512u << 10) / PAGE_SIZE;
	batch /= 4;
	if (batch < 1)
		batch = 1;
	return rounddown_pow_of_two(batch + batch / 2) - 1;
}

void pcp_init(struct zone *z)
{
	uint32_t batch = pcp_batch(z->present_pages);

	z->pcp.count = 0;
	z->pcp.high = 6 * batch;
	z->pcp.batch = batch ? batch : 1;
	list_init(&z->pcp.list);
}

/*
 * The pages are queued in the order they come from the buddy: a run of allocations gets rising
 * addresses, which is what Linux does for the sake of devices that can merge requests.
 */
void pcp_refill(struct zone *z)
{
	while (z->pcp.count < z->pcp.batch) {
		struct page *page = buddy_take(z, 0);

		if (!page)
			break;
		z->pcp.count++;
		page->state = PAGE_PCP;
		list_add_tail(&page->lru, &z->pcp.list);
	}
}

static void pcp_drain(struct zone *z, uint32_t count)
{
	for (; count && z->pcp.count; count--) {
		struct page *page = list_last_entry(&z->pcp.list, struct page, lru);

		list_del(&page->lru);
		z->pcp.count--;
		page->state = PAGE_FREE_TAIL;
		buddy_free(z, page, 0);
	}
}

MM_REGPARM void pcp_relieve(struct zone *z)
{
	uint32_t flags = arch_irq_save();

	pcp_drain(z, z->pcp.batch);
	arch_irq_restore(flags);
}

void drain_all_pages(void)
{
	uint32_t flags;

	if (mm.pcp_busy)
		return;
	flags = arch_irq_save();
	for_each_populated_zone(z)
		pcp_drain(z, z->pcp.count);
	arch_irq_restore(flags);
}
