// SPDX-License-Identifier: MIT
#include "guest/paging_guest.h"

#define UART 0x3f8u
#define UART_LSR (UART + 5)
#define UART_THR_EMPTY 0x20u
#define DEBUG_EXIT 0xf4u

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void put_char(char c)
{
	while (!(in8(UART_LSR) & UART_THR_EMPTY))
		;
	out8(UART, (uint8_t)c);
}

void put_text(const char *s)
{
	while (*s)
		put_char(*s++);
}

void put_hex(uint32_t value, unsigned digits)
{
	while (digits--)
		put_char("0123456789abcdef"[value >> digits * 4 & 15]);
}

void guest_exit(uint32_t status)
{
	for (;;)
		out8(DEBUG_EXIT, (uint8_t)status);
}

void set_cr0(uint32_t bits, bool on)
{
	uint32_t old, value;

	__asm__ volatile("mov %%cr0, %0" : "=r"(old));
	value = on ? old | bits : old & ~bits;
	if (value != old)
		__asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

void set_cr4(uint32_t bits, bool on)
{
	uint32_t old, value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(old));
	value = on ? old | bits : old & ~bits;
	if (value != old)
		__asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

void paging_broken(void)
{
	put_text("paging guest broken: vector ");
	put_hex(probe_vector, 2);
	put_text(" error ");
	put_hex(probe_error, 8);
	put_text(" address ");
	put_hex(probe_cr2, 8);
	put_text(" eip ");
	put_hex(probe_eip, 8);
	put_text("\n");
	guest_exit(EXIT_BROKEN);
}
