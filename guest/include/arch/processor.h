/* SPDX-License-Identifier: MIT */
/*
 * Control registers, flags and the instructions that C has no name for. The constants are usable
 * from assembly.
 */
#ifndef ARCH_PROCESSOR_H
#define ARCH_PROCESSOR_H

#define X86_CR0_PE 0x00000001
#define X86_CR0_EM 0x00000004
#define X86_CR0_ET 0x00000010
#define X86_CR0_NE 0x00000020
#define X86_CR0_WP 0x00010000
#define X86_CR0_AM 0x00040000
#define X86_CR0_PG 0x80000000

#define X86_CR4_PSE 0x00000010
#define X86_CR4_PGE 0x00000080

#define X86_EFLAGS_FIXED 0x00000002 /* always reads 1 */
#define X86_EFLAGS_TF 0x00000100
#define X86_EFLAGS_IF 0x00000200
#define X86_EFLAGS_RF 0x00010000

/* CPUID leaf 1, EDX */
#define X86_FEATURE_PSE (1 << 3)
#define X86_FEATURE_TSC (1 << 4)
#define X86_FEATURE_CX8 (1 << 8)
#define X86_FEATURE_APIC (1 << 9)
#define X86_FEATURE_PGE (1 << 13)
#define X86_FEATURE_CMOV (1 << 15)

#define MSR_IA32_APICBASE 0x1b

#ifndef __ASSEMBLER__
#include <lib/types.h>

#define DEFINE_CR_ACCESS(n)                                                                        \
	static inline u32 read_cr##n(void)                                                         \
	{                                                                                          \
		u32 v;                                                                             \
                                                                                                   \
		asm volatile("movl %%cr" #n ", %0" : "=r"(v) : : "memory");                        \
		return v;                                                                          \
	}                                                                                          \
	static inline void write_cr##n(u32 v)                                                      \
	{                                                                                          \
		asm volatile("movl %0, %%cr" #n : : "r"(v) : "memory");                            \
	}

DEFINE_CR_ACCESS(0)
DEFINE_CR_ACCESS(2)
DEFINE_CR_ACCESS(3)
DEFINE_CR_ACCESS(4)

static inline void cpuid(u32 leaf, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	asm volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(*edx) : "a"(leaf), "c"(0));
}

/* Feature bits of CPUID leaf 1, EDX: X86_FEATURE_*. */
static inline u32 cpu_features(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(1, &eax, &ebx, &ecx, &edx);
	return edx;
}

static inline u64 rdtsc(void)
{
	u64 tsc;

	asm volatile("rdtsc" : "=A"(tsc));
	return tsc;
}

static inline u64 rdmsr(u32 msr)
{
	u64 value;

	asm volatile("rdmsr" : "=A"(value) : "c"(msr));
	return value;
}

static inline void invlpg(u32 va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Drops every translation but those of global pages. */
static inline void flush_tlb(void)
{
	write_cr3(read_cr3());
}

/* 0, or 1 where the VMM runs the kernel deprivileged (design, section 5). */
static inline u32 read_cpl(void)
{
	u32 cs;

	asm("movl %%cs, %0" : "=r"(cs));
	return cs & 3;
}

static inline u32 native_save_fl(void)
{
	u32 flags;

	asm volatile("pushfl; popl %0" : "=rm"(flags) : : "memory");
	return flags;
}

static inline void local_irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void local_irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/* Returns the flags to hand to local_irq_restore(). */
static inline u32 local_irq_save(void)
{
	u32 flags = native_save_fl();

	local_irq_disable();
	return flags;
}

static inline void local_irq_restore(u32 flags)
{
	if (flags & X86_EFLAGS_IF)
		local_irq_enable();
}

/*
 * Waits for one interrupt. Call with interrupts off, after testing for work: STI takes effect after
 * the next instruction, so an interrupt cannot slip in between the test and the HLT.
 */
static inline void safe_halt(void)
{
	asm volatile("sti; hlt" : : : "memory");
}

/* Stops for good. */
static inline void __attribute__((noreturn)) halt_forever(void)
{
	for (;;)
		asm volatile("cli; hlt" : : : "memory");
}

#endif
#endif
