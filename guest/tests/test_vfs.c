// SPDX-License-Identifier: MIT
/*
 * The file system from the inside: paths, /proc's texts, the line discipline, pipes between
 * processes. What programs see of system calls is usertests' business (guest/user/tests).
 */
#include "user_side.h"
#include <arch/processor.h>
#include <drivers/tty.h>
#include <kernel/fs.h>
#include <kernel/params.h>
#include <kernel/sched.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

#include "mm/slub.h"

/* --- paths ------------------------------------------------------------------------------------ */

static const struct path_case {
	const char *name;
	u32 flags;
	int err;
	const char *text; /* where it leads */
} path_cases[] = {
	{ "/", 0, 0, "/" },
	{ "/..", 0, 0, "/" },
	{ "/../../bin", 0, 0, "/bin" },
	{ "//bin/./sh", 0, 0, "/bin/sh" },
	{ "/bin/../dev/./../bin/sh", 0, 0, "/bin/sh" },
	{ "bin/sh", 0, 0, "/bin/sh" },
	{ "/bin/", 0, 0, "/bin" },
	{ "/bin/.", 0, 0, "/bin" },
	{ "/bin/sh/", 0, -ENOTDIR, NULL },
	{ "/bin/sh/.", 0, -ENOTDIR, NULL },
	{ "/bin/sh/..", 0, -ENOTDIR, NULL },
	{ "/bin/nothing", 0, -ENOENT, NULL },
	{ "/nothing/..", 0, -ENOENT, NULL },
	{ "", 0, -ENOENT, NULL },
	{ "/tests/loop", LOOKUP_FOLLOW, -ELOOP, NULL },
	{ "/tests/loop", 0, 0, "/tests/loop" },
	{ "/tests/loop/", 0, -ELOOP, NULL },
	{ "/tests/dangling", LOOKUP_FOLLOW, -ENOENT, NULL },
	{ "/proc/0", 0, -ENOENT, NULL },
	{ "/proc/01", 0, -ENOENT, NULL },
	{ "/proc/99999999999", 0, -ENOENT, NULL },
	{ "/proc/mounts", 0, 0, "/proc/mounts" },
};

static void paths_lead_where_they_say(struct selftest_result *r, const void *arg)
{
	vfs_init();
	for (u32 i = 0; i < ARRAY_SIZE(path_cases); i++) {
		const struct path_case *c = &path_cases[i];
		struct path path = { 0 };
		int err = path_lookup(c->name, c->flags, NULL, &path);

		if (err != c->err || (!err && strcmp(path.text, c->text)))
			selftest_fail(r, __FILE__, __LINE__, c->name);
		if (!err)
			path_put(&path);
	}
}

/* 255 bytes are a name that is not there, 256 are too long; so are 4095 and 4096 of a path. */
static void long_names_are_ENAMETOOLONG(struct selftest_result *r, const void *arg)
{
	char *name = kmalloc(PATH_MAX + 1, GFP_KERNEL);
	struct path path;

	vfs_init();
	EXPECT(r, name);
	if (!name)
		return;
	memset(name, 'n', PATH_MAX + 1);
	name[0] = '/';
	name[256] = '\0';
	EXPECT_EQ(r, path_lookup(name, 0, NULL, &path), -ENOENT);
	name[256] = 'n';
	name[257] = '\0';
	EXPECT_EQ(r, path_lookup(name, 0, NULL, &path), -ENAMETOOLONG);
	memset(name, '/', PATH_MAX);
	name[PATH_MAX - 1] = '\0';
	EXPECT_EQ(r, path_lookup(name, 0, NULL, &path), 0);
	path_put(&path);
	name[PATH_MAX - 1] = '/';
	name[PATH_MAX] = '\0';
	EXPECT_EQ(r, path_lookup(name, 0, NULL, &path), -ENAMETOOLONG);
	kfree(name);
}

/* --- /proc ------------------------------------------------------------------------------------ */

#define TEXT_BYTES 2048

/* The whole file, terminated. Its length, or error. */
static int read_text(const char *name, char *text)
{
	int err, n;
	struct file *f = filp_open(name, O_RDONLY, &err);

	if (!f)
		return err;
	n = kernel_read(f, 0, text, TEXT_BYTES - 1);
	text[n > 0 ? n : 0] = '\0';
	fput(f);
	return n;
}

/* Digits in a row become one 9, blanks in a row one blank. */
static void shape(char *text)
{
	char *out = text, last = 0;

	for (; *text; text++) {
		char c = *text >= '0' && *text <= '9' ? '9' : *text;

		if (c != last || (c != '9' && c != ' '))
			*out++ = c;
		last = c;
	}
	*out = '\0';
}

static const struct {
	const char *name, *shape; /* proc(5) */
} proc_cases[] = {
	{ "/proc/uptime", "9.9 9.9\n" },
	{ "/proc/loadavg", "9.9 9.9 9.9 9/9 9\n" },
	{ "/proc/filesystems", "nodev\trootfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tpipefs\n" },
	{ "/proc/stat", "cpu 9 9 9 9 9 9 9 9 9 9\ncpu9 9 9 9 9 9 9 9 9 9 9\nctxt 9\nbtime 9\n"
			"processes 9\nprocs_running 9\nprocs_blocked 9\n" },
	{ "/proc/mm_check", "9 violations\n" },
};

static void texts_have_linuxs_shape(struct selftest_result *r, const void *arg)
{
	static char text[TEXT_BYTES];

	vfs_init();
	for (u32 i = 0; i < ARRAY_SIZE(proc_cases); i++) {
		EXPECT(r, read_text(proc_cases[i].name, text) > 0);
		shape(text);
		if (strcmp(text, proc_cases[i].shape))
			selftest_fail(r, __FILE__, __LINE__, text);
	}
}

static int sleep_once(void *arg)
{
	current->state = TASK_INTERRUPTIBLE;
	schedule_timeout(10);
	return 0;
}

/* 52 columns today; those of a thread of the kernel have no addresses. */
static void process_stat_has_52_columns(struct selftest_result *r, const void *arg)
{
	static char text[TEXT_BYTES];
	char name[32], head[64];
	int pid = kernel_thread(sleep_once, NULL, "two words");
	u32 columns = 1;

	vfs_init();
	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	snprintf(head, sizeof(head), "%d (two words) R 0 ", pid);
	EXPECT(r, read_text(name, text) > 0);
	EXPECT_EQ(r, strncmp(text, head, strlen(head)), 0);
	for (const char *s = text; *s; s++)
		columns += *s == ' ';
	EXPECT_EQ(r, columns, 52 + 1); /* the name has a blank, too */
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	EXPECT_EQ(r, read_text(name, text), 0);
	wait_for(pid);
	EXPECT_EQ(r, read_text(name, text), -ENOENT);
}

static void text_of_a_process_that_ended_is_ESRCH(struct selftest_result *r, const void *arg)
{
	char name[32], text[8];
	int pid = kernel_thread(sleep_once, NULL, "short"), err;
	struct file *f;

	vfs_init();
	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	f = filp_open(name, O_RDONLY, &err);
	EXPECT(r, f);
	EXPECT_EQ(r, kernel_read(f, 0, text, 5), 5);
	wait_for(pid);
	EXPECT_EQ(r, kernel_read(f, 0, text, 5), -ESRCH);
	fput(f);
}

/* --- the terminal ----------------------------------------------------------------------------- */

/* Keys, as the interrupt handler would bring them. The console shows their echo. */
static void type(const char *keys)
{
	u32 flags = local_irq_save();

	for (; *keys; keys++)
		tty_input((u8)*keys);
	local_irq_restore(flags);
}

static const struct {
	const char *typed, *lines[3]; /* what reads give, "": end of file */
} tty_cases[] = {
	{ "one\rtwo\n", { "one\n", "two\n" } }, { "abd\177c\r", { "abc\n" } },
	{ "\177\177x\r", { "x\n" } },		{ "nothing\025some\r", { "some\n" } },
	{ "a bc  \027d\r", { "a d\n" } },	{ "part\004\004", { "part", "" } },
	{ "\004x\r", { "", "x\n" } },		{ "a\026\003\026\177b\r", { "a\003\177b\n" } },
	{ "lost\003kept\r", { "kept\n" } },
};

static void terminal_edits_lines(struct selftest_result *r, const void *arg)
{
	bool tty = boot_params.tty;
	struct file *f;
	int err;

	vfs_init();
	boot_params.tty = true;
	f = filp_open("/dev/console", O_RDWR | O_NONBLOCK, &err);
	EXPECT(r, f);
	for (u32 i = 0; f && i < ARRAY_SIZE(tty_cases); i++) {
		type(tty_cases[i].typed);
		for (u32 l = 0; l < 3 && tty_cases[i].lines[l]; l++) {
			char line[32] = "";
			int n = kernel_read(f, 0, line, sizeof(line) - 1);

			EXPECT_EQ(r, n, strlen(tty_cases[i].lines[l]));
			EXPECT_EQ(r, strcmp(line, tty_cases[i].lines[l]), 0);
		}
	}
	if (f)
		EXPECT_EQ(r, kernel_read(f, 0, (char[1]){ 0 }, 1), -EAGAIN);
	if (f)
		fput(f);
	boot_params.tty = tty;
}

static void bytes_pass_where_no_terminal_is(struct selftest_result *r, const void *arg)
{
	bool tty = boot_params.tty;
	char *line = kmalloc(8192, GFP_KERNEL);
	int err, n;
	struct file *f;

	vfs_init();
	boot_params.tty = false; /* no echo; the bytes are as they come */
	f = filp_open("/dev/console", O_RDWR | O_NONBLOCK, &err);
	EXPECT(r, f && line);
	if (f && line) {
		for (u32 i = 0; i < 100; i++)
			type("0123456789");
		n = kernel_read(f, 0, line, 8192);
		EXPECT_EQ(r, n, 1000);
		EXPECT_EQ(r, memcmp(line + 990, "0123456789", 10), 0);
	}
	kfree(line);
	if (f)
		fput(f);
	boot_params.tty = tty;
}

/* --- pipes ------------------------------------------------------------------------------------ */

#define BLOCKS 40
#define BLOCK_BYTES 3000 /* no part of what a pipe holds, so that there is room for less, too */

/* `letter` in blocks, each no larger than PIPE_BUF. */
USER static void write_blocks(u32 fd, u32 letter)
{
	volatile u8 block[BLOCK_BYTES];

	for (u32 i = 0; i < sizeof(block); i++)
		block[i] = (u8)letter;
	for (u32 i = 0; i < BLOCKS; i++)
		CHECK(call3(U_WRITE, fd, block, sizeof(block)) == sizeof(block));
	u_exit(0);
}

/* n bytes, in as many reads as it takes: all the same? */
USER static u32 read_block(u32 fd, volatile u8 *block, u32 n)
{
	for (u32 have = 0; have < n;) {
		int got = call3(U_READ, fd, block + have, n - have);

		CHECK(got > 0);
		have += (u32)got;
	}
	for (u32 i = 1; i < n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): by read */
		CHECK(block[i] == block[0]);
	return block[0];
}

USER static void two_writers_of_blocks(u32 arg)
{
	volatile u32 ends[2] = { 0, 0 };
	volatile u8 block[BLOCK_BYTES];
	u32 first = 0, second = 0;
	int a, b;

	(void)arg;
	CHECK(!call1(U_PIPE, ends));
	a = call0(U_FORK);
	if (!a)
		write_blocks(ends[1], 'a');
	b = call0(U_FORK);
	if (!b)
		write_blocks(ends[1], 'b');
	CHECK(!call1(U_CLOSE, ends[1]));
	for (u32 i = 0; i < 2 * BLOCKS; i++) {
		u32 letter = read_block(ends[0], block, sizeof(block));

		first += letter == 'a';
		second += letter == 'b';
		/* Writers wait for room now and then. */
		if (i % 8 == 0)
			u_sleep_ms(20);
	}
	CHECK(first == BLOCKS && second == BLOCKS);
	CHECK(call3(U_READ, ends[0], block, 1) == 0);
	CHECK(!u_wait(a) && !u_wait(b));
	u_exit(0);
}

/* Its files are those it opens. */
static void small_pipe_writes_stay_together(struct selftest_result *r, const void *arg)
{
	vfs_init();
	EXPECT_EQ(r, run_user(r, two_writers_of_blocks, 0), EXITED(0));
}

const struct selftest vfs_tests[] = {
	{ "paths_lead_where_they_say", paths_lead_where_they_say, NULL },
	{ "long_names_are_ENAMETOOLONG", long_names_are_ENAMETOOLONG, NULL },
	{ "texts_have_linuxs_shape", texts_have_linuxs_shape, NULL },
	{ "process_stat_has_52_columns", process_stat_has_52_columns, NULL },
	{ "text_of_a_process_that_ended_is_ESRCH", text_of_a_process_that_ended_is_ESRCH, NULL },
	{ "terminal_edits_lines", terminal_edits_lines, NULL },
	{ "bytes_pass_where_no_terminal_is", bytes_pass_where_no_terminal_is, NULL },
	{ "small_pipe_writes_stay_together", small_pipe_writes_stay_together, NULL },
	{ "file_system_leaves_memory_in_order", check_memory, NULL },
	{ NULL, NULL, NULL },
};
