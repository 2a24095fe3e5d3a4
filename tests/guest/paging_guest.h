/* SPDX-License-Identifier: MIT */
/*
 * What the guests that try out paging share: small multiboot images without the guest kernel
 * (paging_entry.S, paging_guest.c, paging.lds). They run with flat segments, interrupts off, and
 * one page that ring 3 may execute. The image's main is paging_main().
 *
 * An access (super_*, user_*) tries one instruction at ring 0 or ring 3 and always comes back:
 * probe_vector is NO_EXCEPTION as the caller set it, or the exception's.
 */
#ifndef TESTS_PAGING_GUEST_H
#define TESTS_PAGING_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE 4096u
#define PAGES_IN_TABLE 1024u

/* Bits of an entry (Intel SDM vol. 3, tables 4-4 to 4-6). */
#define BIT_P 0x001u
#define BIT_RW 0x002u
#define BIT_US 0x004u
#define BIT_A 0x020u
#define BIT_D 0x040u
#define BIT_PS 0x080u
#define BIT_G 0x100u
#define BIT_21 0x200000u

#define CR0_WP 0x00010000u
#define CR0_PG 0x80000000u
#define CR4_PSE 0x10u
#define CR4_PGE 0x80u

#define NO_EXCEPTION 0xffu
#define PAGE_FAULT 14u

#define EXIT_BROKEN 100u

/* `other` is what CMPXCHG stores if memory holds `value`. */
typedef void (*paging_access_fn)(uint32_t address, uint32_t value, uint32_t other);

/* paging_entry.S. A fetch calls code that ends with RET (ring 0), or INT 0x80 (ring 3). */
void super_read(uint32_t address, uint32_t value, uint32_t other);
void super_write(uint32_t address, uint32_t value, uint32_t other);
void super_fetch(uint32_t address, uint32_t value, uint32_t other);
void super_xchg(uint32_t address, uint32_t value, uint32_t other);
void super_cmpxchg(uint32_t address, uint32_t value, uint32_t other);
void super_bts(uint32_t address, uint32_t value, uint32_t other); /* value: 0..31 */
void user_read(uint32_t address, uint32_t value, uint32_t other);
void user_write(uint32_t address, uint32_t value, uint32_t other);
void user_fetch(uint32_t address, uint32_t value, uint32_t other);
void user_xchg(uint32_t address, uint32_t value, uint32_t other);
void user_cmpxchg(uint32_t address, uint32_t value, uint32_t other);
void user_bts(uint32_t address, uint32_t value, uint32_t other);
void user_push(uint32_t address, uint32_t value, uint32_t other);

/* Of the last access; probe_value is what it left in EAX. */
extern volatile uint32_t probe_vector, probe_error, probe_cr2, probe_value, probe_eip;
extern char user_page[];
extern uint32_t multiboot_info; /* physical address of the boot information */

void paging_main(void);
/* An exception outside an access: says so and ends with EXIT_BROKEN. */
void paging_broken(void) __attribute__((noreturn));

void put_char(char c);
void put_text(const char *s);
void put_hex(uint32_t value, unsigned digits);
void guest_exit(uint32_t status) __attribute__((noreturn));

/* Sets or clears bits; no write to the register if they are so already. */
void set_cr0(uint32_t bits, bool on);
void set_cr4(uint32_t bits, bool on);

static inline void write_cr3(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void invlpg(uint32_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

#endif
