// SPDX-License-Identifier: MIT
/* cat [FILE...]: copies files, or its input, to its output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int copy(int fd, const char *name)
{
	static char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t done = 0, part; done < n; done += part) {
			part = write(STDOUT_FILENO, buf + done, (size_t)(n - done));
			if (part <= 0)
				return 1;
		}
	}
	if (n < 0)
		dprintf(STDERR_FILENO, "cat: %s: %s\n", name, strerror(errno));
	return n < 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc == 1)
		return copy(STDIN_FILENO, "input");
	for (int i = 1; i < argc; i++) {
		int fd = strcmp(argv[i], "-") ? open(argv[i], O_RDONLY) : dup(STDIN_FILENO);

		if (fd < 0) {
			dprintf(STDERR_FILENO, "cat: %s: %s\n", argv[i], strerror(errno));
			failed = 1;
			continue;
		}
		failed |= copy(fd, argv[i]);
		close(fd);
	}
	return failed;
}
