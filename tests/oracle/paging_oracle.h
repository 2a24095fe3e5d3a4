/* SPDX-License-Identifier: MIT */
/*
 * What the Intel SDM says of each case of the paging matrix, in the plainest form: written from the
 * manual's tables, and sharing neither code nor constants with vmm/mmu/.
 */
#ifndef TESTS_ORACLE_PAGING_ORACLE_H
#define TESTS_ORACLE_PAGING_ORACLE_H

#include "oracle/paging_matrix.h"

struct oracle_outcome {
	unsigned first, second; /* OUTCOME_* of the two accesses */
	/*
	 * A CPU may set A in a PDE that it used before it found the fault in the PTE (SDM vol. 3,
	 * 4.8: "whenever the processor uses a paging-structure entry"). QEMU does. Then the
	 * outcomes may have OUTCOME_PDE_A, too.
	 */
	bool early_accessed;
};

struct oracle_outcome paging_oracle(const struct matrix_case *c);

/* The case and an outcome in words, for a message. */
void paging_oracle_describe(const struct matrix_case *c, char *buf, unsigned bytes);
void paging_oracle_words(unsigned outcome, char *buf, unsigned bytes);

#endif
