// SPDX-License-Identifier: MIT
/* Birth, fork and end of an address space, and what /proc/PID tells of it. */
#include <string.h>

#include "mm/errno.h"
#include "mm/show.h"
#include "mm/vma.h"
#include "unit.h"
#include "vma_rig.h"

static char text[4096];

static const char *shown(void (*show)(struct show_buf *b, struct mm_struct *mm))
{
	struct show_buf b = { text, sizeof(text), 0 };

	text[0] = '\0';
	show(&b, rig.mm);
	CU_ASSERT(b.needed < sizeof(text));
	return text;
}

/* --- birth and end ---------------------------------------------------------------------------- */

static void new_space_has_the_kernels_half_alone(void)
{
	const pte_t *kernel;

	rig_begin();
	kernel = arch_kernel_pgd();
	for (unsigned n = 0; n < PTRS_PER_PGD; n++)
		CU_ASSERT_EQUAL(rig.mm->pgd[n], n < pgd_index(PAGE_OFFSET) ? 0 : kernel[n]);
	CU_ASSERT_EQUAL(rig.mm->mm_users, 1);
	CU_ASSERT_EQUAL(rig.mm->rlim_stack, 8 * MIB);
	CU_ASSERT_EQUAL(rig.mm->mmap_base, 0xb8000000);
	rig_end();
}

static void stack_lies_at_the_top(void)
{
	rig_begin();
	CU_ASSERT_EQUAL(setup_stack_vma(rig.mm, 3 * PAGE_SIZE - 1), 0);
	CU_ASSERT_EQUAL(rig.mm->mmap->vm_start, 0xbfffd000);
	CU_ASSERT_EQUAL(rig.mm->mmap->vm_end, 0xc0000000);
	CU_ASSERT_EQUAL(rig.mm->mmap->vm_flags, VM_DATA_FLAGS | VM_GROWSDOWN | VM_ACCOUNT);
	CU_ASSERT_EQUAL(rig.mm->stack_vm, 3);
	CU_ASSERT_EQUAL(rig.mm->data_vm, 0);
	CU_ASSERT_EQUAL(setup_stack_vma(rig.mm, PAGE_SIZE), -ENOMEM);
	CU_ASSERT_EQUAL(setup_stack_vma(rig.mm, 0), -ENOMEM);
	rig_end();
}

static void end_of_a_space_leaves_it_usable_until_the_last_user_goes(void)
{
	rig_begin();
	rig_map(0, 2000, RW); /* two page tables */
	rig_touch(0, 1);
	rig_touch(1500, 2);
	CU_ASSERT_EQUAL(rig.mm->nr_ptes, 2);
	CU_ASSERT_PTR_EQUAL(mmget(rig.mm), rig.mm);
	mmput(rig.mm);
	CU_ASSERT_EQUAL(rig.mm->map_count, 1);
	exit_mmap(rig.mm);
	CU_ASSERT_EQUAL(rig.mm->map_count + rig.mm->nr_ptes + rig.mm->total_vm, 0);
	CU_ASSERT_EQUAL(rig.mm->rss[MM_ANONPAGES], 0);
	rig_map(0, 4, RW); /* exec: the same mm, new mappings */
	rig_touch(0, 4);
	rig_end();
}

/* --- fork ------------------------------------------------------------------------------------- */

static void child_has_the_same_areas_but_no_locks(void)
{
	struct mm_struct *parent, *child;
	struct file *f;

	rig_begin();
	f = rig_file(8, FMODE_READ);
	rig_map(0, 4, RW);
	rig_touch(0, 4);
	do_mmap_pgoff(rig.mm, f, at(6), 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 3);
	do_mmap_pgoff(rig.mm, NULL, at(8), 2 * PAGE_SIZE, RW,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, 0);
	rig.mm->exe_file = get_file(f);
	rig.mm->start_brk = rig.mm->brk = at(20);
	rig.mm->rlim_as = 64 * MIB;
	CU_ASSERT_EQUAL(do_mlockall(rig.mm, MCL_CURRENT | MCL_FUTURE), 0);
	parent = rig.mm;
	child = dup_mm(parent);
	CU_ASSERT_PTR_NOT_NULL_FATAL(child);
	rig.mm = child;
	CU_ASSERT_STRING_EQUAL(rig_draw(10), "aaaa..bbcc");
	CU_ASSERT_EQUAL(find_vma(child, at(6))->vm_pgoff, 3);
	CU_ASSERT_EQUAL(child->locked_vm, 0);
	CU_ASSERT_EQUAL(child->def_flags, 0);
	CU_ASSERT_EQUAL(child->total_vm, parent->total_vm);
	CU_ASSERT_EQUAL(child->brk, at(20));
	CU_ASSERT_EQUAL(child->rlim_as, 64 * MIB);
	CU_ASSERT_PTR_EQUAL(find_vma(child, at(0))->anon_vma, find_vma(parent, at(0))->anon_vma);
	CU_ASSERT_EQUAL(child->rss[MM_ANONPAGES], 4);
	CU_ASSERT_EQUAL(mm_check_all(), 0);
	rig.mm = parent;
	mmput(child);
	CU_ASSERT_EQUAL(mm_check_all(), 0);
	fput(f);
	rig_end();
}

static void advice_decides_what_a_child_gets(void)
{
	struct mm_struct *child;
	uint32_t v = 0x5eed;

	rig_begin();
	rig_map(0, 6, RW);
	for (unsigned n = 0; n < 6; n++)
		access_process_vm(rig.mm, at(n), &v, sizeof(v), true);
	CU_ASSERT_EQUAL(do_madvise(rig.mm, at(2), PAGE_SIZE, MADV_DONTFORK), 0);
	CU_ASSERT_EQUAL(do_madvise(rig.mm, at(4), PAGE_SIZE, MADV_WIPEONFORK), 0);
	child = dup_mm(rig.mm);
	CU_ASSERT_PTR_NOT_NULL_FATAL(child);
	CU_ASSERT_EQUAL(child->total_vm, 5);
	CU_ASSERT_EQUAL(access_process_vm(child, at(2), &v, sizeof(v), false), 0);
	CU_ASSERT_EQUAL(access_process_vm(child, at(1), &v, sizeof(v), false), sizeof(v));
	CU_ASSERT_EQUAL(v, 0x5eed);
	CU_ASSERT_EQUAL(access_process_vm(child, at(4), &v, sizeof(v), false), sizeof(v));
	CU_ASSERT_EQUAL(v, 0);
	CU_ASSERT_EQUAL(mm_check_all(), 0);
	mmput(child);
	rig_end();
}

static int fork_and_end(void)
{
	struct mm_struct *child = dup_mm(rig.mm);

	if (!child)
		return -ENOMEM;
	mmput(child);
	return 0;
}

static void failed_fork_leaves_nothing_behind(void)
{
	uint32_t v = 0x5eed;
	struct file *f;

	rig_begin();
	f = rig_file(8, FMODE_READ);
	for (unsigned n = 0; n < 40; n += 2) /* more VMAs than a slab of the child's holds */
		rig_map(n, 1, n & 2 ? RW : PROT_READ | PROT_WRITE | PROT_EXEC);
	for (unsigned n = 0; n < 40; n += 2)
		rig_touch(n, 1);
	rig_map(3000, 1, RW); /* a table of its own */
	rig_touch(3000, 1);
	do_mmap_pgoff(rig.mm, f, at(50), 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, 0);
	CU_ASSERT_EQUAL(access_process_vm(rig.mm, at(50), &v, sizeof(v), true), sizeof(v));
	rig_fail_each(fork_and_end);
	CU_ASSERT_EQUAL(f->f_count, 2);
	fput(f);
	rig_end();
}

/* --- /proc/PID -------------------------------------------------------------------------------- */

/* A program: text, data, heap, shared memory, stack. */
static void program(void)
{
	struct file *f;

	rig_begin();
	f = rig_file(8, FMODE_READ);
	do_mmap_pgoff(rig.mm, f, 0x08048000, 2 * PAGE_SIZE, PROT_READ | PROT_EXEC,
		      MAP_PRIVATE | MAP_FIXED, 0);
	do_mmap_pgoff(rig.mm, f, 0x0804a000, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, 1);
	fput(f);
	rig.mm->start_code = 0x08048000;
	rig.mm->end_code = 0x08049123;
	rig.mm->start_brk = rig.mm->brk = 0x0804b000;
	do_brk_call(rig.mm, 0x0804b000 + 5 * PAGE_SIZE);
	do_mmap_pgoff(rig.mm, NULL, 0, PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS, 0);
	setup_stack_vma(rig.mm, 33 * PAGE_SIZE);
	rig.mm->start_stack = 0xbffffe00;
}

static void maps_is_in_linux_format(void)
{
	program();
	rig_map(0, 1, PROT_NONE);
	CU_ASSERT_STRING_EQUAL(
		shown(show_maps),
		"08048000-0804a000 r-xp 00000000 08:01 42         /bin/file\n"
		"0804a000-0804b000 rw-p 00001000 08:01 42         /bin/file\n"
		"0804b000-08050000 rw-p 00000000 00:00 0          [heap]\n"
		"20000000-20001000 ---p 00000000 00:00 0 \n"
		"b7fff000-b8000000 rw-s 00000000 00:00 0          /dev/zero (deleted)\n"
		"bffdf000-c0000000 rw-p 00000000 00:00 0          [stack]\n");
	rig_end();
}

/* The heap in pieces is the heap; a program without one has none. */
static void heap_is_named_where_brk_made_it(void)
{
	program();
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, 0x0804c000, PAGE_SIZE, PROT_READ), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(shown(show_maps),
				      "0804c000-0804d000 r--p 00000000 00:00 0          [heap]\n"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "0804d000-08050000 rw-p 00000000 00:00 0          [heap]\n"));
	do_brk_call(rig.mm, 0x0804b000);
	do_mmap_pgoff(rig.mm, NULL, 0x0804b000, PAGE_SIZE, RW, MAP_ANON_FIXED, 0);
	CU_ASSERT_PTR_NULL(strstr(shown(show_maps), "[heap]"));
	rig_end();
}

/*
 * Three private pages, of which a child shares two, one of them written before, one read as zeros.
 */
static void smaps_measures_pages(void)
{
	struct mm_struct *child;
	uint32_t v = 1;

	rig_begin();
	rig_map(0, 4, RW);
	rig_touch(0, 2);
	do_user_fault(rig.mm, at(3), FAULT_USER, 0);
	child = dup_mm(rig.mm);
	access_process_vm(rig.mm, at(1), &v, sizeof(v), true); /* its own again */
	CU_ASSERT_STRING_EQUAL(shown(show_smaps), "20000000-20004000 rw-p 00000000 00:00 0 \n"
						  "Size:                 16 kB\n"
						  "Rss:                   8 kB\n"
						  "Pss:                   6 kB\n"
						  "Shared_Clean:          0 kB\n"
						  "Shared_Dirty:          4 kB\n"
						  "Private_Clean:         0 kB\n"
						  "Private_Dirty:         4 kB\n"
						  "Referenced:            8 kB\n"
						  "Swap:                  0 kB\n"
						  "KernelPageSize:        4 kB\n"
						  "MMUPageSize:           4 kB\n");
	mmput(child);
	rig_end();
}

static void status_and_statm_count_in_kb_and_pages(void)
{
	program();
	do_user_fault(rig.mm, 0x08048000, FAULT_USER, 0);
	do_user_fault(rig.mm, 0xbffff000, FAULT_USER | FAULT_WRITE, 0xbffff000);
	do_user_fault(rig.mm, 0xbfffe000, FAULT_USER | FAULT_WRITE, 0xbffff000);
	do_brk_call(rig.mm, 0x0804b000); /* five pages less than at the peak */
	CU_ASSERT_EQUAL(do_mlock(rig.mm, 0xbffff000, PAGE_SIZE, true), 0);
	/* 2 + 1 of the file, 1 shared, 33 of stack; text is 2 pages, all that is executable */
	CU_ASSERT_STRING_EQUAL(shown(show_status_vm), "VmPeak:\t     168 kB\n"
						      "VmSize:\t     148 kB\n"
						      "VmLck:\t       4 kB\n"
						      "VmHWM:\t      12 kB\n"
						      "VmRSS:\t      12 kB\n"
						      "VmData:\t       0 kB\n"
						      "VmStk:\t     132 kB\n"
						      "VmExe:\t       8 kB\n"
						      "VmLib:\t       0 kB\n"
						      "VmPTE:\t       8 kB\n");
	CU_ASSERT_STRING_EQUAL(shown(show_statm), "37 3 1 2 0 33 0\n");
	rig_end();
}

static void pagemap_tells_frame_sharing_and_kind(void)
{
	struct mm_struct *child;
	uint64_t entry;
	struct file *f;

	rig_begin();
	f = rig_file(2, FMODE_READ);
	rig_map(0, 3, RW);
	rig_touch(0, 1);
	do_user_fault(rig.mm, at(1), FAULT_USER, 0);
	do_mmap_pgoff(rig.mm, f, at(4), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 0);
	do_user_fault(rig.mm, at(4), FAULT_USER, 0);
	entry = pagemap_entry(rig.mm, at(0));
	CU_ASSERT_EQUAL(entry >> 55, 0x102); /* present, exclusive */
	CU_ASSERT_EQUAL(entry & ((1ull << 55) - 1), pte_pfn(*lookup_user_pte(rig.mm, at(0))));
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, at(1)), 1ull << 63 | mm.zero_pfn);
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, at(2)), 0);
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, at(4)) >> 55, 0x142); /* of a file, too */
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, 0x80000000), 0);
	child = dup_mm(rig.mm);
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, at(0)) >> 55, 0x100);
	mmput(child);
	CU_ASSERT_EQUAL(do_mprotect(rig.mm, at(0), PAGE_SIZE, PROT_NONE), 0);
	CU_ASSERT_EQUAL(pagemap_entry(rig.mm, at(0)), entry);
	fput(f);
	rig_end();
}

static const struct unit_test tests[] = {
	UNIT_TEST(new_space_has_the_kernels_half_alone),
	UNIT_TEST(stack_lies_at_the_top),
	UNIT_TEST(end_of_a_space_leaves_it_usable_until_the_last_user_goes),
	UNIT_TEST(child_has_the_same_areas_but_no_locks),
	UNIT_TEST(advice_decides_what_a_child_gets),
	UNIT_TEST(failed_fork_leaves_nothing_behind),
	UNIT_TEST(maps_is_in_linux_format),
	UNIT_TEST(heap_is_named_where_brk_made_it),
	UNIT_TEST(smaps_measures_pages),
	UNIT_TEST(status_and_statm_count_in_kb_and_pages),
	UNIT_TEST(pagemap_tells_frame_sharing_and_kind),
	UNIT_END,
};

const struct unit_suite suite_mm_struct = { "mm_struct", tests };
