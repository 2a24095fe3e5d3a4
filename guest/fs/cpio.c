// SPDX-License-Identifier: MIT
#include "cpio.h"

#define S_IFMT 0170000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u

enum {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	SIZE,
	DEV_MAJ,
	DEV_MIN,
	RDEV_MAJ,
	RDEV_MIN,
	NAME,
	CHECK,
	FIELDS
};

void cpio_open(struct cpio *c, const void *bytes, uint32_t size, char *scratch)
{
	*c = (struct cpio){ .bytes = bytes, .size = size, .scratch = scratch };
}

static int refuse(struct cpio *c, uint32_t at, const char *what)
{
	c->wrong = what;
	c->wrong_at = at;
	return -1;
}

static bool same(const void *a, const char *b, uint32_t n)
{
	const char *x = a;

	for (uint32_t i = 0; i < n; i++)
		if (x[i] != b[i])
			return false;
	return true;
}

/* Eight hex digits, either case. */
static bool read_hex(const uint8_t *p, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		uint8_t digit = p[i], letter = digit | 0x20;

		if (digit >= '0' && digit <= '9')
			*value = *value << 4 | (uint32_t)(digit - '0');
		else if (letter >= 'a' && letter <= 'f')
			*value = *value << 4 | (uint32_t)(letter - 'a' + 10);
		else
			return false;
	}
	return true;
}

static bool is_dots(const char *s, uint32_t n)
{
	return n == 2 && s[0] == '.' && s[1] == '.';
}

static bool is_dot(const char *s, uint32_t n)
{
	return n == 1 && s[0] == '.';
}

/*
 * Copy the name to `out` without empty components and "."; out may be NULL, to count. Returns the
 * length, or -1: a component is "..".
 */
static int32_t clean_name(const char *name, uint32_t n, char *out)
{
	uint32_t len = 0;

	for (uint32_t in = 0, start = 0; in < n; in++) {
		uint32_t part;

		for (start = in; in < n && name[in] != '/'; in++)
			;
		part = in - start;
		if (is_dots(name + start, part))
			return -1;
		if (!part || is_dot(name + start, part))
			continue;
		if (len++ && out)
			out[len - 2] = '/';
		for (uint32_t i = 0; out && i < part; i++)
			out[len - 1 + i] = name[start + i];
		len += part;
	}
	return len ? (int32_t)len - 1 : 0;
}

/* Most names are clean but for "./" or "/" in front, and stay where they are. */
static int set_name(struct cpio *c, struct cpio_entry *e)
{
	int32_t n;

	while (e->name_len && (e->name[0] == '/' || (e->name[0] == '.' && e->name[1] == '/'))) {
		uint32_t skip = e->name[0] == '/' ? 1 : 2;

		e->name += skip;
		e->name_len -= skip;
	}
	n = clean_name(e->name, e->name_len, 0);
	if (n < 0)
		return refuse(c, e->at, "a name has the component \"..\"");
	if ((uint32_t)n != e->name_len) {
		clean_name(e->name, e->name_len, c->scratch);
		c->scratch[n] = '\0';
		e->name = c->scratch;
		e->name_len = (uint32_t)n;
	}
	return 0;
}

/* Bytes left from `at` on. */
static uint32_t left(const struct cpio *c, uint32_t at)
{
	return at < c->size ? c->size - at : 0;
}

static uint32_t align4(uint32_t n)
{
	return (n + 3) & ~3u;
}

static int read_name(struct cpio *c, struct cpio_entry *e, uint32_t namesize)
{
	const char *name = (const char *)c->bytes + e->at + CPIO_HEADER_BYTES;

	if (!namesize || namesize > CPIO_PATH_MAX)
		return refuse(c, e->at, "the length of a name is 0 or above 4096");
	if (left(c, e->at + CPIO_HEADER_BYTES) < namesize)
		return refuse(c, e->at, "the archive ends inside a name");
	for (uint32_t i = 0; i < namesize - 1; i++)
		if (!name[i])
			return refuse(c, e->at, "a name has a NUL inside");
	if (name[namesize - 1])
		return refuse(c, e->at, "a name does not end in a NUL");
	e->name = name;
	e->name_len = namesize - 1;
	return 0;
}

static int check_sum(struct cpio *c, const struct cpio_entry *e, uint32_t expected)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < e->size; i++)
		sum += e->data[i];
	return sum == expected ? 0 : refuse(c, e->at, "the checksum of a file is wrong");
}

/* Size and content; c->at moves behind it. */
static int read_data(struct cpio *c, struct cpio_entry *e, uint32_t start)
{
	uint32_t type = e->mode & S_IFMT;

	if (left(c, start) < e->size)
		return refuse(c, e->at, "the archive ends inside a file");
	if (e->size && type != S_IFREG && type != S_IFLNK)
		return refuse(c, e->at, "something that is no file or link has content");
	if (type == S_IFLNK && (!e->size || e->size >= CPIO_PATH_MAX))
		return refuse(c, e->at, "the target of a link is empty or above 4095 bytes");
	e->data = e->size ? c->bytes + start : c->bytes;
	c->at = left(c, start + e->size) < 3 ? c->size : align4(start + e->size);
	return 0;
}

static int read_entry(struct cpio *c, struct cpio_entry *e)
{
	const uint8_t *header = c->bytes + c->at;
	uint32_t f[FIELDS];

	if (left(c, c->at) < CPIO_HEADER_BYTES)
		return refuse(c, c->at, "the archive ends inside a header");
	for (int i = 0; i < FIELDS; i++)
		if (!read_hex(header + 6 + 8 * i, &f[i]))
			return refuse(c, c->at + 6 + 8 * (uint32_t)i, "a field is no hex number");
	*e = (struct cpio_entry){
		.at = c->at,
		.ino = f[INO],
		.mode = f[MODE],
		.uid = f[UID],
		.gid = f[GID],
		.nlink = f[NLINK],
		.mtime = f[MTIME],
		.size = f[SIZE],
		.dev_major = f[DEV_MAJ],
		.dev_minor = f[DEV_MIN],
		.rdev_major = f[RDEV_MAJ],
		.rdev_minor = f[RDEV_MIN],
	};
	if (read_name(c, e, f[NAME]))
		return -1;
	c->trailer = e->name_len == 10 && same(e->name, "TRAILER!!!", 10);
	if (c->trailer)
		e->mode = S_IFREG;
	if (read_data(c, e, align4(c->at + CPIO_HEADER_BYTES + f[NAME])))
		return -1;
	if (header[5] == '2' && (e->mode & S_IFMT) == S_IFREG && check_sum(c, e, f[CHECK]))
		return -1;
	if (set_name(c, e))
		return -1;
	if (!e->name_len && (e->mode & S_IFMT) != S_IFDIR)
		return refuse(c, e->at, "a name is empty");
	return 1;
}

/* What other tools make of an initrd, for a message that helps. */
static int refuse_magic(struct cpio *c)
{
	static const struct {
		const char *magic;
		uint32_t len;
		const char *what;
	} known[] = {
		{ "070707", 6, "it is an old (odc) cpio archive; make it with -H newc" },
		{ "\xc7\x71", 2, "it is an old binary cpio archive; make it with -H newc" },
		{ "\x1f\x8b", 2, "it is compressed (gzip); give it uncompressed" },
		{ "\xfd"
		  "7zXZ",
		  5, "it is compressed (xz); give it uncompressed" },
		{ "\x28\xb5\x2f\xfd", 4, "it is compressed (zstd); give it uncompressed" },
		{ "BZh", 3, "it is compressed (bzip2); give it uncompressed" },
		{ "\x02\x21\x4c\x18", 4, "it is compressed (lz4); give it uncompressed" },
		{ "\x7f"
		  "ELF",
		  4, "it is an ELF file, not a cpio archive" },
	};

	for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (left(c, c->at) >= known[i].len &&
		    same(c->bytes + c->at, known[i].magic, known[i].len))
			return refuse(c, c->at, known[i].what);
	return refuse(c, c->at, "no cpio header (070701) where one must be");
}

/* Zeros before an archive are skipped. 1: c->at is at a header; 0: the end. */
static int find_header(struct cpio *c)
{
	uint32_t at = c->at;

	if (c->trailer || !at) {
		while (at < c->size && !c->bytes[at])
			at++;
		if (at >= c->size)
			return c->trailer ? 0 : refuse(c, 0, "it is empty");
		c->at = at & ~3u; /* where an archive may begin */
	}
	if (c->at >= c->size)
		return refuse(c, c->size, "there is no trailer; the archive is cut");
	if (left(c, c->at) < 6 ||
	    (!same(c->bytes + c->at, "070701", 6) && !same(c->bytes + c->at, "070702", 6)))
		return refuse_magic(c);
	return 1;
}

int cpio_next(struct cpio *c, struct cpio_entry *e)
{
	do {
		int found = find_header(c);

		if (found <= 0)
			return found;
		if (read_entry(c, e) < 0)
			return -1;
	} while (c->trailer);
	return 1;
}
