// SPDX-License-Identifier: MIT
/*
 * The jail from inside: each case is a child that enters it and makes one call. A call off the list
 * must kill (SIGSYS, without a handler) and one on it must not. A program of its own, as a process
 * that has entered a jail is of no further use. Prints TAP.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"
#include "cli/jail.h"

/* Calls go through syscall(), so that neither libc nor a sanitizer turns them into others. */

static void call_openat_write(void)
{
	syscall(SYS_openat, AT_FDCWD, "/tmp/jail-test", O_WRONLY | O_CREAT, 0600);
}

static void call_openat_read(void)
{
	syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static void call_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void call_execve(void)
{
	char *argv[] = { NULL };

	syscall(SYS_execve, "/bin/true", argv, argv);
}

static void call_fork(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void call_ptrace(void)
{
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void call_kill_other(void)
{
	syscall(SYS_kill, getppid(), 0);
}

static void call_tgkill_other(void)
{
	syscall(SYS_tgkill, 1, 1, 0);
}

static void call_mmap_exec(void)
{
	syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void call_mprotect_exec(void)
{
	static char page[4096];

	syscall(SYS_mprotect, (uintptr_t)page & ~4095ul, 4096, PROT_READ | PROT_EXEC);
}

/* An argument's upper half must not hide a bit: the kernel looks at the low half of cmd. */
static void call_ioctl_pushes_input(void)
{
	char byte = 'x';

	syscall(SYS_ioctl, 0, (1ul << 32) | TIOCSTI, &byte);
}

static void call_unlink(void)
{
	syscall(SYS_unlink, "/tmp/jail-test");
}

static void call_stat_by_path(void)
{
	char st[256];

	syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", st, 0);
}

static void call_setrlimit(void)
{
	struct rlimit limit = { 1024, 1024 };

	syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit);
}

static void uses_memory_and_stdio(void)
{
	char *big = malloc(8 << 20), *more;
	size_t bytes;
	FILE *out = open_memstream(&more, &bytes);

	if (!big || !out)
		_exit(1);
	memset(big, 1, 8 << 20);
	free(realloc(big, 64 << 20));
	fprintf(out, "%d", 5);
	fclose(out);
	free(more);
	fprintf(stdout, "# from inside\n");
	fflush(stdout);
}

static void uses_the_clock_and_sleeps(void)
{
	struct timespec t = { 0, 1000 };

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	nanosleep(&(struct timespec){ 0, 1000 }, NULL);
}

static void uses_the_terminal(void)
{
	struct termios modes;

	isatty(0);
	tcgetattr(0, &modes);
	tcsetattr(0, TCSANOW, &modes);
	tcgetpgrp(0);
}

static void limits_its_report(void)
{
	alarm(5);
	alarm(0);
}

#if JAIL_SANITIZED
/* What AddressSanitizer has to tell must come out: it ends with status 1 after that. */
static void reads_beyond_its_memory(void)
{
	volatile size_t bytes = 8;
	volatile char *memory = malloc(bytes);

	if (memory)
		_exit(memory[bytes] ? 2 : 3);
}
#endif

static void raises_a_signal_to_itself(void)
{
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
}

static void aborts(void)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* Descriptor -1: the filter is asked first, and a call that it lets through fails with EBADF. */
static void kvm_runs(void)
{
	syscall(SYS_ioctl, -1, KVM_RUN, 0);
}

static void kvm_creates_a_vm(void)
{
	syscall(SYS_ioctl, -1, KVM_CREATE_VM, 0);
}

static void kvm_creates_a_vcpu(void)
{
	syscall(SYS_ioctl, -1, KVM_CREATE_VCPU, 0);
}

static void kvm_creates_a_device(void)
{
	syscall(SYS_ioctl, -1, KVM_CREATE_DEVICE, 0);
}

/* As api.rst spells what kvm.c and kvm_state.c do once the guest runs. */
static void kvm_uses_its_vcpu(void)
{
	static const unsigned long calls[] = {
		KVM_RUN,
		KVM_INTERRUPT,
		KVM_GET_REGS,
		KVM_SET_REGS,
		KVM_GET_SREGS,
		KVM_SET_SREGS,
		KVM_GET_VCPU_EVENTS,
		KVM_SET_VCPU_EVENTS,
		KVM_GET_DEBUGREGS,
		KVM_SET_DEBUGREGS,
		KVM_GET_MSRS,
		KVM_SET_MSRS,
		KVM_SET_USER_MEMORY_REGION,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		syscall(SYS_ioctl, -1, calls[i], 0);
}

static void timer_is_set(void)
{
	struct itimerspec when = { 0 };

	syscall(SYS_timer_settime, 0, TIMER_ABSTIME, &when, NULL);
	syscall(SYS_timer_delete, 0);
}

static void timer_is_created(void)
{
	syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, NULL);
}

struct jail_case {
	const char *name;
	void (*fn)(void);
	int sig; /* that the child must die of; 0: it must live; -N: and exit with N */
	enum jail_kind kind;
};

static const struct jail_case cases[] = {
	{ "opening a file to write kills", call_openat_write, SIGSYS, JAIL_SOFT },
	{ "opening a file to read kills", call_openat_read, JAIL_SANITIZED ? 0 : SIGSYS,
	  JAIL_SOFT },
	{ "looking at a file by its path kills", call_stat_by_path, JAIL_SANITIZED ? 0 : SIGSYS,
	  JAIL_SOFT },
	{ "removing a file kills", call_unlink, SIGSYS, JAIL_SOFT },
	{ "a socket kills", call_socket, SIGSYS, JAIL_SOFT },
	{ "execve kills", call_execve, SIGSYS, JAIL_SOFT },
	{ "a new process kills", call_fork, SIGSYS, JAIL_SOFT },
	{ "ptrace kills", call_ptrace, SIGSYS, JAIL_SOFT },
	{ "a signal by kill kills its sender", call_kill_other, SIGSYS, JAIL_SOFT },
	{ "a signal to another process kills its sender", call_tgkill_other, SIGSYS, JAIL_SOFT },
	{ "executable memory kills", call_mmap_exec, SIGSYS, JAIL_SOFT },
	{ "making memory executable kills", call_mprotect_exec, SIGSYS, JAIL_SOFT },
	{ "an ioctl off the list kills", call_ioctl_pushes_input, SIGSYS, JAIL_SOFT },
	{ "raising a limit kills", call_setrlimit, SIGSYS, JAIL_SOFT },
	{ "memory and stdio work", uses_memory_and_stdio, 0, JAIL_SOFT },
	{ "clock and sleep work", uses_the_clock_and_sleeps, 0, JAIL_SOFT },
	{ "the terminal works", uses_the_terminal, 0, JAIL_SOFT },
	{ "the time limit of the report works", limits_its_report, 0, JAIL_SOFT },
	{ "a signal to itself works", raises_a_signal_to_itself, 0, JAIL_SOFT },
	{ "abort works", aborts, SIGABRT, JAIL_SOFT },
#if JAIL_SANITIZED
	{ "a sanitizer's report works", reads_beyond_its_memory, -1, JAIL_SOFT },
#endif
	{ "without engine kvm, running a vCPU kills", kvm_runs, SIGSYS, JAIL_SOFT },
	{ "without engine kvm, setting a timer kills", timer_is_set, SIGSYS, JAIL_SOFT },
	{ "with engine kvm, its vCPU works", kvm_uses_its_vcpu, 0, JAIL_KVM },
	{ "with engine kvm, its timer works", timer_is_set, 0, JAIL_KVM },
	{ "with engine kvm, a new VM kills", kvm_creates_a_vm, SIGSYS, JAIL_KVM },
	{ "with engine kvm, a new vCPU kills", kvm_creates_a_vcpu, SIGSYS, JAIL_KVM },
	{ "with engine kvm, a new device kills", kvm_creates_a_device, SIGSYS, JAIL_KVM },
	{ "with engine kvm, a new timer kills", timer_is_created, SIGSYS, JAIL_KVM },
	{ "with engine kvm, opening a file to write kills", call_openat_write, SIGSYS, JAIL_KVM },
	{ "with engine kvm, executable memory kills", call_mmap_exec, SIGSYS, JAIL_KVM },
	{ "with engine kvm, a socket kills", call_socket, SIGSYS, JAIL_KVM },
	{ "with engine kvm, another ioctl kills", call_ioctl_pushes_input, SIGSYS, JAIL_KVM },
};

/* Run the case in a jailed child; returns its wait status. */
static int jailed(const struct jail_case *c)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct diag d = { .text = "" };
		/* No core files: these deaths are wanted. */
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		if (jail_enter(c->kind, &d) < 0) {
			printf("# %s\n", d.text);
			fflush(stdout);
			_exit(99);
		}
		c->fn();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static bool case_holds(const struct jail_case *c)
{
	int status = jailed(c);

	if (c->sig > 0 ? WIFSIGNALED(status) && WTERMSIG(status) == c->sig
		       : WIFEXITED(status) && WEXITSTATUS(status) == -c->sig)
		return true;
	printf("# wait status %#x, wanted signal %d\n", (unsigned)status, c->sig);
	return false;
}

/* Does /proc/PID/status have this line? */
static bool status_has(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	if (!at)
		printf("# no line \"%s\"\n", line);
	return at;
}

/* A jailed child, seen from outside while it waits at a pipe: what the kernel says of it. */
static bool child_is_confined(void)
{
	static char text[16 << 10];
	char path[64], byte = 0;
	int up[2], down[2], fd;
	ssize_t n = 0;
	bool ok;
	pid_t pid;

	if (pipe(up) < 0 || pipe(down) < 0)
		return false;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(down[1]);
		if (jail_enter(JAIL_SOFT, NULL) < 0 || write(up[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(down[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(up[1]);
	ok = read(up[0], &byte, 1) == 1;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	ok &= status_has(text, "CapEff:\t0000000000000000\n");
	ok &= status_has(text, "CapPrm:\t0000000000000000\n");
	ok &= status_has(text, "NoNewPrivs:\t1\n");
	ok &= status_has(text, "Seccomp:\t2\n"); /* filter mode */
	close(fd);
	close(up[0]);
	close(down[0]);
	close(down[1]);
	waitpid(pid, NULL, 0);
	return ok;
}

int main(void)
{
	unsigned count = ARRAY_SIZE(cases) + 1, failed = 0;

	printf("1..%u\n", count);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = case_holds(&cases[i]);

		failed += !ok;
		printf("%s %u - %s\n", ok ? "ok" : "not ok", i + 1, cases[i].name);
	}
	if (child_is_confined()) {
		printf("ok %u - no capabilities, no new ones, a filter\n", count);
	} else {
		printf("not ok %u - no capabilities, no new ones, a filter\n", count);
		failed++;
	}
	return failed ? 1 : 0;
}
