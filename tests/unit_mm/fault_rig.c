// SPDX-License-Identifier: MIT
#include "fault_rig.h"

#include "mm/highmem.h"

int test_readpage(struct address_space *mapping, struct page *page)
{
	struct test_file *f = mapping->private;
	uint64_t pos = (uint64_t)page->index << PAGE_SHIFT;
	uint32_t *words;

	f->reads++;
	if (f->error)
		return f->error;
	words = kmap_atomic(page, KM_USER0);
	for (uint32_t n = 0; n < PAGE_SIZE / 4; n++)
		words[n] = pos + n * 4 < mapping->i_size ? file_word(page->index, n) : 0;
	kunmap_atomic(words, KM_USER0);
	if (f->during_read)
		f->during_read(f);
	return 0;
}

static const struct address_space_operations test_aops = { .readpage = test_readpage };

void test_file_init(struct test_file *f, uint64_t size)
{
	*f = (struct test_file){ .file = { .f_count = 1, .f_mode = FMODE_READ | FMODE_WRITE } };
	address_space_init(&f->mapping, NULL, &test_aops, size);
	f->mapping.private = f;
	f->file.f_mapping = &f->mapping;
}

void map_file(struct mm_struct *mm, struct test_file *f, vaddr_t addr, uint32_t pages,
	      uint32_t prot, uint32_t flags)
{
	CU_ASSERT_EQUAL_FATAL(
		do_mmap_pgoff(mm, &f->file, addr, pages << PAGE_SHIFT, prot, flags | MAP_FIXED, 0),
		addr);
}
