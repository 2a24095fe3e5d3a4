// SPDX-License-Identifier: MIT
#include "sh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 8192u

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[] __attribute__((aligned(8)));
};

static struct chunk *chunks;

void *arena_alloc(size_t bytes)
{
	struct chunk *c = chunks;

	bytes = (bytes + 7) & ~7u;
	if (!c || c->size - c->used < bytes) {
		size_t size = bytes > CHUNK ? bytes : CHUNK;

		c = malloc(sizeof(*c) + size);
		if (!c) {
			dprintf(STDERR_FILENO, "sh: no memory\n");
			exit(2);
		}
		*c = (struct chunk){ .next = chunks, .size = size };
		chunks = c;
	}
	c->used += bytes;
	return memset(c->bytes + c->used - bytes, 0, bytes);
}

char *arena_text(const char *text, size_t n)
{
	return memcpy(arena_alloc(n + 1), text, n);
}

void arena_reset(void)
{
	while (chunks) {
		struct chunk *next = chunks->next;

		free(chunks);
		chunks = next;
	}
}
