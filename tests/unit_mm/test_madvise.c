// SPDX-License-Identifier: MIT
/* madvise, mincore, msync, mlock, as Linux 6.18 answers a 32-bit program. */
#include "mm/errno.h"
#include "unit.h"
#include "vma_rig.h"

static int advise(unsigned page, unsigned pages, int advice)
{
	return do_madvise(rig.mm, at(page), pages * PAGE_SIZE, advice);
}

/* aaaa..bb; a is touched, b read-only. */
static void begin(void)
{
	rig_begin();
	rig_map(0, 4, RW);
	rig_map(6, 2, PROT_READ);
	rig_touch(0, 4);
}

/* --- madvise ---------------------------------------------------------------------------------- */

static void errors_of_madvise(void)
{
	begin();
	CU_ASSERT_EQUAL(advise(0, 1, 5), -EINVAL);
	CU_ASSERT_EQUAL(advise(0, 1, 77), -EINVAL);
	CU_ASSERT_EQUAL(advise(0, 0, 77), -EINVAL);
	CU_ASSERT_EQUAL(advise(100, 0, MADV_DONTNEED), 0);
	CU_ASSERT_EQUAL(do_madvise(rig.mm, at(0) + 1, 0, MADV_DONTNEED), -EINVAL);
	CU_ASSERT_EQUAL(do_madvise(rig.mm, at(100), 0xffffffff, MADV_DONTNEED), -ENOMEM);
	CU_ASSERT_EQUAL(do_madvise(rig.mm, at(100), 0xffffffff, 77), -EINVAL);
	CU_ASSERT_EQUAL(advise(100, 1, MADV_DONTNEED), -ENOMEM);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	/* Holes are told, and what is there is done. */
	CU_ASSERT_EQUAL(advise(2, 6, MADV_DONTNEED), -ENOMEM);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 2);
	CU_ASSERT_EQUAL(advise(0, 10, MADV_RANDOM), -ENOMEM);
	CU_ASSERT(find_vma(rig.mm, at(6))->vm_flags & VM_RAND_READ);
	rig_end();
}

static void dontneed_gives_zeros_and_spares_locked_pages(void)
{
	uint32_t v = 0x5eed;

	begin();
	access_process_vm(rig.mm, at(1), &v, sizeof(v), true);
	CU_ASSERT_EQUAL(advise(1, 1, MADV_DONTNEED), 0);
	access_process_vm(rig.mm, at(1), &v, sizeof(v), false);
	CU_ASSERT_EQUAL(v, 0);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(2), PAGE_SIZE, true), 0);
	CU_ASSERT_EQUAL(advise(0, 4, MADV_DONTNEED), -EINVAL);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 2); /* those before it went, the next did not */
	CU_ASSERT_EQUAL(advise(2, 1, MADV_FREE), -EINVAL);
	CU_ASSERT_EQUAL(advise(2, 1, MADV_COLD), -EINVAL);
	CU_ASSERT_EQUAL(advise(2, 1, MADV_DONTNEED_LOCKED), 0);
	CU_ASSERT_EQUAL(advise(3, 1, MADV_FREE), 0);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 0);
	rig_end();
}

static void dontneed_of_a_private_file_gives_the_file_back(void)
{
	struct file *f;
	uint32_t v = 0x5eed;

	rig_begin();
	f = rig_file(4, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, at(0), 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, 0);
	access_process_vm(rig.mm, at(3), &v, sizeof(v), true);
	CU_ASSERT_EQUAL(advise(0, 4, MADV_FREE), -EINVAL);
	CU_ASSERT_EQUAL(advise(0, 4, MADV_DONTNEED), 0);
	access_process_vm(rig.mm, at(3), &v, sizeof(v), false);
	CU_ASSERT_EQUAL(v, 3);
	fput(f);
	rig_end();
}

static void advice_on_order_splits_and_merges(void)
{
	begin();
	CU_ASSERT_EQUAL(advise(1, 2, MADV_SEQUENTIAL), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "abbc..dd");
	CU_ASSERT_EQUAL(advise(2, 1, MADV_RANDOM), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "abcd..ee");
	CU_ASSERT_EQUAL(find_vma(rig.mm, at(2))->vm_flags & (VM_RAND_READ | VM_SEQ_READ),
			VM_RAND_READ);
	CU_ASSERT_EQUAL(advise(0, 4, MADV_NORMAL), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaa..bb");
	CU_ASSERT_EQUAL(advise(1, 1, MADV_DONTFORK), 0);
	CU_ASSERT_EQUAL(advise(1, 1, MADV_DOFORK), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(8), "aaaa..bb");
	mm_host_fail_nth(1);
	CU_ASSERT_EQUAL(advise(1, 1, MADV_RANDOM), -EAGAIN); /* not ENOMEM, as Linux */
	mm_host_fail_nth(0);
	rig_end();
}

static void willneed_reads_a_file_ahead(void)
{
	struct file *f;

	rig_begin();
	f = rig_file(4, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, at(0), 8 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 1);
	CU_ASSERT_EQUAL(advise(1, 7, MADV_WILLNEED), 0);
	CU_ASSERT_EQUAL(f->f_mapping->nrpages, 2); /* 2 and 3: it ends there */
	CU_ASSERT_EQUAL(rig.mm->rss[MM_FILEPAGES], 0);
	rig_map(8, 1, RW);
	CU_ASSERT_EQUAL(advise(8, 1, MADV_WILLNEED), 0);
	fput(f);
	rig_end();
}

static void populate_brings_in_what_may_be_accessed(void)
{
	begin();
	CU_ASSERT_EQUAL(advise(6, 2, MADV_POPULATE_WRITE), -EINVAL);
	CU_ASSERT_EQUAL(advise(6, 2, MADV_POPULATE_READ), 0); /* zero pages */
	CU_ASSERT_PTR_NOT_NULL(lookup_user_pte(rig.mm, at(7)));
	CU_ASSERT_NOT_EQUAL(*lookup_user_pte(rig.mm, at(7)), 0);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4);
	rig_map(10, 2, RW);
	CU_ASSERT_EQUAL(advise(11, 3, MADV_POPULATE_WRITE), -ENOMEM); /* up to the hole */
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 5);
	rig_map(12, 2, PROT_WRITE);
	CU_ASSERT_EQUAL(advise(12, 1, MADV_POPULATE_READ), -EINVAL);
	CU_ASSERT_EQUAL(advise(12, 1, MADV_POPULATE_WRITE), 0);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 6);
	rig_end();
}

/* --- mincore ---------------------------------------------------------------------------------- */

static void mincore_tells_what_is_in_memory(void)
{
	uint8_t vec[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
	struct file *f;

	rig_begin();
	rig_map(0, 4, RW);
	rig_touch(1, 1);
	do_user_fault(rig.mm, at(2), FAULT_USER, 0); /* the zero page counts */
	CU_ASSERT_EQUAL(do_mincore(rig.mm, at(0), 3, vec), 3);
	CU_ASSERT(vec[0] == 0 && vec[1] == 1 && vec[2] == 1 && vec[3] == 9);
	CU_ASSERT_EQUAL(do_mincore(rig.mm, at(3), 8, vec), 1); /* no further than the VMA */
	CU_ASSERT_EQUAL(vec[0], 0);
	CU_ASSERT_EQUAL(do_mincore(rig.mm, at(4), 1, vec), -ENOMEM);
	f = rig_file(4, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, at(4), 4 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0);
	CU_ASSERT_EQUAL(advise(5, 1, MADV_WILLNEED), 0);
	CU_ASSERT_EQUAL(do_mincore(rig.mm, at(4), 4, vec), 4);
	CU_ASSERT(vec[0] == 0 && vec[1] == 1 && vec[2] == 0); /* in the cache, though not mapped */
	fput(f);
	rig_end();
}

/* --- msync ------------------------------------------------------------------------------------ */

static void errors_of_msync(void)
{
	begin();
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 4 * PAGE_SIZE, MS_SYNC), 0);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), PAGE_SIZE, 0), 0);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), PAGE_SIZE, MS_ASYNC | MS_SYNC), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), PAGE_SIZE, 8), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0) + 1, PAGE_SIZE, MS_SYNC), -EINVAL);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(100), 0, MS_SYNC), 0);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 8 * PAGE_SIZE, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 8 * PAGE_SIZE, MS_ASYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 0xffffffff, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 0xfffff000, MS_SYNC), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(3), PAGE_SIZE, true), 0);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 4 * PAGE_SIZE, MS_INVALIDATE), -EBUSY);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(0), 3 * PAGE_SIZE, MS_INVALIDATE), 0);
	CU_ASSERT_EQUAL(do_msync(rig.mm, at(2), 6 * PAGE_SIZE, MS_INVALIDATE), -EBUSY);
	rig_end();
}

/* --- mlock ------------------------------------------------------------------------------------ */

static void errors_of_mlock(void)
{
	begin();
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(100), 0, true), 0);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(100), PAGE_SIZE, true), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), 0xffffffff, true), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), 0xfffff000, false), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(7), 2 * PAGE_SIZE, true), -ENOMEM);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 1); /* what came before the hole is locked */
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(7), 2 * PAGE_SIZE, false), -ENOMEM);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 0);
	rig_map(8, 1, PROT_NONE);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(8), PAGE_SIZE, true), -ENOMEM);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 1);
	rig_end();
}

static void locked_pages_are_there_and_counted_once(void)
{
	begin();
	rig_map(10, 4, RW);
	rig.mm->rlim_memlock = 4 * PAGE_SIZE;
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(10) + 5, 2 * PAGE_SIZE, true), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 3); /* whole pages: 10, 11, and a part of 12 */
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 4 + 3);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(10), 4 * PAGE_SIZE, true), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 4);
	CU_ASSERT_STRING_EQUAL(rig_draw(14), "aaaa..bb..cccc");
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), PAGE_SIZE, true), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(11), PAGE_SIZE, false), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 3);
	CU_ASSERT_STRING_EQUAL(rig_draw(14), "aaaa..bb..cdee");
	/* Over one that is locked already: the merge takes it in. */
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(10), 4 * PAGE_SIZE, true), 0);
	CU_ASSERT_STRING_EQUAL(rig_draw(14), "aaaa..bb..cccc");
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(11), PAGE_SIZE, false), 0);
	CU_ASSERT_EQUAL(do_munmap(rig.mm, at(12), 2 * PAGE_SIZE), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 1);
	rig.mm->rlim_memlock = 0;
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(0), 0, true), -EPERM);
	CU_ASSERT_EQUAL(do_mlock(rig.mm, at(10), PAGE_SIZE, false), 0);
	rig_end();
}

static void mlockall_locks_now_and_later(void)
{
	begin();
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, 0), -EINVAL);
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, 8), -EINVAL);
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_ONFAULT), -EINVAL);
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_CURRENT | MCL_FUTURE), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 6);
	rig_map(20, 2, RW);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 8);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 6);
	rig.mm->rlim_memlock = 9 * PAGE_SIZE;
	CU_ASSERT(IS_ERROR(
		do_mmap_pgoff(rig.mm, NULL, 0, 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0),
		EAGAIN));
	CU_ASSERT_EQUAL(do_munlockall(rig.mm), 0);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 0);
	rig_map(30, 4, RW);
	CU_ASSERT_EQUAL(rig.mm->locked_vm, 0);
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_CURRENT), -ENOMEM);
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_FUTURE), 0);
	rig.mm->rlim_memlock = 0;
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_FUTURE), -EPERM);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(errors_of_madvise),
	UNIT_TEST(dontneed_gives_zeros_and_spares_locked_pages),
	UNIT_TEST(dontneed_of_a_private_file_gives_the_file_back),
	UNIT_TEST(advice_on_order_splits_and_merges),
	UNIT_TEST(willneed_reads_a_file_ahead),
	UNIT_TEST(populate_brings_in_what_may_be_accessed),
	UNIT_TEST(mincore_tells_what_is_in_memory),
	UNIT_TEST(errors_of_msync),
	UNIT_TEST(errors_of_mlock),
	UNIT_TEST(locked_pages_are_there_and_counted_once),
	UNIT_TEST(mlockall_locks_now_and_later),
	UNIT_END,
};

const struct unit_suite suite_madvise = { "madvise", tests };
