// SPDX-License-Identifier: MIT
#include "dev/console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"
#include "unit.h"

extern const struct unit_suite suite_console;

/* A console between two pipes. */
struct pipes {
	struct console *con;
	int to, from; /* the test's ends */
	int in, out;  /* the console's */
};

static void pipes_open(struct pipes *p)
{
	int in[2], out[2];

	CU_ASSERT_EQUAL_FATAL(pipe(in), 0);
	CU_ASSERT_EQUAL_FATAL(pipe(out), 0);
	*p = (struct pipes){ .to = in[1], .from = out[0], .in = in[0], .out = out[1] };
	CU_ASSERT_EQUAL_FATAL(console_open(&p->con, p->in, p->out, 0), 0);
}

static void pipes_close(struct pipes *p)
{
	console_close(p->con);
	close(p->to);
	close(p->from);
	close(p->in);
	close(p->out);
}

static void put_text(struct console *con, const char *text)
{
	while (*text)
		console_put(con, (uint8_t)*text++);
}

/* Bytes that wait in a nonblocking descriptor now. */
static unsigned drain(int fd, char *to, unsigned max)
{
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = read(fd, to, max);
	return n > 0 ? (unsigned)n : 0;
}

static void send_text(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Everything the console gives now, as a string. */
static void take(struct console *con, char *to, unsigned max)
{
	uint8_t byte;
	unsigned n = 0;

	while (n < max - 1 && console_poll_input(con, &byte) == 1)
		to[n++] = (char)byte;
	to[n] = 0;
}

/* --- output -------------------------------------------------------------------------------- */

static void output_is_written_on_flush_and_at_4096_bytes(void)
{
	char got[8192];
	struct pipes p;

	pipes_open(&p);
	put_text(p.con, "line\n");
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 0);
	CU_ASSERT_EQUAL(console_flush(p.con), 0);
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 5);
	CU_ASSERT_NSTRING_EQUAL(got, "line\n", 5);
	for (unsigned i = 0; i < CONSOLE_OUT_BYTES - 1; i++)
		console_put(p.con, (uint8_t)i);
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 0);
	console_put(p.con, 0xff);
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), CONSOLE_OUT_BYTES);
	for (unsigned i = 0; i < CONSOLE_OUT_BYTES; i++)
		CU_ASSERT_EQUAL_FATAL((uint8_t)got[i], (uint8_t)i);
	pipes_close(&p);
}

static void close_writes_what_is_left(void)
{
	char got[16];
	struct pipes p;

	pipes_open(&p);
	put_text(p.con, "end");
	console_close(p.con);
	p.con = 0;
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 3);
	pipes_close(&p);
}

static void reader_that_went_is_epipe_and_stays(void)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	struct pipes p;

	pipes_open(&p);
	close(p.from);
	put_text(p.con, "x");
	CU_ASSERT_EQUAL(console_error(p.con), 0);
	CU_ASSERT_EQUAL(console_flush(p.con), -EPIPE);
	for (unsigned i = 0; i < 2 * CONSOLE_OUT_BYTES; i++)
		console_put(p.con, 'y');
	CU_ASSERT_EQUAL(console_flush(p.con), -EPIPE);
	CU_ASSERT_EQUAL(console_error(p.con), -EPIPE);
	p.from = -1;
	pipes_close(&p);
	signal(SIGPIPE, old);
}

static void nonblocking_descriptor_that_is_full_is_waited_for(void)
{
	enum { CHUNKS = 64 }; /* 256 KiB through a pipe of 64 KiB */
	struct pipes p;
	unsigned got = 0;
	pid_t child;
	int status;

	pipes_open(&p);
	fcntl(p.out, F_SETFL, O_NONBLOCK);
	child = fork();
	CU_ASSERT_FATAL(child >= 0);
	if (!child) {
		for (unsigned i = 0; i < CHUNKS * CONSOLE_OUT_BYTES; i++)
			console_put(p.con, (uint8_t)(i % 251));
		_exit(console_error(p.con) != 0);
	}
	close(p.out);
	usleep(20000);
	for (;;) {
		uint8_t data[4096];
		ssize_t n = read(p.from, data, sizeof(data));

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++, got++)
			CU_ASSERT_EQUAL_FATAL(data[i], got % 251);
	}
	CU_ASSERT_EQUAL(got, CHUNKS * CONSOLE_OUT_BYTES);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	p.out = -1;
	pipes_close(&p);
}

static void fill_pipe(struct pipes *p)
{
	char zeros[4096] = { 0 };

	fcntl(p->out, F_SETFL, O_NONBLOCK);
	while (write(p->out, zeros, sizeof(zeros)) > 0)
		;
	fcntl(p->out, F_SETFL, 0);
}

static void interrupted_console_gives_up_what_would_block(void)
{
	struct pipes p;

	pipes_open(&p);
	fill_pipe(&p);
	console_interrupt(p.con);
	put_text(p.con, "x");
	CU_ASSERT_EQUAL(console_flush(p.con), -EINTR);
	for (unsigned i = 0; i < 2 * CONSOLE_OUT_BYTES; i++)
		console_put(p.con, 'y');
	CU_ASSERT_EQUAL(console_error(p.con), 0);
	pipes_close(&p);
}

static void interrupted_console_still_writes_what_does_not_block(void)
{
	char got[16];
	struct pipes p;

	pipes_open(&p);
	console_interrupt(p.con);
	put_text(p.con, "last words");
	CU_ASSERT_EQUAL(console_flush(p.con), 0);
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 10);
	pipes_close(&p);
}

static void output_that_cannot_be_written_is_refused(void)
{
	struct console *con = 0;
	struct diag d = { "" };
	int fd = open("/dev/null", O_RDONLY);

	CU_ASSERT_EQUAL(console_open(&con, -1, -1, &d), -EBADF);
	CU_ASSERT(d.text[0]);
	CU_ASSERT_EQUAL(console_open(&con, -1, fd, 0), -EBADF);
	CU_ASSERT_PTR_NULL(con);
	close(fd);
}

/* --- input --------------------------------------------------------------------------------- */

static void pipe_gives_bytes_as_they_come_and_ends(void)
{
	struct pipes p;
	uint8_t byte;
	char got[16];

	pipes_open(&p);
	CU_ASSERT_TRUE(console_input_live(p.con));
	CU_ASSERT_EQUAL(console_poll_input(p.con, &byte), 0);
	send_text(p.to, "ab\x01xc"); /* Ctrl-A means nothing here */
	take(p.con, got, sizeof(got));
	CU_ASSERT_STRING_EQUAL(got, "ab\x01xc");
	CU_ASSERT_TRUE(console_input_live(p.con));
	close(p.to);
	CU_ASSERT_EQUAL(console_poll_input(p.con, &byte), 0);
	CU_ASSERT_FALSE(console_input_live(p.con));
	p.to = -1;
	pipes_close(&p);
}

static void regular_file_has_its_bytes_at_once(void)
{
	enum { BYTES = 10000 };
	char name[] = "/tmp/console.XXXXXX";
	struct console *con = 0;
	int fd = mkstemp(name), out = open("/dev/null", O_WRONLY);
	uint8_t byte;

	unlink(name);
	for (unsigned i = 0; i < BYTES; i++) {
		byte = (uint8_t)(i % 251);
		CU_ASSERT_EQUAL_FATAL(write(fd, &byte, 1), 1);
	}
	lseek(fd, 0, SEEK_SET);
	CU_ASSERT_EQUAL_FATAL(console_open(&con, fd, out, 0), 0);
	CU_ASSERT_FALSE(console_input_live(con));
	for (unsigned i = 0; i < BYTES; i++) {
		CU_ASSERT_EQUAL_FATAL(console_poll_input(con, &byte), 1);
		CU_ASSERT_EQUAL_FATAL(byte, i % 251);
	}
	CU_ASSERT_EQUAL(console_poll_input(con, &byte), 0);
	console_close(con);
	close(fd);
	close(out);
}

static void inputs_without_bytes_are_not_live(void)
{
	int out = open("/dev/null", O_WRONLY), null = open("/dev/null", O_RDONLY);
	const int in[] = { -1, 1000, out, null };
	struct console *con;
	uint8_t byte;

	for (unsigned i = 0; i < ARRAY_SIZE(in); i++) {
		CU_ASSERT_EQUAL_FATAL(console_open(&con, in[i], out, 0), 0);
		CU_ASSERT_FALSE(console_input_live(con));
		CU_ASSERT_EQUAL(console_poll_input(con, &byte), 0);
		CU_ASSERT_FALSE(console_left(con));
		console_close(con);
	}
	close(null);
	close(out);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void wait_flushes_and_ends_with_input_or_time(void)
{
	struct pipes p;
	uint64_t start;
	char got[8];

	pipes_open(&p);
	put_text(p.con, "> ");
	start = clock_ns();
	console_wait(p.con, 20000000);
	CU_ASSERT(clock_ns() - start >= 20000000);
	CU_ASSERT_EQUAL(drain(p.from, got, sizeof(got)), 2);
	send_text(p.to, "x");
	start = clock_ns();
	console_wait(p.con, UINT64_MAX);
	CU_ASSERT(clock_ns() - start < CONSOLE_WAIT_NS);
	/* Bytes that the guest does not take are no reason to spin. */
	CU_ASSERT_FALSE(console_left(p.con));
	send_text(p.to, "y");
	start = clock_ns();
	console_wait(p.con, UINT64_MAX);
	CU_ASSERT(clock_ns() - start >= CONSOLE_WAIT_NS);
	pipes_close(&p);
}

static const struct unit_test tests[] = {
	UNIT_TEST(output_is_written_on_flush_and_at_4096_bytes),
	UNIT_TEST(close_writes_what_is_left),
	UNIT_TEST(reader_that_went_is_epipe_and_stays),
	UNIT_TEST(nonblocking_descriptor_that_is_full_is_waited_for),
	UNIT_TEST(interrupted_console_gives_up_what_would_block),
	UNIT_TEST(interrupted_console_still_writes_what_does_not_block),
	UNIT_TEST(output_that_cannot_be_written_is_refused),
	UNIT_TEST(pipe_gives_bytes_as_they_come_and_ends),
	UNIT_TEST(regular_file_has_its_bytes_at_once),
	UNIT_TEST(inputs_without_bytes_are_not_live),
	UNIT_TEST(wait_flushes_and_ends_with_input_or_time),
	UNIT_END,
};

const struct unit_suite suite_console = { "console", tests };
