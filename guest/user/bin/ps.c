// SPDX-License-Identifier: MIT
/* ps: what runs, from /proc/PID/status. */
#include <dirent.h>
#include <fcntl.h>
#include <procfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
	char name[17], state;
	unsigned parent, rss_kib;
};

static void take_field(void *ctx, char *text)
{
	struct process *p = ctx;
	char *value = strchr(text, ':');

	if (!value)
		return;
	*value++ = '\0';
	while (*value == '\t' || *value == ' ')
		value++;
	if (strcmp(text, "Name") == 0)
		strlcpy(p->name, value, sizeof(p->name));
	else if (strcmp(text, "State") == 0)
		p->state = *value;
	else if (strcmp(text, "PPid") == 0)
		p->parent = strtoul(value, NULL, 10);
	else if (strcmp(text, "VmRSS") == 0)
		p->rss_kib = strtoul(value, NULL, 10);
}

static void show(const char *pid)
{
	struct process p = { .state = '?' };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if (for_each_line(path, take_field, &p) == 0)
		printf("%5s %5u %c %6u KiB  %s\n", pid, p.parent, p.state, p.rss_kib, p.name);
}

int main(void)
{
	static char buf[4096] __attribute__((aligned(8)));
	int fd = open("/proc", O_RDONLY | O_DIRECTORY), n;

	puts("  PID  PPID S        RSS  NAME");
	while (fd >= 0 && (n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < n;) {
			struct dirent *d = (struct dirent *)(buf + at);

			if (d->d_name[0] >= '1' && d->d_name[0] <= '9')
				show(d->d_name);
			at += d->d_reclen;
		}
	}
	return fd < 0;
}
