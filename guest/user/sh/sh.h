/* SPDX-License-Identifier: MIT */
/*
 * The shell: one line at a time is parsed into jobs, and they are run.
 *
 *	line     = job { ( ";" | "&" ) job }
 *	job      = pipeline { ( "&&" | "||" ) pipeline }
 *	pipeline = [ "!" ] command { "|" command }
 *	command  = { word | redirection }
 *
 * What a line needs comes from an arena, which is emptied before the next line. There are no
 * functions, no loops and no patterns; a variable's value is one word, whatever it holds.
 */
#ifndef SH_SH_H
#define SH_SH_H

#include <stddef.h>
#include <sys/types.h>

#define LINE_MAX 1024

enum redirect_kind { REDIRECT_IN, REDIRECT_OUT, REDIRECT_APPEND, REDIRECT_DUP };

struct redirect {
	struct redirect *next;
	enum redirect_kind kind;
	int fd;
	char *target; /* a word; for REDIRECT_DUP a descriptor's number */
};

struct command {
	struct command *next; /* reads what this one writes */
	char **words;	      /* as typed, quotes and all; NULL ends them */
	int count;
	struct redirect *redirects;
};

enum link { LINK_ALWAYS, LINK_AND, LINK_OR };

struct pipeline {
	struct pipeline *next;
	enum link link; /* when it runs, by the status of the one before */
	int negated;
	struct command *commands;
};

struct job {
	struct job *next;
	int background;
	struct pipeline *pipelines;
};

struct shell {
	int interactive;
	int status; /* $? */
	int leaving;
	pid_t last_background; /* $! */
	int argc;
	char **argv; /* $0, $1, ... */
};

extern struct shell shell;

/* arena.c: zeroed memory until the next arena_reset(). The shell ends if there is none. */
void *arena_alloc(size_t bytes);
char *arena_text(const char *text, size_t n);
void arena_reset(void);

/*
 * parse.c: the jobs of a line, NULL if it has none; *error says what is wrong with it, or is NULL.
 */
struct job *parse_line(const char *line, const char **error);

/* expand.c: quotes off, $NAME $? $$ $! $# $0..$9 and ${NAME} replaced. NULL: the word vanishes. */
char *expand_word(const char *word);
const char *variable(const char *name);
/* NAME=VALUE; it is exported, too. 0, or -1: that is no assignment. */
int assign(const char *assignment);

/* run.c */
int run_line(const char *line); /* its status */
int status_of(int wait_status);

/* builtin.c: what the shell does itself; NULL: it is a program. */
typedef int (*builtin_fn)(int argc, char **argv);
builtin_fn find_builtin(const char *name);
const char *builtin_name(unsigned i); /* NULL after the last */

/* jobs.c: what runs in the background. */
void job_started(pid_t pid, const char *text);
void jobs_report(void); /* those that have ended, without waiting */
void jobs_list(void);
int jobs_wait(pid_t pid); /* 0: for all. The status of the last */

/* edit.c: a line from the terminal, without its newline: its length, or -1 at the end of input. */
int edit_line(const char *prompt, char *line, size_t size);
/* complete.c: what could stand for line[start..end): how many; the common part into common. */
int complete(const char *line, size_t start, size_t end, char *common, size_t size, int show);

#endif
