// SPDX-License-Identifier: MIT
/*
 * init: process 1 of the file system that guest.bin carries.
 *
 * Where a person sits at the console (tty=1 on the kernel's command line) it starts the shell and
 * ends with the shell's status; a shell that a signal ended is started again. Else it runs the
 * demonstration and ends with its status. The machine ends when init does. It waits for every
 * process whose parent has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEMONSTRATION "/etc/demonstration"

/* The kernel's word for it if there is one: QEMU gives none. */
static int somebody_is_there(void)
{
	char line[1024];
	int fd = open("/proc/cmdline", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	char *word;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return isatty(STDIN_FILENO);
	line[n] = '\0';
	word = strstr(line, "tty=");
	return word && word[4] == '1';
}

static pid_t start(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(argv[0], argv, environ);
		dprintf(STDERR_FILENO, "init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	return pid;
}

/* Its status as wait4() gives it; others that end are only taken away. */
static int reap_until(pid_t wanted)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid == wanted)
			return status;
		if (pid < 0 && errno != EINTR)
			return 127 << 8;
	}
}

int main(void)
{
	char *const shell[] = { "/bin/sh", NULL };
	char *const script[] = { "/bin/sh", DEMONSTRATION, NULL };
	int interactive = somebody_is_there(), status;

	for (;;) {
		pid_t pid = start(interactive ? shell : script);

		if (pid < 0) {
			dprintf(STDERR_FILENO, "init: fork: %s\n", strerror(errno));
			return 1;
		}
		status = reap_until(pid);
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		printf("init: %s: %s\n", interactive ? "the shell" : DEMONSTRATION,
		       strsignal(WTERMSIG(status)));
		if (!interactive)
			return 1;
	}
}
