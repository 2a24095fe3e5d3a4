// SPDX-License-Identifier: MIT
/*
 * usertests [-l] [NAME...]: the tests whose names begin so; if none is told, all but those marked
 * LONG. -l lists them.
 */
#include "usertest.h"
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

static const struct usertest *const suites[] = {
	tests_brk,  tests_mmap,	    tests_mprotect, tests_mremap, tests_fault,
	tests_fork, tests_exec,	    tests_signal,   tests_file,	  tests_pipe,
	tests_proc, tests_pointers, tests_time,
};

#define SKIPPED 77
static int failures;
static int skip_pipe[2];

static void report(const char *file, int line)
{
	const char *name = strrchr(file, '/');

	failures++;
	printf("#   %s:%d: ", name ? name + 1 : file, line);
}

void expect(int holds, const char *what, const char *file, int line)
{
	if (!holds) {
		report(file, line);
		printf("does not hold: %s\n", what);
	}
}

void expect_equal(long got, long want, const char *what, const char *file, int line)
{
	if (got != want) {
		report(file, line);
		printf("%s is %ld (%lx), not %ld (%lx)\n", what, got, got, want, want);
	}
}

void expect_errno(long got, int want, const char *what, const char *file, int line)
{
	if (got != want) {
		report(file, line);
		printf("%s gives %s", what, strerrorname((int)got));
		printf(", not %s\n", strerrorname(want));
	}
}

void skip(const char *why)
{
	write(skip_pipe[1], why, strlen(why));
	exit(SKIPPED);
}

int in_guest(void)
{
	struct utsname name;

	return uname(&name) == 0 && strstr(name.release, "shadowbox") != NULL;
}

void guest_only(const char *why)
{
	if (!in_guest())
		skip(why);
}

static char own_path[400];

/* From the root on: some tests change the folder. */
static void find_own_path(void)
{
	const char *self = (const char *)getauxval(AT_EXECFN);
	char here[300];

	if (self[0] == '/' || !getcwd(here, sizeof(here)))
		strlcpy(own_path, self, sizeof(own_path));
	else
		snprintf(own_path, sizeof(own_path), "%s/%s", here, self);
}

const char *in_root(const char *path)
{
	static char whole[4][512];
	static unsigned turn;
	const char *slash = strrchr(own_path, '/'); /* .../bin/usertests */
	char *out = whole[turn++ % 4];

	if (in_guest())
		return path;
	snprintf(out, sizeof(whole[0]), "%.*s/..%s", (int)(slash - own_path), own_path, path);
	return out;
}

char *map_anon(unsigned pages, int prot)
{
	char *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED);
	return p;
}

char *map_island(unsigned pages, int prot)
{
	char *p = map_anon(pages + 2, prot);

	REQUIRE(munmap(p, PAGE) == 0);
	REQUIRE(munmap(p + (pages + 1) * PAGE, PAGE) == 0);
	return p + PAGE;
}

int in_child(void (*fn)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		failures = 0;
		fn(arg);
		exit(failures != 0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	return status;
}

static sigjmp_buf *touch_env;
static siginfo_t touch_info;
static uint32_t touch_error;

static void touched(int sig, siginfo_t *info, void *context)
{
	touch_info = *info;
	touch_error = ((ucontext_t *)context)->uc_mcontext.err;
	siglongjmp(*touch_env, sig);
}

static int touch(volatile void *p, int write, siginfo_t *info, uint32_t *error)
{
	struct sigaction act = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO }, segv, bus;
	sigjmp_buf env;
	volatile int sig;

	touch_env = &env;
	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	memset(&touch_info, 0, sizeof(touch_info));
	sig = sigsetjmp(env, 1);
	if (sig == 0) {
		if (write)
			*(volatile char *)p = 'T';
		else
			(void)*(volatile char *)p;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	if (info)
		*info = touch_info;
	if (error)
		*error = touch_error;
	return sig;
}

int touch_read(const volatile void *p, siginfo_t *info, uint32_t *error)
{
	return touch((volatile void *)(uintptr_t)p, 0, info, error);
}

int touch_write(volatile void *p, siginfo_t *info, uint32_t *error)
{
	return touch(p, 1, info, error);
}

void fault(void)
{
	static char *volatile nowhere = (char *)4;

	*(volatile char *)nowhere = 1;
}

int read_fault(const volatile void *p)
{
	siginfo_t info;

	return touch_read(p, &info, NULL) ? info.si_code : 0;
}

int write_fault(volatile void *p)
{
	siginfo_t info;

	return touch_write(p, &info, NULL) ? info.si_code : 0;
}

/* 0 passed, 1 failed, SKIPPED. */
static int run(const struct usertest *t, char *why, size_t size)
{
	int status = -1;
	pid_t pid;
	ssize_t n;

	REQUIRE(pipe(skip_pipe) == 0);
	pid = fork();
	if (pid == 0) {
		close(skip_pipe[0]);
		t->fn();
		exit(failures != 0);
	}
	close(skip_pipe[1]);
	if (waitpid(pid, &status, 0) != pid)
		printf("#   could not run: %s\n", strerror(errno));
	n = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED ? read(skip_pipe[0], why, size - 1)
								: 0;
	why[n > 0 ? n : 0] = '\0';
	close(skip_pipe[0]);
	if (WIFSIGNALED(status))
		printf("#   ended by %s\n", strsignal(WTERMSIG(status)));
	return !WIFEXITED(status) ? 1 : WEXITSTATUS(status);
}

static int is_wanted(const struct usertest *t, int argc, char **argv)
{
	if (argc < 1)
		return !t->is_long;
	for (int i = 0; i < argc; i++)
		if (strncmp(t->name, argv[i], strlen(argv[i])) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned total = 0, number = 0, failed = 0, skipped = 0;
	int list = argc > 1 && strcmp(argv[1], "-l") == 0, first = list ? 2 : 1;
	char why[256];

	for (unsigned s = 0; s < COUNT(suites); s++)
		for (const struct usertest *t = suites[s]; t->name; t++)
			total += (unsigned)is_wanted(t, argc - first, argv + first);
	find_own_path();
	if (!list)
		printf("KTAP version 1\n1..%u\n", total);
	for (unsigned s = 0; s < COUNT(suites); s++) {
		for (const struct usertest *t = suites[s]; t->name; t++) {
			int result;

			if (!is_wanted(t, argc - first, argv + first))
				continue;
			if (list) {
				puts(t->name);
				continue;
			}
			result = run(t, why, sizeof(why));
			failed += result && result != SKIPPED;
			skipped += result == SKIPPED;
			printf("%s %u %s%s%s\n", result && result != SKIPPED ? "not ok" : "ok",
			       ++number, t->name, result == SKIPPED ? " # SKIP " : "", why);
		}
	}
	if (!list)
		printf("# Totals: pass:%u fail:%u skip:%u\n", total - failed - skipped, failed,
		       skipped);
	return failed != 0;
}
