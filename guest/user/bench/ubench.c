// SPDX-License-Identifier: MIT
/*
 * ubench [GROUP...]: what the operations of user space cost, each as a line "NAME NUMBER", in
 * nanoseconds. Groups, which may be named more than once: see the table at the end; all, if none
 * is.
 *
 * Time is the CPU's time stamp counter, measured against the clock first. Under engine soft the
 * counter runs at 1 GHz and counts instructions: there a nanosecond is an instruction of the guest.
 */
#include <procfs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB_PAGES 256u

static uint32_t ticks_per_us = 1000;

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* From one change of the clock, which may tick slowly, to one 30 ms later. */
static void calibrate(void)
{
	uint64_t start = clock_ns(), at, from, end;

	while ((at = clock_ns()) == start)
		;
	from = ticks();
	while ((end = clock_ns()) < at + 30000000)
		;
	ticks_per_us = (uint32_t)((ticks() - from) * 1000 / (end - at));
}

static void tell(const char *name, uint64_t spent, uint32_t count)
{
	printf("%s %llu\n", name, (unsigned long long)(spent * 1000 / ticks_per_us / count));
}

static char *map_pages(uint32_t pages)
{
	char *p = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		puts("ubench: no memory");
		exit(1);
	}
	return p;
}

static void touch(volatile char *p, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		p[i * PAGE_BYTES] = 1;
}

static void bench_getpid(void)
{
	uint64_t from = ticks();

	for (int i = 0; i < 20000; i++) {
		long result = SYS_getpid;

		__asm__ volatile("int $0x80" : "+a"(result) : : "memory");
	}
	tell("getpid", ticks() - from, 20000);
}

static void bench_fault(void)
{
	uint64_t spent = 0;

	for (int i = 0; i < 4; i++) {
		char *p = map_pages(1024);
		uint64_t from = ticks();

		touch(p, 1024);
		spent += ticks() - from;
		munmap(p, 1024 * PAGE_BYTES);
	}
	tell("anonymous_fault", spent, 4096);
}

static void bench_cow(void)
{
	char *p = map_pages(1024), c;
	int fds[2];
	uint64_t from;
	pid_t pid;

	touch(p, 1024);
	if (pipe(fds) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		read(fds[0], &c, 1); /* so that the pages stay shared */
		_exit(0);
	}
	from = ticks();
	touch(p, 1024);
	tell("cow_break", ticks() - from, 1024);
	write(fds[1], "x", 1);
	waitpid(pid, NULL, 0);
	munmap(p, 1024 * PAGE_BYTES);
}

static void bench_fork(uint32_t mib)
{
	char *p = map_pages(mib * MIB_PAGES), name[32];
	uint32_t times = mib > 16 ? 4 : 16;
	uint64_t forks = 0, all;

	touch(p, mib * MIB_PAGES);
	all = ticks();
	for (uint32_t i = 0; i < times; i++) {
		uint64_t from = ticks();
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		forks += ticks() - from;
		waitpid(pid, NULL, 0);
	}
	all = ticks() - all;
	snprintf(name, sizeof(name), "fork_exit_wait_%uM", mib);
	tell(name, all, times);
	if (mib == 64)
		tell("fork_per_page", forks, times * mib * MIB_PAGES);
	munmap(p, mib * MIB_PAGES * PAGE_BYTES);
}

static void bench_exec(void)
{
	const char *self = (const char *)getauxval(AT_EXECFN), *slash = strrchr(self, '/');
	char path[400], *argv[] = { "true", NULL };
	uint64_t from;

	snprintf(path, sizeof(path), "%.*s/true", slash ? (int)(slash - self) : 1,
		 slash ? self : ".");
	from = ticks();
	for (int i = 0; i < 50; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve(path, argv, environ);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	tell("vfork_exec_wait", ticks() - from, 50);
}

static void bench_mmap(void)
{
	uint64_t from = ticks();

	for (int i = 0; i < 2000; i++)
		munmap(map_pages(1), PAGE_BYTES);
	tell("mmap_munmap", ticks() - from, 2000);
}

/*
 * Two processes that wake each other through two pipes: half of a round is a switch and two calls.
 */
static void bench_switch(void)
{
	int there[2], back[2];
	uint64_t from;
	char c = 0;
	pid_t pid;

	if (pipe(there) < 0 || pipe(back) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			write(back[1], &c, 1);
		_exit(0);
	}
	from = ticks();
	for (int i = 0; i < 2000; i++) {
		write(there[1], &c, 1);
		read(back[0], &c, 1);
	}
	tell("context_switch", ticks() - from, 4000);
	close(there[1]);
	waitpid(pid, NULL, 0);
}

static void bench_forks(void)
{
	bench_fork(1);
	bench_fork(16);
	bench_fork(64);
}

static void bench_fork_small(void)
{
	bench_fork(1);
}

static const struct {
	const char *name;
	void (*run)(void);
	int always;
} groups[] = {
	{ "getpid", bench_getpid, 1 }, { "fault", bench_fault, 1 },
	{ "cow", bench_cow, 1 },       { "mmap", bench_mmap, 1 },
	{ "switch", bench_switch, 1 }, { "exec", bench_exec, 1 },
	{ "fork", bench_forks, 1 },    { "fork_small", bench_fork_small, 0 },
};

/* Is there a group of that name? NULL: all that are not made of others. */
static int run_group(const char *name)
{
	int found = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (name ? !strcmp(name, groups[i].name) : groups[i].always) {
			groups[i].run();
			found = 1;
		}
	return found;
}

int main(int argc, char **argv)
{
	calibrate();
	if (argc < 2)
		run_group(NULL);
	for (int i = 1; i < argc; i++)
		if (!run_group(argv[i])) {
			dprintf(STDERR_FILENO, "ubench: no group %s\n", argv[i]);
			return 2;
		}
	return 0;
}
