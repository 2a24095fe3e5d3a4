// SPDX-License-Identifier: MIT
/*
 * pair [-n RUNS] [-a STATUS] [-b STATUS] [-i INSNS] LABEL -- COMMAND-A... -- COMMAND-B...
 *
 * Times two commands as whole processes, in turn (A B A B ...), after one uncounted run of each,
 * and prints one table row: median of A, median of B, and the median of the ratios B/A taken pair
 * by pair, so that the comparison holds when the machine's speed drifts. With -i the row shows
 * millions of guest instructions a second instead of milliseconds. -a and -b are the exit statuses
 * that count as success (default 0); any other ends the benchmark with status 1.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"

#define MAX_RUNS 101

extern char **environ;

/* Seconds of one run; the process ends if it did not exit with `expected`. */
static double time_command(char **argv, int expected)
{
	posix_spawn_file_actions_t quiet;
	double start = now_s();
	int status, err;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	err = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (err || waitpid(pid, &status, 0) != pid) {
		fprintf(stderr, "pair: cannot run %s\n", argv[0]);
		exit(1);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected) {
		fprintf(stderr, "pair: %s ended with status %d, not %d\n", argv[0],
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), expected);
		exit(1);
	}
	return now_s() - start;
}

int main(int argc, char **argv)
{
	double a[MAX_RUNS], b[MAX_RUNS], ratio[MAX_RUNS], insns = 0;
	int runs = 11, expect_a = 0, expect_b = 0, opt, first, second;

	while ((opt = getopt(argc, argv, "+n:a:b:i:")) != -1) {
		if (opt == 'n')
			runs = atoi(optarg);
		else if (opt == 'a')
			expect_a = atoi(optarg);
		else if (opt == 'b')
			expect_b = atoi(optarg);
		else if (opt == 'i')
			insns = atof(optarg);
		else
			return 2;
	}
	first = optind + 2;
	for (second = first; second < argc && strcmp(argv[second], "--") != 0; second++)
		;
	if (second + 1 >= argc || runs < 1 || runs > MAX_RUNS || strcmp(argv[optind + 1], "--")) {
		fprintf(stderr, "usage: pair [-n RUNS] [-a STATUS] [-b STATUS] [-i INSNS] LABEL -- "
				"COMMAND-A... -- COMMAND-B...\n");
		return 2;
	}
	argv[second++] = NULL;
	time_command(argv + first, expect_a);
	time_command(argv + second, expect_b);
	for (int n = 0; n < runs; n++) {
		a[n] = time_command(argv + first, expect_a);
		b[n] = time_command(argv + second, expect_b);
		ratio[n] = b[n] / a[n];
	}
	if (insns > 0)
		printf("%-34s %8.0f MIPS %8.0f MIPS %8.2f\n", argv[optind],
		       insns / median(a, (size_t)runs) / 1e6, insns / median(b, (size_t)runs) / 1e6,
		       median(ratio, (size_t)runs));
	else
		printf("%-34s %8.2f ms   %8.2f ms   %8.2f\n", argv[optind],
		       median(a, (size_t)runs) * 1e3, median(b, (size_t)runs) * 1e3,
		       median(ratio, (size_t)runs));
	return 0;
}
