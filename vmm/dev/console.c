// SPDX-License-Identifier: MIT
#include "dev/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PREFIX 0x01u /* Ctrl-A */
#define LEAVE 'x'
#define RETRY_MS 100

struct console {
	int in_fd, out_fd;
	bool terminal; /* in_fd is one, in raw mode */
	bool by_line;  /* out_fd is one */
	bool at_once;  /* in_fd is a file or device that has its bytes at once */
	bool in_ended; /* end of file, or an input that cannot be read */
	bool prefix;   /* Ctrl-A came, what follows is awaited */
	bool left;     /* Ctrl-A x came */
	int out_error; /* 0, or the negative errno that ended output */
	atomic_bool interrupted;
	struct termios saved;
	pid_t group; /* ours: while it is the terminal's, the terminal is ours */
	unsigned out_count;
	unsigned in_head, in_count;
	uint8_t out[CONSOLE_OUT_BYTES];
	uint8_t in[CONSOLE_IN_BYTES];
};

/* --- output -------------------------------------------------------------------------------- */

static bool console_writable(const struct console *con, int timeout_ms)
{
	struct pollfd p = { .fd = con->out_fd, .events = POLLOUT };

	return poll(&p, 1, timeout_ms) > 0;
}

/* Write once. Bytes written, 0 to try again, or a negative errno. */
static int console_write(struct console *con, const uint8_t *data, unsigned bytes)
{
	ssize_t n;

	if (atomic_load(&con->interrupted) && !console_writable(con, 0))
		return -EINTR;
	n = write(con->out_fd, data, bytes);
	if (n >= 0)
		return (int)n;
	if (errno == EAGAIN) {
		/* Someone made the descriptor nonblocking: wait for room. */
		console_writable(con, RETRY_MS);
		return 0;
	}
	return errno == EINTR ? 0 : -errno;
}

/* --- input --------------------------------------------------------------------------------- */

static void console_store(struct console *con, uint8_t byte)
{
	if (con->in_count == CONSOLE_IN_BYTES)
		return;
	con->in[(con->in_head + con->in_count++) % CONSOLE_IN_BYTES] = byte;
}

/* One byte typed at a terminal. */
static void console_typed(struct console *con, uint8_t byte)
{
	if (!con->prefix && byte == PREFIX) {
		con->prefix = true;
		return;
	}
	if (con->prefix && byte == LEAVE) {
		con->left = true;
		return;
	}
	if (con->prefix && byte != PREFIX)
		console_store(con, PREFIX);
	con->prefix = false;
	console_store(con, byte);
}

/* Is it time to read? A terminal always, for Ctrl-A x; the others when all is passed on. */
static bool console_wants_input(const struct console *con)
{
	return !con->in_ended && !con->left && (con->terminal || !con->in_count);
}

/* Take in what the host offers now. */
static void console_fill(struct console *con)
{
	struct pollfd p = { .fd = con->in_fd, .events = POLLIN };
	uint8_t data[CONSOLE_IN_BYTES];
	ssize_t n;

	if (!console_wants_input(con) || poll(&p, 1, 0) <= 0)
		return;
	n = read(con->in_fd, data, sizeof(data));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		con->in_ended = true;
	for (ssize_t i = 0; i < n && !con->left; i++) {
		if (con->terminal)
			console_typed(con, data[i]);
		else
			console_store(con, data[i]);
	}
}

/* --- output goes on ------------------------------------------------------------------------- */

/*
 * Wait until output can be written. At a terminal the keyboard is looked at meanwhile: nobody may
 * read the output, and Ctrl-A x must still leave. False: it did.
 */
static bool console_await_room(struct console *con)
{
	struct pollfd p[2] = {
		{ .fd = con->out_fd, .events = POLLOUT },
		{ .fd = con->in_fd, .events = POLLIN },
	};

	while (con->terminal && !con->left && !con->in_ended && !atomic_load(&con->interrupted)) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			console_fill(con);
		if (p[0].revents)
			break;
	}
	return !con->left;
}

int console_flush(struct console *con)
{
	unsigned done = 0;
	int n = 0;

	while (!con->out_error && done < con->out_count) {
		if (!console_await_room(con)) {
			n = -EINTR;
			break;
		}
		n = console_write(con, con->out + done, con->out_count - done);
		if (n == -EINTR)
			break;
		if (n < 0)
			con->out_error = n;
		else
			done += (unsigned)n;
	}
	if (con->out_error) {
		con->out_count = 0;
		return con->out_error;
	}
	con->out_count -= done;
	memmove(con->out, con->out + done, con->out_count);
	return n < 0 ? n : 0;
}

int console_error(const struct console *con)
{
	return con->out_error;
}

void console_put(struct console *con, uint8_t byte)
{
	if (con->out_count == CONSOLE_OUT_BYTES)
		return; /* only after console_interrupt() */
	con->out[con->out_count++] = byte;
	if (con->out_count == CONSOLE_OUT_BYTES || (con->by_line && byte == '\n'))
		console_flush(con);
}

int console_poll_input(struct console *con, uint8_t *byte)
{
	if (console_left(con))
		return -ECANCELED;
	if (!con->in_count)
		return 0;
	*byte = con->in[con->in_head];
	con->in_head = (con->in_head + 1) % CONSOLE_IN_BYTES;
	con->in_count--;
	return 1;
}

bool console_left(struct console *con)
{
	console_fill(con);
	return con->left;
}

bool console_input_live(const struct console *con)
{
	return !con->in_ended && !con->at_once;
}

void console_wait(struct console *con, uint64_t timeout_ns)
{
	struct pollfd p = { .fd = con->in_fd, .events = POLLIN };
	uint64_t ns = timeout_ns < CONSOLE_WAIT_NS ? timeout_ns : CONSOLE_WAIT_NS;
	struct timespec ts = { .tv_nsec = (long)ns };

	console_flush(con);
	ppoll(&p, console_wants_input(con) ? 1 : 0, &ts, 0);
}

/* --- opening and closing ------------------------------------------------------------------- */

static bool console_in_foreground(const struct console *con)
{
	return con->terminal && tcgetpgrp(con->in_fd) == con->group;
}

void console_restore(const struct console *con)
{
	int saved_errno = errno;

	/* In the background, setting the terminal would stop this process. */
	if (console_in_foreground(con))
		tcsetattr(con->in_fd, TCSANOW, &con->saved);
	errno = saved_errno;
}

void console_interrupt(struct console *con)
{
	atomic_store(&con->interrupted, true);
}

/*
 * As cfmakeraw() does, but output processing stays on: what the VMM prints meanwhile, and a guest
 * that ends lines with a newline alone, must not run down the screen in steps.
 */
static int console_make_raw(const struct console *con)
{
	struct termios raw = con->saved;

	raw.c_iflag &=
		~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	raw.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(con->in_fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

void console_resume(const struct console *con)
{
	int saved_errno = errno;

	if (console_in_foreground(con))
		console_make_raw(con);
	errno = saved_errno;
}

static bool fd_open_for(int fd, int closed_mode)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) != closed_mode;
}

static int console_open_input(struct console *con)
{
	struct pollfd p = { .fd = con->in_fd, .events = POLLIN };
	struct stat st;

	con->in_ended = !fd_open_for(con->in_fd, O_WRONLY) || fstat(con->in_fd, &st) < 0;
	if (con->in_ended)
		return 0;
	if (tcgetattr(con->in_fd, &con->saved) < 0) {
		/*
		 * Devices without waiting (/dev/null, /dev/zero) are ready before anything is read.
		 */
		con->at_once = S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && poll(&p, 1, 0) > 0);
		return 0;
	}
	/* In the background, setting or reading the terminal would stop this process. */
	con->group = getpgrp();
	if (tcgetpgrp(con->in_fd) != con->group) {
		con->in_ended = true;
		return 0;
	}
	con->terminal = true;
	return console_make_raw(con);
}

int console_open(struct console **out, int in_fd, int out_fd, struct diag *d)
{
	struct console *con = calloc(1, sizeof(*con));
	int err;

	if (!con)
		return -ENOMEM;
	con->in_fd = in_fd;
	con->out_fd = out_fd;
	con->by_line = isatty(out_fd);
	if (!fd_open_for(out_fd, O_RDONLY)) {
		free(con);
		return diag_set(d, EBADF,
				"standard output is closed: redirect it to a file or /dev/null");
	}
	err = console_open_input(con);
	if (err) {
		console_restore(con);
		free(con);
		return diag_set(d, -err, "cannot set the terminal to raw mode: %s: use </dev/null",
				strerror(-err));
	}
	*out = con;
	return 0;
}

void console_close(struct console *con)
{
	if (!con)
		return;
	console_flush(con);
	console_restore(con);
	free(con);
}
