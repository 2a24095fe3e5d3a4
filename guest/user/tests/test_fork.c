// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>
#include <sys/resource.h>

static void leave(void *arg)
{
	_exit((int)arg);
}

static void fork_gives_0_to_the_child_and_its_pid_to_the_parent(void)
{
	pid_t me = getpid(), pid = fork();
	int status;

	if (pid == 0)
		_exit(getppid() == me && getpid() != me ? 0 : 1);
	EXPECT(pid > 0 && pid != me);
	EXPECT_EQUAL(waitpid(pid, &status, 0), pid);
	EXPECT_EQUAL(status, 0);
}

static void exit_status_is_its_low_byte(void)
{
	EXPECT_EQUAL(in_child(leave, (void *)0), EXITED(0));
	EXPECT_EQUAL(in_child(leave, (void *)7), EXITED(7));
	EXPECT_EQUAL(in_child(leave, (void *)0x1ff), EXITED(0xff));
	EXPECT_EQUAL(in_child(leave, (void *)-1), EXITED(0xff));
}

static void exit_call_1_ends_as_exit_group_does(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		raw_syscall(SYS_exit, 5);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, EXITED(5));
}

static void wait_without_children_is_ECHILD(void)
{
	int status = 77;

	EXPECT_ERRNO(wait(&status), ECHILD);
	EXPECT_ERRNO(waitpid(getppid(), &status, 0), ECHILD);
	EXPECT_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	EXPECT_EQUAL(status, 77);
}

static void wait_takes_a_child_once(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(1);
	EXPECT_EQUAL(waitpid(pid, NULL, 0), pid);
	EXPECT_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

static void wait_nohang_gives_0_while_the_child_lives(void)
{
	int fds[2], status;
	pid_t pid;
	char c;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		read(fds[0], &c, 1);
		_exit(3);
	}
	EXPECT_EQUAL(waitpid(pid, &status, WNOHANG), 0);
	write(fds[1], "x", 1);
	EXPECT_EQUAL(waitpid(pid, &status, 0), pid);
	EXPECT_EQUAL(status, EXITED(3));
}

static void wait_unknown_options_are_EINVAL(void)
{
	EXPECT_ERRNO(waitpid(-1, NULL, 0x100), EINVAL);
}

static void wait4_tells_of_the_childs_faults(void)
{
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		char *p = map_anon(50, PROT_READ | PROT_WRITE);

		for (unsigned i = 0; i < 50; i++)
			p[i * PAGE] = 1;
		_exit(0);
	}
	memset(&usage, 0xee, sizeof(usage));
	EXPECT_EQUAL(wait4(pid, &status, 0, &usage), pid);
	EXPECT(usage.ru_minflt >= 50 && usage.ru_minflt < 500);
	EXPECT_EQUAL(usage.ru_nswap, 0);
	EXPECT(getrusage(RUSAGE_CHILDREN, &usage) == 0 && usage.ru_minflt >= 50);
}

static void wait_in_the_group_finds_children(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	EXPECT_EQUAL(waitpid(0, NULL, 0), pid);
}

static void children_of_the_dead_get_another_parent(void)
{
	int up[2], down[2];
	pid_t reported[2] = { -1, -1 }, pid;
	char c;

	REQUIRE(pipe(up) == 0 && pipe(down) == 0);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			close(down[1]);
			read(down[0], &c, 1); /* until the parent is gone */
			reported[0] = getpid();
			reported[1] = getppid();
			write(up[1], reported, sizeof(reported));
			_exit(0);
		}
		_exit(0);
	}
	REQUIRE(waitpid(pid, NULL, 0) == pid);
	write(down[1], "go", 2);
	EXPECT_EQUAL(read(up[0], reported, sizeof(reported)), sizeof(reported));
	EXPECT(reported[1] != pid && reported[1] >= 1);
	EXPECT(reported[0] != pid);
}

static void fork_copies_memory(void)
{
	static int global = 1;
	int *heap = malloc(sizeof(int)), status;
	volatile int local = 3;
	pid_t pid;

	REQUIRE(heap);
	*heap = 2;
	pid = fork();
	if (pid == 0) {
		int same = global == 1 && *heap == 2 && local == 3;

		global = *heap = local = 9;
		_exit(!same);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT(global == 1 && *heap == 2 && local == 3);
}

static void fork_shares_file_offsets(void)
{
	int fd = open(in_root("/etc/demonstration"), O_RDONLY), status;
	char buf[10];
	pid_t pid;

	REQUIRE(fd >= 0);
	pid = fork();
	if (pid == 0)
		_exit(read(fd, buf, 10) != 10);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(lseek(fd, 0, SEEK_CUR), 10);
}

static void vfork_child_runs_first_in_the_parents_memory(void)
{
	static volatile int shared;
	int status;
	pid_t pid;

	shared = 0;
	pid = vfork();
	if (pid == 0) {
		shared = 42;
		_exit(6);
	}
	EXPECT_EQUAL(shared, 42);
	EXPECT_EQUAL(waitpid(pid, &status, 0), pid);
	EXPECT_EQUAL(status, EXITED(6));
}

static void vfork_parent_goes_on_at_exec(void)
{
	char *argv[] = { "false", NULL };
	const char *path = in_root("/bin/false");
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, environ);
		_exit(99);
	}
	EXPECT_EQUAL(waitpid(pid, &status, 0), pid);
	EXPECT_EQUAL(status, EXITED(1));
}

static void fork_of_200_in_a_row_leaves_no_trace(void)
{
	int status;

	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i & 127);
		REQUIRE(waitpid(pid, &status, 0) == pid);
		EXPECT_EQUAL(status, EXITED(i & 127));
	}
	EXPECT_ERRNO(wait(NULL), ECHILD);
}

static void two_processes_that_never_yield_both_go_on(void)
{
	volatile unsigned *counts;
	pid_t pids[2];

	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(counts != MAP_FAILED);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			for (;;)
				counts[i]++;
	}
	while (counts[0] < 1000 || counts[1] < 1000)
		; /* a third that never yields */
	for (int i = 0; i < 2; i++) {
		int status;

		EXPECT_EQUAL(kill(pids[i], SIGKILL), 0);
		REQUIRE(waitpid(pids[i], &status, 0) == pids[i]);
		EXPECT_EQUAL(WTERMSIG(status), SIGKILL);
	}
}

static void sched_yield_succeeds(void)
{
	EXPECT_EQUAL(raw_syscall(SYS_sched_yield), 0);
}

const struct usertest tests_fork[] = {
	TEST(fork_gives_0_to_the_child_and_its_pid_to_the_parent),
	TEST(exit_status_is_its_low_byte),
	TEST(exit_call_1_ends_as_exit_group_does),
	TEST(wait_without_children_is_ECHILD),
	TEST(wait_takes_a_child_once),
	TEST(wait_nohang_gives_0_while_the_child_lives),
	TEST(wait_unknown_options_are_EINVAL),
	TEST(wait4_tells_of_the_childs_faults),
	TEST(wait_in_the_group_finds_children),
	TEST(children_of_the_dead_get_another_parent),
	TEST(fork_copies_memory),
	TEST(fork_shares_file_offsets),
	TEST(vfork_child_runs_first_in_the_parents_memory),
	TEST(vfork_parent_goes_on_at_exec),
	TEST(fork_of_200_in_a_row_leaves_no_trace),
	TEST(two_processes_that_never_yield_both_go_on),
	TEST(sched_yield_succeeds),
	END_OF_TESTS,
};
