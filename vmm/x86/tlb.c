// SPDX-License-Identifier: MIT
#include "x86/tlb.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "x86/block.h"
#include "x86/cpu.h"

#define LINEAR_PAGES (1u << 20)
#define LARGE_PAGES 1024u /* 4 KiB pages in a 4 MiB page */

static size_t entry_count(enum x86_tlb_kind kind)
{
	return kind == X86_TLB_HOARD	? LINEAR_PAGES
	       : kind == X86_TLB_NORMAL ? TLB_SETS * TLB_WAYS
					: 0;
}

int tlb_init(struct tlb *t, enum x86_tlb_kind kind)
{
	size_t bytes = entry_count(kind) * sizeof(*t->entry);

	t->kind = kind;
	t->epoch = t->global_epoch = t->code_epoch = 1;
	t->fast = t->array[TLB_NO_MODE];
	tlb_forget_fast(t);
	if (!bytes)
		return 0;
	/* mmap, because a hoard is 16 MiB of which a guest touches a little */
	t->entry = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->entry == MAP_FAILED) {
		t->entry = NULL;
		return -ENOMEM;
	}
	return 0;
}

void tlb_destroy(struct tlb *t)
{
	if (t->entry)
		munmap(t->entry, entry_count(t->kind) * sizeof(*t->entry));
	t->entry = NULL;
}

void tlb_forget_fast(struct tlb *t)
{
	for (unsigned mode = 0; mode <= TLB_MODES; mode++)
		for (unsigned n = 0; n < TLB_FAST; n++)
			for (unsigned kind = 0; kind < 4; kind++)
				t->array[mode][n].tag[kind] = TLB_NO_TAG;
}

void tlb_forget_writes(struct tlb *t, const uint8_t *host_page)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++) {
		for (unsigned n = 0; n < TLB_FAST; n++) {
			struct tlb_fast *f = &t->array[mode][n];

			if (f->tag[ACCESS_WRITE] != TLB_NO_TAG &&
			    f->addend + f->tag[ACCESS_WRITE] == (uintptr_t)host_page)
				f->tag[ACCESS_WRITE] = TLB_NO_TAG;
		}
	}
}

static bool entry_valid(const struct tlb *t, const struct tlb_entry *e, uint32_t page)
{
	return e->page == page && e->epoch == (e->rights & MAP_G ? t->global_epoch : t->epoch);
}

void tlb_flush_all(struct tlb *t, bool global)
{
	/* An epoch that wraps would make ancient entries valid again: forget them for good. */
	if (t->epoch == UINT32_MAX || t->global_epoch == UINT32_MAX) {
		size_t count = entry_count(t->kind);

		for (size_t n = 0; n < count; n++)
			t->entry[n].epoch = 0;
		t->epoch = t->global_epoch = 0;
		global = true;
	}
	t->code_epoch++;
	if (t->kind == X86_TLB_DROP)
		return; /* nothing is cached */
	t->epoch++;
	if (global) {
		t->global_epoch++;
		t->large = false;
	}
	tlb_forget_fast(t);
}

static void entry_drop(struct tlb *t, uint32_t page)
{
	if (t->kind == X86_TLB_HOARD) {
		t->entry[page].epoch = 0;
	} else if (t->kind == X86_TLB_NORMAL) {
		struct tlb_entry *set = &t->entry[page % TLB_SETS * TLB_WAYS];

		for (unsigned way = 0; way < TLB_WAYS; way++)
			if (set[way].page == page)
				set[way].epoch = 0;
	}
}

/* INVLPG on any address of a 4 MiB page drops all of it (SDM vol. 3, 4.10.4.1). */
static void large_drop(struct tlb *t, uint32_t page)
{
	uint32_t first = page & ~(LARGE_PAGES - 1);
	size_t count = entry_count(t->kind);

	if (t->kind == X86_TLB_HOARD) {
		for (uint32_t n = first; n < first + LARGE_PAGES; n++)
			if (t->entry[n].rights & MAP_LARGE)
				t->entry[n].epoch = 0;
		return;
	}
	for (size_t n = 0; n < count; n++)
		if ((t->entry[n].page & ~(LARGE_PAGES - 1)) == first &&
		    t->entry[n].rights & MAP_LARGE)
			t->entry[n].epoch = 0;
}

void tlb_drop_small(struct tlb *t, gva_t lin)
{
	uint32_t page = lin >> PAGE_SHIFT;

	entry_drop(t, page);
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
			t->array[mode][page % TLB_FAST].tag[kind] = TLB_NO_TAG;
	t->code_epoch++;
}

void tlb_flush_page(struct tlb *t, gva_t lin)
{
	tlb_drop_small(t, lin);
	if (t->large) {
		large_drop(t, lin >> PAGE_SHIFT);
		tlb_forget_fast(t);
	}
}

enum tlb_mode tlb_mode_of(const struct cpu *c, unsigned access)
{
	if (access & ACCESS_USER)
		return TLB_USER;
	return c->cr0 & CR0_WP ? TLB_SUPER_WP : TLB_SUPER;
}

/* Access rights by page (SDM vol. 3, 4.6.1), for a CPU without NX, SMEP and SMAP. */
static bool rights_allow(unsigned rights, enum tlb_mode mode, unsigned kind)
{
	if (mode == TLB_USER && !(rights & MAP_U))
		return false;
	return kind != ACCESS_WRITE || rights & MAP_W || mode == TLB_SUPER;
}

static struct tlb_entry *entry_find(struct tlb *t, uint32_t page)
{
	struct tlb_entry *set;

	if (t->kind == X86_TLB_DROP)
		return NULL;
	if (t->kind == X86_TLB_HOARD)
		return entry_valid(t, &t->entry[page], page) ? &t->entry[page] : NULL;
	set = &t->entry[page % TLB_SETS * TLB_WAYS];
	for (unsigned way = 0; way < TLB_WAYS; way++)
		if (entry_valid(t, &set[way], page))
			return &set[way];
	return NULL;
}

static void entry_insert(struct tlb *t, uint32_t page, const struct x86_mapping *map)
{
	struct tlb_entry *e = entry_find(t, page);

	if (t->kind == X86_TLB_DROP)
		return;
	if (t->kind == X86_TLB_HOARD) {
		e = &t->entry[page];
	} else if (!e) {
		/* first in, first out: the newest is way 0 */
		struct tlb_entry *set = &t->entry[page % TLB_SETS * TLB_WAYS];

		for (unsigned way = TLB_WAYS - 1; way > 0; way--)
			set[way] = set[way - 1];
		e = set;
	}
	*e = (struct tlb_entry){
		.epoch = map->rights & MAP_G ? t->global_epoch : t->epoch,
		.page = page,
		.frame = (uint32_t)(map->frame >> PAGE_SHIFT),
		.rights = map->rights,
	};
	t->large |= !!(map->rights & MAP_LARGE);
}

bool tlb_translate(struct cpu *c, gva_t lin, unsigned access, struct x86_mapping *map,
		   uint32_t *error)
{
	struct tlb *t = &c->tlb;
	uint32_t page = lin >> PAGE_SHIFT;
	unsigned kind = access & ACCESS_KIND;
	enum tlb_mode mode = tlb_mode_of(c, access);
	const struct tlb_entry *e = entry_find(t, page);

	if (e) {
		bool allowed = rights_allow(e->rights, mode, kind);

		if (allowed && (kind != ACCESS_WRITE || e->rights & MAP_D)) {
			map->frame = (gpa_t)e->frame << PAGE_SHIFT;
			map->rights = (uint8_t)e->rights;
			return true;
		}
		/*
		 * The entry in memory may allow by now what the cached one does not. A CPU may
		 * fault all the same, and drops the cached entry then (SDM vol. 3, 4.10.4.3): that
		 * is as stale as the architecture allows, so a hoard does it; others walk again.
		 */
		if (!allowed && t->kind == X86_TLB_HOARD && !c->env.rights_are_partial) {
			*error = PF_P | (kind == ACCESS_WRITE ? PF_W : 0) |
				 (access & ACCESS_USER ? PF_U : 0);
			tlb_flush_page(t, lin);
			return false;
		}
	}
	if (!c->env.translate(c->env.ctx, lin, access, map, error)) {
		if (e)
			tlb_flush_page(t, lin);
		return false;
	}
	if (!(map->rights & MAP_ONCE))
		entry_insert(t, page, map);
	return true;
}

void tlb_fill_fast(struct cpu *c, gva_t lin, unsigned access, uint8_t *host_page)
{
	struct tlb *t = &c->tlb;
	gva_t page = lin & ~(gva_t)PAGE_OFFSET_MASK;
	struct tlb_fast *f = &t->array[tlb_mode_of(c, access)][(lin >> PAGE_SHIFT) % TLB_FAST];
	uintptr_t addend = (uintptr_t)host_page - page;

	if (t->kind == X86_TLB_DROP)
		return;
	for (unsigned kind = 0; kind < ACCESS_KINDS; kind++)
		if (f->tag[kind] != page || f->addend != addend)
			f->tag[kind] = TLB_NO_TAG;
	f->addend = addend;
	f->tag[access & ACCESS_KIND] = page;
}
