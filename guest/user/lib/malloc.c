// SPDX-License-Identifier: MIT
/*
 * One free list for each power of two from 16 to 64 KiB, filled from brk; above that, mmap.
 *
 * A block begins with a header of 16 bytes that holds its size, the header's own included. Blocks
 * of the lists are never split or joined: their memory comes back to the same list.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIN_SHIFT 5
#define MAX_SHIFT 16
#define CHUNK 65536u

struct block {
	size_t bytes;
	struct block *next; /* while it is free */
	uint32_t pad[2];
};
_Static_assert(sizeof(struct block) == 16, "blocks keep the alignment of 16");

static struct block *free_lists[MAX_SHIFT + 1];
static char *chunk, *chunk_end;

static void *carve(size_t bytes)
{
	void *p;

	if ((size_t)(chunk_end - chunk) < bytes) {
		char *more = sbrk(CHUNK);

		if (more == (char *)-1)
			return NULL;
		if (more != chunk_end) /* the first, or somebody else moved the break */
			chunk = (char *)(((uintptr_t)more + 15) & ~15u);
		chunk_end = more + CHUNK;
	}
	if ((size_t)(chunk_end - chunk) < bytes)
		return carve(bytes);
	p = chunk;
	chunk += bytes;
	return p;
}

static void *finish(struct block *b, size_t bytes)
{
	if (!b)
		return NULL;
	b->bytes = bytes;
	return b + 1;
}

void *malloc(size_t n)
{
	size_t bytes = n + sizeof(struct block);
	unsigned shift = MIN_SHIFT;
	struct block *b;

	if (bytes < n || bytes > SIZE_MAX - 4095)
		return NULL;
	if (bytes > 1u << MAX_SHIFT) {
		bytes = (bytes + 4095) & ~4095u;
		b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return finish(b == MAP_FAILED ? NULL : b, bytes);
	}
	while ((size_t)1 << shift < bytes)
		shift++;
	b = free_lists[shift];
	if (b)
		free_lists[shift] = b->next;
	else
		b = carve((size_t)1 << shift);
	return finish(b, (size_t)1 << shift);
}

void free(void *p)
{
	struct block *b = (struct block *)p - 1;
	unsigned shift;

	if (!p)
		return;
	if (b->bytes > 1u << MAX_SHIFT) {
		munmap(b, b->bytes);
		return;
	}
	shift = (unsigned)__builtin_ctz(b->bytes);
	b->next = free_lists[shift];
	free_lists[shift] = b;
}

void *calloc(size_t n, size_t size)
{
	void *p = size && n > SIZE_MAX / size ? NULL : malloc(n * size);

	return p ? memset(p, 0, n * size) : NULL;
}

void *realloc(void *p, size_t n)
{
	size_t room = p ? ((struct block *)p - 1)->bytes - sizeof(struct block) : 0;
	void *bigger;

	if (p && n <= room)
		return p;
	bigger = malloc(n);
	if (bigger && p) {
		memcpy(bigger, p, room);
		free(p);
	}
	return bigger;
}
