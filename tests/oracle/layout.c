// SPDX-License-Identifier: MIT
#include "layout.h"

const struct window window_table[WINDOWS] = {
	[WIN_LOW] = { LOW_BASE, 2, true },     [WIN_CODE] = { CODE_BASE, 2, true },
	[WIN_DATA] = { DATA_BASE, 2, true },   [WIN_READONLY] = { READONLY_BASE, 1, false },
	[WIN_STACK] = { STACK_BASE, 2, true },
};

int32_t window_offset(uint32_t lin)
{
	uint32_t at = 0;

	for (unsigned w = 0; w < WINDOWS; w++) {
		uint32_t bytes = window_table[w].pages * PAGE_BYTES;

		if (lin - window_table[w].base < bytes)
			return (int32_t)(at + (lin - window_table[w].base));
		at += bytes;
	}
	return -1;
}

const struct ldt_row ldt_table[LDT_ROWS] = {
	{ .base = 0, .limit = 0xfffff, .db = true, .pages = true },
	{ .base = DATA_BASE, .limit = 0x1fff, .db = true },
	{ .base = DATA_BASE, .limit = 0xffe, .db = true },
	{ .base = DATA_BASE, .limit = 0xfff, .contents = 1, .db = true },
	{ .base = DATA_BASE, .limit = 0x7ff, .contents = 1 },
	{ .base = DATA_BASE, .limit = 0x1fff, .db = true, .no_write = true },
	{ .base = DATA_BASE, .limit = 0x1fff, .db = true, .not_present = true },
	[LDT_STACK16] = { .base = STACK_BASE - 0x8000, .limit = 0xffff },
	[LDT_CODE32] = { .base = CODE_BASE, .limit = 0x1fff, .contents = 2, .db = true },
	[LDT_CODE16] = { .base = CODE_BASE, .limit = 0x1fff, .contents = 2 },
	{ .base = CODE_BASE, .limit = 0x1fff, .contents = 2, .db = true, .no_write = true },
	{ .base = CODE_BASE, .limit = 0x1fff, .contents = 2, .db = true, .not_present = true },
	{ .base = CODE_BASE, .limit = 0x1fff, .contents = 3, .db = true, .not_present = true },
	{ .base = DATA_BASE - 0x8000, .limit = 0x9, .db = true, .pages = true },
	{ .base = DATA_BASE, .limit = 0xfff, .contents = 1, .db = true, .no_write = true },
	{ .base = DATA_BASE, .limit = 0, .db = true },
	{ .empty = true },
	[LDT_STACK_DOWN] = { .base = STACK_BASE - 0x8000,
			     .limit = 0x8fff,
			     .contents = 1,
			     .db = true },
	{ .base = CODE_BASE, .limit = 0x1fff, .contents = 2, .no_write = true },
	{ .base = CODE_BASE, .limit = 0x17f, .contents = 2, .db = true },
};

void ldt_descriptor(const struct ldt_row *row, uint32_t out[2])
{
	uint32_t type;

	out[0] = 0;
	out[1] = 0;
	if (row->empty)
		return;
	type = SEG_ACCESSED | (uint32_t)row->contents << 2 | (row->no_write ? 0 : SEG_WRITE);
	out[0] = row->base << 16 | (row->limit & 0xffff);
	out[1] = row->base >> 16 & 0xff;
	out[1] |= (row->base & 0xff000000) | (row->limit & 0xf0000);
	out[1] |= (type | SEG_S | 3u << SEG_DPL_SHIFT) << 8;
	out[1] |= (row->not_present ? 0 : SEG_P) << 8;
	out[1] |= (uint32_t)row->db << 22 | (uint32_t)row->pages << 23;
}
