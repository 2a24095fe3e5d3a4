// SPDX-License-Identifier: MIT
/*
 * Address spaces as system calls make them, on the host and, with real page tables, in the guest.
 * The cases in detail are in tests/unit_mm/test_vma.c and its neighbours.
 */
#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/show.h"
#include "tests/mm/mm_test.h"
#include "tests/mm/vma_model.h"

#define BASE 0x20000000u
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct mm_struct *space;

static vaddr_t at(uint32_t page)
{
	return BASE + page * PAGE_SIZE;
}

static bool map(uint32_t page, uint32_t pages, uint32_t prot)
{
	return do_mmap_pgoff(space, NULL, at(page), pages * PAGE_SIZE, prot, ANON | MAP_FIXED, 0) ==
	       at(page);
}

static bool protect(uint32_t page, uint32_t pages, uint32_t prot)
{
	return do_mprotect(space, at(page), pages * PAGE_SIZE, prot) == 0;
}

/* Pages [0, strlen(expected)): a letter a page, another for each VMA, '.' for a hole. */
static bool looks(const char *expected)
{
	char map[64], letter = 'a' - 1;
	uint32_t pages = (uint32_t)strlen(expected);

	memset(map, '.', sizeof(map));
	for (const struct vm_area_struct *vma = space->mmap; vma; vma = vma->vm_next) {
		letter++;
		for (uint32_t n = 0; n < pages; n++)
			if (at(n) >= vma->vm_start && at(n) < vma->vm_end)
				map[n] = letter;
	}
	return !memcmp(map, expected, pages);
}

static bool put(uint32_t page, uint32_t value)
{
	return access_process_vm(space, at(page), &value, sizeof(value), true) == sizeof(value);
}

static uint32_t get(uint32_t page)
{
	uint32_t value = 0xbad;

	access_process_vm(space, at(page), &value, sizeof(value), false);
	return value;
}

static bool begin(void)
{
	space = mm_alloc();
	EXPECT(space);
	return space;
}

static bool done(void)
{
	EXPECT(mm_check_all() == 0);
	mmput(space);
	return true;
}

/* 1, 2, 3 of the drawing in mm/vma.c. */
static bool maps_merge_with_their_neighbours(void)
{
	if (!begin())
		return false;
	EXPECT(map(0, 4, RW) && map(8, 4, RW) && looks("aaaa....bbbb"));
	EXPECT(map(4, 4, RW) && looks("aaaaaaaaaaaa"));
	EXPECT(map(0, 2, PROT_READ) && looks("aabbbbbbbbbb"));
	EXPECT(map(12, 2, RW) && looks("aabbbbbbbbbbbb"));
	EXPECT(map(20, 2, RW) && map(18, 2, RW) && looks("aabbbbbbbbbbbb....cccc"));
	return done();
}

/* 4 to 8. */
static bool changes_of_rights_split_and_merge(void)
{
	if (!begin())
		return false;
	EXPECT(map(0, 12, RW));
	EXPECT(protect(8, 4, PROT_READ) && looks("aaaaaaaabbbb"));
	EXPECT(protect(4, 4, PROT_READ) && looks("aaaabbbbbbbb"));
	EXPECT(protect(4, 2, RW) && looks("aaaaaabbbbbb"));
	EXPECT(protect(8, 2, PROT_NONE) && looks("aaaaaabbccdd"));
	EXPECT(protect(8, 2, PROT_READ) && looks("aaaaaabbbbbb"));
	EXPECT(protect(6, 2, PROT_NONE) && looks("aaaaaabbcccc"));
	EXPECT(protect(6, 2, RW) && looks("aaaaaaaabbbb"));
	EXPECT(protect(8, 1, PROT_NONE) && protect(8, 1, PROT_READ) && looks("aaaaaaaabbbb"));
	return done();
}

static bool unmapping_the_middle_leaves_both_ends(void)
{
	if (!begin())
		return false;
	EXPECT(map(0, 6, RW));
	for (uint32_t n = 0; n < 6; n++)
		EXPECT(put(n, n + 1));
	EXPECT(do_munmap(space, at(2), 2 * PAGE_SIZE) == 0 && looks("aa..bb"));
	EXPECT(get(1) == 2 && get(4) == 5 && get(2) == 0xbad);
	EXPECT(do_munmap(space, at(1), 4 * PAGE_SIZE) == 0 && looks("a....b"));
	EXPECT(space->rss[MM_ANONPAGES] == 2 && space->total_vm == 2);
	return done();
}

static bool maps_without_address_lie_below_the_stacks_gap(void)
{
	vaddr_t base;

	if (!begin())
		return false;
	base = space->mmap_base;
	EXPECT(base == TASK_SIZE - (128u << 20));
	EXPECT(do_mmap_pgoff(space, NULL, 0, 5, RW, ANON, 0) == base - PAGE_SIZE);
	EXPECT(do_mmap_pgoff(space, NULL, 0, 5, PROT_READ, ANON, 0) == base - 2 * PAGE_SIZE);
	EXPECT(do_munmap(space, base - PAGE_SIZE, PAGE_SIZE) == 0);
	EXPECT(do_mmap_pgoff(space, NULL, 0, 5, PROT_NONE, ANON, 0) == base - PAGE_SIZE);
	return done();
}

static bool break_grows_and_shrinks(void)
{
	if (!begin())
		return false;
	space->start_brk = space->brk = at(0);
	EXPECT(do_brk_call(space, at(2) + 7) == at(2) + 7 && looks("aaa."));
	EXPECT(put(2, 5) && get(2) == 5);
	EXPECT(do_brk_call(space, at(1)) == at(1) && looks("a..."));
	EXPECT(do_brk_call(space, at(3)) == at(3) && get(2) == 0);
	EXPECT(do_brk_call(space, at(0) - 1) == at(3));
	EXPECT(do_brk_call(space, 0xffffffff) == at(3));
	return done();
}

static bool remap_takes_pages_along(void)
{
	const uint32_t fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (!begin())
		return false;
	EXPECT(map(0, 4, RW) && put(1, 11) && put(3, 33));
	EXPECT(do_mremap(space, at(1), 3 * PAGE_SIZE, 4 * PAGE_SIZE, fixed, at(2000)) == at(2000));
	EXPECT(looks("a...") && get(2000) == 11 && get(2002) == 33 && get(2003) == 0);
	EXPECT(do_mremap(space, at(2000), 4 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0) == at(2000));
	EXPECT(get(2001) == 0 && get(2002) == 0xbad);
	EXPECT(do_mremap(space, at(5), PAGE_SIZE, PAGE_SIZE, fixed, at(9)) == (uint32_t)-EFAULT);
	return done();
}

static bool child_is_a_copy_and_goes_without_a_trace(void)
{
	struct mm_struct *parent, *child;

	if (!begin())
		return false;
	EXPECT(map(0, 4, RW) && put(0, 1) && put(3, 4));
	parent = space;
	child = dup_mm(parent);
	EXPECT(child);
	if (child) {
		space = child;
		EXPECT(looks("aaaa") && get(0) == 1 && put(0, 2) && get(0) == 2);
		EXPECT(mm_check_all() == 0);
		mmput(child);
		space = parent;
	}
	EXPECT(get(0) == 1 && get(3) == 4);
	return done();
}

static bool maps_text_is_linuxs(void)
{
	static const char expected[] = "20000000-20002000 rw-p 00000000 00:00 0          [heap]\n"
				       "20008000-20009000 r-xs 00000000 00:00 0          "
				       "/dev/zero (deleted)\n"
				       "bfffe000-c0000000 rw-p 00000000 00:00 0          [stack]\n";
	char text[400];
	struct show_buf b = { text, sizeof(text), 0 };

	if (PAGE_OFFSET != 0xc0000000) /* addresses are those of the usual split */
		return true;
	if (!begin())
		return false;
	space->start_brk = space->brk = at(0);
	EXPECT(do_brk_call(space, at(2)) == at(2));
	EXPECT(do_mmap_pgoff(space, NULL, at(8), PAGE_SIZE, PROT_READ | PROT_EXEC,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0) == at(8));
	EXPECT(setup_stack_vma(space, 2 * PAGE_SIZE) == 0);
	space->start_stack = STACK_TOP - 64;
	show_maps(&b, space);
	EXPECT(!strcmp(text, expected));
	return done();
}

static bool random_calls_agree_with_a_plain_model(void)
{
	EXPECT(vma_model_run(1, 4000, 100) == 0);
	return true;
}

const struct mm_test mm_tests_vma[] = {
	MM_TEST(maps_merge_with_their_neighbours),
	MM_TEST(changes_of_rights_split_and_merge),
	MM_TEST(unmapping_the_middle_leaves_both_ends),
	MM_TEST(maps_without_address_lie_below_the_stacks_gap),
	MM_TEST(break_grows_and_shrinks),
	MM_TEST(remap_takes_pages_along),
	MM_TEST(child_is_a_copy_and_goes_without_a_trace),
	MM_TEST(maps_text_is_linuxs),
	MM_TEST(random_calls_agree_with_a_plain_model),
	MM_TEST_END,
};
