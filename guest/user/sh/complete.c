// SPDX-License-Identifier: MIT
#include "sh.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct matches {
	const char *prefix;
	size_t prefix_length;
	char *common;
	size_t size;
	int count, show;
};

static void offer(struct matches *m, const char *name, int folder)
{
	char whole[256];
	size_t n = 0;

	if (strncmp(name, m->prefix, m->prefix_length) != 0 ||
	    (name[0] == '.' && m->prefix[0] != '.'))
		return;
	snprintf(whole, sizeof(whole), "%s%s", name, folder ? "/" : "");
	if (m->show)
		printf("%s  ", whole);
	if (m->count++ == 0) {
		strlcpy(m->common, whole, m->size);
		return;
	}
	while (whole[n] && whole[n] == m->common[n])
		n++;
	m->common[n] = '\0';
}

static void offer_folder(struct matches *m, const char *path)
{
	static char buf[2048] __attribute__((aligned(8)));
	int fd = open(path, O_RDONLY | O_DIRECTORY), n;

	if (fd < 0)
		return;
	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < n;) {
			struct dirent *d = (struct dirent *)(buf + at);

			offer(m, d->d_name, d->d_type == DT_DIR);
			at += d->d_reclen;
		}
	}
	close(fd);
}

/* Is it the first word of a command, which names a program? */
static int names_program(const char *line, size_t start)
{
	while (start && (line[start - 1] == ' ' || line[start - 1] == '\t'))
		start--;
	return !start || strchr("|&;", line[start - 1]);
}

int complete(const char *line, size_t start, size_t end, char *common, size_t size, int show)
{
	char word[LINE_MAX], folder[LINE_MAX] = ".";
	struct matches m = { .prefix = word, .common = common, .size = size, .show = show };
	char *slash;

	common[0] = '\0';
	memcpy(word, line + start, end - start);
	word[end - start] = '\0';
	slash = strrchr(word, '/');
	if (slash) {
		strlcpy(folder, word, (size_t)(slash - word) + 2);
		m.prefix = slash + 1;
	}
	m.prefix_length = strlen(m.prefix);
	if (!slash && names_program(line, start)) {
		offer_folder(&m, "/bin");
		for (unsigned i = 0; builtin_name(i); i++)
			if (strcmp(builtin_name(i), "echo") != 0) /* it is in /bin, too */
				offer(&m, builtin_name(i), 0);
	} else {
		offer_folder(&m, folder);
	}
	if (show)
		putchar('\n');
	return m.count;
}
