// SPDX-License-Identifier: MIT
/* wc [FILE]: lines, words and bytes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char buf[4096];
	unsigned lines = 0, words = 0, bytes = 0;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : STDIN_FILENO, inside = 0;
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		bytes += (unsigned)n;
		for (ssize_t i = 0; i < n; i++) {
			int space = buf[i] == ' ' || buf[i] == '\t' || buf[i] == '\n';

			lines += buf[i] == '\n';
			words += !space && !inside;
			inside = !space;
		}
	}
	if (n < 0) {
		dprintf(STDERR_FILENO, "wc: %s: %s\n", argc > 1 ? argv[1] : "input",
			strerror(errno));
		return 1;
	}
	printf("%7u %7u %7u%s%s\n", lines, words, bytes, argc > 1 ? " " : "",
	       argc > 1 ? argv[1] : "");
	return 0;
}
