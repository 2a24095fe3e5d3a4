/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: GDT, IDT, TSS (Intel SDM vol. 3, chapters 3, 6 and 7).
 *
 * There is one CPU, so there is one of each. The TSS serves only for the stack switch from user
 * mode (ss0:esp0) and has no I/O bitmap: the offset points past its limit.
 */
#ifndef ARCH_DESC_H
#define ARCH_DESC_H

#include <lib/types.h>

#define IDT_ENTRIES 256

struct desc_struct {
	u32 a, b;
};

struct desc_ptr {
	u16 size; /* limit: bytes - 1 */
	u32 address;
} __packed;

struct tss_struct {
	u32 back_link, sp0, ss0, sp1, ss1, sp2, ss2, cr3, ip, flags;
	u32 ax, cx, dx, bx, sp, bp, si, di;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, io_bitmap_base;
};

/* Access bytes of code and data descriptors, without the DPL, accessed bit set. */
#define DESC_DATA_RO 0x91
#define DESC_DATA_RW 0x93
#define DESC_CODE 0x9b
#define DESC_PRESENT 0x80
#define DESC_DPL(n) ((n) << 5)
/* Flags, the upper nibble of byte 6. */
#define DESC_FLAG_32 0x4
#define DESC_FLAG_4K 0x8

/* limit is in units of the granularity that flags choose. */
static inline struct desc_struct pack_descriptor(u32 base, u32 limit, u8 access, u8 flags)
{
	return (struct desc_struct){
		.a = (base << 16) | (limit & 0xffff),
		.b = (base & 0xff000000) | ((u32)flags << 20) | (limit & 0xf0000) |
		     ((u32)access << 8) | ((base >> 16) & 0xff),
	};
}

#define GATE_CALL16 0x4
#define GATE_INTERRUPT16 0x6
#define GATE_TRAP16 0x7
#define GATE_CALL 0xc
#define GATE_INTERRUPT 0xe
#define GATE_TRAP 0xf

/* selector: the code segment of the handler. */
static inline struct desc_struct pack_gate(u32 offset, u16 selector, u8 type, u8 dpl)
{
	return (struct desc_struct){
		.a = ((u32)selector << 16) | (offset & 0xffff),
		.b = (offset & 0xffff0000) | ((DESC_PRESENT | DESC_DPL(dpl) | type) << 8),
	};
}

extern struct desc_struct gdt_table[];
extern struct desc_struct idt_table[IDT_ENTRIES];
extern struct tss_struct init_tss;

static inline void load_idt(const struct desc_ptr *p)
{
	asm volatile("lidt %0" : : "m"(*p));
}

static inline void store_idt(struct desc_ptr *p)
{
	asm volatile("sidt %0" : "=m"(*p));
}

/* Loads GDT, segment registers, null LDT and TSS. */
void gdt_init(void);

/* Sets the stack pointer that the next entry from user mode starts with. */
static inline void load_sp0(u32 sp0)
{
	init_tss.sp0 = sp0;
}

#endif
