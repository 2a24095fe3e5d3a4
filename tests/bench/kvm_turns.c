// SPDX-License-Identifier: MIT
/*
 * kvm_turns [-n RUNS] [-c COUNT] [-s STATUSES] LABEL -- COMMAND-A... -- COMMAND-B... [--
 * COMMAND-C...]
 *
 * What one turn of a bench guest costs under each command: every command runs with a short and a
 * long count (@N@ in its words becomes COUNT and twice that, in thousands of turns), and the
 * difference divided by the turns between is the cost, without the start. The commands take turns,
 * after one uncounted round. Prints one row: the medians, and the medians of the ratios A/B and C/A
 * taken round by round. STATUSES has a digit for each command, the exit status it has to end with
 * (default 000); any other, or no line "insns N" of the guest, ends the benchmark with status 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"

#define MAX_RUNS 51
#define MAX_COMMANDS 3
#define TURNS 1000 /* of one in @N@ */

extern char **environ;

/* A copy of `word` with every @N@ replaced. */
static char *with_count(const char *word, int count)
{
	size_t bytes = strlen(word) * 4 + 16, at = 0;
	char *out = calloc(1, bytes);
	const char *mark;

	if (!out)
		exit(1);
	while ((mark = strstr(word, "@N@"))) {
		at += (size_t)snprintf(out + at, bytes - at, "%.*s%d", (int)(mark - word), word,
				       count);
		word = mark + 3;
	}
	snprintf(out + at, bytes - at, "%s", word);
	return out;
}

/* An exit status alone does not tell a guest's end from a failure to start one. */
static int guest_ran(int out)
{
	char text[512] = "";

	return pread(out, text, sizeof(text) - 1, 0) > 0 && strstr(text, "insns ");
}

static double time_command(char **argv, int count, int expected)
{
	char *words[64] = { 0 };
	posix_spawn_file_actions_t quiet;
	int out = memfd_create("output", MFD_CLOEXEC), status, err;
	double start;
	pid_t pid;

	for (int n = 0; argv[n] && n < 63; n++)
		words[n] = with_count(argv[n], count);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&quiet, out, 1);
	start = now_s();
	err = posix_spawnp(&pid, words[0], &quiet, NULL, words, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (err || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != expected || !guest_ran(out)) {
		fprintf(stderr, "kvm_turns: %s failed\n", words[0]);
		exit(1);
	}
	for (int n = 0; words[n]; n++)
		free(words[n]);
	close(out);
	return now_s() - start;
}

int main(int argc, char **argv)
{
	double us[MAX_COMMANDS][MAX_RUNS], a_to_b[MAX_RUNS], c_to_a[MAX_RUNS];
	int runs = 7, count = 20, opt, commands = 0;
	const char *statuses = "000";
	char **command[MAX_COMMANDS];

	while ((opt = getopt(argc, argv, "+n:c:s:")) != -1) {
		if (opt == 'n')
			runs = atoi(optarg);
		else if (opt == 'c')
			count = atoi(optarg);
		else if (opt == 's' && strlen(optarg) == MAX_COMMANDS)
			statuses = optarg;
		else
			return 2;
	}
	for (int n = optind + 1; n < argc && commands < MAX_COMMANDS; n++)
		if (!strcmp(argv[n], "--")) {
			argv[n] = NULL;
			command[commands++] = argv + n + 1;
		}
	if (commands < 2 || runs < 1 || runs > MAX_RUNS || count < 1) {
		fprintf(stderr,
			"usage: kvm_turns [-n RUNS] [-c COUNT] [-s STATUSES] LABEL -- COMMAND... -- "
			"COMMAND... [-- COMMAND...]\n");
		return 2;
	}
	for (int r = -1; r < runs; r++) {
		for (int c = 0; c < commands; c++) {
			int status = statuses[c] - '0';
			double small = time_command(command[c], count, status);
			double large = time_command(command[c], 2 * count, status);

			if (r >= 0)
				us[c][r] = (large - small) * 1e6 / (count * TURNS);
		}
		if (r >= 0) {
			a_to_b[r] = us[0][r] / us[1][r];
			c_to_a[r] = commands > 2 ? us[2][r] / us[0][r] : 0;
		}
	}
	printf("%-34s %9.2f us %9.2f us", argv[optind], median(us[0], (size_t)runs),
	       median(us[1], (size_t)runs));
	if (commands > 2)
		printf(" %9.2f us", median(us[2], (size_t)runs));
	printf(" %9.2f", median(a_to_b, (size_t)runs));
	if (commands > 2)
		printf(" %9.2f", median(c_to_a, (size_t)runs));
	printf("\n");
	return 0;
}
