// SPDX-License-Identifier: MIT
/* wc [-lwc] [FILE]: lines, words and bytes, or those of them that are asked for. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct counts {
	unsigned lines, words, bytes;
};

/* 0, or -1 with errno. */
static int count(int fd, struct counts *c)
{
	static char buf[4096];
	int inside = 0;
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		c->bytes += (unsigned)n;
		for (ssize_t i = 0; i < n; i++) {
			int space = buf[i] == ' ' || buf[i] == '\t' || buf[i] == '\n';

			c->lines += buf[i] == '\n';
			c->words += !space && !inside;
			inside = !space;
		}
	}
	return n < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	const char *asked = argc > 1 && argv[1][0] == '-' ? argv[1] : "-lwc", *file;
	struct counts c = { 0, 0, 0 };

	argv += asked == argv[1];
	file = argv[1];
	if (count(file ? open(file, O_RDONLY) : STDIN_FILENO, &c) < 0) {
		dprintf(STDERR_FILENO, "wc: %s: %s\n", file ? file : "input", strerror(errno));
		return 1;
	}
	for (const char *what = asked + 1; *what; what++)
		printf("%7u ", *what == 'l' ? c.lines : *what == 'w' ? c.words : c.bytes);
	puts(file ? file : "");
	return 0;
}
