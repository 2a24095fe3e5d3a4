// SPDX-License-Identifier: MIT
#include "x86/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "x86/decode.h"
#include "x86/mem.h"

#define HASH_BUCKETS 16384u
#define ARENA_BYTES (32u << 20)
#define LINE_SHIFT 6 /* 64 lines of 64 bytes in a page */

/* What a page with decoded code on it keeps. */
struct code_page {
	struct block *blocks;
	uint64_t lines; /* bit n: line n holds code of some block */
};

/* One instruction that lies across two pages, and the bytes it was decoded from. */
struct scratch {
	struct block *block;
	uint8_t code[INSN_MAX_BYTES];
	uint8_t bytes; /* 0: nothing decoded */
	uint8_t mode;
};

/*
 * Instructions known by their bytes and the mode alone, for code that changes unseen
 * (x86_env.code_unseen): one that is found is right, wherever it lies.
 */
#define KNOWN_INSNS 1024u
#define KNOWN_BLOCK_BYTES (sizeof(struct block) + 2 * sizeof(struct insn))

struct known {
	uint8_t code[INSN_MAX_BYTES];
	uint8_t mode;
};

struct block_cache {
	struct decoder *decoder;
	struct known known[KNOWN_INSNS];
	uint8_t *known_blocks; /* KNOWN_BLOCK_BYTES each; NULL where code is watched */
	struct block *hash[HASH_BUCKETS];
	pfn_t frames;
	struct code_page *page; /* one for each frame, touched lazily */
	uint8_t *arena;
	size_t used;
	struct scratch scratch;
};

static size_t pages_bytes(pfn_t frames)
{
	return (size_t)frames * sizeof(struct code_page);
}

static void *lazy_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

int block_cache_create(struct block_cache **out, pfn_t ram_frames, bool code_unseen)
{
	struct block_cache *cache = calloc(1, sizeof(*cache));
	int err;

	if (!cache)
		return -ENOMEM;
	cache->frames = ram_frames;
	err = decoder_create(&cache->decoder);
	if (err)
		goto fail;
	err = -ENOMEM;
	cache->arena = lazy_memory(ARENA_BYTES);
	cache->page = ram_frames ? lazy_memory(pages_bytes(ram_frames)) : NULL;
	cache->scratch.block = calloc(1, sizeof(struct block) + 2 * sizeof(struct insn));
	if (!cache->arena || (ram_frames && !cache->page) || !cache->scratch.block)
		goto fail;
	cache->known_blocks = code_unseen ? calloc(KNOWN_INSNS, KNOWN_BLOCK_BYTES) : NULL;
	if (code_unseen && !cache->known_blocks)
		goto fail;
	*out = cache;
	return 0;
fail:
	block_cache_destroy(cache);
	return err;
}

void block_cache_destroy(struct block_cache *cache)
{
	if (!cache)
		return;
	if (cache->arena)
		munmap(cache->arena, ARENA_BYTES);
	if (cache->page)
		munmap(cache->page, pages_bytes(cache->frames));
	free(cache->scratch.block);
	free(cache->known_blocks);
	decoder_destroy(cache->decoder);
	free(cache);
}

/* Forget everything. Only between blocks. */
static void cache_empty(struct cpu *c)
{
	struct block_cache *cache = c->blocks;

	for (size_t n = 0; n < HASH_BUCKETS; n++)
		for (struct block *b = cache->hash[n]; b; b = b->hash_next)
			cache->page[b->gpa >> PAGE_SHIFT] = (struct code_page){ 0 };
	memset(cache->hash, 0, sizeof(cache->hash));
	memset(c->jump, 0, JUMP_ENTRIES * sizeof(*c->jump));
	cache->used = 0;
}

/* --- writes to code ------------------------------------------------------------------------- */

bool block_page_has_code(const struct cpu *c, gpa_t gpa)
{
	pfn_t frame = gpa >> PAGE_SHIFT;

	return frame < c->blocks->frames && c->blocks->page[frame].lines;
}

static uint64_t line_mask(unsigned first_byte, unsigned last_byte)
{
	unsigned first = first_byte >> LINE_SHIFT, last = last_byte >> LINE_SHIFT;

	return (~0ull >> (63 - (last - first))) << first;
}

static uint64_t block_lines(const struct block *b)
{
	unsigned at = b->gpa & PAGE_OFFSET_MASK;

	return line_mask(at, at + b->bytes - 1);
}

/* Stands in for the instructions of a stale block: stop before this one. */
static const struct insn *op_stale(struct cpu *c, const struct insn *i)
{
	cpu_interrupt_insn(c, i);
	return NULL;
}

static void hash_remove(struct block_cache *cache, const struct block *b)
{
	struct block **at = &cache->hash[(b->gpa ^ b->gpa >> 14) % HASH_BUCKETS];

	while (*at != b)
		at = &(*at)->hash_next;
	*at = b->hash_next;
}

static void block_retire(struct block_cache *cache, struct block *b)
{
	hash_remove(cache, b);
	b->stale = true;
	for (unsigned n = 0; n <= b->count; n++)
		b->insn[n].fn = op_stale;
}

static void page_written(struct cpu *c, pfn_t frame, uint64_t lines)
{
	struct code_page *page = &c->blocks->page[frame];
	struct block **at = &page->blocks;

	page->lines = 0;
	while (*at) {
		struct block *b = *at;

		if (block_lines(b) & lines) {
			*at = b->page_next;
			block_retire(c->blocks, b);
		} else {
			page->lines |= block_lines(b);
			at = &b->page_next;
		}
	}
	/* Links stay on their page. */
	for (struct block *b = page->blocks; b; b = b->page_next)
		for (unsigned n = 0; n < 2; n++)
			if (b->link[n] && b->link[n]->stale)
				b->link[n] = NULL;
}

void block_written(struct cpu *c, gpa_t gpa, uint64_t len)
{
	gpa_t limit = (gpa_t)c->blocks->frames << PAGE_SHIFT;

	if (gpa >= limit)
		return;
	if (len > limit - gpa)
		len = limit - gpa;
	while (len) {
		unsigned at = gpa & PAGE_OFFSET_MASK;
		uint64_t step = len < PAGE_BYTES - at ? len : PAGE_BYTES - at;
		pfn_t frame = gpa >> PAGE_SHIFT;
		uint64_t lines = line_mask(at, at + (unsigned)step - 1);

		if (c->blocks->page[frame].lines & lines)
			page_written(c, frame, lines);
		gpa += step;
		len -= step;
	}
}

/* --- building ------------------------------------------------------------------------------- */

/* Ends a block whose last instruction does not: fall into the next one. */
static const struct insn *op_fall_through(struct cpu *c, const struct insn *i)
{
	return block_chain(c, 0, insn_eip(c, i));
}

static struct insn end_of_block(unsigned off)
{
	return (struct insn){ .fn = op_fall_through, .off = (uint16_t)off };
}

/* Decode as much as one block takes. Returns NULL if not even one instruction is whole. */
static struct block *block_build(struct cpu *c, gpa_t gpa, const uint8_t *code, size_t limit)
{
	struct block_cache *cache = c->blocks;
	unsigned max = c->block_mode & BLOCK_SINGLE ? 1 : BLOCK_MAX_INSNS;
	size_t worst = sizeof(struct block) + (BLOCK_MAX_INSNS + 1) * sizeof(struct insn);
	struct block *b;
	unsigned bytes = 0;
	bool ends = false;

	if (cache->used + worst > ARENA_BYTES)
		cache_empty(c);
	b = (struct block *)(void *)(cache->arena + cache->used);
	*b = (struct block){ .gpa = gpa, .mode = c->block_mode };
	while (b->count < max && !ends) {
		struct insn *i = &b->insn[b->count];

		if (decode_insn(cache->decoder, code + bytes, limit - bytes, b->mode, i, &ends) !=
		    DECODE_OK)
			break;
		/* bytes that are no instruction may end at the page's end only by chance */
		if (i->len > limit - bytes)
			break;
		i->off = (uint16_t)bytes;
		bytes += i->len;
		b->count++;
	}
	if (!b->count)
		return NULL;
	b->bytes = (uint16_t)bytes;
	b->insn[b->count] = end_of_block(bytes);
	cache->used += sizeof(struct block) + (b->count + 1) * sizeof(struct insn);
	return b;
}

static void block_insert(struct cpu *c, struct block *b, const uint8_t *host_page)
{
	struct block_cache *cache = c->blocks;
	struct code_page *page = &cache->page[b->gpa >> PAGE_SHIFT];
	struct block **bucket = &cache->hash[(b->gpa ^ b->gpa >> 14) % HASH_BUCKETS];

	b->hash_next = *bucket;
	*bucket = b;
	b->page_next = page->blocks;
	page->blocks = b;
	if (!page->lines)
		tlb_forget_writes(&c->tlb, host_page);
	page->lines |= block_lines(b);
}

static struct block *block_find(const struct cpu *c, gpa_t gpa)
{
	struct block *b = c->blocks->hash[(gpa ^ gpa >> 14) % HASH_BUCKETS];

	while (b && (b->gpa != gpa || b->mode != c->block_mode))
		b = b->hash_next;
	return b;
}

/* Fetch byte by byte, the slow way: up to 15 bytes, as far as the limit of CS and paging allow. */
static bool scratch_fetch(struct cpu *c, uint8_t *code, unsigned want, unsigned *have)
{
	const struct x86_segment *cs = &c->seg[X86_CS];

	for (; *have < want; ++*have) {
		uint32_t eip = c->eip + *have;
		uint8_t *host;
		gpa_t gpa;

		if (eip > cs->limit)
			return cpu_fault_false(c, NULL, VEC_GP, 0);
		if (!mem_fetch_page(c, cs->base + eip, &gpa, &host))
			return false;
		code[*have] = host ? *host : (uint8_t)c->env.mmio_read(c->env.ctx, gpa, 1);
	}
	return true;
}

static bool scratch_begins(const struct scratch *s, unsigned mode, const uint8_t *code,
			   unsigned have)
{
	return have <= s->bytes && s->mode == mode && !memcmp(code, s->code, have);
}

/* A block of the one instruction at EIP, which no other block can hold. */
static struct block *scratch_build(struct cpu *c)
{
	struct scratch *s = &c->blocks->scratch;
	struct block *b = s->block;
	uint8_t code[INSN_MAX_BYTES];
	unsigned have = 0;
	bool ends;

	/*
	 * One byte after another, so that no page is touched which the instruction does not need.
	 * What begins like the instruction decoded last needs as many bytes as that one.
	 */
	do {
		if (!scratch_fetch(c, code, have + 1, &have))
			return NULL;
		if (scratch_begins(s, c->block_mode, code, have)) {
			if (have == s->bytes)
				return b;
			continue;
		}
		s->bytes = 0; /* the decoder writes to b, whatever comes of it */
		if (decode_insn(c->blocks->decoder, code, have, c->block_mode, &b->insn[0],
				&ends) == DECODE_OK)
			break;
	} while (have < INSN_MAX_BYTES);
	b->gpa = ~0ull; /* on no page: it is never linked to */
	b->mode = c->block_mode;
	b->count = 1;
	b->bytes = b->insn[0].len;
	b->insn[0].off = 0;
	b->insn[1] = end_of_block(b->insn[0].len);
	b->link[0] = b->link[1] = NULL;
	memcpy(s->code, code, have);
	s->bytes = (uint8_t)have;
	s->mode = c->block_mode;
	return b;
}

/* The instruction at `code`, of which `limit` bytes can be looked at; NULL: they are too few. */
static struct block *known_lookup(struct cpu *c, const uint8_t *code, size_t limit)
{
	struct block_cache *cache = c->blocks;
	uint32_t first = 0, slot;
	struct known *known;
	struct block *b;
	bool ends;

	memcpy(&first, code, limit < sizeof(first) ? limit : sizeof(first));
	slot = (first * 0x9e3779b1u ^ c->block_mode) >> 7 & (KNOWN_INSNS - 1);
	known = &cache->known[slot];
	b = (struct block *)(void *)(cache->known_blocks + slot * KNOWN_BLOCK_BYTES);
	if (b->count && known->mode == c->block_mode && b->bytes <= limit &&
	    !memcmp(known->code, code, b->bytes))
		return b;
	*b = (struct block){ .gpa = ~0ull, .mode = c->block_mode };
	if (decode_insn(cache->decoder, code, limit, b->mode, &b->insn[0], &ends) != DECODE_OK ||
	    b->insn[0].len > limit)
		return NULL;
	b->count = 1;
	b->bytes = b->insn[0].len;
	b->insn[0].off = 0;
	b->insn[1] = end_of_block(b->bytes);
	memcpy(known->code, code, b->bytes);
	known->mode = c->block_mode;
	return b;
}

/* Bytes of code at EIP that lie on its page and inside the limit of CS. */
static size_t code_limit(const struct cpu *c, gva_t lin)
{
	size_t page = PAGE_BYTES - (lin & PAGE_OFFSET_MASK);
	uint32_t limit = c->seg[X86_CS].limit;

	if (limit - c->eip < page)
		return (size_t)(limit - c->eip) + 1;
	return page;
}

static struct block *block_find_or_build(struct cpu *c, gva_t lin)
{
	struct block *b;
	uint8_t *host;
	gpa_t gpa;

	if (c->eip > c->seg[X86_CS].limit) {
		cpu_fault_false(c, NULL, VEC_GP, 0);
		return NULL;
	}
	if (!mem_fetch_page(c, lin, &gpa, &host))
		return NULL;
	if (!host || gpa >> PAGE_SHIFT >= c->blocks->frames)
		return scratch_build(c);
	if (c->env.code_unseen) {
		b = known_lookup(c, host, code_limit(c, lin));
		return b ? b : scratch_build(c);
	}
	b = block_find(c, gpa);
	if (b)
		return b->bytes <= code_limit(c, lin) ? b : scratch_build(c);
	b = block_build(c, gpa, host, code_limit(c, lin));
	if (!b)
		return scratch_build(c);
	block_insert(c, b, host - (gpa & PAGE_OFFSET_MASK));
	return b;
}

struct block *block_lookup(struct cpu *c)
{
	gva_t lin = c->seg[X86_CS].base + c->eip;
	struct jump_entry *e = jump_slot(c, lin);
	bool keep = c->block_mode & BLOCK_FLAT && !(c->block_mode & BLOCK_SINGLE);
	struct block *b;

	if (keep && e->key == jump_key(c, lin) && e->epoch == c->tlb.code_epoch && !e->block->stale)
		return e->block;
	b = block_find_or_build(c, lin);
	if (b && keep && b != c->blocks->scratch.block)
		*e = (struct jump_entry){ jump_key(c, lin), c->tlb.code_epoch, b };
	return b;
}
