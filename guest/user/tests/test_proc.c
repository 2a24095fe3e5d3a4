// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>
#include <procfs.h>

#define RW (PROT_READ | PROT_WRITE)

static void maps_lines_are_sorted_and_apart(void)
{
	static struct map_line lines[64];
	int n = read_maps(0, lines, 64);

	REQUIRE(n >= 4);
	for (int i = 0; i < n; i++) {
		EXPECT(lines[i].start < lines[i].end);
		EXPECT_EQUAL(lines[i].start % PAGE, 0);
		EXPECT_EQUAL(lines[i].end % PAGE, 0);
		EXPECT(i == 0 || lines[i - 1].end <= lines[i].start);
		EXPECT_EQUAL(strlen(lines[i].rights), 4);
	}
}

struct first_line {
	char text[256];
	int taken;
};

static void take_first(void *ctx, char *text)
{
	struct first_line *f = ctx;

	if (!f->taken++)
		strlcpy(f->text, text, sizeof(f->text));
}

/*
 * "08048000-0804c000 r-xp 00000000 00:01 12 ...": columns of fixed width. The name's hangs on the
 * size of the kernel's pointers: 25 + 6 * 4 characters come before it, or 25 + 6 * 8.
 */
static void maps_lines_have_linuxs_columns(void)
{
	struct first_line first = { .taken = 0 };
	int name = in_guest() ? 25 + 6 * 4 : 25 + 6 * 8;

	REQUIRE(for_each_line("/proc/self/maps", take_first, &first) == 0);
	EXPECT(strncmp(first.text, "08048000-", 9) == 0);
	EXPECT(strncmp(first.text + 17, " r-xp 00000000 ", 15) == 0);
	EXPECT_EQUAL(first.text[34], ':');
	EXPECT_EQUAL(first.text[name - 1], ' ');
	EXPECT_EQUAL(first.text[name], '/');
	REQUIRE(strrchr(first.text, '/'));
	EXPECT(strcmp(strrchr(first.text, '/'), "/usertests") == 0);
}

static void maps_of_another_process(void)
{
	static struct map_line mine[64], its[64];
	int fds[2], n, m;
	char c;
	pid_t pid;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		read(fds[0], &c, 1);
		_exit(0);
	}
	n = read_maps(0, mine, 64);
	m = read_maps(pid, its, 64);
	EXPECT_EQUAL(m, n);
	for (int i = 0; i < n && i < m; i++)
		EXPECT(mine[i].start == its[i].start && strcmp(mine[i].rights, its[i].rights) == 0);
	write(fds[1], "x", 1);
	waitpid(pid, NULL, 0);
	EXPECT_EQUAL(read_maps(pid, its, 64), -1);
	EXPECT_EQUAL(errno, ENOENT);
}

static void rss_counts_pages_that_are_touched(void)
{
	char *p = map_anon(600, RW);
	long before = proc_number("/proc/self/status", "VmRSS"), after;

	for (unsigned i = 0; i < 600; i++)
		p[i * PAGE] = 1;
	after = proc_number("/proc/self/status", "VmRSS");
	/* Linux counts up to 63 pages per CPU late. */
	EXPECT(after - before >= 2400 - 4 * 256 && after - before <= 2400 + 4 * 256);
	munmap(p, 600 * PAGE);
	after = proc_number("/proc/self/status", "VmRSS");
	EXPECT(after - before <= 4 * 256);
}

static void status_size_is_the_sum_of_maps(void)
{
	static struct map_line lines[64];
	long total = 0;
	int n = read_maps(0, lines, 64);

	for (int i = 0; i < n; i++)
		if (lines[i].name[0] != '[' ||
		    lines[i].name[1] != 'v') /* vdso, vvar: not counted alike */
			total += (long)(lines[i].end - lines[i].start) / 1024;
	EXPECT(proc_number("/proc/self/status", "VmSize") - total <= 64);
	EXPECT(proc_number("/proc/self/status", "VmSize") - total >= 0);
}

static void status_has_the_fields_of_memory(void)
{
	static const char *const fields[] = { "Pid",   "PPid",	"VmPeak", "VmSize",
					      "VmLck", "VmHWM", "VmRSS",  "VmData",
					      "VmStk", "VmExe", "VmLib",  "VmPTE" };

	for (unsigned i = 0; i < COUNT(fields); i++)
		if (proc_number("/proc/self/status", fields[i]) < 0)
			expect(0, fields[i], __FILE__, __LINE__);
	EXPECT_EQUAL(proc_number("/proc/self/status", "Pid"), getpid());
	EXPECT_EQUAL(proc_number("/proc/self/status", "PPid"), getppid());
}

static void status_counts_locked_pages(void)
{
	char *p = map_anon(5, RW);

	EXPECT_EQUAL(proc_number("/proc/self/status", "VmLck"), 0);
	REQUIRE(mlock(p, 5 * PAGE) == 0);
	EXPECT_EQUAL(proc_number("/proc/self/status", "VmLck"), 20);
}

static void statm_is_seven_numbers_of_pages(void)
{
	struct first_line first = { .taken = 0 };
	char *at = first.text;
	unsigned long n[7];

	REQUIRE(for_each_line("/proc/self/statm", take_first, &first) == 0);
	for (int i = 0; i < 7; i++)
		n[i] = strtoul(at + (i > 0), &at, 10);
	EXPECT_EQUAL(*at, 0);
	EXPECT(n[0] >= n[1] && n[1] > 0);
	EXPECT_EQUAL(n[0] * 4, proc_number("/proc/self/status", "VmSize"));
	EXPECT_EQUAL(n[4], 0);
	EXPECT_EQUAL(n[6], 0);
}

static uint64_t entry_of(const void *p)
{
	uint64_t entry = pagemap_entry(p);

	if ((entry & PM_PRESENT) && !PM_PFN(entry))
		skip("frames are shown to root alone");
	return entry;
}

static void pagemap_shows_present_pages(void)
{
	char *p = map_island(3, RW);

	p[PAGE] = 1;
	EXPECT_EQUAL(pagemap_entry(p) >> 63, 0);
	EXPECT_EQUAL(pagemap_entry(p + PAGE) >> 63, 1);
	EXPECT_EQUAL(pagemap_entry(p + 2 * PAGE) >> 63, 0);
	EXPECT_EQUAL(pagemap_entry(p + 3 * PAGE) >> 63, 0);
	EXPECT(PM_PFN(entry_of(p + PAGE)) != 0);
}

static void pagemap_reads_whole_entries_only(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[4];

	REQUIRE(fd >= 0);
	EXPECT_EQUAL(pread(fd, entries, sizeof(entries), (int32_t)(0x08048000 / PAGE * 8)),
		     sizeof(entries));
	EXPECT(entries[0] & PM_PRESENT);
	EXPECT_ERRNO(pread(fd, entries, 8, 4), EINVAL);
	EXPECT_ERRNO(pread(fd, entries, 7, 0), EINVAL);
	EXPECT_EQUAL(pread(fd, entries, 0, 0), 0);
}

static void kpagecount_counts_mappings(void)
{
	char *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;
	uint64_t frame;

	REQUIRE(p != MAP_FAILED);
	p[0] = 1;
	frame = PM_PFN(entry_of(p));
	EXPECT_EQUAL(frame_mappings(frame), 1);
	q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
	REQUIRE(q != MAP_FAILED);
	(void)*(volatile char *)q;
	EXPECT_EQUAL(PM_PFN(entry_of(q)), frame);
	EXPECT_EQUAL(frame_mappings(frame), 2);
	munmap(q, PAGE);
	EXPECT_EQUAL(frame_mappings(frame), 1);
}

#define MANY 33000u /* mappings in each of two processes: 66,000 entries of one page */

static int many_are_mapped(char *p, uint64_t frame)
{
	if (madvise(p, MANY * PAGE, MADV_POPULATE_READ) < 0) /* Linux before 5.14 */
		for (unsigned i = 0; i < MANY; i++)
			(void)*(volatile char *)(p + i * PAGE);
	return PM_PFN(entry_of(p)) == frame && PM_PFN(entry_of(p + (MANY - 1) * PAGE)) == frame;
}

static void more_than_65535_mappings_of_a_page_are_counted(void)
{
	char *p = mmap(NULL, MANY * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(in_root("/tests/text"), O_RDONLY), status;
	uint64_t frame;
	pid_t pid;

	REQUIRE(p != MAP_FAILED && fd >= 0);
	for (unsigned i = 0; i < MANY; i++)
		REQUIRE(mmap(p + i * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) !=
			MAP_FAILED);
	(void)*(volatile char *)p;
	frame = PM_PFN(entry_of(p));
	REQUIRE(many_are_mapped(p, frame));
	EXPECT_EQUAL(frame_mappings(frame), MANY);
	pid = fork();
	if (pid == 0)
		_exit(many_are_mapped(p, frame) ? frame_mappings(frame) == 2 * MANY ? 0 : 1 : 2);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, EXITED(0));
	EXPECT_EQUAL(frame_mappings(frame), MANY);
	EXPECT_EQUAL(p[0], '0');
	munmap(p, MANY * PAGE);
	EXPECT_EQUAL(frame_mappings(frame), 0);
}

struct smaps {
	uint32_t addr;
	int inside;
	long rss, size, shared_clean, private_dirty;
};

static void take_smaps(void *ctx, char *text)
{
	struct smaps *s = ctx;
	char *colon = strchr(text, ':'), *p;

	if (strchr(text, '-') && strchr(text, '-') < text + 10) {
		uint32_t start = strtoul(text, &p, 16), end = strtoul(p + 1, NULL, 16);

		s->inside = start <= s->addr && s->addr < end;
	} else if (s->inside && colon) {
		long value = (long)strtoul(colon + 1, NULL, 10);

		*colon = '\0';
		if (strcmp(text, "Rss") == 0)
			s->rss = value;
		else if (strcmp(text, "Size") == 0)
			s->size = value;
		else if (strcmp(text, "Private_Dirty") == 0)
			s->private_dirty = value;
	}
}

static void smaps_counts_each_mapping(void)
{
	char *p = map_island(10, RW);
	struct smaps s = { .addr = (uint32_t)p, .rss = -1 };

	for (int i = 0; i < 4; i++)
		p[i * (int)PAGE] = 1;
	REQUIRE(for_each_line("/proc/self/smaps", take_smaps, &s) == 0);
	EXPECT_EQUAL(s.size, 40);
	EXPECT_EQUAL(s.rss, 16);
	EXPECT_EQUAL(s.private_dirty, 16);
}

static void meminfo_adds_up(void)
{
	long total = proc_number("/proc/meminfo", "MemTotal"),
	     free = proc_number("/proc/meminfo", "MemFree");

	EXPECT(total > 0 && free > 0 && free < total);
	EXPECT(proc_number("/proc/meminfo", "AnonPages") >= 0);
	EXPECT(proc_number("/proc/meminfo", "PageTables") > 0);
	EXPECT(proc_number("/proc/meminfo", "Slab") > 0);
}

static void proc_files_say_no_to_writing(void)
{
	EXPECT_ERRNO(open("/proc/self/nothing", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("/proc/99999", O_RDONLY), ENOENT);
	EXPECT_ERRNO(open("/proc/self", O_WRONLY), EISDIR);
}

static void proc_self_is_this_process(void)
{
	char target[16] = "", want[16];

	EXPECT(readlink("/proc/self", target, sizeof(target) - 1) > 0);
	snprintf(want, sizeof(want), "%d", getpid());
	EXPECT(strcmp(target, want) == 0);
}

static void cmdline_holds_the_words_with_their_nuls(void)
{
	int fd = open("/proc/self/cmdline", O_RDONLY);
	char buf[512];
	ssize_t n = read(fd, buf, sizeof(buf));

	REQUIRE(fd >= 0);
	EXPECT(n > 0 && buf[n - 1] == '\0');
	EXPECT(strstr(buf, "usertests") != NULL);
}

static void a_proc_file_may_be_read_in_pieces(void)
{
	static char whole[8192], pieces[8192];
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n = 0, m = 0, got;

	while ((got = read(fd, whole + n, sizeof(whole) - (size_t)n)) > 0)
		n += got;
	close(fd);
	fd = open("/proc/self/maps", O_RDONLY);
	while ((got = read(fd, pieces + m, 7)) > 0)
		m += got;
	EXPECT(n > 0 && n == m && memcmp(whole, pieces, (size_t)n) == 0);
}

const struct usertest tests_proc[] = {
	TEST(maps_lines_are_sorted_and_apart),
	TEST(maps_lines_have_linuxs_columns),
	TEST(maps_of_another_process),
	TEST(rss_counts_pages_that_are_touched),
	TEST(status_size_is_the_sum_of_maps),
	TEST(status_has_the_fields_of_memory),
	TEST(status_counts_locked_pages),
	TEST(statm_is_seven_numbers_of_pages),
	TEST(pagemap_shows_present_pages),
	TEST(pagemap_reads_whole_entries_only),
	TEST(kpagecount_counts_mappings),
	LONG_TEST(more_than_65535_mappings_of_a_page_are_counted),
	TEST(smaps_counts_each_mapping),
	TEST(meminfo_adds_up),
	TEST(proc_files_say_no_to_writing),
	TEST(proc_self_is_this_process),
	TEST(cmdline_holds_the_words_with_their_nuls),
	TEST(a_proc_file_may_be_read_in_pieces),
	END_OF_TESTS,
};
