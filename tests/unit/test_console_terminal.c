// SPDX-License-Identifier: MIT
/*
 * The console at a terminal: raw mode and back, the keys that leave, output by line.
 */
#include "dev/console.h"

#include <errno.h>
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

extern const struct unit_suite suite_console_terminal;

static void put_text(struct console *con, const char *text)
{
	while (*text)
		console_put(con, (uint8_t)*text++);
}

static void send_text(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

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

/* What a stop and SIGCONT do to it. */
static int restored_and_resumed(int tty)
{
	struct termios before = modes(tty), raw, after;
	struct console *con;

	EXPECT(console_open(&con, tty, tty, 0) == 0);
	raw = modes(tty);
	console_restore(con);
	after = modes(tty);
	EXPECT(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag);
	console_resume(con);
	after = modes(tty);
	EXPECT(after.c_lflag == raw.c_lflag && after.c_iflag == raw.c_iflag);
	console_close(con);
	return 0;
}

static void terminal_can_be_raw_again(void)
{
	CU_ASSERT_EQUAL(on_terminal(restored_and_resumed, 0), 0);
}

/* The shell has taken the terminal: setting it would stop this process by SIGTTOU. */
static int away_and_back(int tty)
{
	struct termios theirs = modes(tty), after;
	pid_t group = getpgrp(), other = fork();
	struct console *con;

	EXPECT(other >= 0);
	if (!other) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	setpgid(other, other);
	EXPECT(console_open(&con, tty, tty, 0) == 0);
	EXPECT(tcsetpgrp(tty, other) == 0);
	signal(SIGTTOU, SIG_IGN); /* not to be stopped, if it is tried */
	theirs.c_lflag &= ~(tcflag_t)ECHOK;
	tcsetattr(tty, TCSANOW, &theirs);
	console_restore(con);
	console_resume(con);
	after = modes(tty);
	EXPECT(after.c_lflag == theirs.c_lflag && after.c_iflag == theirs.c_iflag);
	EXPECT(tcsetpgrp(tty, group) == 0);
	console_close(con);
	kill(other, SIGKILL);
	return 0;
}

static void terminal_of_another_is_left_alone(void)
{
	CU_ASSERT_EQUAL(on_terminal(away_and_back, 0), 0);
}

/* Nobody reads the output, and it is more than the pipe and the buffer hold. */
static int leave_with_a_full_pipe(int tty)
{
	struct console *con;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	EXPECT(console_open(&con, tty, ends[1], 0) == 0);
	for (unsigned i = 0; i < 1u << 20; i++)
		console_put(con, 'z');
	EXPECT(console_left(con));
	EXPECT(console_flush(con) == -EINTR);
	console_close(con);
	return 0;
}

static void type_leave(int master)
{
	wait_raw(master);
	usleep(50000);
	send_text(master, "\x01x");
}

static void ctrl_a_x_works_while_nobody_reads_the_output(void)
{
	CU_ASSERT_EQUAL(on_terminal(leave_with_a_full_pipe, type_leave), 0);
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
	UNIT_TEST(terminal_is_raw_while_open_and_restored),
	UNIT_TEST(ctrl_a_x_leaves_and_ctrl_a_twice_sends_one),
	UNIT_TEST(ctrl_a_x_works_while_the_guest_takes_nothing),
	UNIT_TEST(terminal_can_be_raw_again),
	UNIT_TEST(terminal_of_another_is_left_alone),
	UNIT_TEST(ctrl_a_x_works_while_nobody_reads_the_output),
	UNIT_TEST(terminal_output_is_flushed_by_line),
	UNIT_TEST(background_process_leaves_the_terminal_alone),
	UNIT_END,
};

const struct unit_suite suite_console_terminal = { "console_terminal", tests };
