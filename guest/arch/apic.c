// SPDX-License-Identifier: MIT
#include <arch/apic.h>
#include <arch/pgtable.h>
#include <arch/processor.h>

#include "mm/highmem.h"

/* Registers, byte offsets (Intel SDM vol. 3, table 11-1). */
#define APIC_SPIV 0xf0
#define APIC_SPIV_ENABLE 0x100
#define APIC_SPIV_VECTOR 0xff
#define APIC_LVT0 0x350
#define APIC_DM_EXTINT 0x700

static void apic_write(u32 reg, u32 value)
{
	*(volatile u32 *)(fix_to_virt(FIX_APIC_BASE) + reg) = value;
}

void apic_enable_virtual_wire(void)
{
	if (!(cpu_features() & X86_FEATURE_APIC))
		return;
	set_fixmap(FIX_APIC_BASE, (u32)rdmsr(MSR_IA32_APICBASE) & PAGE_MASK, PAGE_KERNEL_NOCACHE);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | APIC_SPIV_VECTOR);
	apic_write(APIC_LVT0, APIC_DM_EXTINT);
}
