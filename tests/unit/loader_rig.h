/* SPDX-License-Identifier: MIT */
/*
 * A machine of HOSTILE_RAM_BYTES and a request to load an image into it; every test makes its own,
 * and ends it with ram_destroy().
 */
#ifndef TESTS_UNIT_LOADER_RIG_H
#define TESTS_UNIT_LOADER_RIG_H

#include "hostile/images.h"
#include "machine/loader.h"

#define MIB (1u << 20)
#define MULTIBOOT_INFO 0x9500u /* where QEMU 7.2 puts it, and so do we */

struct bench {
	struct ram ram;
	struct diag d;
	struct loader_request request;
	struct loader_result result;
};

/* The image is called x.bin. */
struct bench bench_of(const void *data, size_t bytes);
/* As loader_load(). */
int bench_load(struct bench *b);
/* What lies at a guest-physical address. */
uint32_t word(const struct bench *b, uint32_t at);
const char *string_at(const struct bench *b, uint32_t at);

#endif
