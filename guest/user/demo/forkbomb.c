// SPDX-License-Identifier: MIT
/*
 * forkbomb [N]: a tree of N processes (100 if it is not told), each of which starts two until there
 * are enough, writes a page that it shares with its parent, and waits for its own. Bounded by N.
 * Ends with 1 if one was lost or saw another's writing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned page[1024] __attribute__((aligned(4096)));

/* Process `index` of a heap-shaped tree: a + for itself, a ! for each child that failed. */
static void tree(unsigned index, unsigned n, int report)
{
	page[0] = index;
	write(report, "+", 1);
	for (unsigned child = 2 * index; child <= 2 * index + 1 && child <= n; child++) {
		pid_t pid = fork();

		if (pid == 0) {
			tree(child, n, report);
			_exit(page[0] != child);
		}
		if (pid < 0)
			break;
	}
	for (int status; wait(&status) > 0;)
		if (status)
			write(report, "!", 1);
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100, lived, lost = 0;
	char buf[512];
	int fds[2];
	ssize_t got;

	if (n > 100000 || pipe(fds) < 0) {
		dprintf(STDERR_FILENO, "forkbomb: up to 100000 processes\n");
		return 2;
	}
	if (fork() == 0) {
		close(fds[0]);
		tree(1, n, fds[1]);
		_exit(page[0] != 1);
	}
	close(fds[1]);
	for (lived = 0; (got = read(fds[0], buf, sizeof(buf))) > 0;)
		for (ssize_t i = 0; i < got; i++)
			buf[i] == '!' ? lost++ : lived++;
	wait(NULL);
	printf("forkbomb: %u of %u processes lived, %u saw another's writing\n", lived, n, lost);
	return lived != n || lost;
}
