/* SPDX-License-Identifier: MIT */
/*
 * How the kernel starts its self-tests (guest/tests/), instead of init when test= is given.
 */
#ifndef KERNEL_SELFTEST_H
#define KERNEL_SELFTEST_H

#include <lib/types.h>

/* Runs what the name chooses. Returns the number of failed tests; an unknown name is a failure. */
u32 run_selftests(const char *name);

#endif
