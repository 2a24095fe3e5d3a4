/* SPDX-License-Identifier: MIT */
/*
 * The paging permission matrix: how its cases are numbered and how an outcome is written down.
 *
 * {PDE: P RW US A PS} x {PTE: P RW US A D} x {supervisor, user} x CR0.WP x {read, write, fetch} x
 * {first, second access}, for CR4.PSE clear and set, and with reserved bit 21 in a 4 MiB PDE.
 *
 * Shared by the guest that runs the cases on whatever CPU is below it, and by the host that checks
 * them, so it needs neither a C library nor any other header of the project. The guest prints, for
 * each pair of entries, a line
 *
 *     m V PP TT DDD...
 *
 * with the variant, the indices of PDE and PTE in hex, and three hex digits for each access in the
 * order of matrix_case_of(), the second access behind the first. "=" instead of the digits: the
 * same as in the line before.
 */
#ifndef TESTS_ORACLE_PAGING_MATRIX_H
#define TESTS_ORACLE_PAGING_MATRIX_H

#include <stdbool.h>

enum matrix_variant { MATRIX_PSE_OFF, MATRIX_PSE_ON, MATRIX_RESERVED, MATRIX_VARIANTS };
enum matrix_kind { MATRIX_READ, MATRIX_WRITE, MATRIX_FETCH, MATRIX_KINDS };

/* Bits of the indices of a PDE and a PTE; not their places in an entry. */
#define MATRIX_P 1u
#define MATRIX_RW 2u
#define MATRIX_US 4u
#define MATRIX_A 8u
#define MATRIX_PS 16u /* PDE */
#define MATRIX_D 16u  /* PTE */

#define MATRIX_ENTRIES 32u
#define MATRIX_ACCESSES 12u /* 3 kinds, 2 modes, 2 values of WP */
#define MATRIX_TIMES 2u
#define MATRIX_DIGITS 3u /* of one outcome */

struct matrix_case {
	enum matrix_variant variant;
	unsigned pde, pte;
	enum matrix_kind kind;
	bool user, wp;
};

/* An outcome. The A and D bits say what changed since before the first access. */
#define OUTCOME_ERROR 0x01fu /* error code of the page fault */
#define OUTCOME_FAULT 0x020u
#define OUTCOME_PDE_A 0x040u
#define OUTCOME_PDE_D 0x080u
#define OUTCOME_PTE_A 0x100u
#define OUTCOME_PTE_D 0x200u
#define OUTCOME_STRANGE 0x400u /* another exception, or CR2 is not the address */
#define OUTCOME_WRONG 0x800u   /* wrong value read or written, or other bits of an entry changed */

/* Does the variant have this PDE? Bit 21 of a PDE is reserved only with PS. */
static inline bool matrix_has(enum matrix_variant variant, unsigned pde)
{
	return variant != MATRIX_RESERVED || pde & MATRIX_PS;
}

/* Access 0..11: the kind changes fastest and WP, which is dear to change under KVM, slowest. */
static inline struct matrix_case matrix_case_of(enum matrix_variant variant, unsigned pde,
						unsigned pte, unsigned access)
{
	struct matrix_case c;

	c.variant = variant;
	c.pde = pde;
	c.pte = pte;
	c.kind = (enum matrix_kind)(access % MATRIX_KINDS);
	c.user = access / MATRIX_KINDS % 2;
	c.wp = access / (MATRIX_KINDS * 2);
	return c;
}

#endif
