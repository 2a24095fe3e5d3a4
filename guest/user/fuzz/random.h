/* SPDX-License-Identifier: MIT */
/* A stream of numbers that a seed fixes: SplitMix64. */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include <stdint.h>

static inline uint32_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

/* 0..n-1; n > 0. */
static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(((uint64_t)random_next(state) * n) >> 32);
}

#endif
