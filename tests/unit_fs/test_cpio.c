// SPDX-License-Identifier: MIT
/*
 * guest/fs/cpio.c. Archives stand in memory of exactly their size, so that a read beyond is seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/fs/cpio.h"
#include "unit.h"

#define FILE_MODE 0100644u
#define LINK_MODE 0120777u
#define DIR_MODE 0040755u

struct archive {
	uint8_t *bytes;
	uint32_t size;
};

static void append(struct archive *a, const void *data, uint32_t n)
{
	a->bytes = realloc(a->bytes, a->size + n);
	if (n)
		memcpy(a->bytes + a->size, data, n);
	a->size += n;
}

static void pad(struct archive *a)
{
	append(a, "\0\0\0", -a->size & 3);
}

/* Fields that tests set; the others have a value each of their own. */
struct fields {
	const char *magic;
	const char *name;
	uint32_t mode, size, namesize, check;
	const char *data;
};

static void add_fields(struct archive *a, const struct fields *f)
{
	char header[CPIO_HEADER_BYTES + 1];

	snprintf(header, sizeof(header), "%s%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 f->magic, 0x1au, f->mode, 1u, 2u, 3u, 0x5eedu, f->size, 4u, 5u, 6u, 7u,
		 f->namesize, f->check);
	append(a, header, CPIO_HEADER_BYTES);
	append(a, f->name, (uint32_t)strlen(f->name) + 1);
	pad(a);
	append(a, f->data, (uint32_t)strlen(f->data));
	pad(a);
}

static struct fields fields_of(const char *name, uint32_t mode, const char *data)
{
	return (struct fields){
		"070701", name, mode, (uint32_t)strlen(data), (uint32_t)strlen(name) + 1, 0, data
	};
}

static void add(struct archive *a, const char *name, uint32_t mode, const char *data)
{
	struct fields f = fields_of(name, mode, data);

	add_fields(a, &f);
}

static void add_trailer(struct archive *a)
{
	add(a, "TRAILER!!!", 0, "");
}

static char scratch[CPIO_PATH_MAX];

static struct cpio opened(const struct archive *a)
{
	struct cpio c;

	cpio_open(&c, a->bytes, a->size, scratch);
	return c;
}

/* How many entries until the end; -1 after an error, which is in *c. */
static int count(struct cpio *c)
{
	struct cpio_entry e;
	int n = 0, more;

	while ((more = cpio_next(c, &e)) > 0)
		n++;
	return more < 0 ? -1 : n;
}

static void expect_refused(struct archive *a, uint32_t at, const char *word)
{
	struct cpio c = opened(a);

	CU_ASSERT_EQUAL(count(&c), -1);
	CU_ASSERT_EQUAL(c.wrong_at, at);
	CU_ASSERT(c.wrong && strstr(c.wrong, word));
	free(a->bytes);
}

static void fields_and_content_are_as_written(void)
{
	struct archive a = { 0 };
	struct cpio_entry e;
	struct cpio c;

	add(&a, "bin/sh", FILE_MODE, "hello");
	add_trailer(&a);
	c = opened(&a);
	CU_ASSERT_EQUAL_FATAL(cpio_next(&c, &e), 1);
	CU_ASSERT_STRING_EQUAL(e.name, "bin/sh");
	CU_ASSERT_EQUAL(e.name_len, 6);
	CU_ASSERT_EQUAL(e.size, 5);
	CU_ASSERT(!memcmp(e.data, "hello", 5));
	CU_ASSERT_EQUAL(e.ino, 0x1a); /* written with a capital letter */
	CU_ASSERT_EQUAL(e.mode, FILE_MODE);
	CU_ASSERT(e.uid == 1 && e.gid == 2 && e.nlink == 3 && e.mtime == 0x5eed);
	CU_ASSERT(e.dev_major == 4 && e.dev_minor == 5 && e.rdev_major == 6 && e.rdev_minor == 7);
	CU_ASSERT_EQUAL(cpio_next(&c, &e), 0);
	CU_ASSERT_EQUAL(cpio_next(&c, &e), 0);
	free(a.bytes);
}

static void names_lose_dots_and_slashes(void)
{
	static const char *const names[][2] = {
		{ "a", "a" },
		{ "./a/b", "a/b" },
		{ "/a", "a" },
		{ "//.//./a", "a" },
		{ "a//b/", "a/b" },
		{ "a/./b/.", "a/b" },
		{ ".a/..b/c..", ".a/..b/c.." },
		{ "a/b/../", NULL },
		{ "..", NULL },
		{ "x/..", NULL },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct archive a = { 0 };
		struct cpio_entry e;
		struct cpio c;

		add(&a, names[i][0], FILE_MODE, "");
		add_trailer(&a);
		c = opened(&a);
		CU_ASSERT_EQUAL(cpio_next(&c, &e), names[i][1] ? 1 : -1);
		if (names[i][1]) {
			CU_ASSERT_STRING_EQUAL(e.name, names[i][1]);
			CU_ASSERT_EQUAL(e.name_len, strlen(names[i][1]));
		} else {
			CU_ASSERT(strstr(c.wrong, "\"..\"") != NULL);
		}
		free(a.bytes);
	}
}

static void root_may_be_a_directory_alone(void)
{
	struct archive a = { 0 }, b = { 0 };
	struct cpio_entry e;
	struct cpio c;

	add(&a, ".", DIR_MODE, "");
	add_trailer(&a);
	c = opened(&a);
	CU_ASSERT_EQUAL(cpio_next(&c, &e), 1);
	CU_ASSERT_EQUAL(e.name_len, 0);
	free(a.bytes);
	add(&b, "./", FILE_MODE, "");
	expect_refused(&b, 0, "empty");
}

static void archives_may_follow_each_other_after_zeros(void)
{
	struct archive a = { 0 };
	struct cpio c;

	add(&a, "one", FILE_MODE, "1");
	add_trailer(&a);
	append(&a, (char[400]){ 0 }, 400);
	add(&a, "two", FILE_MODE, "2");
	add_trailer(&a);
	add_trailer(&a);
	append(&a, (char[7]){ 0 }, 7);
	c = opened(&a);
	CU_ASSERT_EQUAL(count(&c), 2);
	free(a.bytes);
}

static void checksum_is_the_sum_of_bytes(void)
{
	struct fields f = fields_of("a", FILE_MODE, "ab");
	struct archive a = { 0 }, b = { 0 };
	struct cpio c;

	f.magic = "070702";
	f.check = 'a' + 'b';
	add_fields(&a, &f);
	add_trailer(&a);
	c = opened(&a);
	CU_ASSERT_EQUAL(count(&c), 1);
	free(a.bytes);
	f.check++;
	add_fields(&b, &f);
	expect_refused(&b, 0, "checksum");
}

static void wrong_sizes_are_refused_by_offset(void)
{
	static const struct {
		uint32_t namesize, size, mode;
		const char *word;
	} cases[] = {
		{ 0, 0, FILE_MODE, "length of a name" },
		{ 4097, 0, FILE_MODE, "length of a name" },
		{ 0xffffffff, 0, FILE_MODE, "length of a name" },
		{ 3, 0, FILE_MODE, "NUL inside" },
		{ 4000, 0, FILE_MODE, "inside a name" },
		{ 2, 1000, FILE_MODE, "inside a file" },
		{ 2, 0xffffffff, FILE_MODE, "inside a file" },
		{ 2, 0xfffffffd, FILE_MODE, "inside a file" },
		{ 2, 4, DIR_MODE, "has content" },
		{ 2, 0, LINK_MODE, "target" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fields f = { "070701",	       "x", cases[i].mode, cases[i].size,
				    cases[i].namesize, 0,   "data" };
		struct archive a = { 0 };
		uint32_t at;

		add(&a, "before", FILE_MODE, "123");
		at = a.size;
		add_fields(&a, &f);
		if (cases[i].namesize == 3)
			memcpy(a.bytes + at + CPIO_HEADER_BYTES, "x\0\0", 3);
		expect_refused(&a, at, cases[i].word);
	}
}

static void field_that_is_no_number_is_named(void)
{
	for (uint32_t field = 0; field < 13; field++) {
		struct archive a = { 0 };

		add(&a, "x", FILE_MODE, "");
		a.bytes[6 + 8 * field + 3] = field % 2 ? 'g' : ' ';
		expect_refused(&a, 6 + 8 * field, "no hex number");
	}
}

static void other_formats_are_told_apart(void)
{
	static const struct {
		const char *bytes, *word;
		uint32_t n;
	} cases[] = {
		{ "070707000000", "odc", 12 },
		{ "\xc7\x71\0\0\0\0", "binary", 6 },
		{ "\x1f\x8b\x08\0", "gzip", 4 },
		{ "\xfd"
		  "7zXZ\0",
		  "xz", 6 },
		{ "\x28\xb5\x2f\xfd", "zstd", 4 },
		{ "BZh9", "bzip2", 4 },
		{ "\x02\x21\x4c\x18", "lz4", 4 },
		{ "\x7f"
		  "ELF\1\1\1",
		  "ELF", 7 },
		{ "hello, world", "no cpio header", 12 },
		{ "07", "no cpio header", 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct archive a = { 0 };

		append(&a, cases[i].bytes, cases[i].n);
		expect_refused(&a, 0, cases[i].word);
	}
}

static void empty_archive_is_refused(void)
{
	struct archive a = { .bytes = malloc(1) }, zeros = { 0 };

	expect_refused(&a, 0, "empty");
	append(&zeros, (char[600]){ 0 }, 600);
	expect_refused(&zeros, 0, "empty");
}

/* Every beginning of an archive is refused, but for those that lack zeros at the end alone. */
static void every_cut_is_refused(void)
{
	struct archive a = { 0 };
	uint32_t whole;

	add(&a, "d", DIR_MODE, "");
	add(&a, "d/file", FILE_MODE, "some content");
	add(&a, "link", LINK_MODE, "d/file");
	whole = a.size + CPIO_HEADER_BYTES + 11;
	add_trailer(&a);
	for (uint32_t n = 0; n <= a.size; n++) {
		struct archive cut = { malloc(n ? n : 1), n };
		struct cpio c;

		memcpy(cut.bytes, a.bytes, n);
		c = opened(&cut);
		CU_ASSERT_EQUAL(count(&c), n < whole ? -1 : 3);
		CU_ASSERT(n >= whole || c.wrong_at <= n);
		free(cut.bytes);
	}
	free(a.bytes);
}

static uint64_t random_state;

static uint32_t random32(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33);
}

static void mutate(struct archive *a)
{
	static const char digits[] = "0123456789abcdefF\0/.xg";

	for (uint32_t n = random32() % 4 + 1; n; n--)
		a->bytes[random32() % a->size] =
			random32() % 4 ? (uint8_t)digits[random32() % sizeof(digits)]
				       : (uint8_t)random32();
	if (random32() % 8 == 0)
		a->size = random32() % (a->size + 1);
}

/* What an entry says is in the archive, and no name leads out of the root. */
static void check_entry(const struct archive *a, const struct cpio_entry *e)
{
	const char *end = (const char *)a->bytes + a->size;

	CU_ASSERT(e->name == scratch || ((const char *)a->bytes <= e->name && e->name < end));
	CU_ASSERT_EQUAL(strlen(e->name), e->name_len);
	CU_ASSERT(!e->size ||
		  (a->bytes <= e->data && e->size <= (uint64_t)(a->bytes + a->size - e->data)));
	CU_ASSERT(e->name[0] != '/' && !strstr(e->name, "//") && strcmp(e->name, "..") &&
		  strncmp(e->name, "../", 3) && !strstr(e->name, "/../"));
}

static void mutated_archives_end_and_stay_inside(void)
{
	struct archive a = { 0 };

	random_state = 1;
	add(&a, "d", DIR_MODE, "");
	add(&a, "./d//file", FILE_MODE, "some content that is longer than a header's hex digits");
	add(&a, "link", LINK_MODE, "d/file");
	add_trailer(&a);
	for (int round = 0; round < 100000; round++) {
		struct archive m = { malloc(a.size), a.size };
		struct cpio_entry e;
		struct cpio c;
		uint32_t entries = 0;
		int more;

		memcpy(m.bytes, a.bytes, a.size);
		mutate(&m);
		/* Exactly its size again, for ASan. */
		m.bytes = realloc(m.bytes, m.size ? m.size : 1);
		c = opened(&m);
		while ((more = cpio_next(&c, &e)) > 0 && ++entries < 10)
			check_entry(&m, &e);
		CU_ASSERT(more <= 0);
		CU_ASSERT(more == 0 || (c.wrong && c.wrong_at <= m.size));
		free(m.bytes);
	}
	free(a.bytes);
}

static const struct unit_test tests[] = {
	UNIT_TEST(fields_and_content_are_as_written),
	UNIT_TEST(names_lose_dots_and_slashes),
	UNIT_TEST(root_may_be_a_directory_alone),
	UNIT_TEST(archives_may_follow_each_other_after_zeros),
	UNIT_TEST(checksum_is_the_sum_of_bytes),
	UNIT_TEST(wrong_sizes_are_refused_by_offset),
	UNIT_TEST(field_that_is_no_number_is_named),
	UNIT_TEST(other_formats_are_told_apart),
	UNIT_TEST(empty_archive_is_refused),
	UNIT_TEST(every_cut_is_refused),
	UNIT_TEST(mutated_archives_end_and_stay_inside),
	UNIT_END,
};

const struct unit_suite suite_cpio = { "cpio", tests };
