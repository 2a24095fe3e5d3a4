// SPDX-License-Identifier: MIT
#include "tests/mm/fault_model.h"

#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"

#define SPACES 6
#define WINDOW 64 /* pages of each space that are used, across the border of two page tables */
#define BASE (0x10400000u - WINDOW / 2 * PAGE_SIZE)
#define RUN 12 /* pages of one mapping at most */
#define OBJECTS 256
#define FILE_PAGES 24
#define FILE_OFFSETS (FILE_PAGES - RUN)
#define PROT_RW (PROT_READ | PROT_WRITE)

enum kind { NOTHING, ANON, SHARED_ANON, PRIVATE_FILE, SHARED_FILE };

/* Memory that several mappings share: what each of its pages holds. */
struct object {
	uint32_t mapped; /* model pages that refer to it */
	uint32_t value[FILE_PAGES];
};

struct model_page {
	uint8_t kind, prot;
	bool own;	       /* PRIVATE_FILE: written to */
	uint8_t index;	       /* page of the object */
	struct object *object; /* SHARED_ANON, and the files' */
	uint32_t value;	       /* ANON, and what is one's own */
};

struct space {
	struct mm_struct *mm; /* NULL: free */
	struct model_page page[WINDOW];
};

static struct model {
	const struct fault_model_access *access;
	uint32_t random, op;
	unsigned failures;
	struct space space[SPACES];
	struct object object[OBJECTS], disk;
	struct file file;
	struct address_space mapping;
	uint32_t until_failure; /* allocations that work */
	bool failed;
} m;

__attribute__((format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	char text[120];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (m.failures++ < 10)
		arch_printk("# fault model, operation %u: %s\n", m.op, text);
}

/* Marsaglia, Xorshift RNGs: period 2^32 - 1. */
static uint32_t below(uint32_t n)
{
	m.random ^= m.random << 13;
	m.random ^= m.random >> 17;
	m.random ^= m.random << 5;
	return m.random % n;
}

static vaddr_t address(uint32_t page)
{
	return BASE + (page << PAGE_SHIFT);
}

/* --- access by software ----------------------------------------------------------------------- */

static enum fault_outcome reach(struct mm_struct *mm, vaddr_t addr, bool write, uint32_t *value)
{
	const pte_t *pte = lookup_user_pte(mm, addr);
	pte_t right = _PAGE_PRESENT | (write ? _PAGE_RW : 0);
	enum fault_outcome outcome = FAULT_DONE_MINOR;
	char *p;

	if (!pte || (*pte & right) != right) {
		uint32_t error = FAULT_USER | (write ? FAULT_WRITE : 0) |
				 (pte && *pte & _PAGE_PRESENT ? FAULT_PROT : 0);

		outcome = do_user_fault(mm, addr, error, TASK_SIZE);
		pte = lookup_user_pte(mm, addr);
		if (outcome > FAULT_DONE_MAJOR)
			return outcome;
		if (!pte || (*pte & right) != right) {
			fail("%08x: the fault is told to be mended, and is not", addr);
			return FAULT_OOM;
		}
	}
	p = kmap_atomic(pfn_to_page(pte_pfn(*pte)), KM_USER0);
	if (write)
		*(uint32_t *)(p + addr % PAGE_SIZE) = *value;
	else
		*value = *(uint32_t *)(p + addr % PAGE_SIZE);
	kunmap_atomic(p, KM_USER0);
	return outcome;
}

static enum fault_outcome soft_read(struct mm_struct *mm, vaddr_t addr, uint32_t *value)
{
	return reach(mm, addr, false, value);
}

static enum fault_outcome soft_write(struct mm_struct *mm, vaddr_t addr, uint32_t value)
{
	return reach(mm, addr, true, &value);
}

const struct fault_model_access fault_model_software = { soft_read, soft_write, NULL };

/* --- the file --------------------------------------------------------------------------------- */

static uint32_t born_value(uint32_t index)
{
	return 0xf11e0000u + index;
}

static int read_disk(struct address_space *mapping, struct page *page)
{
	uint32_t *words = kmap_atomic(page, KM_USER0);

	for (uint32_t n = 0; n < PAGE_SIZE / 4; n++)
		words[n] = born_value(page->index);
	kunmap_atomic(words, KM_USER0);
	return 0;
}

static const struct address_space_operations disk_aops = { .readpage = read_disk };

static void make_file(void)
{
	address_space_init(&m.mapping, NULL, &disk_aops, FILE_PAGES << PAGE_SHIFT);
	m.file.f_count = 1;
	m.file.f_mode = FMODE_READ | FMODE_WRITE;
	m.file.f_mapping = &m.mapping;
	for (uint32_t n = 0; n < FILE_PAGES; n++)
		m.disk.value[n] = born_value(n);
}

/* --- the model of a page ---------------------------------------------------------------------- */

/* Where its value is. */
static uint32_t *content(struct model_page *p)
{
	return p->kind == ANON || p->own ? &p->value : &p->object->value[p->index];
}

static void forget(struct model_page *p)
{
	if (p->object)
		p->object->mapped--;
	memset(p, 0, sizeof(*p));
}

static void copy_space(struct space *to, const struct space *from)
{
	memcpy(to->page, from->page, sizeof(to->page));
	for (uint32_t n = 0; n < WINDOW; n++)
		if (to->page[n].object)
			to->page[n].object->mapped++;
}

static enum fault_outcome expected(const struct model_page *p, bool write)
{
	if (p->kind == NOTHING)
		return FAULT_SEGV_MAPERR;
	if (write ? !(p->prot & PROT_WRITE) : !p->prot)
		return FAULT_SEGV_ACCERR;
	return FAULT_DONE_MINOR;
}

static bool as_expected(enum fault_outcome outcome, enum fault_outcome should_be)
{
	return outcome == should_be ||
	       (outcome == FAULT_DONE_MAJOR && should_be == FAULT_DONE_MINOR);
}

/* --- operations ------------------------------------------------------------------------------- */

/* Of the n-th space that is there. */
static struct space *some_space(void)
{
	struct space *s;

	do
		s = &m.space[below(SPACES)];
	while (!s->mm);
	return s;
}

static struct space *free_space(void)
{
	for (struct space *s = m.space; s < m.space + SPACES; s++)
		if (!s->mm)
			return s;
	return NULL;
}

/* First and last word of the page: both hold its value. */
static void op_read(struct space *s)
{
	uint32_t page = below(WINDOW), first = 0, last = 0;
	struct model_page *p = &s->page[page];
	enum fault_outcome outcome = m.access->read(s->mm, address(page), &first);

	if (!as_expected(outcome, expected(p, false))) {
		fail("read of %08x ends in %d, should in %d", address(page), outcome,
		     expected(p, false));
		return;
	}
	if (outcome > FAULT_DONE_MAJOR)
		return;
	m.access->read(s->mm, address(page + 1) - 4, &last);
	if (first != *content(p) || last != first)
		fail("%08x holds %08x .. %08x, should %08x", address(page), first, last,
		     *content(p));
}

static void op_write(struct space *s)
{
	uint32_t page = below(WINDOW), value = below(UINT32_MAX);
	struct model_page *p = &s->page[page];
	enum fault_outcome outcome = m.access->write(s->mm, address(page), value);

	if (!as_expected(outcome, expected(p, true)))
		fail("write of %08x ends in %d, should in %d", address(page), outcome,
		     expected(p, true));
	if (outcome > FAULT_DONE_MAJOR || p->kind == NOTHING)
		return;
	m.access->write(s->mm, address(page + 1) - 4, value);
	if (p->kind == PRIVATE_FILE)
		p->own = true;
	*content(p) = value;
}

/* --- memory ends, now and then ---------------------------------------------------------------- */

static bool fail_one(const char *what, size_t bytes, gfp_t gfp)
{
	m.failed = m.failed || !m.until_failure;
	return !m.until_failure--;
}

/* One of the next n allocations fails. */
static void begin_failing(uint32_t n)
{
	m.failed = false;
	m.until_failure = below(n);
	mm.fail_alloc = fail_one;
}

/* Did one? */
static bool end_failing(void)
{
	mm.fail_alloc = NULL;
	return m.failed;
}

/* What should work may end without memory if that was so, and has changed nothing then. */
static void op_starved_write(struct space *s)
{
	uint32_t page = below(WINDOW);
	struct model_page *p = &s->page[page];
	enum fault_outcome outcome, should_be = expected(p, true);

	begin_failing(3);
	/* (the last word: the first one says then whether there was a page before) */
	outcome = m.access->write(s->mm, address(page + 1) - 4, should_be ? 1 : *content(p));
	if (!as_expected(outcome, should_be) && !(end_failing() && outcome == FAULT_OOM))
		fail("write of %08x without memory ends in %d", address(page), outcome);
	end_failing();
	if (outcome <= FAULT_DONE_MAJOR && p->kind == PRIVATE_FILE) {
		p->value = *content(p);
		p->own = true;
	}
}

static void op_starved_fork(struct space *s)
{
	struct space *child = free_space();

	if (!child)
		return;
	begin_failing(12);
	child->mm = dup_mm(s->mm);
	if (!end_failing() && !child->mm)
		fail("fork without a reason to fail");
	if (child->mm)
		copy_space(child, s);
}

static void op_fork(struct space *s)
{
	struct space *child = free_space();

	if (!child)
		return;
	child->mm = dup_mm(s->mm);
	if (!child->mm)
		fail("fork without a reason to fail");
	else
		copy_space(child, s);
}

static void end_space(struct space *s)
{
	if (m.access->leave)
		m.access->leave();
	mmput(s->mm);
	s->mm = NULL;
	for (uint32_t n = 0; n < WINDOW; n++)
		forget(&s->page[n]);
}

static void op_exit(struct space *s)
{
	unsigned others = 0;

	for (const struct space *t = m.space; t < m.space + SPACES; t++)
		others += t->mm && t != s;
	if (others)
		end_space(s);
}

/* Some pages of the window. */
static uint32_t some_run(uint32_t *pages)
{
	uint32_t first = below(WINDOW);

	*pages = 1 + below(RUN);
	if (*pages > WINDOW - first)
		*pages = WINDOW - first;
	return first;
}

static struct object *fresh_object(void)
{
	for (struct object *o = m.object; o < m.object + OBJECTS; o++)
		if (!o->mapped) {
			memset(o, 0, sizeof(*o));
			return o;
		}
	return NULL;
}

static void op_map(struct space *s)
{
	static const uint32_t flags[] = { [ANON] = MAP_PRIVATE | MAP_ANONYMOUS,
					  [SHARED_ANON] = MAP_SHARED | MAP_ANONYMOUS,
					  [PRIVATE_FILE] = MAP_PRIVATE,
					  [SHARED_FILE] = MAP_SHARED };
	uint32_t pages, first = some_run(&pages);
	enum kind kind = (enum kind)(ANON + below(4));
	bool is_file = kind >= PRIVATE_FILE;
	uint32_t pgoff = is_file ? below(FILE_OFFSETS + 1) : 0, prot = below(PROT_RW + 1);
	struct object *o = is_file ? &m.disk : kind == SHARED_ANON ? fresh_object() : NULL;
	uint32_t at;

	if (kind == SHARED_ANON && !o)
		return;
	at = do_mmap_pgoff(s->mm, is_file ? &m.file : NULL, address(first), pages << PAGE_SHIFT,
			   prot, flags[kind] | MAP_FIXED, pgoff);
	if (at != address(first)) {
		fail("mmap of %u pages at %08x gives %08x", pages, address(first), at);
		return;
	}
	for (uint32_t n = 0; n < pages; n++) {
		struct model_page *p = &s->page[first + n];

		forget(p);
		p->kind = (uint8_t)kind;
		p->prot = (uint8_t)prot;
		p->index = (uint8_t)(pgoff + n);
		p->object = o;
		if (o)
			o->mapped++;
	}
}

static void op_unmap(struct space *s)
{
	uint32_t pages, first = some_run(&pages);
	int err = do_munmap(s->mm, address(first), pages << PAGE_SHIFT);

	if (err)
		fail("munmap of %u pages at %08x: %d", pages, address(first), err);
	for (uint32_t n = 0; n < pages; n++)
		forget(&s->page[first + n]);
}

/* What is mapped without a hole from there on. */
static void op_protect(struct space *s)
{
	uint32_t pages, first = some_run(&pages), prot = below(PROT_RW + 1), n = 0;
	int err;

	while (n < pages && s->page[first + n].kind)
		s->page[first + n++].prot = (uint8_t)prot;
	if (!n)
		return;
	err = do_mprotect(s->mm, address(first), n << PAGE_SHIFT, prot);
	if (err)
		fail("mprotect of %u pages at %08x: %d", n, address(first), err);
}

/* What MADV_DONTNEED does: private memory is as it was born, shared memory keeps what it holds. */
static void op_drop(struct space *s)
{
	uint32_t pages, first = some_run(&pages);

	zap_page_range(s->mm, address(first), address(first + pages));
	for (uint32_t n = 0; n < pages; n++) {
		s->page[first + n].own = false;
		s->page[first + n].value = 0;
	}
}

/* The kernel reaches a space that nobody runs in; it does not ask for the right to read. */
static void op_outside(struct space *s)
{
	uint32_t page = below(WINDOW), value = 0;
	struct model_page *p = &s->page[page];
	uint32_t got = access_process_vm(s->mm, address(page), &value, sizeof(value), false);

	if (got != (p->kind ? sizeof(value) : 0) || (got && value != *content(p)))
		fail("%08x of another space: %u bytes, %08x", address(page), got, value);
}

static const struct {
	void (*run)(struct space *s);
	uint32_t weight;
} operations[] = {
	{ op_read, 30 },   { op_write, 28 },	    { op_fork, 5 },	    { op_exit, 4 },
	{ op_map, 9 },	   { op_unmap, 5 },	    { op_protect, 6 },	    { op_drop, 3 },
	{ op_outside, 4 }, { op_starved_write, 4 }, { op_starved_fork, 2 },
};

static void one_operation(void)
{
	uint32_t dice = below(100), n = 0;

	while (dice >= operations[n].weight)
		dice -= operations[n++].weight;
	operations[n].run(some_space());
}

unsigned fault_model_run(const struct fault_model_access *access, uint32_t seed, uint32_t ops,
			 uint32_t check_every)
{
	bool (*before)(const char *what, size_t bytes, gfp_t gfp);

	memset(&m, 0, sizeof(m));
	m.access = access;
	before = mm.fail_alloc;
	m.random = seed ? seed : 1;
	make_file();
	m.space[0].mm = mm_alloc();
	if (!m.space[0].mm)
		return 1;
	for (m.op = 1; m.op <= ops && !m.failures; m.op++) {
		one_operation();
		if (m.op % check_every == 0 && mm_check_all())
			fail("mm_check_all");
	}
	for (struct space *s = m.space; s < m.space + SPACES; s++)
		if (s->mm)
			end_space(s);
	mm.fail_alloc = before;
	truncate_inode_pages(&m.mapping);
	if (mm_check_all() || m.disk.mapped)
		fail("something is left at the end");
	return m.failures;
}
