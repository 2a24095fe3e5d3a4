// SPDX-License-Identifier: MIT
#include <string.h>

#include "unit/loader_rig.h"
#include "unit/unit.h"

struct bench bench_of(const void *data, size_t bytes)
{
	struct bench b = { .request.image = { "x.bin", data, bytes } };

	CU_ASSERT_EQUAL_FATAL(ram_create(&b.ram, HOSTILE_RAM_BYTES, &b.d), 0);
	return b;
}

int bench_load(struct bench *b)
{
	return loader_load(&b->ram, &b->request, &b->result, &b->d);
}

uint32_t word(const struct bench *b, uint32_t at)
{
	uint32_t value = 0;
	const void *p = ram_span(&b->ram, at, 4);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	memcpy(&value, p, 4);
	return value;
}

const char *string_at(const struct bench *b, uint32_t at)
{
	return ram_span(&b->ram, at, 1);
}
