// SPDX-License-Identifier: MIT
/*
 * box_host [-t SECONDS] [-r FOLDER] [-v] -- QEMU [QEMU-ARG...] -- FOLDER-INSIDE CMD [ARG...]
 *
 * Starts QEMU with a virtio-serial port, has box_init run CMD there, and acts like CMD: its
 * streams, its signals, its terminal, its exit status. Files that it left in $RESULTS are put into
 * FOLDER.
 *
 * -t SECONDS   end the box after that long (default 600, or never when stdin is a terminal)
 * -v           tell the milliseconds from start to CMD, and show what QEMU and the kernel say
 *
 * Exit status: CMD's; 104 if the machine died or the time was up; 102 for bad arguments; 128 + n
 * when ended by signal n. QEMU never outlives this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define STATUS_USAGE 102
#define STATUS_HOST 104
#define DEFAULT_SECONDS 600
#define LOG_BYTES 4096
#define CHUNK 16384
#define ESCAPE 0x1d /* Ctrl-] */

struct box {
	pid_t qemu, tar;
	int port, log_pipe; /* to box_init; what QEMU and the kernel's console say */
	int tar_pipe;	    /* -1 until there are results */
	const char *results;
	double start_s, limit_s; /* limit_s 0: none */
	bool verbose, started, wants_input;
	uint32_t terminals;
	struct termios cooked;
	size_t log_bytes;
	char log[LOG_BYTES + 1];
};

static volatile sig_atomic_t interrupted, window_changed, ended_by;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		window_changed = 1;
	else if (number == SIGINT && !interrupted)
		interrupted = 1;
	else if (number != SIGALRM)
		ended_by = number;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end_box(struct box *b)
{
	if (b->terminals)
		tcsetattr(0, TCSADRAIN, &b->cooked);
	if (b->qemu > 0) {
		kill(b->qemu, SIGKILL);
		waitpid(b->qemu, NULL, 0);
	}
	b->qemu = 0;
}

/* The box did not work: one line, and what QEMU and the kernel said last. Does not return. */
__attribute__((noreturn, format(printf, 2, 3))) static void broken(struct box *b, const char *f,
								   ...)
{
	va_list args;

	end_box(b);
	va_start(args, f);
	fputs("box: ", stderr);
	vfprintf(stderr, f, args);
	fputc('\n', stderr);
	va_end(args);
	for (char *line = strtok(b->log, "\r\n"); line && !b->verbose; line = strtok(NULL, "\r\n"))
		fprintf(stderr, "box: | %s\n", line);
	exit(STATUS_HOST);
}

/* Keeps the newest LOG_BYTES. */
static void read_log(struct box *b)
{
	char data[LOG_BYTES];
	ssize_t n = read(b->log_pipe, data, sizeof(data));
	size_t keep;

	if (n <= 0)
		return;
	if (b->verbose)
		write_all(2, data, (size_t)n);
	keep = LOG_BYTES - (size_t)n;
	if (keep > b->log_bytes)
		keep = b->log_bytes;
	memmove(b->log, b->log + b->log_bytes - keep, keep);
	memcpy(b->log + keep, data, (size_t)n);
	b->log_bytes = keep + (size_t)n;
	b->log[b->log_bytes] = 0;
}

/* Between, and inside, calls that may block. The timer sees to it that they do not for long. */
static void check_end(struct box *b)
{
	if (ended_by) {
		end_box(b);
		exit(128 + ended_by);
	}
	if (b->limit_s > 0 && now_s() - b->start_s > b->limit_s)
		broken(b, "%s after %g seconds; the box was ended (--timeout S)",
		       b->started ? "the command was still running" : "the kernel had not started",
		       b->limit_s);
}

static void send_to_box(struct box *b, enum wire_type type, const void *data, size_t length)
{
	int err = wire_send(b->port, type, data, length);

	if (err && err != -EPIPE && err != -ECONNRESET) /* those: seen again when reading */
		broken(b, "sending to the box: %s", strerror(-err));
}

/* A stream of ours that nobody reads any more is a SIGPIPE for the command. */
static void pass_output(struct box *b, int fd, const uint8_t *data, size_t length)
{
	const uint32_t number = SIGPIPE;

	while (length) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			check_end(b);
			poll(&p, 1, 1000);
			continue;
		}
		if (n < 0) {
			send_to_box(b, WIRE_SIGNAL, &number, sizeof(number));
			return;
		}
		data += n;
		length -= (size_t)n;
	}
}

static void pass_results(struct box *b, const uint8_t *data, size_t length)
{
	int pair[2];

	if (b->tar_pipe < 0) {
		if (pipe2(pair, O_CLOEXEC))
			broken(b, "pipe: %s", strerror(errno));
		b->tar = fork();
		if (b->tar == 0) {
			dup2(pair[0], 0);
			execlp("tar", "tar", "-x", "--no-same-owner", "--warning=no-timestamp",
			       "-C", b->results, (char *)NULL);
			_exit(127);
		}
		close(pair[0]);
		b->tar_pipe = pair[1];
	}
	if (write_all(b->tar_pipe, data, length))
		broken(b, "cannot unpack the results into %s", b->results);
}

static int finish(struct box *b, const uint8_t *data)
{
	uint32_t status;
	int tar_status = 0;

	memcpy(&status, data, sizeof(status));
	end_box(b);
	if (b->tar_pipe >= 0) {
		close(b->tar_pipe);
		waitpid(b->tar, &tar_status, 0);
		if (tar_status)
			broken(b, "cannot unpack the results into %s", b->results);
	}
	return (int)status;
}

/* One frame from box_init. @return the command's status when it has ended, else -1. */
static int obey(struct box *b, const struct wire_head *head, const uint8_t *data)
{
	switch (head->type) {
	case WIRE_STARTED:
		b->started = true;
		b->wants_input = true;
		if (b->verbose)
			fprintf(stderr, "box: %.0f ms from start to command\n",
				(now_s() - b->start_s) * 1e3);
		break;
	case WIRE_MORE:
		b->wants_input = true;
		break;
	case WIRE_OUTPUT:
		pass_output(b, 1, data, head->length);
		break;
	case WIRE_ERRORS:
		pass_output(b, 2, data, head->length);
		break;
	case WIRE_RESULTS:
		pass_results(b, data, head->length);
		break;
	case WIRE_EXIT:
		return finish(b, data);
	default:
		broken(b, "the box does not speak our language: rebuild");
	}
	return -1;
}

static void pass_input(struct box *b)
{
	uint8_t data[CHUNK];
	ssize_t n = read(0, data, sizeof(data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0 && b->terminals && memchr(data, ESCAPE, (size_t)n)) {
		end_box(b);
		fputs("box: ended by Ctrl-]\n", stderr);
		exit(128 + SIGINT);
	}
	b->wants_input = false; /* until it asks again; never after the end */
	send_to_box(b, WIRE_INPUT, data, n > 0 ? (size_t)n : 0);
}

static struct wire_window window(void)
{
	struct winsize size = { 0 };

	ioctl(1, TIOCGWINSZ, &size);
	return (struct wire_window){ .rows = size.ws_row, .columns = size.ws_col };
}

static void pass_signals(struct box *b)
{
	const uint32_t number = SIGINT;
	struct wire_window w = window();

	if (window_changed && b->started)
		send_to_box(b, WIRE_WINDOW, &w, sizeof(w));
	window_changed = 0;
	if (interrupted && !b->started)
		ended_by = SIGINT;
	if (interrupted == 1 && b->started) {
		send_to_box(b, WIRE_SIGNAL, &number, sizeof(number));
		interrupted = 2; /* the next one ends the box */
	}
	check_end(b);
}

/* @return the command's exit status. */
static int relay(struct box *b)
{
	static struct wire_reader r;
	struct wire_head head;
	const uint8_t *data;
	int n, status;

	for (;;) {
		struct pollfd p[] = {
			{ .fd = b->port, .events = POLLIN },
			{ .fd = b->log_pipe, .events = POLLIN },
			{ .fd = b->wants_input ? 0 : -1, .events = POLLIN },
		};

		pass_signals(b);
		if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
			continue;
		if (p[1].revents & POLLIN)
			read_log(b);
		if (p[2].revents)
			pass_input(b);
		if (!p[0].revents)
			continue;
		n = wire_fill(&r, b->port);
		if (n == 0 || (n < 0 && n != -EINTR)) {
			while (poll(&p[1], 1, 100) > 0 && p[1].revents & POLLIN)
				read_log(b);
			broken(b, "the machine died %s",
			       b->started ? "while the command ran" : "before the command started");
		}
		while ((n = wire_next(&r, &head, &data)) == 1) {
			status = obey(b, &head, data);
			if (status >= 0)
				return status;
			wire_drop(&r);
		}
		if (n < 0)
			broken(b, "the box does not speak our language: rebuild");
	}
}

static void start_qemu(struct box *b, char **argv, int argc)
{
	char **full = calloc((size_t)argc + 9, sizeof(*full));
	char chardev[64];
	int pair[2], log[2];

	if (!full || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
	    pipe2(log, O_CLOEXEC))
		broken(b, "socketpair: %s", strerror(errno));
	memcpy(full, argv, (size_t)argc * sizeof(*full));
	snprintf(chardev, sizeof(chardev), "socket,id=port,fd=%d", pair[1]);
	full[argc] = "-chardev";
	full[argc + 1] = chardev;
	full[argc + 2] = "-device";
	full[argc + 3] = "virtio-serial-pci";
	full[argc + 4] = "-device";
	full[argc + 5] = "virtserialport,nr=1,chardev=port";
	full[argc + 6] = "-serial";
	full[argc + 7] = "stdio";
	b->qemu = fork();
	if (b->qemu == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0); /* Ctrl-C is for us */
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(log[1], 1);
		dup2(log[1], 2);
		fcntl(pair[1], F_SETFD, 0);
		signal(SIGPIPE, SIG_DFL);
		execvp(full[0], full);
		fprintf(stderr, "%s: %s\n", full[0], strerror(errno));
		_exit(127);
	}
	close(pair[1]);
	close(log[1]);
	free(full);
	b->port = pair[0];
	b->log_pipe = log[0];
}

/* Appends a string to the START frame. @return its new length. */
static size_t add_string(struct box *b, char *frame, size_t used, const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > WIRE_MAX - used) {
		end_box(b);
		fputs("box: the command line is too long (64 KiB)\n", stderr);
		exit(STATUS_USAGE);
	}
	memcpy(frame + used, text, size);
	return used + size;
}

/* argv: the folder inside, then the command. */
static void send_start(struct box *b, char **argv)
{
	static char frame[WIRE_MAX];
	const struct wire_start s = { .terminals = b->terminals, .window = window() };
	const char *term = getenv("TERM");
	char variable[256];
	size_t used = sizeof(s);

	memcpy(frame, &s, sizeof(s));
	snprintf(variable, sizeof(variable), "TERM=%s", term ? term : "dumb");
	used = add_string(b, frame, used, *argv++);
	used = add_string(b, frame, used, variable);
	while (*argv)
		used = add_string(b, frame, used, *argv++);
	send_to_box(b, WIRE_START, frame, used);
}

/* The box's terminal stands for each of our streams that is one, if input comes from one. */
static void use_terminal(struct box *b)
{
	struct termios raw;

	if (!isatty(0) || (!isatty(1) && !isatty(2)) || tcgetattr(0, &b->cooked))
		return;
	b->terminals = 1u | (isatty(1) ? 2u : 0) | (isatty(2) ? 4u : 0);
	raw = b->cooked;
	cfmakeraw(&raw);
	fputs("box: Ctrl-] ends the box\n", stderr);
	tcsetattr(0, TCSADRAIN, &raw);
}

static void catch_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGALRM };
	const struct itimerval second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	struct sigaction a = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &a, NULL);
	signal(SIGPIPE, SIG_IGN);
	setitimer(ITIMER_REAL, &second, NULL);
}

static int usage(void)
{
	fputs("usage: box_host [-t SECONDS] [-r FOLDER] [-v] -- QEMU [ARG...] -- FOLDER CMD [ARG...]\n",
	      stderr);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	static struct box b = { .tar_pipe = -1, .results = ".", .limit_s = -1 };
	int option, split;

	while ((option = getopt(argc, argv, "+t:r:v")) != -1) {
		if (option == 't')
			b.limit_s = strtod(optarg, NULL);
		else if (option == 'r')
			b.results = optarg;
		else if (option == 'v')
			b.verbose = true;
		else
			return usage();
	}
	for (split = optind; split < argc && strcmp(argv[split], "--"); split++)
		;
	if (split == optind || split + 2 >= argc)
		return usage();
	argv[split] = NULL;
	b.start_s = now_s();
	if (b.limit_s < 0)
		b.limit_s = isatty(0) ? 0 : DEFAULT_SECONDS;
	catch_signals();
	start_qemu(&b, argv + optind, split - optind);
	use_terminal(&b);
	send_start(&b, argv + split + 1);
	return relay(&b);
}
