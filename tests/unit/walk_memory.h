/* SPDX-License-Identifier: MIT */
/*
 * A few frames of memory that hold page tables, for the tests of the walker.
 */
#ifndef TESTS_UNIT_WALK_MEMORY_H
#define TESTS_UNIT_WALK_MEMORY_H

#include "mmu/walk.h"

#define WALK_MEMORY_FRAMES 8u

struct walk_memory {
	struct walk_memory_frame {
		gpa_t at;
		uint8_t byte[4096];
	} frame[WALK_MEMORY_FRAMES];
	unsigned frames;
	unsigned races; /* how many compare-and-swaps fail first */
	unsigned swaps; /* how many were tried */
};

/* Write an entry of 4 or 8 bytes, making its frame exist; read one that is there. */
void put(struct walk_memory *m, gpa_t gpa, unsigned size, uint64_t value);
uint64_t get(struct walk_memory *m, gpa_t gpa, unsigned size);

struct walk_source source_of(struct walk_memory *m);

#endif
