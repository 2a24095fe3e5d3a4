// SPDX-License-Identifier: MIT
#include "engine/kvm_mirror.h"

#include <string.h>

#define DESCRIPTOR_BYTES 8u
#define HIGH_DPL_SHIFT 13
#define HIGH_L (1u << 21)
#define HIGH_G (1u << 23)

static uint16_t attr_of(uint32_t high)
{
	return (uint16_t)(high >> 8 & 0xf0ff);
}

static struct x86_segment segment_from(uint16_t selector, uint32_t low, uint32_t high)
{
	uint32_t limit = (low & 0xffff) | (high & 0xf0000);

	return (struct x86_segment){
		.selector = selector,
		.attr = attr_of(high),
		.base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000),
		.limit = high & HIGH_G ? limit << 12 | 0xfff : limit,
	};
}

static bool same(const struct x86_segment *a, const struct x86_segment *b)
{
	/* L means nothing to a 32-bit CPU */
	const uint16_t mask = (uint16_t) ~(HIGH_L >> 8);

	return a->base == b->base && a->limit == b->limit && (a->attr & mask) == (b->attr & mask);
}

/* The page of the table on which slot n lies, or MIRROR_PAGES if it lies on two. */
static unsigned page_of(const struct mirror *m, unsigned n)
{
	uint32_t at = (m->table.base & PAGE_OFFSET_MASK) + n * DESCRIPTOR_BYTES;

	if (at >> PAGE_SHIFT != (at + DESCRIPTOR_BYTES - 1) >> PAGE_SHIFT)
		return MIRROR_PAGES;
	return at >> PAGE_SHIFT;
}

void mirror_init(struct mirror *m, uint64_t *slot, unsigned slots)
{
	*m = (struct mirror){ .slot = slot, .slots = slots };
	for (unsigned n = 0; n < MIRROR_PAGES; n++)
		m->frame[n] = MIRROR_NONE;
}

/* Drop the copies of what lies at [from, to) of the table's page `page`. */
static void drop_range(struct mirror *m, unsigned page, unsigned from, unsigned to)
{
	/* offsets into the table; the first page may begin before it */
	int64_t start = ((int64_t)page << PAGE_SHIFT) - (m->table.base & PAGE_OFFSET_MASK);
	int64_t first = start + from < 0 ? 0 : (start + from) / DESCRIPTOR_BYTES;

	for (int64_t n = first; n < m->slots && n * DESCRIPTOR_BYTES < start + to; n++)
		m->slot[n] = 0;
}

void mirror_drop_page(struct mirror *m, unsigned page)
{
	if (m->frame[page] == MIRROR_NONE)
		return;
	drop_range(m, page, 0, PAGE_BYTES);
	m->frame[page] = MIRROR_NONE;
}

void mirror_table(struct mirror *m, const struct x86_table *table)
{
	if (m->table.base == table->base && m->table.limit == table->limit)
		return;
	for (unsigned n = 0; n < MIRROR_PAGES; n++)
		mirror_drop_page(m, n);
	m->table = *table;
}

bool mirror_segment(const struct mirror *m, uint16_t selector, struct x86_segment *seg)
{
	unsigned n = selector >> 3;
	uint32_t high;

	if (n >= m->slots || !m->slot[n])
		return false;
	high = (uint32_t)(m->slot[n] >> 32);
	if ((high >> HIGH_DPL_SHIFT & 3) == 1)
		high &= ~(3u << HIGH_DPL_SHIFT);
	*seg = segment_from(selector, (uint32_t)m->slot[n], high);
	return true;
}

bool mirror_holds(const struct mirror *m, const struct x86_segment *seg)
{
	struct x86_segment copy;

	return mirror_segment(m, seg->selector, &copy) && same(&copy, seg);
}

bool mirror_add(struct mirror *m, const struct x86_segment *seg, uint32_t low, uint32_t high,
		gpa_t frame)
{
	unsigned n = seg->selector >> 3, page;
	struct x86_segment now = segment_from(seg->selector, low, high);
	unsigned dpl = SEG_DPL(now.attr);

	if (n >= m->slots || n * DESCRIPTOR_BYTES + DESCRIPTOR_BYTES - 1 > m->table.limit)
		return false;
	page = page_of(m, n);
	if (page == MIRROR_PAGES || (m->frame[page] != MIRROR_NONE && m->frame[page] != frame))
		return false;
	if ((now.attr & (SEG_P | SEG_S | SEG_ACCESSED)) != (SEG_P | SEG_S | SEG_ACCESSED) ||
	    (dpl != 0 && dpl != 3) || !same(&now, seg))
		return false;
	if (dpl == 0)
		high |= 1u << HIGH_DPL_SHIFT;
	m->slot[n] = (uint64_t)(high & ~HIGH_L) << 32 | low;
	m->frame[page] = frame;
	return true;
}

void mirror_stored(struct mirror *m, gpa_t gpa, uint64_t len)
{
	for (unsigned page = 0; page < MIRROR_PAGES; page++) {
		gpa_t frame = m->frame[page];

		if (frame == MIRROR_NONE || gpa >= frame + PAGE_BYTES || gpa + len <= frame)
			continue;
		drop_range(m, page, gpa > frame ? (unsigned)(gpa - frame) : 0,
			   gpa + len < frame + PAGE_BYTES ? (unsigned)(gpa + len - frame)
							  : PAGE_BYTES);
	}
}
