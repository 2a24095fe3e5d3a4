// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>

static int64_t now(int clock)
{
	struct timespec ts = { 0, 0 };

	EXPECT_EQUAL(clock_gettime(clock, &ts), 0);
	EXPECT(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void clock_monotonic_never_goes_back(void)
{
	int64_t last = now(CLOCK_MONOTONIC);

	for (int i = 0; i < 1000; i++) {
		int64_t next = now(CLOCK_MONOTONIC);

		EXPECT(next >= last);
		last = next;
	}
}

static void clock_errors(void)
{
	struct timespec ts;

	EXPECT_ERRNO(clock_gettime(77, &ts), EINVAL);
}

static void clocks_of_the_day_agree(void)
{
	struct timeval tv;
	int64_t real = now(CLOCK_REALTIME) / 1000000000;

	EXPECT_EQUAL(gettimeofday(&tv, NULL), 0);
	EXPECT(tv.tv_sec - real >= 0 && tv.tv_sec - real <= 1);
	EXPECT(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	EXPECT(time(NULL) - real >= 0 && time(NULL) - real <= 1);
	EXPECT(real > 946684800); /* after the year 2000 */
}

static void nanosleep_sleeps_at_least_that_long(void)
{
	struct timespec ts = { 0, 30000000 };
	int64_t before = now(CLOCK_MONOTONIC), took;

	EXPECT_EQUAL(nanosleep(&ts, NULL), 0);
	took = now(CLOCK_MONOTONIC) - before;
	EXPECT(took >= 30000000 && took < 10000000000ll);
	ts.tv_nsec = 0;
	EXPECT_EQUAL(nanosleep(&ts, NULL), 0);
}

static void nanosleep_errors(void)
{
	struct timespec ts = { 0, 1000000000 };

	EXPECT_ERRNO(nanosleep(&ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	EXPECT_ERRNO(nanosleep(&ts, NULL), EINVAL);
	ts.tv_nsec = 0;
	ts.tv_sec = -1;
	EXPECT_ERRNO(nanosleep(&ts, NULL), EINVAL);
}

static void uname_names_the_machine(void)
{
	struct utsname name;

	EXPECT_EQUAL(uname(&name), 0);
	EXPECT(strcmp(name.sysname, "Linux") == 0 || in_guest());
	EXPECT(name.release[0] && name.version[0] && name.nodename[0]);
	EXPECT(strcmp(name.machine, in_guest() ? "i686" : "x86_64") == 0);
}

static void sysinfo_tells_of_memory(void)
{
	struct sysinfo info;

	EXPECT_EQUAL(sysinfo(&info), 0);
	EXPECT(info.mem_unit >= 1);
	EXPECT(info.totalram > info.freeram && info.freeram > 0);
	EXPECT(info.procs >= 1);
	EXPECT(info.uptime >= 0);
}

static void rusage_counts_time_and_faults(void)
{
	struct rusage a, b;
	char *p = map_anon(256, PROT_READ | PROT_WRITE);

	/*
	 * Linux collects RSS by CPU, 32 pages and more at a time: a few pages may not be seen yet.
	 */
	memset(p, 1, 256 * PAGE);
	EXPECT_EQUAL(getrusage(RUSAGE_SELF, &a), 0);
	for (volatile int i = 0; i < 3000000; i++)
		;
	EXPECT_EQUAL(getrusage(RUSAGE_SELF, &b), 0);
	EXPECT(b.ru_utime.tv_sec * 1000000 + b.ru_utime.tv_usec >=
	       a.ru_utime.tv_sec * 1000000 + a.ru_utime.tv_usec);
	EXPECT(b.ru_minflt >= a.ru_minflt && a.ru_minflt > 0);
	/* Linux counts in batches of each CPU since 6.2: a small program's may be 0 for long. */
	EXPECT(b.ru_maxrss > 0 || !in_guest());
	EXPECT_ERRNO(getrusage(5, &a), EINVAL);
}

static void getrlimit_of_the_stack_and_errors(void)
{
	struct rlimit limit;

	EXPECT_EQUAL(getrlimit(RLIMIT_STACK, &limit), 0);
	EXPECT(limit.rlim_cur >= 65536 && limit.rlim_cur <= limit.rlim_max);
	EXPECT_ERRNO(getrlimit(99, &limit), EINVAL);
	/* A new limit is read before its number is looked at. */
	EXPECT_EQUAL(raw_syscall(SYS_setrlimit, 99, 8), -EFAULT);
	EXPECT_EQUAL(raw_syscall(SYS_setrlimit, 99, &limit), -EINVAL);
	EXPECT_EQUAL(raw_syscall(SYS_prlimit64, 0, 99, 8, 0), -EFAULT);
	EXPECT_EQUAL(raw_syscall(SYS_prlimit64, 0, 99, 0, 0), -EINVAL);
}

static void unknown_calls_are_ENOSYS(void)
{
	EXPECT_EQUAL(raw_syscall(17, 0, 0, 0), -ENOSYS); /* break, which nobody has */
	EXPECT_EQUAL(raw_syscall(222, 0, 0, 0), -ENOSYS);
	EXPECT_EQUAL(raw_syscall(511, 0, 0, 0), -ENOSYS);
	EXPECT_EQUAL(raw_syscall(512, 0, 0, 0), -ENOSYS);
	EXPECT_EQUAL(raw_syscall(0x7fffffff, 0, 0, 0), -ENOSYS);
	EXPECT_EQUAL(raw_syscall(-1, 0, 0, 0), -ENOSYS);
}

static void pids_are_what_the_parent_sees(void)
{
	EXPECT(getpid() > 0);
	EXPECT_EQUAL(raw_syscall(SYS_gettid), getpid());
	EXPECT_EQUAL(raw_syscall(SYS_getpid), getpid());
	EXPECT(getppid() > 0);
}

static void registers_survive_a_call(void)
{
	uint32_t ebx = 0x11111111, ecx = 0x22222222, edx = 0x33333333, esi = 0x44444444,
		 edi = 0x55555555, eax = SYS_getppid;

	__asm__ volatile("int $0x80"
			 : "+a"(eax), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi)
			 :
			 : "memory");
	EXPECT_EQUAL(eax, getppid());
	EXPECT(ebx == 0x11111111 && ecx == 0x22222222 && edx == 0x33333333 && esi == 0x44444444 &&
	       edi == 0x55555555);
}

struct user_desc {
	uint32_t entry_number, base_addr, limit;
	uint32_t seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1,
		seg_not_present : 1, useable : 1;
};

static uint32_t read_gs(uint32_t offset)
{
	uint32_t value;

	__asm__ volatile("movl %%gs:(%1), %0" : "=r"(value) : "r"(offset));
	return value;
}

static void set_thread_area_gives_a_segment_of_ones_own(void)
{
	uint32_t area[4] = { 0xfeed, 2, 3, 4 };
	struct user_desc desc = { .entry_number = (uint32_t)-1,
				  .base_addr = (uint32_t)area,
				  .limit = 0xfffff,
				  .seg_32bit = 1,
				  .limit_in_pages = 1,
				  .useable = 1 };
	int status;
	pid_t pid;

	EXPECT_EQUAL(raw_syscall(SYS_set_thread_area, &desc), 0);
	EXPECT(desc.entry_number >= 6 && desc.entry_number <= 14);
	__asm__ volatile("movw %w0, %%gs" : : "r"(desc.entry_number * 8 + 3));
	EXPECT_EQUAL(read_gs(0), 0xfeed);
	EXPECT_EQUAL(read_gs(12), 4);
	pid = fork();
	if (pid == 0) { /* inherited, and of its own */
		area[1] = 7;
		raw_syscall(SYS_sched_yield);
		_exit(read_gs(4) != 7);
	}
	raw_syscall(SYS_sched_yield);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(read_gs(4), 2);
	desc.entry_number = 1;
	EXPECT_EQUAL(raw_syscall(SYS_set_thread_area, &desc), -EINVAL);
}

const struct usertest tests_time[] = {
	TEST(clock_monotonic_never_goes_back),
	TEST(clock_errors),
	TEST(clocks_of_the_day_agree),
	TEST(nanosleep_sleeps_at_least_that_long),
	TEST(nanosleep_errors),
	TEST(uname_names_the_machine),
	TEST(sysinfo_tells_of_memory),
	TEST(rusage_counts_time_and_faults),
	TEST(getrlimit_of_the_stack_and_errors),
	TEST(unknown_calls_are_ENOSYS),
	TEST(pids_are_what_the_parent_sees),
	TEST(registers_survive_a_call),
	TEST(set_thread_area_gives_a_segment_of_ones_own),
	END_OF_TESTS,
};
