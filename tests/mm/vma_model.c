// SPDX-License-Identifier: MIT
#include "tests/mm/vma_model.h"

#include "mm/arch.h"
#include "mm/errno.h"
#include "mm/mm.h"

#define PAGES 96u	   /* of the window */
#define WINDOW 0x103f0000u /* not all in one page table */
#define MOST 12u	   /* pages a call takes */

struct model_page {
	bool mapped, shared, locked, random;
	uint32_t prot;
	uint32_t value; /* its first word */
};

static struct {
	struct mm_struct *mm;
	struct model_page page[PAGES];
	uint32_t seed;
	uint32_t op; /* that is running */
	unsigned wrong;
} model;

/* What one call is about: pages [first, first + count). */
struct range {
	uint32_t first, count;
};

static uint32_t random_below(uint32_t limit)
{
	model.seed = model.seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)model.seed * limit >> 32);
}

static struct range random_range(void)
{
	struct range r = { .first = random_below(PAGES), .count = random_below(MOST) + 1 };

	if (r.count > PAGES - r.first)
		r.count = PAGES - r.first;
	return r;
}

static vaddr_t address(uint32_t page)
{
	return WINDOW + page * PAGE_SIZE;
}

static void expect(const char *what, uint32_t got, uint32_t expected)
{
	if (got == expected)
		return;
	model.wrong++;
	arch_printk("# vma_model: call %u, %s: %08x, expected %08x\n", model.op, what, got,
		    expected);
}

/* How many pages of r come before the first hole. */
static uint32_t before_hole(struct range r)
{
	uint32_t n = 0;

	while (n < r.count && model.page[r.first + n].mapped)
		n++;
	return n;
}

static bool has_hole(struct range r)
{
	return before_hole(r) < r.count;
}

/* --- the calls, each done by the model, too --------------------------------------------------- */

static void call_mmap(void)
{
	static const uint32_t prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
					  PROT_READ | PROT_WRITE | PROT_EXEC };
	struct range r = random_range();
	struct model_page page = { .mapped = true,
				   .shared = random_below(4) == 0,
				   .prot = prots[random_below(ARRAY_SIZE(prots))] };

	expect("mmap",
	       do_mmap_pgoff(model.mm, NULL, address(r.first), r.count * PAGE_SIZE, page.prot,
			     MAP_FIXED | MAP_ANONYMOUS | (page.shared ? MAP_SHARED : MAP_PRIVATE),
			     0),
	       address(r.first));
	for (uint32_t n = 0; n < r.count; n++)
		model.page[r.first + n] = page;
}

static void unmap(struct range r)
{
	for (uint32_t n = 0; n < r.count; n++)
		model.page[r.first + n] = (struct model_page){ .mapped = false };
}

static void call_munmap(void)
{
	struct range r = random_range();

	expect("munmap", (uint32_t)do_munmap(model.mm, address(r.first), r.count * PAGE_SIZE), 0);
	unmap(r);
}

static void call_mprotect(void)
{
	struct range r = random_range();
	uint32_t prot = random_below(4); /* with PROT_WRITE alone, too */
	uint32_t changed = before_hole(r);

	expect("mprotect",
	       (uint32_t)do_mprotect(model.mm, address(r.first), r.count * PAGE_SIZE, prot),
	       changed < r.count ? (uint32_t)-ENOMEM : 0);
	for (uint32_t n = 0; n < changed; n++)
		model.page[r.first + n].prot = prot;
}

/* A move of the same size takes what is there, and leaves what lies opposite of holes. */
static void call_mremap_move(void)
{
	struct range r = random_range();
	uint32_t to = random_below(PAGES - r.count + 1), expected = address(to);

	if (r.first + r.count > to && to + r.count > r.first)
		expected = (uint32_t)-EINVAL;
	else if (!before_hole(r))
		expected = (uint32_t)-EFAULT;
	expect("mremap, move",
	       do_mremap(model.mm, address(r.first), r.count * PAGE_SIZE, r.count * PAGE_SIZE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, address(to)),
	       expected);
	if (expected != address(to))
		return;
	for (uint32_t n = 0; n < r.count; n++)
		if (model.page[r.first + n].mapped)
			model.page[to + n] = model.page[r.first + n];
	unmap(r);
}

static void call_mremap_shrink(void)
{
	struct range r = random_range(), tail = r;
	uint32_t keep = random_below(r.count) + 1;
	bool there = model.page[r.first].mapped;

	expect("mremap, shrink",
	       do_mremap(model.mm, address(r.first), r.count * PAGE_SIZE, keep * PAGE_SIZE, 0, 0),
	       there ? address(r.first) : (uint32_t)-EFAULT);
	tail.first += keep;
	tail.count -= keep;
	if (there)
		unmap(tail);
}

/* The rest of a VMA grows in place, if what is behind it is free. */
static void call_mremap_grow(void)
{
	uint32_t first = random_below(PAGES), more = random_below(4) + 1, old, expected;
	const struct vm_area_struct *vma = find_vma(model.mm, address(first));
	struct range behind;

	if (!model.page[first].mapped || model.page[first].shared)
		return;
	old = (vma->vm_end - address(first)) / PAGE_SIZE;
	behind = (struct range){ .first = first + old, .count = more };
	if (behind.first + more > PAGES)
		return;
	expected = address(first);
	for (uint32_t n = 0; n < more; n++)
		if (model.page[behind.first + n].mapped)
			expected = (uint32_t)-ENOMEM;
	expect("mremap, grow",
	       do_mremap(model.mm, address(first), old * PAGE_SIZE, (old + more) * PAGE_SIZE, 0, 0),
	       expected);
	for (uint32_t n = 0; n < more && expected == address(first); n++) {
		model.page[behind.first + n] = model.page[first];
		model.page[behind.first + n].value = 0;
	}
}

static void call_dontneed(void)
{
	struct range r = random_range();
	uint32_t expected = has_hole(r) ? (uint32_t)-ENOMEM : 0;

	for (uint32_t n = 0; n < r.count; n++) {
		struct model_page *page = &model.page[r.first + n];

		if (page->locked) { /* what comes before is done */
			expected = (uint32_t)-EINVAL;
			break;
		}
		if (!page->shared)
			page->value = 0;
	}
	expect("madvise, DONTNEED",
	       (uint32_t)do_madvise(model.mm, address(r.first), r.count * PAGE_SIZE, MADV_DONTNEED),
	       expected);
}

static void call_random(void)
{
	struct range r = random_range();
	bool on = random_below(2);

	expect("madvise, RANDOM",
	       (uint32_t)do_madvise(model.mm, address(r.first), r.count * PAGE_SIZE,
				    on ? MADV_RANDOM : MADV_NORMAL),
	       has_hole(r) ? (uint32_t)-ENOMEM : 0);
	for (uint32_t n = 0; n < r.count; n++)
		if (model.page[r.first + n].mapped)
			model.page[r.first + n].random = on;
}

static void call_mlock(void)
{
	struct range r = random_range();
	uint32_t locked = before_hole(r), expected = locked < r.count ? (uint32_t)-ENOMEM : 0;
	bool on = random_below(3) == 0;

	for (uint32_t n = 0; n < locked; n++) {
		struct model_page *page = &model.page[r.first + n];

		page->locked = on;
		/* Bit 1 alone reads, too: what cannot be accessed at all cannot be brought in. */
		if (on && page->prot == PROT_NONE)
			expected = (uint32_t)-ENOMEM;
	}
	expect("mlock", (uint32_t)do_mlock(model.mm, address(r.first), r.count * PAGE_SIZE, on),
	       expected);
}

static void call_write(void)
{
	uint32_t page = random_below(PAGES), value = model.op + 1;
	bool may = model.page[page].mapped && model.page[page].prot & PROT_WRITE;

	expect("write", access_process_vm(model.mm, address(page), &value, sizeof(value), true),
	       may ? sizeof(value) : 0);
	if (may)
		model.page[page].value = value;
}

/* --- comparison ------------------------------------------------------------------------------- */

static void compare_page(uint32_t n)
{
	const struct model_page *page = &model.page[n];
	const struct vm_area_struct *vma =
		find_vma_intersection(model.mm, address(n), address(n) + PAGE_SIZE);
	uint32_t value = 0;

	expect("mapped", vma != NULL, page->mapped);
	if (!vma || !page->mapped)
		return;
	expect("rights", vma->vm_flags & VM_ACCESS_FLAGS, page->prot);
	expect("shared", !!(vma->vm_flags & VM_SHARED), page->shared);
	expect("locked", !!(vma->vm_flags & VM_LOCKED), page->locked);
	expect("advised", !!(vma->vm_flags & VM_RAND_READ), page->random);
	expect("read", access_process_vm(model.mm, address(n), &value, sizeof(value), false),
	       sizeof(value));
	expect("contents", value, page->value);
}

static void compare(void)
{
	uint32_t mapped = 0;

	for (uint32_t n = 0; n < PAGES; n++) {
		compare_page(n);
		mapped += model.page[n].mapped;
	}
	expect("total_vm", model.mm->total_vm, mapped);
	expect("checks", mm_check_all(), 0);
}

/* Writes are as frequent as all others together. */
static void (*const calls[])(void) = {
	call_mmap,     call_mmap,	 call_munmap,	     call_mprotect,
	call_mprotect, call_mremap_move, call_mremap_shrink, call_mremap_grow,
	call_dontneed, call_random,	 call_mlock,
};

unsigned vma_model_run(uint32_t seed, uint32_t ops, uint32_t check_every)
{
	model.mm = mm_alloc();
	model.seed = seed;
	model.wrong = 0;
	if (!model.mm)
		return 1;
	model.mm->rlim_memlock = UINT32_MAX;
	unmap((struct range){ .first = 0, .count = PAGES });
	for (model.op = 0; model.op < ops && model.wrong < 10; model.op++) {
		if (random_below(2))
			call_write();
		else
			calls[random_below(ARRAY_SIZE(calls))]();
		if ((model.op + 1) % check_every == 0)
			compare();
	}
	compare();
	mmput(model.mm);
	return model.wrong;
}
