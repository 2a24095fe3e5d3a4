// SPDX-License-Identifier: MIT
/*
 * The first process of the box: loads the modules, runs one command that the host names over the
 * virtio-serial port, and passes its streams, results folder and exit status back (wire.h). Linked
 * statically. In C and not a shell script because every process costs 10 ms under TCG.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

#define PORT "/dev/vport0p1"
#define RESULTS "/results"
#define CHUNK 16384
#define LINGER_MS 200
#define MAX_ARGS 4096

struct command {
	pid_t pid;
	int input;     /* its stdin, or the terminal; -1 once closed */
	int stream[3]; /* where its stdout [1] and stderr [2] come out, -1 once at their end */
	int terminal;  /* master side, or -1 */
	uint8_t held[WIRE_MAX]; /* input that it has not read yet */
	size_t held_from, held_left;
	bool exited;
	int status;
};

static int port;

/* Nothing can be told to the host: say it on the kernel's console and end the machine. */
static void fail(const char *what)
{
	int console = open("/dev/console", O_WRONLY | O_NOCTTY);

	dprintf(console, "box_init: %s: %s\n", what, strerror(errno));
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = { { "proc", "/proc" },
		       { "sysfs", "/sys" },
		       { "devtmpfs", "/dev" },
		       { "devpts", "/dev/pts" },
		       { "tmpfs", "/dev/shm" } };

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL))
			fail(mounts[i].where);
	}
	chmod("/dev/shm", 01777);
	symlink("/proc/self/fd", "/dev/fd");
	symlink("/proc/self/fd/0", "/dev/stdin");
	symlink("/proc/self/fd/1", "/dev/stdout");
	symlink("/proc/self/fd/2", "/dev/stderr");
	mkdir("/tmp", 0);
	chmod("/tmp", 01777);
	mkdir(RESULTS, 0755);
}

/* /modules/NN-name.ko in order; NPT=0 or 1 on the kernel's command line is kvm-amd's parameter. */
static void load_modules(void)
{
	struct dirent **list;
	const char *npt = getenv("NPT");
	char path[300], options[16] = "";
	int n = scandir("/modules", &list, NULL, alphasort);

	if (n < 0)
		fail("/modules");
	if (npt)
		snprintf(options, sizeof(options), "npt=%s", npt);
	for (int i = 0; i < n; i++) {
		int fd;

		if (list[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", list[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (syscall(SYS_finit_module, fd, strstr(path, "kvm-amd") ? options : "", 0))
			fail(path);
		close(fd);
	}
}

static void open_port(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int tries = 0; tries < 10000; tries++) {
		port = open(PORT, O_RDWR | O_CLOEXEC);
		if (port >= 0)
			return;
		nanosleep(&ms, NULL);
	}
	fail(PORT);
}

static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ioctl(s, SIOCSIFFLAGS, &lo);
	close(s);
}

static void send_frame(enum wire_type type, const void *data, size_t length)
{
	if (wire_send(port, type, data, length))
		fail("sending to the host");
}

/* Until a whole frame is at the reader's front. */
static const uint8_t *await_frame(struct wire_reader *r, struct wire_head *head)
{
	const uint8_t *data;

	for (;;) {
		int n = wire_next(r, head, &data);

		if (n < 0 || (n == 0 && wire_fill(r, port) < 0))
			fail("receiving from the host");
		if (n == 1)
			return data;
	}
}

/* In the child: never returns. */
static void become(char **argv, const char *folder, const int streams[3], int terminal)
{
	sigset_t none;
	int err;

	signal(SIGPIPE, SIG_DFL);
	setsid();
	if (terminal >= 0)
		ioctl(terminal, TIOCSCTTY, 0);
	for (int i = 0; i < 3; i++)
		dup2(streams[i], i);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(folder) == 0)
		execvp(argv[0], argv);
	err = errno;
	dprintf(2, "box: %s: %s\n", argv[0], strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

static void make_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC))
		fail("pipe");
}

static int open_terminal(struct command *c, const struct wire_window *w)
{
	const struct winsize size = { .ws_row = w->rows, .ws_col = w->columns };
	int slave;

	c->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->terminal < 0 || grantpt(c->terminal) || unlockpt(c->terminal))
		fail("/dev/ptmx");
	slave = open(ptsname(c->terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		fail("/dev/pts");
	ioctl(c->terminal, TIOCSWINSZ, &size);
	return slave;
}

/* Streams that are not the terminal are pipes. */
static void start(struct command *c, const struct wire_start *s, char **argv, const char *folder)
{
	int slave = -1, pair[2], theirs[3];

	c->input = c->stream[1] = c->stream[2] = c->terminal = -1;
	if (s->terminals)
		slave = open_terminal(c, &s->window);
	for (int i = 0; i < 3; i++) {
		if (s->terminals & 1u << i) {
			theirs[i] = slave;
			continue;
		}
		make_pipe(pair);
		theirs[i] = pair[i == 0 ? 0 : 1];
		if (i == 0)
			c->input = pair[1];
		else
			c->stream[i] = pair[0];
	}
	if (s->terminals & 1)
		c->input = c->terminal;
	if (s->terminals & ~1u)
		c->stream[s->terminals & 2 ? 1 : 2] = c->terminal;
	c->pid = fork();
	if (c->pid < 0)
		fail("fork");
	if (c->pid == 0)
		become(argv, folder, theirs, slave);
	for (int i = 0; i < 3; i++)
		if (theirs[i] != slave)
			close(theirs[i]);
	if (slave >= 0)
		close(slave);
	fcntl(c->input, F_SETFL, O_NONBLOCK);
	for (int i = 1; i < 3; i++)
		if (c->stream[i] >= 0)
			fcntl(c->stream[i], F_SETFL, O_NONBLOCK);
}

/* The START frame, taken apart. */
static void receive_start(struct wire_reader *r, struct command *c)
{
	static char *argv[MAX_ARGS + 1];
	struct wire_start s;
	struct wire_head head;
	const uint8_t *data = await_frame(r, &head);
	char *p, *end, *folder;
	int n = 0;

	memcpy(&s, data, sizeof(s));
	p = malloc(head.length);
	if (!p)
		fail("memory");
	memcpy(p, data, head.length);
	end = p + head.length;
	folder = p + sizeof(s);
	p = folder + strlen(folder) + 1;
	putenv(p);
	for (p += strlen(p) + 1; p < end && n < MAX_ARGS; p += strlen(p) + 1)
		argv[n++] = p;
	wire_drop(r);
	send_frame(WIRE_STARTED, NULL, 0);
	start(c, &s, argv, folder);
}

/* A piece of what the command wrote to a stream. */
static void pass_output(struct command *c, int stream)
{
	uint8_t data[CHUNK];
	ssize_t n = read(c->stream[stream], data, sizeof(data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* EIO: the terminal has no user any more */
		if (c->stream[stream] != c->terminal)
			close(c->stream[stream]);
		c->stream[stream] = -1;
		return;
	}
	send_frame(stream == 1 ? WIRE_OUTPUT : WIRE_ERRORS, data, (size_t)n);
}

static void close_input(struct command *c)
{
	static const char end_of_file = 4; /* Ctrl-D */

	if (c->input == c->terminal)
		write_all(c->terminal, &end_of_file, 1);
	else
		close(c->input);
	c->input = -1;
}

/* As much of the held input as the command's pipe takes; the host sends more when all is gone. */
static void pass_input(struct command *c)
{
	while (c->held_left) {
		ssize_t n = write(c->input, c->held + c->held_from, c->held_left);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) /* the command closed its stdin: the rest is for nobody */
			break;
		c->held_from += (size_t)n;
		c->held_left -= (size_t)n;
	}
	c->held_left = 0;
	send_frame(WIRE_MORE, NULL, 0);
}

static void obey(struct command *c, struct wire_reader *r)
{
	struct wire_window w;
	struct winsize size = { 0 };
	struct wire_head head;
	const uint8_t *data;
	uint32_t number;

	while (wire_next(r, &head, &data) == 1) {
		if (head.type == WIRE_INPUT && head.length && c->input >= 0) {
			memcpy(c->held, data, head.length);
			c->held_from = 0;
			c->held_left = head.length;
			pass_input(c);
		} else if (head.type == WIRE_INPUT && c->input >= 0) {
			close_input(c);
		} else if (head.type == WIRE_SIGNAL) {
			memcpy(&number, data, sizeof(number));
			kill(-c->pid, (int)number);
		} else if (head.type == WIRE_WINDOW && c->terminal >= 0) {
			memcpy(&w, data, sizeof(w));
			size.ws_row = w.rows;
			size.ws_col = w.columns;
			ioctl(c->terminal, TIOCSWINSZ, &size);
		}
		wire_drop(r);
	}
}

static void reap(struct command *c, int signals)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(signals, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != c->pid)
			continue;
		c->exited = true;
		c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

/* Until the command has ended. */
static void serve(struct command *c, struct wire_reader *r, int signals)
{
	while (!c->exited) {
		struct pollfd p[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = port, .events = POLLIN },
			{ .fd = c->stream[1], .events = POLLIN },
			{ .fd = c->stream[2], .events = POLLIN },
			{ .fd = c->held_left ? c->input : -1, .events = POLLOUT },
		};

		if (poll(p, sizeof(p) / sizeof(p[0]), -1) < 0)
			continue;
		if (p[2].revents)
			pass_output(c, 1);
		if (p[3].revents)
			pass_output(c, 2);
		if (p[4].revents)
			pass_input(c);
		if (p[1].revents & POLLIN && wire_fill(r, port) > 0)
			obey(c, r);
		if (p[0].revents)
			reap(c, signals);
	}
}

/*
 * What is left in the streams of a command that has ended, and what processes that it left behind
 * (`> >(tee file)`) still write within LINGER_MS of each other.
 */
static void drain(struct command *c)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = c->stream[1], .events = POLLIN },
			{ .fd = c->stream[2], .events = POLLIN },
		};

		if (c->stream[1] < 0 && c->stream[2] < 0)
			return;
		if (poll(p, 2, LINGER_MS) <= 0)
			return;
		if (p[0].revents)
			pass_output(c, 1);
		if (p[1].revents)
			pass_output(c, 2);
	}
}

static void send_results(void)
{
	uint8_t data[CHUNK];
	int pair[2], status;
	ssize_t n;
	pid_t pid;

	if (rmdir(RESULTS) == 0) /* nothing in it */
		return;
	make_pipe(pair);
	pid = fork();
	if (pid == 0) {
		dup2(pair[1], 1);
		execl("/bin/busybox", "tar", "-c", "-C", RESULTS, ".", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	while ((n = read(pair[0], data, sizeof(data))) > 0)
		send_frame(WIRE_RESULTS, data, (size_t)n);
	waitpid(pid, &status, 0);
	if (status)
		fail("tar of the results");
}

int main(void)
{
	static struct wire_reader reader;
	static struct command command;
	sigset_t set;
	uint32_t status;

	mount_all();
	load_modules();
	loopback_up();
	open_port();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("RESULTS", RESULTS, 1);
	unsetenv("NPT");
	receive_start(&reader, &command);
	serve(&command, &reader, signalfd(-1, &set, SFD_CLOEXEC));
	drain(&command);
	kill(-1, SIGKILL);
	send_results();
	status = (uint32_t)command.status;
	send_frame(WIRE_EXIT, &status, sizeof(status));
	for (;;)
		pause();
}
