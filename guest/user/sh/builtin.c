// SPDX-License-Identifier: MIT
#include "sh.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int do_cd(int argc, char **argv)
{
	const char *to = argc > 1 ? argv[1] : getenv("HOME");

	if (chdir(to ? to : "/") == 0)
		return 0;
	dprintf(STDERR_FILENO, "cd: %s: %s\n", to, strerror(errno));
	return 1;
}

static int do_pwd(int argc, char **argv)
{
	char path[512];

	if (!getcwd(path, sizeof(path)))
		return 1;
	return puts(path) < 0;
}

static int do_echo(int argc, char **argv)
{
	int newline = !(argc > 1 && strcmp(argv[1], "-n") == 0);

	for (int i = newline ? 1 : 2; i < argc; i++)
		printf("%s%s", argv[i], i + 1 < argc ? " " : "");
	if (newline)
		putchar('\n');
	return flush() < 0;
}

static int do_exit(int argc, char **argv)
{
	shell.leaving = 1;
	return argc > 1 ? atoi(argv[1]) & 255 : shell.status;
}

static int do_exec(int argc, char **argv)
{
	if (argc < 2)
		return 0;
	execve(argv[1], argv + 1, environ);
	dprintf(STDERR_FILENO, "exec: %s: %s\n", argv[1], strerror(errno));
	return 126;
}

static int do_jobs(int argc, char **argv)
{
	jobs_list();
	return 0;
}

static int do_wait(int argc, char **argv)
{
	return jobs_wait(argc > 1 ? atoi(argv[1]) : 0);
}

static int do_kill(int argc, char **argv)
{
	int sig = SIGTERM, i = 1, failed = 0;

	if (i < argc && argv[i][0] == '-')
		sig = atoi(argv[i++] + 1);
	for (; i < argc; i++) {
		if (kill(atoi(argv[i]), sig) < 0) {
			dprintf(STDERR_FILENO, "kill: %s: %s\n", argv[i], strerror(errno));
			failed = 1;
		}
	}
	return failed;
}

static int do_set(int argc, char **argv)
{
	for (char **p = environ; *p; p++)
		puts(*p);
	return 0;
}

static int do_nothing(int argc, char **argv)
{
	return 0;
}

static int do_help(int argc, char **argv);

static const struct {
	const char *name;
	builtin_fn fn;
	const char *usage;
} builtins[] = {
	{ ":", do_nothing, "do nothing" },
	{ "cd", do_cd, "[FOLDER]  go there" },
	{ "echo", do_echo, "[-n] [WORD...]" },
	{ "exec", do_exec, "PATH [ARG...]  become that program" },
	{ "exit", do_exit, "[STATUS]  leave; if this is the console's shell, the machine ends" },
	{ "help", do_help, "this text" },
	{ "jobs", do_jobs, "what runs in the background" },
	{ "kill", do_kill, "[-SIGNAL] PID...  by number; 15 if it is not told" },
	{ "pwd", do_pwd, "where you are" },
	{ "set", do_set, "the variables; NAME=VALUE sets one" },
	{ "wait", do_wait, "[PID]  for all of the background, or one" },
};
#define NR_BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

static int do_help(int argc, char **argv)
{
	puts("The shell itself knows:");
	for (unsigned i = 0; i < NR_BUILTINS; i++)
		printf("  %-6s %s\n", builtins[i].name, builtins[i].usage);
	puts("and: a | b   a && b   a || b   ! a   a ; b   a &   < > >> 2> 2>&1   'x' \"$y\" \\z\n"
	     "     $NAME $? $$ $! $# $0 $1   # comment\n"
	     "Keys: arrows, Tab completes, ^A ^E begin and end, ^W ^U ^K cut, ^L clears, ^C stops,\n"
	     "      ^D ends.\n"
	     "Programs are in /bin (try: ls /bin, layout, faultdemo, cat /proc/self/maps).");
	return 0;
}

builtin_fn find_builtin(const char *name)
{
	for (unsigned i = 0; i < NR_BUILTINS; i++)
		if (strcmp(builtins[i].name, name) == 0)
			return builtins[i].fn;
	return NULL;
}

const char *builtin_name(unsigned i)
{
	return i < NR_BUILTINS ? builtins[i].name : NULL;
}
