// SPDX-License-Identifier: MIT
#include "machine/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* The file that holds the RAM: of fixed size, so that no access to the mapping is ever cut off. */
static int ram_open(uint64_t bytes, struct diag *d)
{
	int fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return diag_set(d, errno, "guest RAM: memfd_create: %s", strerror(errno));
	if (!ftruncate(fd, (off_t)bytes) && !fcntl(fd, F_ADD_SEALS, RAM_SEALS))
		return fd;
	err = errno;
	close(fd);
	/* A memfd is a file: the limit of file sizes holds for it. */
	return diag_set(d, err, "guest RAM of %llu MiB: %s; %sgive a smaller -m",
			(unsigned long long)(bytes >> 20), strerror(err),
			err == EFBIG ? "raise the limit (ulimit -f), or " : "");
}

int ram_create(struct ram *ram, uint64_t bytes, struct diag *d)
{
	void *host;
	int fd, err;

	*ram = (struct ram){ .fd = -1 };
	if (bytes < RAM_MIN_BYTES || bytes > RAM_MAX_BYTES)
		return diag_set(d, EINVAL,
				"guest RAM of %llu bytes: give -m a size from %u MiB to %llu MiB",
				(unsigned long long)bytes, RAM_MIN_BYTES >> 20,
				RAM_MAX_BYTES >> 20);
	if (bytes % PAGE_BYTES)
		return diag_set(
			d, EINVAL,
			"guest RAM of %llu bytes: give -m a multiple of %u bytes (one page)",
			(unsigned long long)bytes, PAGE_BYTES);
	fd = ram_open(bytes, d);
	if (fd < 0)
		return fd;
	host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (host == MAP_FAILED) {
		err = errno;
		close(fd);
		return diag_set(d, err, "guest RAM of %llu MiB: mmap: %s; give a smaller -m",
				(unsigned long long)(bytes >> 20), strerror(err));
	}
	*ram = (struct ram){ .fd = fd, .host = host, .bytes = bytes };
	return 0;
}

void ram_destroy(struct ram *ram)
{
	if (!ram->host)
		return;
	munmap(ram->host, ram->bytes);
	close(ram->fd);
	*ram = (struct ram){ .fd = -1 };
}

unsigned ram_ranges(const struct ram *ram, struct ram_range *out, unsigned max)
{
	const struct ram_range ranges[] = {
		{ 0, RAM_LOW_END },
		{ RAM_HIGH_START, ram->bytes - RAM_HIGH_START },
	};
	unsigned n = 0;

	for (; n < ARRAY_SIZE(ranges) && n < max; n++)
		out[n] = ranges[n];
	return n;
}

void *ram_span(const struct ram *ram, gpa_t gpa, uint64_t len)
{
	gpa_t end = gpa < RAM_LOW_END ? RAM_LOW_END : ram->bytes;

	if (gpa >= RAM_LOW_END && gpa < RAM_HIGH_START)
		return NULL;
	if (!len || gpa >= end || len > end - gpa)
		return NULL;
	return ram->host + gpa;
}

bool ram_zero(const struct ram *ram, gpa_t gpa, uint64_t len)
{
	uint8_t *host = ram_span(ram, gpa, len);
	gpa_t first = (gpa + PAGE_OFFSET_MASK) & ~(gpa_t)PAGE_OFFSET_MASK;
	gpa_t last = (gpa + len) & ~(gpa_t)PAGE_OFFSET_MASK;

	if (!host)
		return false;
	if (first >= last || fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				       (off_t)first, (off_t)(last - first))) {
		memset(host, 0, len);
		return true;
	}
	memset(host, 0, first - gpa);
	memset(ram->host + last, 0, gpa + len - last);
	return true;
}
