/* SPDX-License-Identifier: MIT */
/*
 * What ran: counts by mnemonic and by how sequences ended, kept by each worker in shared memory and
 * added up by the parent.
 */
#ifndef TESTS_ORACLE_COVERAGE_H
#define TESTS_ORACLE_COVERAGE_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gen.h"
#include "layout.h"

#define COVERAGE_REASONS 48u

struct coverage {
	uint64_t ran[ZYDIS_MNEMONIC_MAX_VALUE + 1];
	uint64_t faulted[ZYDIS_MNEMONIC_MAX_VALUE + 1];
	uint64_t vector[32];
	/* Reasons are string literals of this program, so that they mean the same in a child. */
	struct {
		const char *why;
		uint64_t count;
	} skipped[COVERAGE_REASONS];
	/* Differences by field and by the instruction that ended the run. */
	struct {
		const char *field;
		ZydisMnemonic mnemonic;
		uint64_t count;
	} differ[COVERAGE_REASONS];
};

/*
 * Count a case that ended with `o`. An instruction counts as run where that is certain: up to the
 * first branch, or to the instruction that ended the sequence.
 */
void coverage_case(struct coverage *v, const struct gen_case *c, const struct outcome *o);
void coverage_skip(struct coverage *v, const char *why, uint64_t count);
/* Returns how often this difference was seen, this time included. */
uint64_t coverage_differ(struct coverage *v, const char *field, ZydisMnemonic m, uint64_t count);
void coverage_add(struct coverage *to, const struct coverage *from);

/* Print all counts. */
void coverage_print(const struct coverage *v, FILE *to);
/* Print the differences in groups. */
void coverage_print_differ(const struct coverage *v, FILE *to);
/* Print the mnemonics that must run and did not; returns how many. */
unsigned coverage_missing(const struct coverage *v, FILE *to);
/* Print the reasons to skip that came too often for so many sequences; returns how many. */
unsigned coverage_excess(const struct coverage *v, uint64_t sequences, FILE *to);

#endif
