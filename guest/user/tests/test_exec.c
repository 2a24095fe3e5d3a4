// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>

#define NO_ENV ((char *[]){ NULL })

/* Runs a program in a child: its status as wait4() gives it, its output in `out`. */
static int run(const char *path, char *const argv[], char *const envp[], char *out, size_t size)
{
	int fds[2], status = -1;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execve(path, argv, envp);
		_exit(200 + errno % 50);
	}
	close(fds[1]);
	while (n + 1 < size && (got = read(fds[0], out + n, size - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(fds[0]);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	return status;
}

static int has_line(const char *out, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = out; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || !p[n]))
			return 1;
	}
	return 0;
}

static void exec_passes_words_and_environment(void)
{
	char *argv[] = { "probe", "one", "", "three words here", NULL };
	char *envp[] = { "A=1", "PATH=/x", NULL };
	char out[2048];

	EXPECT_EQUAL(run(in_root("/bin/execprobe"), argv, envp, out, sizeof(out)), EXITED(13));
	EXPECT(has_line(out, "argc 4"));
	EXPECT(has_line(out, "argv probe"));
	EXPECT(has_line(out, "argv one"));
	EXPECT(has_line(out, "argv "));
	EXPECT(has_line(out, "argv three words here"));
	EXPECT(has_line(out, "envp A=1"));
	EXPECT(has_line(out, "envp PATH=/x"));
	EXPECT(strstr(out, "wrong:") == NULL);
}

static void exec_builds_the_stack_as_the_abi_says_for_any_number_of_words(void)
{
	char *argv[20], out[2048];

	for (int n = 1; n < 17; n += 3) {
		for (int i = 0; i < n; i++)
			argv[i] = &"wwwww"[i % 5];
		argv[n] = NULL;
		EXPECT_EQUAL(run(in_root("/bin/execprobe"), argv, NO_ENV, out, sizeof(out)),
			     EXITED(13));
		EXPECT(strstr(out, "wrong:") == NULL);
		if (strstr(out, "wrong:"))
			printf("#   %s", strstr(out, "wrong:"));
	}
}

static void exec_sets_the_name_and_execfn(void)
{
	char *argv[] = { "other", NULL }, out[2048], want[300];
	const char *path = in_root("/bin/execprobe");

	run(path, argv, NO_ENV, out, sizeof(out));
	EXPECT(has_line(out, "comm execprobe"));
	snprintf(want, sizeof(want), "execfn %s", path);
	EXPECT(has_line(out, want));
}

static void exec_closes_what_is_to_close(void)
{
	char *argv[] = { "probe", NULL }, out[2048];
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), kept;

	REQUIRE(fd >= 0 && dup2(fd, 9) == 9); /* a duplicate stays open */
	kept = fcntl(fd, F_DUPFD, 12);
	REQUIRE(kept == 12 && fcntl(12, F_SETFD, FD_CLOEXEC) == 0);
	run(in_root("/bin/execprobe"), argv, NO_ENV, out, sizeof(out));
	EXPECT(has_line(out, "open 9"));
	EXPECT(!has_line(out, "open 12"));
}

static void exec_without_words_gives_one(void)
{
	char *argv[] = { NULL }, out[2048];

	EXPECT_EQUAL(run(in_root("/bin/execprobe"), argv, NO_ENV, out, sizeof(out)), EXITED(13));
	EXPECT(has_line(out, "argc 1")); /* since Linux 5.18: an empty one */
	EXPECT(has_line(out, "argv "));
}

static void count(int sig)
{
}

static void exec_resets_handlers_and_keeps_what_is_ignored(void)
{
	char *argv[] = { "sh", "-c", "kill -10 $$; kill -12 $$; exit 5", NULL }, out[64];

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, count);
	EXPECT_EQUAL(run(in_root("/bin/sh"), argv, environ, out, sizeof(out)), SIGUSR2);
}

struct bad {
	const char *name;
	int error; /* of execve(); 0: it succeeds, and a SIGSEGV ends the process */
};

static const struct bad bad_programs[] = {
	{ "bad_magic", ENOEXEC },
	{ "empty", ENOEXEC },
	{ "entry_in_kernel", 0 },
	{ "entry_nowhere", 0 },
	{ "filesz_above_memsz", 0 },
	{ "header_cut", ENOEXEC },
	{ "headers_cut", ENOEXEC },
	{ "interpreter_device", EACCES },
	{ "interpreter_empty", ENOEXEC },
	{ "interpreter_folder", EACCES },
	{ "interpreter_long", ENOEXEC },
	{ "interpreter_missing", ENOENT },
	{ "interpreter_open_end", ENOEXEC },
	{ "machine_arm", ENOEXEC },
	{ "magic_cut", ENOEXEC },
	{ "memsz_huge", 0 },
	{ "nothing_to_load", 0 },
	{ "phentsize_33", ENOEXEC },
	{ "phnum_0", ENOEXEC },
	{ "phnum_65535", ENOEXEC },
	{ "phoff_beyond", ENOEXEC },
	{ "phoff_wraps", ENOEXEC },
	{ "text_cut", 0 },
	{ "type_core", ENOEXEC },
	{ "type_relocatable", ENOEXEC },
	{ "vaddr_in_kernel", 0 },
	{ "vaddr_misaligned", 0 },
	{ "vaddr_wraps", 0 },
};

static void exec_of_malformed_programs(void)
{
	for (unsigned i = 0; i < COUNT(bad_programs); i++) {
		const struct bad *bad = &bad_programs[i];
		char *argv[] = { "bad", NULL }, path[64];
		int status;
		pid_t pid;

		snprintf(path, sizeof(path), "/tests/%s", bad->name);
		pid = fork();
		if (pid == 0) {
			execve(in_root(path), argv, NO_ENV);
			_exit(errno);
		}
		REQUIRE(waitpid(pid, &status, 0) == pid);
		if (bad->error)
			expect_errno(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
				     bad->error, path, __FILE__, __LINE__);
		else
			expect_equal(status, SIGSEGV, path, __FILE__, __LINE__);
	}
}

static void exec_errors_of_paths(void)
{
	char *argv[] = { "x", NULL };
	char name[300];

	memset(name, 'n', sizeof(name));
	name[299] = '\0';
	EXPECT_ERRNO(execve(in_root("/bin/nothing"), argv, NO_ENV), ENOENT);
	EXPECT_ERRNO(execve(in_root("/bin/sh/x"), argv, NO_ENV), ENOTDIR);
	EXPECT_ERRNO(execve(in_root("/bin"), argv, NO_ENV), EACCES);
	EXPECT_ERRNO(execve("/dev/null", argv, NO_ENV), EACCES);
	EXPECT_ERRNO(execve(in_root("/tests/not_executable"), argv, NO_ENV), EACCES);
	EXPECT_ERRNO(execve(in_root("/tests/text"), argv, NO_ENV), ENOEXEC);
	EXPECT_ERRNO(execve("", argv, NO_ENV), ENOENT);
	EXPECT_ERRNO(execve(name, argv, NO_ENV), ENAMETOOLONG);
}

static void exec_that_fails_leaves_the_program_as_it_was(void)
{
	char *argv[] = { "x", NULL };
	char *p = map_anon(1, PROT_READ | PROT_WRITE);

	p[0] = 'k';
	signal(SIGUSR1, count);
	EXPECT_ERRNO(execve(in_root("/tests/text"), argv, NO_ENV), ENOEXEC);
	EXPECT_ERRNO(execve(in_root("/tests/interpreter_missing"), argv, NO_ENV), ENOENT);
	EXPECT_EQUAL(p[0], 'k');
	EXPECT(signal(SIGUSR1, SIG_DFL) == count);
}

static void exec_of_a_script_runs_its_interpreter(void)
{
	char *argv[] = { "ignored", "w1", "w2", NULL }, out[600], want[600];
	const char *path = in_root("/tests/script");

	EXPECT_EQUAL(run(path, argv, NO_ENV, out, sizeof(out)), EXITED(0));
	snprintf(want, sizeof(want), "one two %s w1 w2",
		 path); /* what follows the path is one word */
	EXPECT(has_line(out, want));
}

static void exec_of_a_script_without_its_interpreter_is_ENOENT(void)
{
	char *argv[] = { "x", NULL };

	EXPECT_ERRNO(execve(in_root("/tests/script_missing"), argv, NO_ENV), ENOENT);
	EXPECT_ERRNO(execve(in_root("/tests/script_empty"), argv, NO_ENV), ENOEXEC);
}

static void exec_of_a_script_that_is_its_own_interpreter_is_ELOOP(void)
{
	char *argv[] = { "x", NULL };

	guest_only("the script names itself by the path it has in the guest");
	EXPECT_ERRNO(execve("/tests/script_loop", argv, NO_ENV), ELOOP);
}

static void exec_of_long_words(void)
{
	char *argv[] = { "probe", NULL, NULL }, out[64];
	const unsigned most = 131072; /* a word with its NUL, MAX_ARG_STRLEN */

	argv[1] = malloc(most + 1);
	REQUIRE(argv[1]);
	memset(argv[1], 'l', most);
	argv[1][most - 1] = '\0';
	EXPECT_EQUAL(run(in_root("/bin/true"), argv, NO_ENV, out, sizeof(out)), EXITED(0));
	argv[1][most - 1] = 'l';
	argv[1][most] = '\0';
	EXPECT_ERRNO(execve(in_root("/bin/true"), argv, NO_ENV), E2BIG);
}

static void exec_of_too_many_words_is_E2BIG(void)
{
	enum { WORDS = 40 };
	char *argv[WORDS + 1];

	/*
	 * 40 words of 100 KB are 4 MB: more than a quarter of the stack's 8 MiB, and than 3/4 of 4.
	 */
	argv[0] = malloc(100000);
	REQUIRE(argv[0]);
	memset(argv[0], 'm', 100000);
	argv[0][99999] = '\0';
	for (int i = 1; i < WORDS; i++)
		argv[i] = argv[0];
	argv[WORDS] = NULL;
	EXPECT_ERRNO(execve(in_root("/bin/true"), argv, NO_ENV), E2BIG);
}

static void exec_keeps_pid_and_folder(void)
{
	char *argv[] = { "sh", "-c", "pwd; echo $$", NULL }, out[256], want[32];
	int fds[2], status;
	size_t n = 0;
	pid_t pid;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		const char *sh = in_root("/bin/sh");

		dup2(fds[1], STDOUT_FILENO);
		chdir("/proc");
		execve(sh, argv, environ);
		_exit(99);
	}
	close(fds[1]);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	n = (size_t)read(fds[0], out, sizeof(out) - 1);
	out[n < sizeof(out) ? n : 0] = '\0';
	snprintf(want, sizeof(want), "%d", pid);
	EXPECT(has_line(out, "/proc"));
	EXPECT(has_line(out, want));
}

static void exec_gives_a_new_space(void)
{
	char *argv[] = { "memhog", "1", NULL }, out[256];
	char *p = map_anon(1024, PROT_READ | PROT_WRITE);

	memset(p, 'x', 1024 * PAGE);
	EXPECT_EQUAL(run(in_root("/bin/memhog"), argv, NO_ENV, out, sizeof(out)), EXITED(0));
	EXPECT(strstr(out, "1 of 1 MiB written, 0 pages read back wrong") != NULL);
	EXPECT_EQUAL(p[1023 * PAGE], 'x');
}

const struct usertest tests_exec[] = {
	TEST(exec_passes_words_and_environment),
	TEST(exec_builds_the_stack_as_the_abi_says_for_any_number_of_words),
	TEST(exec_sets_the_name_and_execfn),
	TEST(exec_closes_what_is_to_close),
	TEST(exec_without_words_gives_one),
	TEST(exec_resets_handlers_and_keeps_what_is_ignored),
	TEST(exec_of_malformed_programs),
	TEST(exec_errors_of_paths),
	TEST(exec_that_fails_leaves_the_program_as_it_was),
	TEST(exec_of_a_script_runs_its_interpreter),
	TEST(exec_of_a_script_without_its_interpreter_is_ENOENT),
	TEST(exec_of_a_script_that_is_its_own_interpreter_is_ELOOP),
	TEST(exec_of_long_words),
	TEST(exec_of_too_many_words_is_E2BIG),
	TEST(exec_keeps_pid_and_folder),
	TEST(exec_gives_a_new_space),
	END_OF_TESTS,
};
