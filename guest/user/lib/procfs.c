// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <procfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Moves what is left of buf to its front and reads more behind it. Bytes read, 0 at the end. */
static ssize_t refill(int fd, char *buf, size_t *have, size_t *used, size_t size)
{
	ssize_t n;

	memmove(buf, buf + *used, *have - *used);
	*have -= *used;
	*used = 0;
	if (*have == size)
		return 0; /* a line longer than the buffer: it is cut */
	n = read(fd, buf + *have, size - *have);
	if (n > 0)
		*have += (size_t)n;
	return n;
}

int for_each_line(const char *path, void (*line)(void *ctx, char *text), void *ctx)
{
	char buf[1025];
	size_t have = 0, used = 0;
	int fd = strcmp(path, "-") ? open(path, O_RDONLY) : dup(STDIN_FILENO);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		char *end;

		n = refill(fd, buf, &have, &used, sizeof(buf) - 1);
		while ((end = memchr(buf + used, '\n', have - used))) {
			*end = '\0';
			line(ctx, buf + used);
			used = (size_t)(end - buf) + 1;
		}
	} while (n > 0);
	if (used < have) {
		buf[have] = '\0';
		line(ctx, buf + used);
	}
	close(fd);
	return n < 0 ? -1 : 0;
}

struct maps_reader {
	struct map_line *lines;
	int count, max;
};

/* "08048000-0804c000 r-xp 00000000 00:01 12         /bin/layout" */
static void parse_map_line(void *ctx, char *text)
{
	struct maps_reader *r = ctx;
	struct map_line *m = &r->lines[r->count];
	char *p;

	if (r->count == r->max)
		return;
	m->start = strtoul(text, &p, 16);
	m->end = strtoul(p + 1, &p, 16);
	strlcpy(m->rights, p + 1, sizeof(m->rights));
	m->offset = strtoul(p + 6, &p, 16);
	for (int field = 0; field < 2; field++) {
		while (*p == ' ')
			p++;
		while (*p && *p != ' ')
			p++;
	}
	while (*p == ' ')
		p++;
	strlcpy(m->name, p, sizeof(m->name));
	r->count++;
}

int read_maps(pid_t pid, struct map_line *lines, int max)
{
	struct maps_reader r = { .lines = lines, .max = max };
	char path[32] = "/proc/self/maps";

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return for_each_line(path, parse_map_line, &r) < 0 ? -1 : r.count;
}

struct map_finder {
	uint32_t addr;
	struct map_line *found;
	int result;
};

static void match_map_line(void *ctx, char *text)
{
	struct map_finder *f = ctx;
	struct map_line line;
	struct maps_reader one = { .lines = &line, .max = 1 };

	parse_map_line(&one, text);
	if (line.start <= f->addr && f->addr < line.end) {
		*f->found = line;
		f->result = 1;
	}
}

int find_map(const void *addr, struct map_line *line)
{
	struct map_finder f = { .addr = (uint32_t)addr, .found = line };

	return for_each_line("/proc/self/maps", match_map_line, &f) < 0 ? -1 : f.result;
}

struct number_finder {
	const char *name;
	long value;
};

static void match_number(void *ctx, char *text)
{
	struct number_finder *f = ctx;
	size_t n = strlen(f->name);

	if (f->value < 0 && strncmp(text, f->name, n) == 0 && text[n] == ':')
		f->value = (long)strtoul(text + n + 1 + (text[n + 1] == '\t'), NULL, 10);
}

long proc_number(const char *path, const char *name)
{
	struct number_finder f = { .name = name, .value = -1 };

	return for_each_line(path, match_number, &f) < 0 ? -1 : f.value;
}

static int read_u64(const char *path, uint64_t index, uint64_t *value)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, value, sizeof(*value), (loff_t)(index * sizeof(*value)));
	close(fd);
	return n == (ssize_t)sizeof(*value) ? 0 : -1;
}

uint64_t pagemap_entry(const void *addr)
{
	uint64_t entry;

	return read_u64("/proc/self/pagemap", (uint32_t)addr / PAGE_BYTES, &entry) < 0 ? 0 : entry;
}

int64_t frame_mappings(uint64_t pfn)
{
	uint64_t count;

	return read_u64("/proc/kpagecount", pfn, &count) < 0 ? -1 : (int64_t)count;
}

const char *page_text(const void *addr, char *text, size_t size)
{
	uint64_t entry = pagemap_entry(addr);
	int64_t mappings;

	if (entry & PM_SWAPPED)
		return strlcpy(text, "in swap", size), text;
	if (!(entry & PM_PRESENT))
		return strlcpy(text, "not present", size), text;
	mappings = frame_mappings(PM_PFN(entry));
	if (mappings == 0) /* the kernel does not count those of the zero page */
		snprintf(text, size, "the zero page");
	else
		snprintf(text, size, "frame %05x, mapped %s", (unsigned)PM_PFN(entry),
			 mappings == 1	 ? "once"
			 : mappings == 2 ? "twice"
					 : "often");
	return text;
}
