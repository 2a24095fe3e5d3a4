// SPDX-License-Identifier: MIT
#include "vma_rig.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/slub.h"

struct vma_rig rig;

/* Empty slabs given back. */
static uint32_t settled_pages(void)
{
	kmem_cache_shrink_all();
	drain_all_pages();
	return nr_free_pages();
}

void rig_begin(void)
{
	mm_host_begin_ram(64 * MIB);
	rig.free_before = settled_pages();
	rig.mm = mm_alloc();
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig.mm);
}

void rig_end(void)
{
	mm_host_fail_nth(0);
	CU_ASSERT_EQUAL(mm_check_all(), 0);
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host.current_pgd = NULL;
	arch_flush_tlb_all();
	mmput(rig.mm);
	rig.mm = NULL;
	CU_ASSERT(list_empty(&mm_list));
	CU_ASSERT_EQUAL(settled_pages(), rig.free_before);
	CU_ASSERT_EQUAL(mm_host_check(), 0);
	mm_host_end();
}

void rig_map(unsigned page, unsigned pages, uint32_t prot)
{
	CU_ASSERT_EQUAL(
		do_mmap_pgoff(rig.mm, NULL, at(page), pages * PAGE_SIZE, prot, MAP_ANON_FIXED, 0),
		at(page));
}

const char *rig_draw(unsigned pages)
{
	static char map[256];
	char letter = 'a' - 1;

	memset(map, '.', pages);
	map[pages] = '\0';
	for (const struct vm_area_struct *vma = find_vma(rig.mm, RIG_BASE);
	     vma && vma->vm_start < at(pages); vma = vma->vm_next) {
		letter++;
		for (vaddr_t a = vma->vm_start; a < vma->vm_end && a < at(pages); a += PAGE_SIZE)
			if (a >= RIG_BASE)
				map[(a - RIG_BASE) >> PAGE_SHIFT] = letter;
	}
	return map;
}

void rig_touch(unsigned page, unsigned pages)
{
	for (unsigned n = page; n < page + pages; n++)
		CU_ASSERT_EQUAL(do_user_fault(rig.mm, at(n), FAULT_WRITE | FAULT_USER, at(n)),
				FAULT_DONE_MINOR);
}

/* --- files ------------------------------------------------------------------------------------ */

struct rig_file {
	struct file file;
	struct address_space mapping;
};

static int read_index(struct address_space *mapping, struct page *page)
{
	uint32_t *p = kmap_atomic(page, KM_USER0);

	memset(p, 0, PAGE_SIZE);
	*p = page->index;
	kunmap_atomic(p, KM_USER0);
	return 0;
}

static void release(struct file *f)
{
	struct rig_file *file = container_of(f, struct rig_file, file);

	CU_ASSERT(list_empty(&file->mapping.i_mmap));
	truncate_inode_pages(&file->mapping);
	free(file);
}

struct file *rig_file(unsigned pages, uint32_t mode)
{
	static const struct address_space_operations ops = { .readpage = read_index };
	struct rig_file *f = calloc(1, sizeof(*f));

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	address_space_init(&f->mapping, NULL, &ops, (uint64_t)pages * PAGE_SIZE);
	f->file.f_count = 1;
	f->file.f_mode = mode;
	f->file.f_mapping = &f->mapping;
	f->file.f_release = release;
	f->file.f_path = "/bin/file";
	f->file.f_dev = 0x0801;
	f->file.f_ino = 42;
	return &f->file;
}

/* --- failing allocations ---------------------------------------------------------------------- */

void rig_fail_each(int (*fn)(void))
{
	unsigned n = 0, refused = 0;

	do {
		int err;

		CU_ASSERT_FATAL(++n < 1000);
		mm_host_fail_nth(n);
		err = fn();
		/* SLUB gets along with a smaller slab: not every failure is the caller's. */
		CU_ASSERT(!err || (mm_host.failed && err == -ENOMEM));
		refused += err != 0;
		mm_host.fail_at = 0;
		CU_ASSERT_EQUAL(mm_check_all(), 0);
	} while (mm_host.failed);
	mm_host_fail_nth(0);
	CU_ASSERT(refused > 0);
}
