// SPDX-License-Identifier: MIT
/*
 * syscallfuzz [-s SEED] [-n CALLS]: system calls with random numbers and hostile arguments.
 *
 * They are made by a child, for they may well destroy it: when one ends, or has not got on for a
 * while (it sleeps, or waits for what never comes), the next goes on. The kernel must survive, and
 * its checkers, read at the end from /proc/mm_check, must find nothing. On Linux only calls from a
 * list of harmless ones are made.
 */
#include "random.h"
#include <fcntl.h>
#include <procfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u
#define ARENA 0x30000000u
#define ARENA_PAGES 16u

static uint64_t seed = 1;
static int on_linux;
static volatile uint32_t *progress; /* calls made by all children; shared with them */
static pid_t child_pid;

/* What a 32-bit program may do to itself alone. */
static const uint16_t harmless[] = {
	SYS_read,	  SYS_close,	 SYS_waitpid,	      SYS_chdir,	  SYS_time,
	SYS_lseek,	  SYS_getpid,	 SYS_getuid,	      SYS_access,	  SYS_dup,
	SYS_pipe,	  SYS_brk,	 SYS_umask,	      SYS_dup2,		  SYS_getppid,
	SYS_getrlimit,	  SYS_getrusage, SYS_gettimeofday,    SYS_readlink,	  SYS_old_mmap,
	SYS_munmap,	  SYS_wait4,	 SYS_sysinfo,	      SYS_uname,	  SYS_mprotect,
	SYS_llseek,	  SYS_msync,	 SYS_readv,	      SYS_munlock,	  SYS_sched_yield,
	SYS_nanosleep,	  SYS_mremap,	 SYS_rt_sigaction,    SYS_rt_sigprocmask, SYS_rt_sigpending,
	SYS_pread64,	  SYS_getcwd,	 SYS_sigaltstack,     SYS_ugetrlimit,	  SYS_mmap2,
	SYS_stat64,	  SYS_lstat64,	 SYS_fstat64,	      SYS_mincore,	  SYS_madvise,
	SYS_getdents64,	  SYS_gettid,	 SYS_set_thread_area, SYS_clock_gettime,  SYS_sigreturn,
	SYS_rt_sigreturn,
};

/* Never made: these take others along, or run on two stacks at once. */
static const uint16_t refused[] = {
	SYS_vfork,	  120 /* clone */,  238 /* tkill */,
	270 /* tgkill */, 435 /* clone3 */, SYS_kill /* made below, to itself */,
};

static uint32_t number(uint64_t *r)
{
	uint32_t n;

	if (on_linux)
		return harmless[random_below(r, sizeof(harmless) / sizeof(harmless[0]))];
	if (random_below(r, 2))
		return harmless[random_below(r, sizeof(harmless) / sizeof(harmless[0]))];
	n = random_below(r, 16) ? random_below(r, 512) : random_next(r);
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (n == refused[i])
			return SYS_getpid;
	return n;
}

static uint32_t argument(uint64_t *r)
{
	static const uint32_t edges[] = { 0,	      1,	  2,	      3,
					  4095,	      4096,	  4097,	      0x7fffffff,
					  0x80000000, 0xffffffff, 0xfffff000, 0xc0000000,
					  0xc0100000, 0xbffff000, 0xbfffffff, 0xffffff00,
					  8,	      16,	  0x100000,   0x40000000 };

	switch (random_below(r, 8)) {
	case 0:
	case 1:
		return edges[random_below(r, sizeof(edges) / sizeof(edges[0]))];
	case 2:
		return random_below(r, 16);
	case 3: /* a page of the arena, its end or somewhere in it */
	case 4:
	case 5:
		return ARENA + random_below(r, ARENA_PAGES + 1) * PAGE +
		       (random_below(r, 2) ? 0 : random_below(r, PAGE)) - random_below(r, 3) * 4;
	case 6:
		return 1u << random_below(r, 32);
	default:
		return random_next(r);
	}
}

/* Pages of all kinds between two that are not there; words, paths and pointers to them. */
static void make_arena(uint64_t *r)
{
	static const char *const texts[] = {
		"/tests/text", "/bin/true", "/proc/self/maps",	      "/dev/zero",
		"/",	       "..",	    "/proc/self/../1/status", "#!/bin/sh"
	};

	if (mmap((void *)ARENA, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(2);
	for (uint32_t i = 0; i < ARENA_PAGES * PAGE / 4; i += 1 + random_below(r, 8))
		*(uint32_t *)(ARENA + 4 * i) = argument(r);
	for (unsigned i = 0; i < 8; i++)
		strlcpy((char *)(ARENA + i * PAGE), texts[i], 64);
	mprotect((void *)(ARENA + 3 * PAGE), PAGE, PROT_READ);
	mprotect((void *)(ARENA + 7 * PAGE), PAGE, PROT_NONE);
	munmap((void *)(ARENA + 11 * PAGE), PAGE);
}

/* So that no call can reach a terminal, or a file that somebody needs. */
static void make_descriptors(void)
{
	static const char *const paths[] = { "/dev/null", "/dev/zero", "/proc/self/maps", "/bin",
					     "/bin/true" };
	int fds[2];

	for (int fd = 0; fd < 64; fd++)
		close(fd);
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		open(paths[i], O_RDONLY);
	open("/dev/null", O_WRONLY);
	if (pipe(fds) == 0)
		dup2(fds[1], 9);
}

/* For sure, or nearly so: those are made more rarely. */
static int ends_the_child(uint32_t n)
{
	return n == SYS_exit || n == SYS_exit_group || n == SYS_sigreturn || n == SYS_rt_sigreturn;
}

static void one_call(uint64_t *r)
{
	uint32_t n = number(r), a[6];

	for (int i = 0; i < 6; i++)
		a[i] = argument(r);
	if (!on_linux && random_below(r, 64) == 0) {
		n = SYS_kill;
		a[0] = (uint32_t)child_pid;
	}
	if (ends_the_child(n) && random_below(r, 16))
		return;
	raw_syscall((long)n, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (raw_syscall(SYS_getpid) != child_pid)
		raw_syscall(SYS_exit_group, 0); /* it was a fork */
}

static void run_child(uint64_t state, uint32_t limit)
{
	child_pid = getpid();
	make_descriptors();
	make_arena(&state);
	while (*progress < limit) {
		++*progress;
		one_call(&state);
	}
	raw_syscall(SYS_exit_group, 0);
}

/* Only so that the sleep below ends early. */
static void child_ended(int sig)
{
}

/* Until it ends; killed when it does not get on. */
static void watch(pid_t pid)
{
	uint32_t last = *progress;
	unsigned idle = 0;
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		sleep_ms(20);
		idle = *progress == last ? idle + 1 : 0;
		last = *progress;
		if (idle > 5)
			kill(pid, SIGKILL);
	}
	while (waitpid(-1, &status, WNOHANG) > 0) /* its children, if this is process 1 */
		;
}

static void tell_check(void *ctx, char *line)
{
	int *wrong = ctx;

	printf("mm_check: %s\n", line);
	*wrong |= strcmp(line, "0 violations") != 0;
}

int main(int argc, char **argv)
{
	uint32_t wanted = 20000, children = 0;
	struct utsname name;
	int wrong = 0;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "-s") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "-n") == 0)
			wanted = strtoul(argv[i + 1], NULL, 10);
	}
	on_linux = uname(&name) < 0 || !strstr(name.release, "shadowbox");
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return 2;
	signal(SIGCHLD, child_ended);
	printf("syscallfuzz: seed %llu, %u calls\n", (unsigned long long)seed, wanted);
	while (*progress < wanted) {
		uint32_t before = *progress;
		pid_t pid = fork();

		if (pid == 0)
			run_child(seed * 1000003 + children, wanted);
		if (pid < 0) {
			puts("syscallfuzz: fork fails");
			return 1;
		}
		children++;
		watch(pid);
		if (*progress < before || *progress > wanted)
			*progress = before + 1; /* one of the calls wrote there */
	}
	printf("syscallfuzz: %u calls by %u children\n", wanted, children);
	if (!on_linux && for_each_line("/proc/mm_check", tell_check, &wrong) < 0) {
		puts("syscallfuzz: /proc/mm_check cannot be read");
		wrong = 1;
	}
	return wrong;
}
