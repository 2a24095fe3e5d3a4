// SPDX-License-Identifier: MIT
#include <arch/desc.h>
#include <arch/page.h>
#include <arch/sections.h>
#include <arch/segment.h>

/* present, 32-bit TSS, available */
#define DESC_TSS (DESC_PRESENT | 0x09)

struct desc_struct gdt_table[GDT_ENTRIES] __attribute__((aligned(8), section(".bss.gdt")));

struct tss_struct init_tss = {
	.ss0 = __KERNEL_DS,
	.io_bitmap_base = sizeof(struct tss_struct),
};

static struct desc_struct flat_segment(u8 access, u8 dpl)
{
	return pack_descriptor(0, 0xfffff, access | DESC_DPL(dpl), DESC_FLAG_32 | DESC_FLAG_4K);
}

void gdt_init(void)
{
	struct desc_ptr p = { sizeof(gdt_table) - 1, (u32)gdt_table };

	gdt_table[GDT_ENTRY_KERNEL_CS] = flat_segment(DESC_CODE, 0);
	gdt_table[GDT_ENTRY_KERNEL_DS] = flat_segment(DESC_DATA_RW, 0);
	gdt_table[GDT_ENTRY_DEFAULT_USER_CS] = flat_segment(DESC_CODE, 3);
	gdt_table[GDT_ENTRY_DEFAULT_USER_DS] = flat_segment(DESC_DATA_RW, 3);
	gdt_table[GDT_ENTRY_TSS] =
		pack_descriptor((u32)&init_tss, sizeof(init_tss) - 1, DESC_TSS, 0);
	load_sp0((u32)init_stack_top);

	asm volatile("lgdt %0\n\t"
		     "ljmp %1, $1f\n"
		     "1:\tmovl %2, %%ss\n\t"
		     "movl %3, %%ds\n\t"
		     "movl %3, %%es\n\t"
		     "movl %4, %%fs\n\t"
		     "movl %4, %%gs\n\t"
		     "lldt %w4\n\t"
		     "ltr %w5"
		     :
		     : "m"(p), "i"(__KERNEL_CS), "r"(__KERNEL_DS), "r"(__USER_DS), "r"(0),
		       "r"(__TSS_SEL)
		     : "memory");
}
