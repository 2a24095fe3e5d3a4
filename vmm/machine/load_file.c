// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/loader.h"

#define PATH_SHOWN 200

/* What a user can do about a file that does not open. */
static const char *mend_of(int err)
{
	static const struct {
		int err;
		const char *mend;
	} mends[] = {
		{ ENOENT, "check the path" },
		{ ENOTDIR, "check the path" },
		{ ELOOP, "check the path: its links go in a circle" },
		{ EACCES, "make the file readable for this user" },
		{ EPERM, "make the file readable for this user" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(mends); i++)
		if (mends[i].err == err)
			return mends[i].mend;
	return "give another file";
}

/*
 * Only a regular file has a size to trust; a pipe or a terminal would make the run wait. Returns 0,
 * or an errno and what to say.
 */
static int file_error(const struct stat *st, const char **text)
{
	*text = NULL;
	if (S_ISDIR(st->st_mode)) {
		*text = "is a directory; give the file itself";
		return EISDIR;
	}
	if (!S_ISREG(st->st_mode)) {
		*text = "is not a regular file; copy it into one";
		return EINVAL;
	}
	if (st->st_size <= 0) {
		*text = "is empty; give a file with contents";
		return EINVAL;
	}
	if ((uint64_t)st->st_size > RAM_MAX_BYTES) {
		*text = "is larger than any RAM (3 GiB); give a smaller file";
		return EFBIG;
	}
	return 0;
}

/* Read exactly `bytes`. A file that became shorter since fstat is not what was checked. */
static int read_all(int fd, void *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = read(fd, (char *)data + done, bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int read_open_file(int fd, const char *path, const char *what, void **data, size_t *bytes,
			  struct diag *d)
{
	const char *text;
	struct stat st;
	void *buf;
	int err;

	if (fstat(fd, &st)) {
		err = errno;
		return diag_set(d, err, "%.*s: cannot read the %s: %s; give another file",
				PATH_SHOWN, path, what, strerror(err));
	}
	err = file_error(&st, &text);
	if (err)
		return diag_set(d, err, "%.*s: the %s %s", PATH_SHOWN, path, what, text);
	buf = malloc((size_t)st.st_size);
	if (!buf)
		return diag_set(d, ENOMEM,
				"%.*s: no memory to read the %s of %zu bytes; give a smaller file",
				PATH_SHOWN, path, what, (size_t)st.st_size);
	err = read_all(fd, buf, (size_t)st.st_size);
	if (err) {
		free(buf);
		return diag_set(d, -err, "%.*s: cannot read the %s: %s; give another file",
				PATH_SHOWN, path, what, strerror(-err));
	}
	*data = buf;
	*bytes = (size_t)st.st_size;
	return 0;
}

int loader_read_file(const char *path, const char *what, void **data, size_t *bytes, struct diag *d)
{
	/* O_NONBLOCK: opening a named pipe must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0) {
		err = errno;
		return diag_set(d, err, "%.*s: cannot open the %s: %s; %s", PATH_SHOWN, path, what,
				strerror(err), mend_of(err));
	}
	err = read_open_file(fd, path, what, data, bytes, d);
	close(fd);
	return err;
}
