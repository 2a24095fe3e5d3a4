// SPDX-License-Identifier: MIT
#include "unit/walk_memory.h"

#include <string.h>

#include "unit/unit.h"

static uint8_t *memory_at(struct walk_memory *m, gpa_t gpa)
{
	for (unsigned i = 0; i < m->frames; i++)
		if (gpa - m->frame[i].at < 4096)
			return m->frame[i].byte + (gpa - m->frame[i].at);
	return NULL;
}

static bool memory_read(void *ctx, gpa_t gpa, unsigned size, uint64_t *value)
{
	const uint8_t *p = memory_at(ctx, gpa);

	*value = 0;
	if (p)
		memcpy(value, p, size);
	return p;
}

static bool memory_cas(void *ctx, gpa_t gpa, unsigned size, uint64_t old, uint64_t value)
{
	struct walk_memory *m = ctx;
	uint8_t *p = memory_at(m, gpa);

	m->swaps++;
	if (m->races) {
		m->races--;
		return false;
	}
	if (!p || memcmp(p, &old, size))
		return false;
	memcpy(p, &value, size);
	return true;
}

void put(struct walk_memory *m, gpa_t gpa, unsigned size, uint64_t value)
{
	if (!memory_at(m, gpa)) {
		CU_ASSERT_FATAL(m->frames < WALK_MEMORY_FRAMES);
		m->frame[m->frames++].at = gpa & ~0xfffull;
	}
	memcpy(memory_at(m, gpa), &value, size);
}

uint64_t get(struct walk_memory *m, gpa_t gpa, unsigned size)
{
	uint64_t value = 0;

	CU_ASSERT_FATAL(memory_read(m, gpa, size, &value));
	return value;
}

struct walk_source source_of(struct walk_memory *m)
{
	return (struct walk_source){ .ctx = m, .read = memory_read, .cas = memory_cas };
}
