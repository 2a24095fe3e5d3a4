// SPDX-License-Identifier: MIT
#include "bench.h"
#include <arch/io.h>
#include <arch/multiboot.h>
#include <arch/pgtable.h>
#include <arch/processor.h>
#include <drivers/debug_exit.h>
#include <drivers/uart.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

#define DEFAULT_COUNT 1000

u8 bench_buffer[BENCH_BUFFER_BYTES] __page_aligned;

static void print(const char *fmt, ...) __printf(1, 2);

static void print(const char *fmt, ...)
{
	char line[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	for (const char *p = line; *p; p++) {
		while (!(inb(UART_PORT + UART_LSR) & UART_LSR_THRE))
			;
		outb((u8)*p, UART_PORT + UART_THR);
	}
}

static void paging_on(void)
{
	static pgd_t directory[PTRS_PER_PGD] __page_aligned;
	static pte_t table[PTRS_PER_PTE] __page_aligned;

	for (u32 i = 0; i < PTRS_PER_PTE; i++)
		table[i] = i << PAGE_SHIFT | _PAGE_PRESENT | _PAGE_RW;
	table[BENCH_APIC_PAGE] = BENCH_APIC_PHYSICAL | _PAGE_PRESENT | _PAGE_RW;
	table[BENCH_MMIO_PAGE] = BENCH_MMIO_PHYSICAL | _PAGE_PRESENT | _PAGE_RW;
	directory[0] = (u32)table | _PAGE_PRESENT | _PAGE_RW;
	write_cr3((u32)directory);
	write_cr0(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_EM | X86_CR0_PE);
}

/* The value of n= on the command line, or the default. Call before paging_on(). */
static u64 count_wanted(u32 boot_magic, const struct multiboot_info *mbi)
{
	const char *s;

	if (boot_magic != MULTIBOOT_BOOT_MAGIC || !(mbi->flags & MULTIBOOT_INFO_CMDLINE))
		return DEFAULT_COUNT;
	for (s = (const char *)mbi->cmdline; *s; s++)
		if (!strncmp(s, " n=", 3) && memparse(s + 3, NULL))
			return memparse(s + 3, NULL);
	return DEFAULT_COUNT;
}

void bench_main(u32 boot_magic, u32 multiboot_info)
{
	u64 wanted = count_wanted(boot_magic, (const void *)multiboot_info) * bench_unit;
	u32 turns = (u32)((wanted + bench_turn_insns - 1) / bench_turn_insns);
	u32 sum;

	paging_on();
	sum = bench_loop(turns);
	print("bench %s\nsum %08x\ninsns %llu\n", bench_name, sum, (u64)turns * bench_turn_insns);
	debug_exit(0);
	halt_forever();
}
