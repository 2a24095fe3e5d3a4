/* SPDX-License-Identifier: MIT */
#ifndef _UNISTD_H
#define _UNISTD_H

#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define R_OK 4
#define W_OK 2
#define X_OK 1
#define F_OK 0

extern char **environ;

ssize_t read(int fd, void *buf, size_t n);
ssize_t write(int fd, const void *buf, size_t n);
ssize_t pread(int fd, void *buf, size_t n, loff_t at);
int close(int fd);
off_t lseek(int fd, off_t offset, int whence);
int dup(int fd);
int dup2(int fd, int to);
int pipe(int fds[2]);
int access(const char *path, int mode);
ssize_t readlink(const char *path, char *buf, size_t n);
int chdir(const char *path);
char *getcwd(char *buf, size_t n);
int isatty(int fd);

pid_t fork(void);
/* The child may call only execve and _exit. */
pid_t vfork(void) __attribute__((returns_twice));
int execve(const char *path, char *const argv[], char *const envp[]);
void _exit(int status) __attribute__((noreturn));
pid_t getpid(void);
pid_t getppid(void);

/* The old break as sbrk(3) gives it, or (void *)-1. */
void *sbrk(intptr_t more);
unsigned sleep_ms(unsigned ms);

#endif
