/* SPDX-License-Identifier: MIT */
/*
 * The page cache: pages of files by index, read in on demand, never written back yet (the only file
 * system is read-only; shared anonymous memory has a mapping without readpage, whose pages are born
 * zero).
 *
 * A page of the cache has state PAGE_CACHE, one reference by the cache, page->mapping and
 * page->index.
 */
#ifndef MM_FILEMAP_H
#define MM_FILEMAP_H

#include "mm/mm_types.h"

void filemap_init(void); /* by user_memory_init() */

void address_space_init(struct address_space *mapping, struct inode *host,
			const struct address_space_operations *a_ops, uint64_t size);
/* All pages out of the cache; none may be mapped. */
void truncate_inode_pages(struct address_space *mapping);

/*
 * Put a page that nobody else knows (PAGE_USED, count 1) into the cache, which takes over that
 * reference. 0, -ENOMEM, -EEXIST.
 */
int add_to_page_cache(struct page *page, struct address_space *mapping, uint32_t index);

/* The page if it is in memory, with a reference for the caller, or NULL. */
struct page *find_get_page(struct address_space *mapping, uint32_t index);
/*
 * The page, read in if need be (*major set), with a reference. NULL and *err: -ENOMEM, -EIO. May
 * sleep.
 */
struct page *read_mapping_page(struct address_space *mapping, uint32_t index, bool *major,
			       int *err);
/* Copy through the cache, stops at i_size. Bytes or error. */
int32_t filemap_read(struct address_space *mapping, uint64_t pos, void *buf, uint32_t len);

/*
 * A file for MAP_SHARED | MAP_ANONYMOUS ("/dev/zero (deleted)" in maps), f_count 1. NULL: no
 * memory.
 */
struct file *shmem_zero_file(uint64_t size);

uint32_t nr_file_pages(void); /* "Cached:" of meminfo, in pages */

#endif
