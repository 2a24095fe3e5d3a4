/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells of an address space: the lines of maps, and where pages lie. The formats are
 * Linux's (Documentation/filesystems/proc.rst, admin-guide/mm/pagemap.rst).
 */
#ifndef _PROCFS_H
#define _PROCFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct map_line {
	uint32_t start, end, offset;
	char rights[5]; /* rwxp, or s for a shared one */
	char name[59];	/* a path, [heap], [stack] or nothing */
};

/* Those of process pid (0: this one), at most max. How many, or -1 with errno. */
int read_maps(pid_t pid, struct map_line *lines, int max);
/* The line of this process that holds addr: 1, or 0 if there is none, or -1. */
int find_map(const void *addr, struct map_line *line);

/*
 * Calls line(ctx, text) for each line of a file ("-": the input), without its newline. 0, or -1
 * with errno.
 */
int for_each_line(const char *path, void (*line)(void *ctx, char *text), void *ctx);
/* The number after "NAME:" in a file such as /proc/self/status; -1: not there. */
long proc_number(const char *path, const char *name);

#define PAGE_BYTES 4096u
#define PM_PRESENT (1ull << 63)
#define PM_SWAPPED (1ull << 62)
#define PM_PFN(entry) ((entry) & ((1ull << 55) - 1))

/* The entry of addr's page in /proc/self/pagemap; 0 too if it cannot be read. */
uint64_t pagemap_entry(const void *addr);
/* How many page table entries map that frame; -1: cannot be read. */
int64_t frame_mappings(uint64_t pfn);
/* "not present", "zero page", "frame 1234, mapped 2 times", in text. */
const char *page_text(const void *addr, char *text, size_t size);

#endif
