/* SPDX-License-Identifier: MIT */
/* What the programs that time others share. */
#ifndef TESTS_BENCH_SAMPLE_H
#define TESTS_BENCH_SAMPLE_H

#include <stdlib.h>
#include <time.h>

static inline double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int sample_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The upper one of two in the middle; sorts v. */
static inline double median(double *v, size_t count)
{
	qsort(v, count, sizeof(*v), sample_compare);
	return v[count / 2];
}

#endif
