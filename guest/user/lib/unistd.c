// SPDX-License-Identifier: MIT
/* The system calls about files and processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int errno;

long syscall_result(long raw)
{
	if (raw < 0 && raw >= -4095) {
		errno = (int)-raw;
		return -1;
	}
	return raw;
}

#define CALL(...) syscall_result(raw_syscall(__VA_ARGS__))

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	return CALL(SYS_open, path, flags, mode);
}

int fcntl(int fd, int cmd, ...)
{
	va_list args;
	long arg;

	va_start(args, cmd);
	arg = va_arg(args, long);
	va_end(args);
	return CALL(SYS_fcntl64, fd, cmd, arg);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	long arg;

	va_start(args, request);
	arg = va_arg(args, long);
	va_end(args);
	return CALL(SYS_ioctl, fd, request, arg);
}

ssize_t read(int fd, void *buf, size_t n)
{
	return CALL(SYS_read, fd, buf, n);
}

ssize_t write(int fd, const void *buf, size_t n)
{
	return CALL(SYS_write, fd, buf, n);
}

ssize_t pread(int fd, void *buf, size_t n, loff_t at)
{
	return CALL(SYS_pread64, fd, buf, n, (uint32_t)at, (uint32_t)((uint64_t)at >> 32));
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
	return CALL(SYS_readv, fd, iov, count);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	return CALL(SYS_writev, fd, iov, count);
}

int close(int fd)
{
	return CALL(SYS_close, fd);
}

off_t lseek(int fd, off_t offset, int whence)
{
	return CALL(SYS_lseek, fd, offset, whence);
}

int dup(int fd)
{
	return CALL(SYS_dup, fd);
}

int dup2(int fd, int to)
{
	return CALL(SYS_dup2, fd, to);
}

int pipe(int fds[2])
{
	return CALL(SYS_pipe, fds);
}

int access(const char *path, int mode)
{
	return CALL(SYS_access, path, mode);
}

ssize_t readlink(const char *path, char *buf, size_t n)
{
	return CALL(SYS_readlink, path, buf, n);
}

int chdir(const char *path)
{
	return CALL(SYS_chdir, path);
}

char *getcwd(char *buf, size_t n)
{
	return CALL(SYS_getcwd, buf, n) < 0 ? NULL : buf;
}

int stat(const char *path, struct stat *st)
{
	return CALL(SYS_stat64, path, st);
}

int lstat(const char *path, struct stat *st)
{
	return CALL(SYS_lstat64, path, st);
}

int fstat(int fd, struct stat *st)
{
	return CALL(SYS_fstat64, fd, st);
}

mode_t umask(mode_t mask)
{
	return CALL(SYS_umask, mask);
}

int getdents64(int fd, void *buf, size_t bytes)
{
	return CALL(SYS_getdents64, fd, buf, bytes);
}

int tcgetattr(int fd, struct termios *t)
{
	return ioctl(fd, TCGETS, t);
}

int tcsetattr(int fd, int when, const struct termios *t)
{
	return ioctl(fd, TCSETS + when, t);
}

int isatty(int fd)
{
	struct termios t;

	return tcgetattr(fd, &t) == 0;
}

pid_t fork(void)
{
	flush(); /* else both would write what is kept */
	return CALL(SYS_fork);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return CALL(SYS_execve, path, argv, envp);
}

void _exit(int status)
{
	for (;;)
		raw_syscall(SYS_exit_group, status);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return CALL(SYS_wait4, pid, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

pid_t getpid(void)
{
	return raw_syscall(SYS_getpid);
}

pid_t getppid(void)
{
	return raw_syscall(SYS_getppid);
}

int getrusage(int who, struct rusage *usage)
{
	return CALL(SYS_getrusage, who, usage);
}

int getrlimit(int resource, struct rlimit *limit)
{
	return CALL(SYS_ugetrlimit, resource, limit);
}

int uname(struct utsname *name)
{
	return CALL(SYS_uname, name);
}

int sysinfo(struct sysinfo *info)
{
	return CALL(SYS_sysinfo, info);
}

int gettimeofday(struct timeval *tv, void *zone)
{
	return CALL(SYS_gettimeofday, tv, zone);
}

int clock_gettime(int clock, struct timespec *ts)
{
	return CALL(SYS_clock_gettime, clock, ts);
}

int nanosleep(const struct timespec *duration, struct timespec *left)
{
	return CALL(SYS_nanosleep, duration, left);
}

time_t time(time_t *t)
{
	return CALL(SYS_time, t);
}

unsigned sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	return nanosleep(&ts, &ts) < 0 ? (unsigned)ts.tv_sec * 1000 + (unsigned)ts.tv_nsec / 1000000
				       : 0;
}
