/* SPDX-License-Identifier: MIT */
/*
 * mmapfuzz: random calls of the memory system calls. Each is a function that makes up its
 * arguments, calls, says by check_call() what the model expected, and tells the model.
 *
 * What is told of a result does not depend on where the kernel puts things by itself, so that all
 * kernels that do the same print the same: an address in the window is its offset there, any other
 * is ELSEWHERE.
 */
#ifndef FUZZ_MMAPFUZZ_H
#define FUZZ_MMAPFUZZ_H

#include "model.h"
#include "../random.h"

#define ELSEWHERE 0x7fffffff

struct fuzz {
	uint64_t random;
	uint64_t digest;
	unsigned call, differences;
	int verbose;
	int fd; /* of the program's own file */
};

extern struct fuzz fuzz;

static inline unsigned below(unsigned n)
{
	return random_below(&fuzz.random, n);
}

static inline int one_in(unsigned n)
{
	return below(n) == 0;
}

/* A range of pages of the window, [from, to). */
struct range {
	unsigned from, to;
};
struct range random_range(unsigned most);
/* A range in one mapping; 0: there is none where it was looked for. */
int random_run(struct range *r, unsigned most);
unsigned random_rights(void);

/* An address as it is told. */
int relation(long result);
/*
 * A call was made: its name, its arguments as they are told, and its raw result. `expected` is a
 * raw result, too; ANY: the model does not know.
 */
#define ANY 0x7ffffffe
void check_call(const char *name, const int *args, unsigned count, long result, long expected);
void difference(const char *what, unsigned page, int got_fault, uint32_t got, int want_fault,
		uint32_t want);

/* A load of page i, against the model. */
void check_page(unsigned i);
/* Words of a mapping elsewhere, against those of the model's pages [from, to). */
void check_elsewhere(const char *at, unsigned from, unsigned to);

/* calls.c, remap.c */
void call_mmap_fixed(void);
void call_mmap_hint(void);
void call_munmap(void);
void call_mprotect(void);
void call_madvise(void);
void call_mincore(void);
void call_msync(void);
void call_mlock(void);
void call_brk(void);
void call_bad(void);
void call_mremap(void);
void call_mremap_fixed(void);
void call_mremap_bad(void);

#endif
