// SPDX-License-Identifier: MIT
/* ls [-l] [PATH...]: names in alphabetical order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int long_format;

static int complain(const char *path)
{
	dprintf(STDERR_FILENO, "ls: %s: %s\n", path, strerror(errno));
	return 1;
}

static void show_long(const char *path, const struct stat *st)
{
	static const char types[16] = {
		[1] = 'p', [2] = 'c', [4] = 'd', [6] = 'b', [8] = '-', [10] = 'l', [12] = 's'
	};
	char text[11] = "?rwxrwxrwx", target[256];
	ssize_t n;

	text[0] = types[(st->st_mode & S_IFMT) >> 12];
	for (int bit = 0; bit < 9; bit++)
		if (!(st->st_mode & (0400u >> bit)))
			text[1 + bit] = '-';
	printf("%s %2u %8lld ", text, st->st_nlink, (long long)st->st_size);
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		printf("%s -> %s\n", strrchr(path, '/') ? strrchr(path, '/') + 1 : path, target);
	}
}

static int show(const char *path, const char *name)
{
	struct stat st;

	if (!long_format)
		return puts(name) < 0;
	if (lstat(path, &st) < 0)
		return complain(path);
	show_long(path, &st);
	return S_ISLNK(st.st_mode) ? 0 : puts(name) < 0;
}

struct names {
	char **name;
	size_t count, room;
};

static int add_name(struct names *list, const char *name)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		char **more = realloc(list->name, room * sizeof(*more));

		if (!more)
			return -1;
		list->name = more;
		list->room = room;
	}
	list->name[list->count] = strdup(name);
	return list->name[list->count++] ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of an open folder, but those that begin with a dot. */
static int read_folder(int fd, struct names *list)
{
	static char buf[4096] __attribute__((aligned(8)));
	int n;

	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < n;) {
			struct dirent *d = (struct dirent *)(buf + at);

			if (d->d_name[0] != '.' && add_name(list, d->d_name) < 0)
				return -1;
			at += d->d_reclen;
		}
	}
	return n;
}

static int list_folder(const char *path)
{
	struct names list = { 0 };
	int fd = open(path, O_RDONLY | O_DIRECTORY), failed = 0;
	char whole[512];

	if (fd < 0)
		return complain(path);
	if (read_folder(fd, &list) < 0)
		failed = complain(path);
	close(fd);
	qsort(list.name, list.count, sizeof(*list.name), compare);
	for (size_t i = 0; i < list.count; i++) {
		snprintf(whole, sizeof(whole), "%s/%s", path, list.name[i]);
		failed |= show(whole, list.name[i]);
		free(list.name[i]);
	}
	free(list.name);
	return failed;
}

static int list_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 && lstat(path, &st) < 0)
		return complain(path);
	return S_ISDIR(st.st_mode) ? list_folder(path) : show(path, path);
}

int main(int argc, char **argv)
{
	int i = 1, failed = 0;

	if (i < argc && strcmp(argv[i], "-l") == 0) {
		long_format = 1;
		i++;
	}
	if (i == argc)
		return list_path(".");
	for (; i < argc; i++) {
		if (argc - i > 1)
			printf("%s:\n", argv[i]);
		failed |= list_path(argv[i]);
	}
	return failed;
}
