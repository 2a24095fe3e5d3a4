// SPDX-License-Identifier: MIT
/* head [-n LINES] [FILE]: the first lines of a file or of its input; 10 if it is not told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long lines = 10;
	int i = 1, fd = STDIN_FILENO;
	ssize_t n = 0;
	char c;

	if (argc > 2 && strcmp(argv[1], "-n") == 0) {
		lines = strtoul(argv[2], NULL, 10);
		i = 3;
	}
	if (i < argc)
		fd = open(argv[i], O_RDONLY);
	/* A byte at a time: what follows belongs to whoever reads on. */
	while (lines && fd >= 0 && (n = read(fd, &c, 1)) > 0) {
		putchar(c);
		lines -= c == '\n';
	}
	if (fd < 0 || n < 0) {
		dprintf(STDERR_FILENO, "head: %s: %s\n", i < argc ? argv[i] : "input",
			strerror(errno));
		return 1;
	}
	return flush() < 0;
}
