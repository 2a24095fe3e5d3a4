/* SPDX-License-Identifier: MIT */
/*
 * A model-based test of the memory manager: a stream of mixed operations, made from a seed, runs on
 * mm/ and on a flat model of what is held. All checkers of mm/ and the model's own accounts are
 * compared every so many operations, and in the end everything is given back.
 *
 * Operations name what they work on by slot numbers: one that finds its slot in use gives back what
 * is there, one that finds nothing to do does nothing. So every subset of a stream is a stream too,
 * and a failing one is shortened by leaving operations out (Zeller, Hildebrandt: Simplifying and
 * Isolating Failure-Inducing Input, 2002). Each replay is a process of its own, so that a crash, a
 * report of ASan's or a hang is a failure like any other. Checks change nothing that an operation
 * could see: a replay may check as often as it likes.
 */
#ifndef TESTS_UNIT_MM_MODEL_H
#define TESTS_UNIT_MM_MODEL_H

#include <stdio.h>

#include "mm_host.h"

#define MODEL_KINDS 19

struct model_op {
	uint8_t kind;
	uint8_t fail; /* the n-th allocation inside of it fails; 0: none */
	uint16_t slot;
	uint32_t a, b; /* what else it needs to decide */
};

struct model_config {
	struct mm_host_config machine;
	uint64_t seed;
	uint32_t count, check_every;
	unsigned shrink_seconds; /* at most; the shortest failing stream so far is printed then */
	FILE *out;
	/* Called after each operation, for tests of the model itself: may break something. */
	void (*after)(const struct model_op *op);
};

struct model_result {
	bool failed;
	uint32_t at;	   /* operation of the first run after which it showed */
	uint32_t shortest; /* operations in the shortest failing stream found */
	uint32_t replays;  /* that finding it took */
	char why[400];	   /* as the shortest stream fails */
	char first_why[400];
	/*
	 * Of the first run: operations that did something, by kind, and allocations that got
	 * nothing.
	 */
	uint32_t done[MODEL_KINDS], injected, out_of_memory;
};

/*
 * Run the stream; on failure print the shortest one found, a line for each operation, to
 * config->out. Returns whether all was well. Must not be called while a machine of mm_host.h is up.
 */
bool model_run(const struct model_config *config, struct model_result *result);

/* "kmalloc", "vmap", ...; NULL from MODEL_KINDS on. */
const char *model_kind_name(unsigned kind);

#endif
