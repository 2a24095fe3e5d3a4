// SPDX-License-Identifier: MIT
#include "dev/console.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
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

/* --- terminals ----------------------------------------------------------------------------- */

/*
 * Run `body` in a child whose controlling terminal is the slave of a pty; it returns 0 if all is
 * well, else a line number. The test talks to the master by `talk`, if given.
 */
static int on_terminal(int (*body)(int tty), void (*talk)(int master))
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };
	int master, status = -1;
	pid_t child = forkpty(&master, 0, 0, &size);

	CU_ASSERT_FATAL(child >= 0);
	if (!child)
		_exit(body(STDIN_FILENO));
	if (talk)
		talk(master);
	for (;;) {
		char dropped[256];

		if (read(master, dropped, sizeof(dropped)) <= 0)
			break;
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	close(master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__ % 255 + 1;                                                 \
	} while (0)

/* Local modes and input modes of a terminal. */
static struct termios modes(int tty)
{
	struct termios t = { 0 };

	tcgetattr(tty, &t);
	return t;
}

static int raw_and_back(int tty)
{
	struct termios before = modes(tty), raw, after;
	struct console *con;

	EXPECT(console_open(&con, tty, tty, 0) == 0);
	raw = modes(tty);
	EXPECT(console_input_live(con));
	EXPECT(!(raw.c_lflag & (ECHO | ICANON | ISIG | IEXTEN)));
	EXPECT(!(raw.c_iflag & (ICRNL | IXON)));
	EXPECT(raw.c_oflag == before.c_oflag);
	console_restore(con);
	after = modes(tty);
	EXPECT(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag);
	console_close(con);
	after = modes(tty);
	EXPECT(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag);
	return 0;
}

static void terminal_is_raw_while_open_and_restored(void)
{
	CU_ASSERT_EQUAL(on_terminal(raw_and_back, 0), 0);
}

/* Type at the master once the slave is raw (no echo). */
static void wait_raw(int master)
{
	for (unsigned i = 0; i < 1000 && modes(master).c_lflag & ICANON; i++)
		usleep(1000);
}

static bool next_byte(struct console *con, uint8_t *byte)
{
	for (unsigned i = 0; i < 50; i++) {
		int got = console_poll_input(con, byte);

		if (got)
			return got == 1;
		console_wait(con, CONSOLE_WAIT_NS);
	}
	return false;
}

static int typed_bytes(int tty)
{
	/* Ctrl-A Ctrl-A is one; Ctrl-A before another byte passes on with it; Ctrl-C is a byte. */
	static const char expected[] = "a\x01"
				       "b\x01"
				       "c\x03\r";
	struct console *con;
	uint8_t byte;

	EXPECT(console_open(&con, tty, tty, 0) == 0);
	for (unsigned i = 0; i < sizeof(expected) - 1; i++)
		EXPECT(next_byte(con, &byte) && byte == (uint8_t)expected[i]);
	put_text(con, "more\n");
	EXPECT(!next_byte(con, &byte) && console_left(con));
	EXPECT(console_poll_input(con, &byte) == -ECANCELED);
	console_close(con);
	return 0;
}

static void type_bytes(int master)
{
	char got[16];

	wait_raw(master);
	send_text(master, "a\x01\x01"
			  "b\x01"
			  "c\x03\r");
	CU_ASSERT(read(master, got, sizeof(got)) >= 4);
	/* What is typed after leaving is nobody's. */
	send_text(master, "\x01xyz");
}

static void ctrl_a_x_leaves_and_ctrl_a_twice_sends_one(void)
{
	CU_ASSERT_EQUAL(on_terminal(typed_bytes, type_bytes), 0);
}

static int deaf_guest(int tty)
{
	uint64_t start = clock_ns();
	struct console *con;

	EXPECT(console_open(&con, tty, tty, 0) == 0);
	while (!console_left(con) && clock_ns() - start < 10000000000)
		console_wait(con, CONSOLE_WAIT_NS);
	EXPECT(console_left(con));
	console_close(con);
	return 0;
}

static void type_much_then_leave(int master)
{
	wait_raw(master);
	for (unsigned i = 0; i < 2 * CONSOLE_IN_BYTES / 64; i++) {
		char text[65];

		memset(text, 'z', 64);
		text[64] = 0;
		send_text(master, text);
		usleep(200); /* a tty drops what comes faster than it is read */
	}
	usleep(100000);
	send_text(master, "\x01x");
}

static void ctrl_a_x_works_while_the_guest_takes_nothing(void)
{
	CU_ASSERT_EQUAL(on_terminal(deaf_guest, type_much_then_leave), 0);
}

static int each_line_at_once(int tty)
{
	struct console *con;

	EXPECT(console_open(&con, -1, tty, 0) == 0);
	put_text(con, "prompt\n");
	/* No flush: the parent reads the line while this waits for its answer. */
	EXPECT(read(tty, &(char){ 0 }, 1) == 1);
	console_close(con);
	return 0;
}

static void answer_prompt(int master)
{
	char got[64];
	ssize_t n = read(master, got, sizeof(got));

	CU_ASSERT(n >= 6 && !memcmp(got, "prompt", 6));
	send_text(master, "\n");
}

static void terminal_output_is_flushed_by_line(void)
{
	CU_ASSERT_EQUAL(on_terminal(each_line_at_once, answer_prompt), 0);
}

static int in_background(int tty)
{
	struct termios before = modes(tty), after;
	struct console *con;
	pid_t child = fork();
	int status;

	EXPECT(child >= 0);
	if (!child) {
		setpgid(0, 0);
		EXPECT(console_open(&con, tty, tty, 0) == 0);
		EXPECT(!console_input_live(con));
		console_close(con);
		_exit(0);
	}
	EXPECT(waitpid(child, &status, WUNTRACED) == child);
	after = modes(tty);
	EXPECT(after.c_lflag == before.c_lflag);
	return WIFEXITED(status) ? WEXITSTATUS(status) : __LINE__ % 255 + 1;
}

static void background_process_leaves_the_terminal_alone(void)
{
	CU_ASSERT_EQUAL(on_terminal(in_background, 0), 0);
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
	UNIT_TEST(terminal_is_raw_while_open_and_restored),
	UNIT_TEST(ctrl_a_x_leaves_and_ctrl_a_twice_sends_one),
	UNIT_TEST(ctrl_a_x_works_while_the_guest_takes_nothing),
	UNIT_TEST(terminal_output_is_flushed_by_line),
	UNIT_TEST(background_process_leaves_the_terminal_alone),
	UNIT_END,
};

const struct unit_suite suite_console = { "console", tests };
