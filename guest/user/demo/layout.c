// SPDX-License-Identifier: MIT
/*
 * layout: where a program's regions lie, told twice: by its own symbols and pointers, and by the
 * kernel in /proc/self/maps. Ends with 1 if the two disagree.
 */
#include <procfs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From user.lds. */
extern char __text_start[], etext[], __rodata_start[], __rodata_end[], __data_start[], edata[],
	__bss_start[], end[];

static volatile int initialized = 1;
static volatile char zeroed[3 * 4096]; /* a bss of some pages */

struct region {
	const char *name;
	const char *start, *end; /* as the program sees it */
	const char *rights;	 /* that it must have */
	const char *label;	 /* what maps must call it; NULL: anything */
};

/* Every page of it lies in lines of maps that have these rights. */
static int agrees(const struct region *r, struct map_line *line)
{
	struct map_line next;

	if (find_map(r->start, line) != 1 || strcmp(line->rights, r->rights) != 0)
		return 0;
	if (r->label && strcmp(line->name, r->label) != 0)
		return 0;
	/* A bss goes on in a mapping of its own, behind the file's last page. */
	while (line->end < (uint32_t)r->end) {
		if (find_map((char *)line->end, &next) != 1 || strcmp(next.rights, r->rights) != 0)
			return 0;
		line->end = next.end;
	}
	return 1;
}

static int show(const struct region *r)
{
	struct map_line line = { 0 };
	int ok = agrees(r, &line);

	printf("%-7s %08x-%08x %6u KiB   %s  %08x-%08x  %s\n", r->name, (unsigned)r->start,
	       (unsigned)r->end, (unsigned)(r->end - r->start + 1023) / 1024, line.rights,
	       line.start, line.end, ok ? "agrees" : "DIFFERS");
	return !ok;
}

#define NR_REGIONS 7

int main(void)
{
	char *heap = sbrk(20000), *mapped, local = 0;
	int wrong = 0;

	mapped = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (heap == (char *)-1 || mapped == MAP_FAILED)
		return 1;
	zeroed[0] = (char)initialized;

	const struct region regions[NR_REGIONS] = {
		{ "text", __text_start, etext, "r-xp", NULL },
		{ "rodata", __rodata_start, __rodata_end, "r--p", NULL },
		{ "data", __data_start, edata, "rw-p", NULL },
		{ "bss", __bss_start, end, "rw-p", NULL },
		{ "heap", heap, heap + 20000, "rw-p", "[heap]" },
		{ "mmap", mapped, mapped + 65536, "rw-p", "" },
		{ "stack", &local, (char *)environ, "rw-p", "[stack]" },
	};

	puts("region  as the program sees it          /proc/self/maps");
	for (unsigned i = 0; i < NR_REGIONS; i++)
		wrong |= show(&regions[i]);
	for (unsigned i = 1; i < NR_REGIONS; i++)
		if ((uint32_t)regions[i - 1].end > (uint32_t)regions[i].start) {
			printf("%s is to lie below %s.\n", regions[i - 1].name, regions[i].name);
			wrong = 1;
		}
	return wrong;
}
