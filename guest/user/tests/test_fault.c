// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>
#include <procfs.h>
#include <sys/resource.h>

#define RW (PROT_READ | PROT_WRITE)
#define PF_PRESENT 1u
#define PF_WRITE 2u
#define PF_USER 4u

static long minor_faults(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) < 0 ? -1 : usage.ru_minflt;
}

static void fault_on_nothing_is_MAPERR_with_its_address(void)
{
	char *p = map_island(1, RW);
	siginfo_t info;
	uint32_t error;

	EXPECT_EQUAL(touch_read(p + PAGE + 77, &info, &error), SIGSEGV);
	EXPECT_EQUAL(info.si_signo, SIGSEGV);
	EXPECT_EQUAL(info.si_code, SEGV_MAPERR);
	EXPECT_EQUAL(info.si_addr, p + PAGE + 77);
	EXPECT_EQUAL(error, PF_USER);
	EXPECT_EQUAL(touch_write(p + PAGE + 78, &info, &error), SIGSEGV);
	EXPECT_EQUAL(error, PF_USER | PF_WRITE);
}

static void fault_on_a_right_is_ACCERR_with_the_present_bit(void)
{
	char *p = map_anon(1, RW);
	siginfo_t info;
	uint32_t error;

	p[0] = 1;
	REQUIRE(mprotect(p, PAGE, PROT_READ) == 0);
	EXPECT_EQUAL(touch_write(p + 9, &info, &error), SIGSEGV);
	EXPECT_EQUAL(info.si_code, SEGV_ACCERR);
	EXPECT_EQUAL(info.si_addr, p + 9);
	EXPECT_EQUAL(error, PF_PRESENT | PF_WRITE | PF_USER);
}

static void fault_on_null_is_MAPERR(void)
{
	siginfo_t info;

	EXPECT_EQUAL(touch_read((char *)8, &info, NULL), SIGSEGV);
	EXPECT_EQUAL(info.si_code, SEGV_MAPERR);
	EXPECT_EQUAL(info.si_addr, 8);
}

static void fault_on_the_kernel_is_a_signal(void)
{
	EXPECT_EQUAL(touch_read((char *)0xfffff000u, NULL, NULL), SIGSEGV);
	EXPECT_EQUAL(touch_write((char *)0xfffff000u, NULL, NULL), SIGSEGV);
}

static void fault_on_the_kernels_own_pages_is_MAPERR(void)
{
	siginfo_t info;

	guest_only("Linux on x86-64 has no kernel in the 4 GiB of a 32-bit program");
	EXPECT_EQUAL(touch_read((char *)0xc0100000u, &info, NULL), SIGSEGV);
	EXPECT_EQUAL(info.si_code, SEGV_MAPERR);
	EXPECT_EQUAL(touch_write((char *)0xc0100000u, &info, NULL), SIGSEGV);
}

static void fault_without_a_handler_kills(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fault();
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(WTERMSIG(status), SIGSEGV);
}

static void anonymous_read_is_one_minor_fault_and_write_another(void)
{
	char *p = map_anon(2, RW);
	long before;

	minor_faults();
	before = minor_faults();
	(void)*(volatile char *)p;
	EXPECT_EQUAL(minor_faults() - before, 1);
	(void)*(volatile char *)(p + 100);
	EXPECT_EQUAL(minor_faults() - before, 1);
	*(volatile char *)p = 1;
	EXPECT_EQUAL(minor_faults() - before, 2);
	*(volatile char *)(p + PAGE) = 1;
	EXPECT_EQUAL(minor_faults() - before, 3);
}

/* The program's own pages come by faults, too: read them all once. */
static uint64_t entry_of(const void *p)
{
	uint64_t entry = pagemap_entry(p);

	if ((entry & PM_PRESENT) && !PM_PFN(entry))
		skip("frames are shown to root alone");
	return entry;
}

static void anonymous_reads_share_one_zero_page(void)
{
	char *p = map_anon(2, RW);

	(void)*(volatile char *)p;
	(void)*(volatile char *)(p + PAGE);
	EXPECT(entry_of(p) & PM_PRESENT);
	EXPECT_EQUAL(PM_PFN(entry_of(p)), PM_PFN(entry_of(p + PAGE)));
	p[0] = 1;
	EXPECT(PM_PFN(entry_of(p)) != PM_PFN(entry_of(p + PAGE)));
	EXPECT_EQUAL(p[PAGE], 0);
}

static void fork_shares_frames_until_one_writes(void)
{
	char *p = map_anon(2, RW);
	uint64_t frame;
	int status;
	pid_t pid;

	p[0] = p[PAGE] = 'o';
	frame = PM_PFN(entry_of(p));
	EXPECT_EQUAL(frame_mappings(frame), 1);
	pid = fork();
	if (pid == 0) {
		EXPECT_EQUAL(PM_PFN(entry_of(p)), frame);
		EXPECT_EQUAL(frame_mappings(frame), 2);
		p[0] = 'n';
		EXPECT(PM_PFN(entry_of(p)) != frame);
		EXPECT_EQUAL(frame_mappings(frame), 1);
		exit(p[0] != 'n');
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(p[0], 'o');
	EXPECT_EQUAL(frame_mappings(frame), 1);
	p[0] = 'w';
	EXPECT_EQUAL(PM_PFN(entry_of(p)), frame); /* the only owner keeps it */
}

static void cow_fork_twice_keeps_all_three_apart(void)
{
	char *p = map_anon(1, RW);
	int status;
	pid_t pid;

	p[0] = '1';
	pid = fork();
	if (pid == 0) {
		pid_t inner = fork();

		if (inner == 0) {
			p[0] = '3';
			_exit(p[0] != '3');
		}
		REQUIRE(waitpid(inner, &status, 0) == inner);
		EXPECT_EQUAL(status, 0);
		EXPECT_EQUAL(p[0], '1');
		p[0] = '2';
		exit(status != 0 || p[0] != '2');
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT_EQUAL(p[0], '1');
}

static void cow_breaks_when_the_kernel_writes(void)
{
	char *p = map_anon(1, RW);
	int status, fds[2];
	pid_t pid;

	memset(p, 'k', PAGE);
	REQUIRE(pipe(fds) == 0 && write(fds[1], "new", 3) == 3);
	pid = fork();
	if (pid == 0)
		_exit(!(read(fds[0], p, 3) == 3 && memcmp(p, "newk", 4) == 0));
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
	EXPECT(memcmp(p, "kkkk", 4) == 0);
}

static void cow_of_many_children_gives_each_its_own(void)
{
	char *p = map_anon(1, RW);
	int status;

	p[0] = 'm';
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			p[0] = (char)i;
			raw_syscall(SYS_sched_yield);
			_exit(p[0] != (char)i);
		}
		REQUIRE(pid > 0);
	}
	for (int i = 0; i < 20; i++) {
		REQUIRE(wait(&status) > 0);
		EXPECT_EQUAL(status, 0);
	}
	EXPECT_EQUAL(p[0], 'm');
}

static volatile uint32_t deepest;

/* Each call takes more than a page; the sum keeps it from being a loop. */
static unsigned __attribute__((noinline)) dig(unsigned depth)
{
	volatile char room[PAGE + 64];

	room[0] = (char)depth;
	deepest = (uint32_t)room; /* the address is all that is looked at */
	/* NOLINTNEXTLINE(clang-analyzer-core.StackAddressEscape) */
	return depth ? dig(depth - 1) + (unsigned char)room[0] : 0;
}

static void stack_grows_by_touch(void)
{
	struct map_line line;
	int here = 0;
	uint32_t before;

	REQUIRE(find_map(&here, &line) == 1);
	before = line.start;
	dig(300);
	EXPECT(deepest < before);
	REQUIRE(find_map(&here, &line) == 1);
	EXPECT(line.start < before);
	EXPECT(strcmp(line.name, "[stack]") == 0);
	EXPECT(strcmp(line.rights, "rw-p") == 0);
}

static void stack_ends_at_its_limit(void)
{
	struct rlimit limit;
	pid_t pid;
	int status;

	REQUIRE(getrlimit(RLIMIT_STACK, &limit) == 0);
	if (limit.rlim_cur == RLIM_INFINITY)
		skip("this process has no limit on its stack");
	pid = fork();
	if (pid == 0) {
		dig(limit.rlim_cur / PAGE + 1);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(WTERMSIG(status), SIGSEGV);
}

/* Frames down to 8 pages above `to`; then that is written: the code of the fault, or 0. */
static int __attribute__((noinline)) dig_and_write(volatile char *to)
{
	volatile char room[PAGE + 64];
	int code;

	room[0] = 1;
	if ((uint32_t)room > (uint32_t)to + 8 * PAGE)
		code = dig_and_write(to);
	else
		code = write_fault(to);
	return room[0] ? code : -1;
}

static void stack_keeps_a_gap_of_256_pages_to_what_lies_below(void)
{
	struct map_line line;
	int here = 0;
	char *wall;

	REQUIRE(find_map(&here, &line) == 1);
	wall = (char *)line.start - 300 * PAGE;
	REQUIRE(mmap(wall, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
		wall);
	/* 300 - 256 - 1 pages lie between the gap above wall and the stack. */
	EXPECT_EQUAL(dig_and_write((char *)line.start - 43 * PAGE), 0);
	EXPECT_EQUAL(dig_and_write((char *)line.start - 44 * PAGE), SEGV_MAPERR);
	EXPECT_EQUAL(write_fault(wall), 0);
}

static void stack_grows_no_further_than_65664_bytes_below_esp(void)
{
	struct map_line line;
	int here = 0;

	guest_only("Linux has no such rule since 5.0; 2.6.32 has");
	REQUIRE(find_map(&here, &line) == 1);
	EXPECT_EQUAL(write_fault((char *)line.start - 100 * PAGE), SEGV_MAPERR);
}

static char *managed;

static void pager(int sig, siginfo_t *info, void *context)
{
	char *page = PAGE_ALIGN(info->si_addr);

	if (page < managed || page >= managed + 8 * PAGE || mprotect(page, PAGE, RW) < 0)
		_exit(9);
	*(uint32_t *)page = (uint32_t)(page - managed);
}

static void a_pager_in_user_space_fills_pages_on_demand(void)
{
	struct sigaction act = { .sa_sigaction = pager, .sa_flags = SA_SIGINFO };
	uint32_t sum = 0;

	managed = map_anon(8, PROT_NONE);
	REQUIRE(sigaction(SIGSEGV, &act, NULL) == 0);
	for (uint32_t i = 0; i < 8; i++)
		sum += *(volatile uint32_t *)(managed + i * PAGE);
	EXPECT_EQUAL(sum, 28 * PAGE);
}

static void mapping_pager(int sig, siginfo_t *info, void *context)
{
	char *page = PAGE_ALIGN(info->si_addr);

	if (info->si_code != SEGV_MAPERR ||
	    mmap(page, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		_exit(9);
}

static void a_pager_may_map_what_was_not_there(void)
{
	struct sigaction act = { .sa_sigaction = mapping_pager, .sa_flags = SA_SIGINFO };
	char *p = map_island(1, RW);

	REQUIRE(munmap(p, PAGE) == 0 && sigaction(SIGSEGV, &act, NULL) == 0);
	*(volatile char *)(p + 5) = 'q';
	EXPECT_EQUAL(p[5], 'q');
}

static void bss_behind_the_files_bytes_is_zero(void)
{
	static char large[5 * PAGE];

	for (unsigned i = 0; i < sizeof(large); i += 61)
		EXPECT_EQUAL(((volatile char *)large)[i], 0);
}

static void read_into_untouched_pages_works(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	char *p = map_anon(3, RW);

	REQUIRE(fd >= 0);
	EXPECT_EQUAL(read(fd, p + 100, 2 * PAGE), 2 * PAGE);
	EXPECT_EQUAL(p[2 * PAGE], 0);
}

static void write_from_untouched_pages_gives_zeros(void)
{
	char *p = map_anon(1, RW), got[16];
	int fds[2];

	memset(got, 'x', sizeof(got));
	REQUIRE(pipe(fds) == 0);
	EXPECT_EQUAL(write(fds[1], p, 16), 16);
	EXPECT_EQUAL(read(fds[0], got, 16), 16);
	EXPECT_EQUAL(got[0] | got[15], 0);
}

const struct usertest tests_fault[] = {
	TEST(fault_on_nothing_is_MAPERR_with_its_address),
	TEST(fault_on_a_right_is_ACCERR_with_the_present_bit),
	TEST(fault_on_null_is_MAPERR),
	TEST(fault_on_the_kernel_is_a_signal),
	TEST(fault_on_the_kernels_own_pages_is_MAPERR),
	TEST(fault_without_a_handler_kills),
	TEST(anonymous_read_is_one_minor_fault_and_write_another),
	TEST(anonymous_reads_share_one_zero_page),
	TEST(fork_shares_frames_until_one_writes),
	TEST(cow_fork_twice_keeps_all_three_apart),
	TEST(cow_breaks_when_the_kernel_writes),
	TEST(cow_of_many_children_gives_each_its_own),
	TEST(stack_grows_by_touch),
	TEST(stack_ends_at_its_limit),
	TEST(stack_keeps_a_gap_of_256_pages_to_what_lies_below),
	TEST(stack_grows_no_further_than_65664_bytes_below_esp),
	TEST(a_pager_in_user_space_fills_pages_on_demand),
	TEST(a_pager_may_map_what_was_not_there),
	TEST(bss_behind_the_files_bytes_is_zero),
	TEST(read_into_untouched_pages_works),
	TEST(write_from_untouched_pages_gives_zeros),
	END_OF_TESTS,
};
