/* SPDX-License-Identifier: MIT */
/*
 * Slots: places in the GDT where tests put descriptors of their own, the three for thread-local
 * storage, which the kernel does not use at that time. A test leaves them empty.
 */
#ifndef TESTS_SLOTS_H
#define TESTS_SLOTS_H

#include <arch/desc.h>
#include <arch/segment.h>

/* Their selectors, with RPL 0. */
#define SLOT (GDT_ENTRY_TLS_MIN * 8)
#define SLOT2 (SLOT + 8)
#define SLOT3 (SLOT + 16)

#define SELECTOR_TI 4 /* the bit of a selector that says: in the LDT */

/* Access bytes; EMPTY: no descriptor. */
#define EMPTY 0
#define DATA_DPL0 DESC_DATA_RW
#define DATA_DPL1 (DESC_DATA_RW | DESC_DPL(1))
#define DATA_DPL3 (DESC_DATA_RW | DESC_DPL(3))
#define DATA_RO_DPL0 DESC_DATA_RO
#define DATA_RO_DPL1 (DESC_DATA_RO | DESC_DPL(1))
#define DATA_RO_DPL3 (DESC_DATA_RO | DESC_DPL(3))
#define CODE_DPL0 DESC_CODE
#define CODE_DPL1 (DESC_CODE | DESC_DPL(1))
#define CODE_DPL3 (DESC_CODE | DESC_DPL(3))
#define CODE_EXECUTE_ONLY_DPL0 0x99
#define CONFORMING_DPL0 0x9f /* readable */
#define CONFORMING_DPL3 (CONFORMING_DPL0 | DESC_DPL(3))
#define LDT_SEGMENT (DESC_PRESENT | 0x02)
#define TSS_AVAILABLE (DESC_PRESENT | 0x09)
#define ABSENT(access) ((access) & ~DESC_PRESENT)

/* A segment from base to 4 GiB of 32-bit code or data. */
static inline struct desc_struct segment_at(u32 base, u8 access)
{
	return pack_descriptor(base, 0xfffff, access, DESC_FLAG_32 | DESC_FLAG_4K);
}

static inline void slot_set(u32 selector, struct desc_struct d)
{
	gdt_table[selector / 8] = d;
}

/* A flat segment, or none. */
static inline void slot_set_flat(u32 selector, u8 access)
{
	slot_set(selector, access ? segment_at(0, access) : (struct desc_struct){ 0, 0 });
}

static inline void slots_clear(void)
{
	for (u32 selector = SLOT; selector <= SLOT3; selector += 8)
		slot_set_flat(selector, EMPTY);
}

#endif
