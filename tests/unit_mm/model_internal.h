/* SPDX-License-Identifier: MIT */
/*
 * What the files of the model share:
 *
 *   model.c          the stream, one run of it, checks and accounts
 *   model_pages.c    blocks of pages, and what shows them: kmap, kmap_atomic
 *   model_objects.c  kmalloc, caches
 *   model_areas.c    vmalloc, vmap, ioremap
 *   model_shrink.c   processes, replays, the shortest stream
 *
 * A run is a process. It ends in model_fail(), or in success.
 */
#ifndef TESTS_UNIT_MM_MODEL_INTERNAL_H
#define TESTS_UNIT_MM_MODEL_INTERNAL_H

#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"
#include "model.h"

/* What a run tells the process that started it, in memory both have. */
struct model_report {
	uint32_t at; /* operations begun; one more than there are: in the end */
	uint32_t done[MODEL_KINDS], injected, out_of_memory;
	/* What went wrong, and which: the same failure has the same format, or the same status. */
	char why[400];
	const void *signature;
	int status;
};

struct model {
	const struct model_config *config;
	struct model_report *report;
	bool verbose;	     /* print each operation */
	unsigned kind;	     /* of the operation that is under way */
	uint32_t held_pages; /* frames that are neither free nor a slab's nor a page table */
	uint32_t all_pages; /* free, on per-CPU lists, slabs', tables' and held: always that many */
};

extern struct model model;

/* --- model.c ---------------------------------------------------------------------------------- */

void model_generate(const struct model_config *config, struct model_op *ops);
/* The whole stream, then everything is given back. Returns if all was well. */
void model_execute(const struct model_op *ops, uint32_t count, uint32_t check_every);

__attribute__((format(printf, 1, 2), noreturn)) void model_fail(const char *fmt, ...);
#define MODEL_EXPECT(condition, ...)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			model_fail(__VA_ARGS__);                                                   \
	} while (0)
/* The line of an operation that did something. */
__attribute__((format(printf, 1, 2))) void model_say(const char *fmt, ...);

/*
 * Who has which bytes of RAM, and which pages of the vmalloc area: claiming what is claimed already
 * fails. RAM is counted in units of 8 bytes, the least that kmalloc gives.
 */
void claim_ram(paddr_t start, uint32_t bytes, const char *what);
void release_ram(paddr_t start, uint32_t bytes);
void claim_area(vaddr_t start, uint32_t pages, const char *what);
void release_area(vaddr_t start, uint32_t pages);

/* A pattern from `stamp`, over all bytes. */
void fill_bytes(void *p, size_t bytes, uint32_t stamp);
void expect_filled(const void *p, size_t bytes, uint32_t stamp, const char *what);
void expect_byte(const void *p, size_t bytes, uint8_t value, const char *what);

/*
 * An allocation got nothing: was that right? One in it was made to fail, or in no zone that the
 * request may use are more than `spare` pages above the mark that it may go down to. What takes
 * several pages, and gives back those it got, leaves some to spare.
 */
void expect_no_memory(gfp_t gfp, unsigned order, uint32_t spare, const char *what);
#define SPARE_PAGES 256 /* a page table, slabs, and what per-CPU lists gave back meanwhile */

/* The other way round: a block came from a zone that had it to give when note_room() was called. */
void note_room(gfp_t gfp, unsigned order);
void expect_room(const struct page *page, gfp_t gfp, unsigned order);

const char *gfp_text(gfp_t gfp);

/* --- operations, one for each kind ------------------------------------------------------------ */

void op_pages(const struct model_op *op);
void op_bulk_pages(const struct model_op *op);
void op_kmap(const struct model_op *op);
void op_kmap_atomic(const struct model_op *op);
void op_kmap_flush(const struct model_op *op);
void op_kmap_many(const struct model_op *op);
void op_hog(const struct model_op *op);
void op_drain(const struct model_op *op);
void op_kmalloc(const struct model_op *op);
void op_krealloc(const struct model_op *op);
void op_cache(const struct model_op *op);
void op_cache_object(const struct model_op *op);
void op_cache_bulk(const struct model_op *op);
void op_cache_shrink(const struct model_op *op);
void op_shrink_all(const struct model_op *op);
void op_vmalloc(const struct model_op *op);
void op_vmap(const struct model_op *op);
void op_ioremap(const struct model_op *op);
void op_unmap_aliases(const struct model_op *op);

/* What each file holds: is it unchanged? Give it back. Areas first, as they show pages. */
void areas_verify(void);
void areas_free(void);
void objects_verify(void);
void objects_free(void);
void pages_verify(void);
void pages_free(void);
/* highmem_check() wants kmap at rest: all off, and on again, in the same slots. */
void kmaps_suspend(void);
void kmaps_resume(void);

/* --- pages that vmap may show ----------------------------------------------------------------- */

struct block {
	struct page *page; /* NULL: the slot is empty */
	unsigned order;
	uint32_t stamp;
	unsigned kmaps, vmaps; /* while there are any, it is not freed */
	void *kmap_addr;
};

#define BLOCKS 192
extern struct block model_blocks[BLOCKS];

/* What the n-th page of the block begins and ends with. */
uint32_t block_stamp(const struct block *block, uint32_t n);
void stamp_page(void *p, uint32_t stamp);
void expect_stamped(const void *p, uint32_t stamp, const char *what);

#endif
