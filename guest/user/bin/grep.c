// SPDX-License-Identifier: MIT
/*
 * grep [-v] TEXT [FILE...]: the lines with that text (no regular expression). 1 if there is none.
 */
#include <errno.h>
#include <procfs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct wanted {
	const char *text;
	int inverted, found;
};

static void look(void *ctx, char *line)
{
	struct wanted *w = ctx;

	int there = strstr(line, w->text) != NULL;

	if (there != w->inverted) {
		w->found = 1;
		puts(line);
	}
}

int main(int argc, char **argv)
{
	struct wanted w = { 0 };
	int i = 1, failed = 0;

	if (i < argc && strcmp(argv[i], "-v") == 0) {
		w.inverted = 1;
		i++;
	}
	if (i == argc) {
		dprintf(STDERR_FILENO, "usage: grep [-v] TEXT [FILE...]\n");
		return 2;
	}
	w.text = argv[i++];
	if (i == argc)
		failed = for_each_line("-", look, &w);
	for (; i < argc; i++) {
		if (for_each_line(argv[i], look, &w) < 0) {
			dprintf(STDERR_FILENO, "grep: %s: %s\n", argv[i], strerror(errno));
			failed = 1;
		}
	}
	return failed ? 2 : !w.found;
}
