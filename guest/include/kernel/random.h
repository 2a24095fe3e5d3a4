/* SPDX-License-Identifier: MIT */
/*
 * Random bytes for programs: AT_RANDOM, /dev/urandom. Not for secrets: the stream is a function of
 * the seed that the sandbox port gives (vmm --seed), so that runs can be repeated; without the port
 * it begins with the clock.
 */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <lib/types.h>

void random_bytes(void *buf, u32 n);

#endif
