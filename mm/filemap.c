// SPDX-License-Identifier: MIT
/*
 * The page cache of a mapping is a tree of chunks, each with the pages of 16 neighbouring indices:
 * most files are one chunk.
 */
#include "mm/filemap.h"

#include "mm/errno.h"
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define CHUNK_SHIFT 4
#define CHUNK_PAGES (1u << CHUNK_SHIFT)

struct cache_chunk {
	struct rb_node node;
	uint32_t base;	/* index >> CHUNK_SHIFT */
	uint32_t count; /* pages in it, at least one */
	struct page *page[CHUNK_PAGES];
};

static struct kmem_cache *chunk_cache;

void filemap_init(void)
{
	chunk_cache = kmem_cache_create("page_cache_chunk", sizeof(struct cache_chunk), 0,
					SLAB_PANIC, NULL);
}

void address_space_init(struct address_space *mapping, struct inode *host,
			const struct address_space_operations *a_ops, uint64_t size)
{
	*mapping = (struct address_space){ .host = host, .a_ops = a_ops, .i_size = size };
	list_init(&mapping->i_mmap);
}

void fput(struct file *f)
{
	if (--f->f_count == 0 && f->f_release)
		f->f_release(f);
}

uint32_t nr_file_pages(void)
{
	return global_page_state(NR_FILE_PAGES);
}

/* --- the tree --------------------------------------------------------------------------------- */

static struct cache_chunk *chunk_of(struct rb_node *node)
{
	return rb_entry(node, struct cache_chunk, node);
}

/* The chunk with this base, or NULL and where it would be linked. */
static struct cache_chunk *find_chunk(struct address_space *mapping, uint32_t base,
				      struct rb_node **parent, struct rb_node ***link)
{
	*link = &mapping->pages.node;
	*parent = NULL;
	while (**link) {
		struct cache_chunk *chunk = chunk_of(**link);

		if (chunk->base == base)
			return chunk;
		*parent = **link;
		*link = &(*parent)->child[base > chunk->base];
	}
	return NULL;
}

/* Without a reference. */
static struct page *lookup(struct address_space *mapping, uint32_t index)
{
	struct rb_node *parent, **link;
	struct cache_chunk *chunk = find_chunk(mapping, index >> CHUNK_SHIFT, &parent, &link);

	return chunk ? chunk->page[index % CHUNK_PAGES] : NULL;
}

static void count_cached(const struct page *page, int change)
{
	page->mapping->nrpages += (uint32_t)change;
	page_zone(page)->stat[NR_FILE_PAGES] += (uint32_t)change;
}

int add_to_page_cache(struct page *page, struct address_space *mapping, uint32_t index)
{
	struct rb_node *parent, **link;
	struct cache_chunk *chunk = find_chunk(mapping, index >> CHUNK_SHIFT, &parent, &link);

	if (!chunk) {
		chunk = kmem_cache_alloc(chunk_cache, GFP_KERNEL | __GFP_ZERO);
		if (!chunk)
			return -ENOMEM;
		chunk->base = index >> CHUNK_SHIFT;
		rb_insert(&mapping->pages, &chunk->node, parent, link);
	} else if (chunk->page[index % CHUNK_PAGES]) {
		return -EEXIST;
	}
	chunk->page[index % CHUNK_PAGES] = page;
	chunk->count++;
	page_set_state(page, PAGE_CACHE);
	page->mapping = mapping;
	page->index = index;
	count_cached(page, 1);
	return 0;
}

static void remove_page(struct page *page)
{
	count_cached(page, -1);
	page_set_state(page, PAGE_USED); /* forgets mapping and index */
	put_page(page);
}

void truncate_inode_pages(struct address_space *mapping)
{
	struct rb_node *node;

	while ((node = mapping->pages.node)) {
		struct cache_chunk *chunk = chunk_of(node);

		for (unsigned n = 0; n < CHUNK_PAGES; n++)
			if (chunk->page[n])
				remove_page(chunk->page[n]);
		rb_erase(&mapping->pages, node);
		kmem_cache_free(chunk_cache, chunk);
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

struct page *find_get_page(struct address_space *mapping, uint32_t index)
{
	struct page *page = lookup(mapping, index);

	return page && try_get_page(page) ? page : NULL;
}

/* Contents of a page that is not in the cache yet. 0 or error. */
static int fill_page(struct address_space *mapping, struct page *page, uint32_t index)
{
	int err;

	if (!mapping->a_ops || !mapping->a_ops->readpage) {
		clear_highpage(page);
		return 0;
	}
	page->mapping = mapping;
	page->index = index;
	err = mapping->a_ops->readpage(mapping, page);
	page->mapping = NULL;
	page->index = 0;
	return err;
}

/*
 * The page is put into the cache when it is complete, so that nobody has to wait for one that is
 * being read. Two that read the same page at the same time both do the work, and the second drops
 * its page.
 */
static struct page *read_new_page(struct address_space *mapping, uint32_t index, int *err)
{
	struct page *page = alloc_page(GFP_HIGHUSER);

	*err = page ? fill_page(mapping, page, index) : -ENOMEM;
	if (!*err)
		*err = add_to_page_cache(page, mapping, index);
	if (!*err)
		return page;
	if (page)
		__free_pages(page, 0);
	return *err == -EEXIST ? lookup(mapping, index) : NULL;
}

struct page *read_mapping_page(struct address_space *mapping, uint32_t index, bool *major, int *err)
{
	struct page *page = lookup(mapping, index);

	*major = false;
	if (!page) {
		/* Pages that are born zero cost no I/O. */
		*major = mapping->a_ops && mapping->a_ops->readpage;
		page = read_new_page(mapping, index, err);
	}
	if (!page)
		return NULL;
	*err = try_get_page(page) ? 0 : -ENOMEM;
	return *err ? NULL : page;
}

/* Bytes of one page. */
static int32_t copy_from_page(struct address_space *mapping, uint64_t pos, void *buf, uint32_t len)
{
	struct page *page;
	bool major;
	char *src;
	int err;

	page = read_mapping_page(mapping, (uint32_t)(pos >> PAGE_SHIFT), &major, &err);
	if (!page)
		return err;
	src = kmap_atomic(page, KM_USER0);
	memcpy(buf, src + pos % PAGE_SIZE, len);
	kunmap_atomic(src, KM_USER0);
	put_page(page);
	return (int32_t)len;
}

int32_t filemap_read(struct address_space *mapping, uint64_t pos, void *buf, uint32_t len)
{
	uint32_t done = 0;

	if (pos >= mapping->i_size)
		return 0;
	if (len > mapping->i_size - pos)
		len = (uint32_t)(mapping->i_size - pos);
	if (len > INT32_MAX)
		len = INT32_MAX;
	while (done < len) {
		uint32_t room = PAGE_SIZE - (uint32_t)(pos + done) % PAGE_SIZE;
		int32_t got = copy_from_page(mapping, pos + done, (char *)buf + done,
					     len - done < room ? len - done : room);

		if (got < 0)
			return done ? (int32_t)done : got;
		done += (uint32_t)got;
	}
	return (int32_t)done;
}

/* --- shared anonymous memory ------------------------------------------------------------------ */

struct shmem_file {
	struct file file;
	struct address_space mapping;
};

static void shmem_release(struct file *f)
{
	struct shmem_file *shmem = container_of(f, struct shmem_file, file);

	truncate_inode_pages(&shmem->mapping);
	kfree(shmem);
}

struct file *shmem_zero_file(uint64_t size)
{
	struct shmem_file *shmem = kzalloc(sizeof(*shmem), GFP_KERNEL);

	if (!shmem)
		return NULL;
	address_space_init(&shmem->mapping, NULL, NULL, size);
	shmem->file.f_count = 1;
	shmem->file.f_mode = FMODE_READ | FMODE_WRITE;
	shmem->file.f_mapping = &shmem->mapping;
	shmem->file.f_release = shmem_release;
	shmem->file.f_path = "/dev/zero (deleted)";
	return &shmem->file;
}
