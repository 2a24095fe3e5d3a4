// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memchr(const void *s, int c, size_t n)
{
	const unsigned char *p = s;

	for (; n; n--, p++)
		if (*p == (unsigned char)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	for (size_t n = strlen(s) + 1; n; n--)
		if (s[n - 1] == (char)c)
			return (char *)(uintptr_t)(s + n - 1);
	return NULL;
}

char *strstr(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (;; s++) {
		if (strncmp(s, what, n) == 0)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = malloc(n);

	return copy ? memcpy(copy, s, n) : NULL;
}

static const struct {
	int error;
	const char *name, *text;
} errors[] = {
	{ 0, "0", "Success" },
	{ EPERM, "EPERM", "Operation not permitted" },
	{ ENOENT, "ENOENT", "No such file or directory" },
	{ ESRCH, "ESRCH", "No such process" },
	{ EINTR, "EINTR", "Interrupted system call" },
	{ EIO, "EIO", "Input/output error" },
	{ ENXIO, "ENXIO", "No such device or address" },
	{ E2BIG, "E2BIG", "Argument list too long" },
	{ ENOEXEC, "ENOEXEC", "Exec format error" },
	{ EBADF, "EBADF", "Bad file descriptor" },
	{ ECHILD, "ECHILD", "No child processes" },
	{ EAGAIN, "EAGAIN", "Resource temporarily unavailable" },
	{ ENOMEM, "ENOMEM", "Cannot allocate memory" },
	{ EACCES, "EACCES", "Permission denied" },
	{ EFAULT, "EFAULT", "Bad address" },
	{ EBUSY, "EBUSY", "Device or resource busy" },
	{ EEXIST, "EEXIST", "File exists" },
	{ ENODEV, "ENODEV", "No such device" },
	{ ENOTDIR, "ENOTDIR", "Not a directory" },
	{ EISDIR, "EISDIR", "Is a directory" },
	{ EINVAL, "EINVAL", "Invalid argument" },
	{ ENFILE, "ENFILE", "Too many open files in system" },
	{ EMFILE, "EMFILE", "Too many open files" },
	{ ENOTTY, "ENOTTY", "Inappropriate ioctl for device" },
	{ ETXTBSY, "ETXTBSY", "Text file busy" },
	{ EFBIG, "EFBIG", "File too large" },
	{ ENOSPC, "ENOSPC", "No space left on device" },
	{ ESPIPE, "ESPIPE", "Illegal seek" },
	{ EROFS, "EROFS", "Read-only file system" },
	{ EPIPE, "EPIPE", "Broken pipe" },
	{ ERANGE, "ERANGE", "Numerical result out of range" },
	{ ENAMETOOLONG, "ENAMETOOLONG", "File name too long" },
	{ ENOSYS, "ENOSYS", "Function not implemented" },
	{ ELOOP, "ELOOP", "Too many levels of symbolic links" },
	{ ELIBBAD, "ELIBBAD", "Accessing a corrupted shared library" },
	{ EOVERFLOW, "EOVERFLOW", "Value too large for defined data type" },
	{ EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported" },
};

static int find_error(int error)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].error == error)
			return (int)i;
	return -1;
}

static const char *unknown(const char *what, int number)
{
	static char text[24];

	snprintf(text, sizeof(text), "%s %d", what, number);
	return text;
}

const char *strerrorname(int error)
{
	int i = find_error(error);

	return i < 0 ? unknown("errno", error) : errors[i].name;
}

const char *strerror(int error)
{
	int i = find_error(error);

	return i < 0 ? unknown("Unknown error", error) : errors[i].text;
}

const char *strsignal(int sig)
{
	static const char *const names[] = {
		[1] = "Hangup",
		[2] = "Interrupt",
		[3] = "Quit",
		[4] = "Illegal instruction",
		[5] = "Trap",
		[6] = "Aborted",
		[7] = "Bus error",
		[8] = "Arithmetic exception",
		[9] = "Killed",
		[10] = "User signal 1",
		[11] = "Segmentation fault",
		[12] = "User signal 2",
		[13] = "Broken pipe",
		[14] = "Alarm clock",
		[15] = "Terminated",
	};

	if (sig > 0 && sig < (int)(sizeof(names) / sizeof(names[0])))
		return names[sig];
	return unknown("Signal", sig);
}
