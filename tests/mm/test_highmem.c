// SPDX-License-Identifier: MIT
#include "mm/errno.h"
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/vmalloc.h"
#include "tests/mm/mm_test.h"

/* What kmap can show at once, and one more. */
#define MANY (LAST_PKMAP + 1)

static void give_back(struct list_head *list)
{
	list_for_each_safe(node, list) {
		list_del(node);
		__free_pages(list_entry(node, struct page, lru), 0);
	}
}

/* `count` highmem pages, each marked with its number; false: there are not as many. */
static bool take_highmem(struct list_head *high, unsigned count)
{
	list_init(high);
	if (nr_free_highpages() < count)
		return false;
	for (unsigned n = 0; n < count; n++) {
		struct page *page = alloc_page(GFP_HIGHUSER | __GFP_NOWARN);
		uint32_t *p;

		if (!page || !page_is_highmem(page)) {
			if (page)
				__free_pages(page, 0);
			return false;
		}
		p = kmap_atomic(page, KM_USER0);
		*p = page_to_pfn(page);
		kunmap_atomic(p, KM_USER0);
		list_add_tail(&page->lru, high);
	}
	return true;
}

static struct page *page_of(struct list_head *node)
{
	return list_entry(node, struct page, lru);
}

static bool shows(const void *p, const struct page *page)
{
	return p && *(const volatile uint32_t *)p == page_to_pfn(page);
}

static unsigned slot_of(const void *p)
{
	return (arch_vaddr(p) - PKMAP_BASE) >> PAGE_SHIFT;
}

static bool lowmem_page_has_its_address_anyway(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	void *p;

	EXPECT(page);
	if (!page)
		return false;
	p = phys_to_virt(page_to_phys(page));
	EXPECT(kmap(page) == p);
	EXPECT(kmap_try(page) == p);
	kunmap(page);
	kunmap(page);
	kunmap(page); /* one too many does no harm */
	EXPECT(kmap_atomic(page, KM_USER0) == p);
	EXPECT(kmap_atomic(page, KM_USER0) == p); /* it takes no slot */
	kunmap_atomic(p, KM_USER0);
	EXPECT(kmap_address(page) == NULL);
	__free_pages(page, 0);
	return true;
}

static bool counter_is_users_plus_one_until_the_flush(void)
{
	struct list_head high;

	if (take_highmem(&high, 1)) {
		struct page *page = page_of(high.next);
		void *p = kmap(page);
		unsigned slot = slot_of(p);

		EXPECT(slot < LAST_PKMAP && pkmap_count(slot) == 2);
		EXPECT(kmap(page) == p && pkmap_count(slot) == 3);
		EXPECT(kmap_address(page) == p && page_address(page) == p);
		kunmap(page);
		kmap_flush_unused(); /* it is in use */
		EXPECT(shows(p, page) && pkmap_count(slot) == 2);
		kunmap(page);
		EXPECT(pkmap_count(slot) == 1 && kmap_address(page) == p);
		EXPECT(kmap(page) == p && pkmap_count(slot) == 2); /* again, without a flush */
		kunmap(page);
		kmap_flush_unused();
		EXPECT(pkmap_count(slot) == 0 && kmap_address(page) == NULL);
		EXPECT(!*lookup_kernel_pte(PKMAP_BASE + slot * PAGE_SIZE));
	}
	EXPECT(pkmap_count(LAST_PKMAP) == -EINVAL);
	give_back(&high);
	return true;
}

/* More pages than slots, twice around: each read must see the page that was asked for. */
static bool kmap_is_never_stale_after_the_search_wraps(void)
{
	struct list_head high;
	unsigned wrong = 0;

	kmap_flush_unused();
	if (take_highmem(&high, MANY)) {
		for (unsigned round = 0; round < 3; round++) {
			list_for_each(node, &high) {
				wrong += !shows(kmap(page_of(node)), page_of(node));
				kunmap(page_of(node));
			}
		}
	}
	EXPECT(wrong == 0);
	kmap_flush_unused();
	give_back(&high);
	return true;
}

static bool all_slots_can_be_used_and_then_none_is_left(void)
{
	struct list_head high;
	struct page *last = NULL;
	unsigned mapped = 0, wrong = 0;

	kmap_flush_unused();
	if (take_highmem(&high, MANY)) {
		list_for_each(node, &high) {
			if (!kmap_try(page_of(node)))
				last = page_of(node);
			else
				mapped++;
		}
		EXPECT(mapped == LAST_PKMAP && last == page_of(high.prev));
		list_for_each(node, &high)
			if (page_of(node) != last)
				wrong += !shows(kmap_address(page_of(node)), page_of(node));
		EXPECT(wrong == 0);
		kunmap(page_of(high.next)); /* now there is one, once it is flushed */
		EXPECT(shows(kmap_try(last), last));
		list_del(&last->lru);
		list_add(&last->lru, high.next);
		for (struct list_head *n = high.next->next; n != &high; n = n->next)
			kunmap(page_of(n));
	}
	kmap_flush_unused();
	give_back(&high);
	return true;
}

static bool kmap_atomic_slot_is_never_stale(void)
{
	struct list_head high;
	unsigned wrong = 0;

	if (take_highmem(&high, 2)) {
		struct page *a = page_of(high.next), *b = page_of(high.prev);

		for (unsigned i = 0; i < 100; i++) {
			struct page *page = i % 2 ? a : b;
			void *p = kmap_atomic(page, KM_PTE0);

			wrong += !shows(p, page);
			kunmap_atomic(p, KM_PTE0);
		}
	}
	EXPECT(wrong == 0);
	give_back(&high);
	return true;
}

static bool kmap_atomic_types_are_slots_of_their_own(void)
{
	struct list_head high;

	if (take_highmem(&high, 2)) {
		struct page *a = page_of(high.next), *b = page_of(high.prev);
		void *p = kmap_atomic(a, KM_USER0), *q = kmap_atomic(b, KM_USER1);

		EXPECT(p != q && shows(p, a) && shows(q, b));
		EXPECT(arch_vaddr(p) == fix_to_virt(FIX_KMAP_BEGIN + KM_USER0));
		EXPECT(arch_vaddr(q) == fix_to_virt(FIX_KMAP_BEGIN + KM_USER1));
		EXPECT(kmap_address(a) == NULL); /* that is kmap's alone */
		kunmap_atomic(q, KM_USER1);
		EXPECT(shows(p, a));
		kunmap_atomic(p, KM_USER0);
		EXPECT(!*lookup_kernel_pte(arch_vaddr(p)));
	}
	give_back(&high);
	return true;
}

static bool clear_and_copy_reach_every_byte(void)
{
	struct page *a = alloc_page(GFP_HIGHUSER), *b = alloc_page(GFP_HIGHUSER);
	unsigned wrong = 0;
	uint8_t *p;

	EXPECT(a && b);
	if (!a || !b)
		return false;
	p = kmap(a);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		p[i] = (uint8_t)(i * 7 + 1);
	copy_highpage(b, a);
	clear_highpage(a);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		wrong += p[i] != 0;
	kunmap(a);
	p = kmap(b);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		wrong += p[i] != (uint8_t)(i * 7 + 1);
	kunmap(b);
	EXPECT(wrong == 0);
	kmap_flush_unused();
	__free_pages(a, 0);
	__free_pages(b, 0);
	return true;
}

static bool fixmap_shows_what_was_set_last(void)
{
	const enum fixed_addresses slot = FIX_KMAP_BEGIN + KM_BOUNCE_READ;
	const void *p = arch_ptr(fix_to_virt(slot));
	struct page *pages[2] = { alloc_page(GFP_KERNEL), alloc_page(GFP_KERNEL) };

	EXPECT(pages[0] && pages[1]);
	for (unsigned i = 0; i < 2 && pages[i]; i++)
		*(uint32_t *)page_address(pages[i]) = page_to_pfn(pages[i]);
	for (unsigned i = 0; i < 6 && pages[0] && pages[1]; i++) {
		set_fixmap(slot, page_to_phys(pages[i % 2]), PAGE_KERNEL);
		EXPECT(shows(p, pages[i % 2]));
	}
	clear_fixmap(slot);
	EXPECT(!*lookup_kernel_pte(fix_to_virt(slot)));
	for (unsigned i = 0; i < 2; i++)
		if (pages[i])
			__free_pages(pages[i], 0);
	return true;
}

const struct mm_test mm_tests_highmem[] = {
	MM_TEST(lowmem_page_has_its_address_anyway),
	MM_TEST(counter_is_users_plus_one_until_the_flush),
	MM_TEST(kmap_is_never_stale_after_the_search_wraps),
	MM_TEST(all_slots_can_be_used_and_then_none_is_left),
	MM_TEST(kmap_atomic_slot_is_never_stale),
	MM_TEST(kmap_atomic_types_are_slots_of_their_own),
	MM_TEST(clear_and_copy_reach_every_byte),
	MM_TEST(fixmap_shows_what_was_set_last),
	MM_TEST_END,
};
