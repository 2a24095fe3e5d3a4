// SPDX-License-Identifier: MIT
/*
 * A guest that runs every case of the paging matrix (tests/oracle/paging_matrix.h) on the paging of
 * whatever runs it, and prints what happened on the serial port for tests/oracle/matrix_check.c.
 *
 * A multiboot image of its own, without the guest kernel, that needs 12 MiB of RAM. To build it and
 * to run it on QEMU, from tests/:
 *
 *     gcc -m32 -ffreestanding -fno-pie -no-pie -fno-stack-protector -fno-asynchronous-unwind-tables
 *         -mgeneral-regs-only -O2 -nostdlib -I. -Wl,-T,guest/paging.lds,-n,--build-id=none
 *         guest/paging_entry.S guest/paging_guest.c guest/matrix.c -o matrix.bin
 *     qemu-system-i386 -accel tcg -M microvm,acpi=off,pic=on,pit=on,rtc=on,isa-serial=on
 *         -nodefaults -no-user-config -display none -no-reboot -serial stdio
 *         -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel matrix.bin |
 *         matrix_check --early-accessed --rsvd-without-p
 *
 * Exit: 0 when all cases ran (whatever came out), 100 when the guest itself went wrong.
 */
#include "guest/paging_guest.h"
#include "oracle/paging_matrix.h"

/*
 * The tested page is linear 0x40005000. Its frame is `small`, or, under a 4 MiB page, the same
 * offset in the 4 MiB at 8 MiB, whose address has none of the reserved or PSE-36 bits set.
 */
#define TESTED 0x40005000u
#define TESTED_PDE (TESTED >> 22)
#define TESTED_PTE (TESTED >> 12 & 0x3ffu)
#define LARGE_FRAME 0x00800000u
#define LARGE_PAGE (LARGE_FRAME + (TESTED & 0x3fffffu))

/* Offsets in the tested page. */
#define AT_DATA 0x100u
#define AT_SUPER_CODE 0x800u
#define AT_USER_CODE 0x900u

static volatile uint32_t directory[PAGES_IN_TABLE] __attribute__((aligned(4096)));
static volatile uint32_t low_table[PAGES_IN_TABLE] __attribute__((aligned(4096)));
static volatile uint32_t large_table[PAGES_IN_TABLE] __attribute__((aligned(4096)));
static volatile uint32_t tested_table[PAGES_IN_TABLE] __attribute__((aligned(4096)));
static uint8_t small[PAGE] __attribute__((aligned(4096)));

static const paging_access_fn accesses[2][MATRIX_KINDS] = {
	{ super_read, super_write, super_fetch },
	{ user_read, user_write, user_fetch },
};

static bool is_large(const struct matrix_case *c)
{
	return c->variant != MATRIX_PSE_OFF && c->pde & MATRIX_PS;
}

static uint32_t common_bits(unsigned index)
{
	return (index & MATRIX_P ? BIT_P : 0) | (index & MATRIX_RW ? BIT_RW : 0) |
	       (index & MATRIX_US ? BIT_US : 0) | (index & MATRIX_A ? BIT_A : 0);
}

static uint32_t pde_of(const struct matrix_case *c)
{
	uint32_t pde = is_large(c) ? LARGE_FRAME : (uint32_t)tested_table;

	if (c->pde & MATRIX_PS)
		pde |= BIT_PS;
	if (c->variant == MATRIX_RESERVED)
		pde |= BIT_21;
	return pde | common_bits(c->pde);
}

static uint32_t pte_of(const struct matrix_case *c)
{
	return (uint32_t)small | common_bits(c->pte) | (c->pte & MATRIX_D ? BIT_D : 0);
}

/* Outcome bits for the A and D bits that differ from those before; anything else is wrong. */
static uint32_t changed_bits(uint32_t pde_before, uint32_t pte_before)
{
	uint32_t pde = directory[TESTED_PDE] ^ pde_before;
	uint32_t pte = tested_table[TESTED_PTE] ^ pte_before;
	uint32_t bits = 0;

	if ((pde | pte) & ~(BIT_A | BIT_D))
		bits |= OUTCOME_WRONG;
	return bits | (pde & BIT_A ? OUTCOME_PDE_A : 0) | (pde & BIT_D ? OUTCOME_PDE_D : 0) |
	       (pte & BIT_A ? OUTCOME_PTE_A : 0) | (pte & BIT_D ? OUTCOME_PTE_D : 0);
}

/* Access the tested page once; `data` is where its data word lies in the identity map. */
static uint32_t access_once(const struct matrix_case *c, volatile uint32_t *data, uint32_t value)
{
	static const uint32_t offset[2][MATRIX_KINDS] = {
		{ AT_DATA, AT_DATA, AT_SUPER_CODE },
		{ AT_DATA, AT_DATA, AT_USER_CODE },
	};
	uint32_t address = TESTED + offset[c->user][c->kind];
	uint32_t before = ~value, outcome = 0;
	bool written;

	*data = before;
	probe_vector = NO_EXCEPTION;
	probe_value = value;
	accesses[c->user][c->kind](address, value, 0);

	if (probe_vector != NO_EXCEPTION) {
		outcome = OUTCOME_FAULT | (probe_error & OUTCOME_ERROR);
		if (probe_vector != PAGE_FAULT || probe_cr2 != address ||
		    probe_error & ~OUTCOME_ERROR)
			outcome |= OUTCOME_STRANGE;
	} else if (c->kind == MATRIX_READ && probe_value != before) {
		outcome |= OUTCOME_WRONG;
	}
	written = c->kind == MATRIX_WRITE && probe_vector == NO_EXCEPTION;
	if (*data != (written ? value : before))
		outcome |= OUTCOME_WRONG;
	return outcome;
}

/* Both accesses of a case, from entries as the case has them. */
static void run_case(const struct matrix_case *c, uint32_t *outcome)
{
	uint8_t *page = is_large(c) ? (uint8_t *)LARGE_PAGE : small;
	volatile uint32_t *data = (volatile uint32_t *)(page + AT_DATA);
	uint32_t pde = pde_of(c), pte = pte_of(c);

	directory[TESTED_PDE] = pde;
	tested_table[TESTED_PTE] = pte;
	invlpg(TESTED);
	for (unsigned time = 0; time < MATRIX_TIMES; time++) {
		outcome[time] = access_once(c, data, 0x5a5a0001u << time);
		outcome[time] |= changed_bits(pde, pte);
	}
}

static void print_line(enum matrix_variant variant, unsigned pde, unsigned pte,
		       const uint32_t *outcome, const uint32_t *before)
{
	bool same = before[0] != UINT32_MAX;

	for (unsigned i = 0; i < MATRIX_ACCESSES * MATRIX_TIMES; i++)
		same = same && outcome[i] == before[i];
	put_text("m ");
	put_hex(variant, 1);
	put_char(' ');
	put_hex(pde, 2);
	put_char(' ');
	put_hex(pte, 2);
	put_char(' ');
	if (same)
		put_char('=');
	for (unsigned i = 0; i < MATRIX_ACCESSES * MATRIX_TIMES && !same; i++)
		put_hex(outcome[i], MATRIX_DIGITS);
	put_char('\n');
}

/* All PTEs under one PDE. `before` is the last line printed. */
static void run_pde(enum matrix_variant variant, unsigned pde, uint32_t *before)
{
	uint32_t outcome[MATRIX_ACCESSES * MATRIX_TIMES];

	for (unsigned pte = 0; pte < MATRIX_ENTRIES; pte++) {
		for (unsigned i = 0; i < MATRIX_ACCESSES; i++) {
			struct matrix_case c = matrix_case_of(variant, pde, pte, i);

			if (i % (MATRIX_ACCESSES / 2) == 0)
				set_cr0(CR0_WP, c.wp);
			run_case(&c, outcome + i * MATRIX_TIMES);
		}
		print_line(variant, pde, pte, outcome, before);
		for (unsigned i = 0; i < MATRIX_ACCESSES * MATRIX_TIMES; i++)
			before[i] = outcome[i];
	}
}

/* What a fetch finds in the tested page. */
static void fill_code(uint8_t *page)
{
	page[AT_SUPER_CODE] = 0xc3; /* ret */
	page[AT_USER_CODE] = 0xcd;  /* int 0x80 */
	page[AT_USER_CODE + 1] = 0x80;
}

/* Linear is physical for the first 4 MiB and the large page's frame; ring 3 has one page there. */
static void paging_on(void)
{
	for (uint32_t i = 0; i < PAGES_IN_TABLE; i++)
		low_table[i] = i * PAGE | BIT_P | BIT_RW;
	low_table[(uint32_t)user_page / PAGE] |= BIT_US;
	large_table[TESTED_PTE] = LARGE_PAGE | BIT_P | BIT_RW;
	directory[0] = (uint32_t)low_table | BIT_P | BIT_RW | BIT_US;
	directory[LARGE_FRAME >> 22] = (uint32_t)large_table | BIT_P | BIT_RW;
	write_cr3((uint32_t)directory);
	set_cr0(CR0_PG, true);
}

void paging_main(void)
{
	uint32_t before[MATRIX_ACCESSES * MATRIX_TIMES] = { UINT32_MAX };

	fill_code(small);
	fill_code((uint8_t *)LARGE_PAGE);
	paging_on();
	put_text("matrix begin\n");
	for (unsigned v = 0; v < MATRIX_VARIANTS; v++) {
		set_cr4(CR4_PSE, v != MATRIX_PSE_OFF);
		for (unsigned pde = 0; pde < MATRIX_ENTRIES; pde++)
			if (matrix_has((enum matrix_variant)v, pde))
				run_pde((enum matrix_variant)v, pde, before);
	}
	put_text("matrix end\n");
	guest_exit(0);
}
