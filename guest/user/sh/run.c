// SPDX-License-Identifier: MIT
#include "sh.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127
#define NOT_RUNNABLE 126

int status_of(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static int complain(const char *what, const char *why)
{
	dprintf(STDERR_FILENO, "sh: %s: %s\n", what, why);
	return 1;
}

/* --- redirections ----------------------------------------------------------------------------- */

static int open_target(const struct redirect *r)
{
	const char *path = expand_word(r->target);
	int fd;

	if (!path)
		path = "";
	if (r->kind == REDIRECT_DUP)
		return dup(atoi(path));
	if (r->kind == REDIRECT_IN)
		return open(path, O_RDONLY);
	fd = open(path, O_WRONLY | O_CREAT | (r->kind == REDIRECT_APPEND ? O_APPEND : O_TRUNC),
		  0666);
	if (fd < 0 && errno == EROFS) { /* a device takes no part in that */
		fd = open(path, O_WRONLY);
		if (fd < 0)
			errno = EROFS;
	}
	return fd;
}

/* For good: the caller is a child, or keeps the old ones. 0, or 1 after a complaint. */
static int redirect(const struct redirect *r)
{
	for (; r; r = r->next) {
		int fd = open_target(r);

		if (fd < 0)
			return complain(r->target, strerror(errno));
		if (fd != r->fd) {
			dup2(fd, r->fd);
			close(fd);
		}
	}
	return 0;
}

/* --- programs --------------------------------------------------------------------------------- */

static void exec_path(const char *path, char **argv)
{
	execve(path, argv, environ);
	if (errno == ENOEXEC) { /* text: read it as a script, as other shells do */
		int count = 0;
		char **more;

		while (argv[count])
			count++;
		more = arena_alloc(((size_t)count + 2) * sizeof(*more));
		more[0] = argv[0];
		memcpy(more + 1, argv, ((size_t)count + 1) * sizeof(*more));
		more[1] = arena_text(path, strlen(path));
		execve("/bin/sh", more, environ);
		errno = ENOEXEC;
	}
}

/* Does not come back. */
static void exec_program(char **argv)
{
	const char *path = getenv("PATH"), *end;
	char whole[512];

	if (strchr(argv[0], '/')) {
		exec_path(argv[0], argv);
	} else {
		errno = ENOENT;
		for (path = path ? path : "/bin"; *path && errno == ENOENT;
		     path = *end ? end + 1 : end) {
			end = strchr(path, ':');
			end = end ? end : path + strlen(path);
			snprintf(whole, sizeof(whole), "%.*s/%s", (int)(end - path), path, argv[0]);
			exec_path(whole, argv);
		}
	}
	complain(argv[0], errno == ENOENT ? "not found" : strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : NOT_RUNNABLE);
}

static char **expand_command(const struct command *c, int *argc)
{
	char **argv = arena_alloc(((size_t)c->count + 1) * sizeof(*argv));

	*argc = 0;
	for (int i = 0; i < c->count; i++) {
		char *word = expand_word(c->words[i]);

		if (word)
			argv[(*argc)++] = word;
	}
	return argv;
}

/* In a child: become that command. */
static void run_in_child(const struct command *c)
{
	int argc;
	char **argv = expand_command(c, &argc);
	builtin_fn builtin;

	signal(SIGINT, SIG_DFL);
	if (redirect(c->redirects) || argc == 0)
		_exit(c->redirects && argc ? 1 : 0);
	builtin = find_builtin(argv[0]);
	if (builtin)
		exit(builtin(argc, argv));
	exec_program(argv);
}

/* A builtin alone runs in the shell: its redirections hold while it does. */
static int run_builtin(const struct command *c, builtin_fn builtin, int argc, char **argv)
{
	int saved[3], status;

	for (int fd = 0; fd < 3; fd++)
		saved[fd] = c->redirects ? fcntl(fd, F_DUPFD, 10) : -1;
	status = redirect(c->redirects) ? 1 : builtin(argc, argv);
	flush();
	for (int fd = 0; fd < 3; fd++) {
		if (saved[fd] >= 0) {
			dup2(saved[fd], fd);
			close(saved[fd]);
		}
	}
	return status;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return NOT_FOUND;
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGINT)
			shell.leaving = !shell.interactive;
		if (WTERMSIG(status) == SIGINT)
			putchar('\n');
		else if (WTERMSIG(status) != SIGPIPE)
			printf("%s\n", strsignal(WTERMSIG(status)));
		flush();
	}
	return status_of(status);
}

/* Starts a command that reads from `in` and writes into a new pipe, whose other end *next is. */
static pid_t start(const struct command *c, int in, int *next)
{
	int fds[2] = { -1, -1 };
	pid_t pid;

	*next = -1;
	if (c->next && pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (in >= 0) {
			dup2(in, STDIN_FILENO);
			close(in);
		}
		if (c->next) {
			dup2(fds[1], STDOUT_FILENO);
			close(fds[0]);
			close(fds[1]);
		}
		run_in_child(c);
	}
	if (c->next)
		close(fds[1]);
	*next = fds[0];
	return pid;
}

static int run_pipe(const struct command *c)
{
	pid_t pids[64];
	int count = 0, in = -1, next = -1, status = 0;

	for (; c && count < 64; c = c->next) {
		pid_t pid = start(c, in, &next);

		if (in >= 0)
			close(in);
		in = next;
		if (pid < 0) {
			status = complain("fork", strerror(errno));
			break;
		}
		pids[count++] = pid;
	}
	if (c && in >= 0)
		close(in);
	for (int i = 0; i < count; i++)
		status = wait_for(pids[i]);
	return c ? 1 : status;
}

static int run_pipeline(const struct pipeline *p)
{
	const struct command *c = p->commands;
	int argc = 0, status;
	char **argv;
	builtin_fn builtin;

	if (c->next)
		return run_pipe(c);
	argv = expand_command(c, &argc);
	if (argc == 1 && !c->redirects && assign(argv[0]) == 0)
		return 0;
	builtin = argc ? find_builtin(argv[0]) : NULL;
	status = builtin ? run_builtin(c, builtin, argc, argv) : run_pipe(c);
	return status;
}

static void run_pipelines(const struct pipeline *p)
{
	for (; p && !shell.leaving; p = p->next) {
		int status;

		if ((p->link == LINK_AND && shell.status) || (p->link == LINK_OR && !shell.status))
			continue;
		status = run_pipeline(p);
		shell.status = p->negated ? !status : status;
	}
}

static void run_in_background(const struct job *job, const char *line)
{
	pid_t pid = fork();

	if (pid < 0) {
		shell.status = complain("fork", strerror(errno));
	} else if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		shell.interactive = 0;
		signal(SIGINT, SIG_IGN);
		if (null >= 0)
			dup2(null, STDIN_FILENO);
		run_pipelines(job->pipelines);
		exit(shell.status);
	} else {
		shell.status = 0;
		job_started(pid, line);
	}
}

int run_line(const char *line)
{
	const char *error;
	const struct job *job = parse_line(line, &error);

	if (error)
		shell.status = complain(error, line) + 1;
	for (; job && !shell.leaving; job = job->next) {
		if (job->background)
			run_in_background(job, line);
		else
			run_pipelines(job->pipelines);
	}
	arena_reset();
	return shell.status;
}
