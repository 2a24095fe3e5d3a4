// SPDX-License-Identifier: MIT
/*
 * memhog [MiB [-k]]: takes that much memory, a mebibyte at a time, writes every page and reads it
 * back; 16 if it is not told. What could be had stands in the last line. -k keeps it until a
 * signal.
 */
#include <errno.h>
#include <procfs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB 1048576u

/* A word that only this page of this mebibyte holds. */
static uint32_t mark(unsigned mib, unsigned page)
{
	return (mib * 256 + page) * 2654435761u + 1;
}

static uint32_t *take(unsigned mib)
{
	uint32_t *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	for (unsigned page = 0; page < 256; page++)
		p[page * 1024 + mib % 1024] = mark(mib, page);
	return p;
}

static unsigned check(const uint32_t *p, unsigned mib)
{
	unsigned bad = 0;

	for (unsigned page = 0; page < 256; page++)
		bad += p[page * 1024 + mib % 1024] != mark(mib, page);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned wanted = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 16, got, bad = 0;
	uint32_t **parts = calloc(wanted + 1, sizeof(*parts));

	for (got = 0; parts && got < wanted; got++) {
		parts[got] = take(got);
		if (!parts[got])
			break;
	}
	for (unsigned i = 0; i < got; i++)
		bad += check(parts[i], i);
	printf("memhog: %u of %u MiB written, %u pages read back wrong, VmRSS %ld KiB\n", got,
	       wanted, bad, proc_number("/proc/self/status", "VmRSS"));
	while (argc > 2 && strcmp(argv[2], "-k") == 0)
		sleep_ms(1000);
	return bad || got < wanted;
}
