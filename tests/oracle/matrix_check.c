// SPDX-License-Identifier: MIT
/*
 * Compares what the matrix guest (tests/guest/matrix.c) printed, read from stdin, with the oracle.
 *
 *     matrix_check [--early-accessed] [--rsvd-without-p] < console output
 *
 * --early-accessed   the CPU sets A in a PDE although the PTE then faults (QEMU, real CPUs)
 * --rsvd-without-p   reserved-bit faults have P clear in their error code (QEMU TCG)
 *
 * Exit status: 0 all cases agree, 1 some do not (the first ones are named), 2 the output or the
 * arguments cannot be read. Lines that are not the matrix's are skipped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/paging_oracle.h"

#define SHOWN 20u /* differences in words */
#define LINE_BYTES 256
#define OUTCOMES (MATRIX_ACCESSES * MATRIX_TIMES)
#define ERROR_P 1u
#define ERROR_RSVD 8u

struct check {
	bool early_accessed, rsvd_without_p;
	unsigned lines, accesses, differences;
	unsigned early, without_p;  /* how often a tolerance was needed */
	unsigned outcome[OUTCOMES]; /* of the line before */
	bool seen[MATRIX_VARIANTS][MATRIX_ENTRIES][MATRIX_ENTRIES];
};

/* Is `got` what the oracle wants, as far as the tolerances go? */
static bool agrees(struct check *k, const struct oracle_outcome *o, unsigned want, unsigned got)
{
	if (got == want)
		return true;
	if (k->early_accessed && o->early_accessed && got == (want | OUTCOME_PDE_A)) {
		k->early++;
		return true;
	}
	if (k->rsvd_without_p && want & OUTCOME_FAULT && want & ERROR_RSVD &&
	    got == (want & ~ERROR_P)) {
		k->without_p++;
		return true;
	}
	return false;
}

static void compare(struct check *k, const struct matrix_case *c, unsigned time, unsigned want,
		    unsigned got)
{
	char where[200], wanted[160], found[160];

	if (++k->differences > SHOWN)
		return;
	paging_oracle_describe(c, where, sizeof(where));
	paging_oracle_words(want, wanted, sizeof(wanted));
	paging_oracle_words(got, found, sizeof(found));
	printf("%s, %s access: manual says %s; this CPU: %s\n", where, time ? "second" : "first",
	       wanted, found);
}

static void check_line(struct check *k, enum matrix_variant variant, unsigned pde, unsigned pte)
{
	for (unsigned i = 0; i < OUTCOMES; i++) {
		unsigned time = i % MATRIX_TIMES;
		struct matrix_case c = matrix_case_of(variant, pde, pte, i / MATRIX_TIMES);
		struct oracle_outcome o = paging_oracle(&c);
		unsigned want = time ? o.second : o.first;

		k->accesses++;
		if (!agrees(k, &o, want, k->outcome[i]))
			compare(k, &c, time, want, k->outcome[i]);
	}
}

/* The digits of a line into k->outcome; "=" leaves those of the line before. */
static bool read_outcomes(struct check *k, const char *digits)
{
	if (!strcmp(digits, "="))
		return k->lines > 0;
	if (strlen(digits) != OUTCOMES * MATRIX_DIGITS ||
	    strspn(digits, "0123456789abcdef") != OUTCOMES * MATRIX_DIGITS)
		return false;
	for (unsigned i = 0; i < OUTCOMES; i++) {
		char one[MATRIX_DIGITS + 1] = "";

		memcpy(one, digits + i * MATRIX_DIGITS, MATRIX_DIGITS);
		k->outcome[i] = (unsigned)strtoul(one, NULL, 16);
	}
	return true;
}

static bool read_line(struct check *k, const char *line)
{
	unsigned variant, pde, pte;
	char digits[LINE_BYTES];

	if (sscanf(line, "m %1u %2x %2x %255s", &variant, &pde, &pte, digits) != 4 ||
	    variant >= MATRIX_VARIANTS || pde >= MATRIX_ENTRIES || pte >= MATRIX_ENTRIES ||
	    k->seen[variant][pde][pte] || !read_outcomes(k, digits)) {
		printf("cannot read this line: %s\n", line);
		return false;
	}
	k->seen[variant][pde][pte] = true;
	k->lines++;
	check_line(k, (enum matrix_variant)variant, pde, pte);
	return true;
}

/* Lines that must have come. */
static unsigned lines_expected(void)
{
	unsigned n = 0;

	for (unsigned v = 0; v < MATRIX_VARIANTS; v++)
		for (unsigned pde = 0; pde < MATRIX_ENTRIES; pde++)
			n += matrix_has((enum matrix_variant)v, pde) ? MATRIX_ENTRIES : 0;
	return n;
}

static int check_stream(struct check *k, FILE *in)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\r\n")] = 0;
		if (!strncmp(line, "m ", 2) && !read_line(k, line))
			return 2;
	}
	printf("%u pairs of entries, %u accesses, %u differences; %u with PDE.A set early, %u "
	       "reserved-bit faults without P\n",
	       k->lines, k->accesses, k->differences, k->early, k->without_p);
	if (k->lines != lines_expected()) {
		printf("%u pairs expected: the guest did not finish\n", lines_expected());
		return 2;
	}
	return k->differences ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct check k = { 0 };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--early-accessed")) {
			k.early_accessed = true;
		} else if (!strcmp(argv[i], "--rsvd-without-p")) {
			k.rsvd_without_p = true;
		} else {
			fprintf(stderr,
				"usage: matrix_check [--early-accessed] [--rsvd-without-p]\n");
			return 2;
		}
	}
	return check_stream(&k, stdin);
}
