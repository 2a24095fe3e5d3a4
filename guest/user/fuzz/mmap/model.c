// SPDX-License-Identifier: MIT
#include "model.h"
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

struct model model;

/* A page of a file or an object that is longer than those are: SIGBUS. */
static int beyond_the_end(const struct page *p)
{
	if (p->own)
		return 0;
	return (p->kind == FILE_PRIVATE && p->index >= model.file_pages) ||
	       (p->kind == SHARED && p->index >= model.object[p->object].pages);
}

struct expected expected_load(unsigned i)
{
	const struct page *p = &model.page[i];

	if (p->kind == NOTHING)
		return (struct expected){ .fault = SEGV_MAPERR };
	if (p->rights == PROT_NONE)
		return (struct expected){ .fault = SEGV_ACCERR };
	if (beyond_the_end(p))
		return (struct expected){ .fault = FAULT_BUS };
	if (p->kind == SHARED)
		return (struct expected){ .word = model.object[p->object].word[p->index] };
	if (p->own || p->kind == ANON)
		return (struct expected){ .word = p->own ? p->word : 0 };
	return (struct expected){ .word = model.file_word[p->index] };
}

int expected_store_fault(unsigned i)
{
	const struct page *p = &model.page[i];

	if (p->kind == NOTHING)
		return SEGV_MAPERR;
	if (!(p->rights & PROT_WRITE))
		return SEGV_ACCERR;
	return beyond_the_end(p) ? FAULT_BUS : 0;
}

void model_loaded(unsigned i)
{
	if (model.page[i].kind == ANON)
		model.page[i].resident = 1;
}

void model_stored(unsigned i, uint32_t word)
{
	struct page *p = &model.page[i];

	if (p->kind == SHARED) {
		model.object[p->object].word[p->index] = word;
	} else {
		p->own = 1;
		p->word = word;
	}
	model_loaded(i);
}

void model_unmap(unsigned from, unsigned to)
{
	memset(&model.page[from], 0, (to - from) * sizeof(model.page[0]));
}

static unsigned new_object(unsigned pages)
{
	for (unsigned o = 0;; o++) { /* there are more objects than pages */
		unsigned used = 0;

		for (unsigned i = 0; i < PAGES; i++)
			used |= model.page[i].kind == SHARED && model.page[i].object == o;
		if (!used) {
			memset(&model.object[o], 0, sizeof(model.object[o]));
			model.object[o].pages = pages;
			return o;
		}
	}
}

void model_map(unsigned from, unsigned to, enum kind kind, unsigned rights, unsigned index)
{
	unsigned object;

	model_unmap(from, to);
	object = kind == SHARED ? new_object(to - from) : 0;
	model.next_run++;
	for (unsigned i = from; i < to; i++)
		model.page[i] = (struct page){ .kind = (uint8_t)kind,
					       .rights = (uint8_t)rights,
					       .object = (uint8_t)object,
					       .index = (uint16_t)(index + i - from),
					       .run = model.next_run };
}

void model_split(unsigned from, unsigned to)
{
	uint32_t old = 0;

	for (unsigned i = from; i < to; i++) {
		if (model.page[i].run != old || i == from) {
			old = model.page[i].run;
			model.next_run++;
		}
		model.page[i].run = model.next_run;
	}
}

unsigned model_run_end(unsigned from, unsigned to)
{
	unsigned i = from;

	while (i < to && model.page[i].run == model.page[from].run)
		i++;
	return i;
}

unsigned model_hole(unsigned from, unsigned to)
{
	while (from < to && model.page[from].kind != NOTHING)
		from++;
	return from;
}

void model_move(unsigned from, unsigned to, unsigned at)
{
	struct page moved[PAGES];

	memcpy(moved, &model.page[from], (to - from) * sizeof(moved[0]));
	model_unmap(from, to);
	memcpy(&model.page[at], moved, (to - from) * sizeof(moved[0]));
	model_split(at, at + to - from);
}

void model_extend(unsigned i)
{
	const struct page *last = &model.page[i - 1];

	model.page[i] = (struct page){ .kind = last->kind,
				       .rights = last->rights,
				       .locked = last->locked,
				       .resident = last->locked ? UNKNOWN : 0,
				       .object = last->object,
				       .index = (uint16_t)(last->index + 1),
				       .run = last->run };
}

unsigned model_mapped(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PAGES; i++)
		n += model.page[i].kind != NOTHING;
	return n;
}
