// SPDX-License-Identifier: MIT
/*
 * sh [FILE [ARG...]], sh -c TEXT: a shell. With a terminal and no file it edits lines and prompts.
 */
#include "sh.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct shell shell;

/* A byte at a time: what follows the line may belong to the program that the line starts. */
static int read_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	ssize_t got;
	char c;

	while ((got = read(fd, &c, 1)) > 0 || (got < 0 && errno == EINTR)) {
		if (got < 0)
			continue;
		if (c == '\n')
			break;
		if (n + 1 < size)
			line[n++] = c;
	}
	line[n] = '\0';
	return got <= 0 && !n ? -1 : (int)n;
}

static int run_file(int fd)
{
	char line[LINE_MAX];

	while (!shell.leaving && read_line(fd, line, sizeof(line)) >= 0)
		run_line(line);
	return shell.status;
}

static int run_terminal(void)
{
	char line[LINE_MAX], prompt[128], path[96];

	puts("shadowbox shell; `help` tells what it knows, `exit` ends the machine.");
	while (!shell.leaving) {
		jobs_report();
		snprintf(prompt, sizeof(prompt), "%s # ", getcwd(path, sizeof(path)) ? path : "?");
		if (edit_line(prompt, line, sizeof(line)) < 0)
			break;
		run_line(line);
	}
	return shell.status;
}

/* So that wait() is left, and only what runs in the foreground ends. */
static void interrupted(int sig)
{
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = interrupted };

	if (argc > 1 && strcmp(argv[1], "-c") == 0) {
		if (argc == 2) {
			dprintf(STDERR_FILENO,
				"usage: sh [FILE [ARG...]] | sh -c TEXT [NAME [ARG...]]\n");
			return 2;
		}
		shell.argc = argc - 3;
		shell.argv = argv + 3;
		for (char *line = argv[2], *end; line && !shell.leaving; line = end) {
			end = strchr(line, '\n');
			if (end)
				*end++ = '\0';
			run_line(line);
		}
		return shell.status;
	}
	if (argc > 1) {
		int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

		if (fd < 0) {
			dprintf(STDERR_FILENO, "sh: %s: %s\n", argv[1], strerror(errno));
			return 127;
		}
		shell.argc = argc - 1;
		shell.argv = argv + 1;
		return run_file(fd);
	}
	shell.argc = 1;
	shell.argv = argv;
	shell.interactive = isatty(STDIN_FILENO);
	if (!shell.interactive)
		return run_file(STDIN_FILENO);
	sigaction(SIGINT, &act, NULL);
	return run_terminal();
}
