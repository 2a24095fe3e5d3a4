// SPDX-License-Identifier: MIT
#include "usertest.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void pipe_carries_bytes_in_order(void)
{
	int fds[2];
	char buf[8] = "";

	REQUIRE(pipe(fds) == 0);
	EXPECT(fds[0] != fds[1]);
	EXPECT_EQUAL(write(fds[1], "abcdef", 6), 6);
	EXPECT_EQUAL(read(fds[0], buf, 4), 4);
	EXPECT_EQUAL(read(fds[0], buf + 4, 4), 2);
	EXPECT(memcmp(buf, "abcdef", 6) == 0);
}

static void pipe_ends_when_its_writers_are_gone(void)
{
	int fds[2];
	char c;

	REQUIRE(pipe(fds) == 0);
	write(fds[1], "x", 1);
	close(fds[1]);
	EXPECT_EQUAL(read(fds[0], &c, 1), 1);
	EXPECT_EQUAL(read(fds[0], &c, 1), 0);
}

static void write_without_reader(void *arg)
{
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	close(fds[0]);
	write(fds[1], "x", 1);
}

static void pipe_without_readers_is_SIGPIPE_or_EPIPE(void)
{
	int fds[2];

	EXPECT_EQUAL(WTERMSIG(in_child(write_without_reader, NULL)), SIGPIPE);
	REQUIRE(pipe(fds) == 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	EXPECT_ERRNO(write(fds[1], "x", 1), EPIPE);
}

static void pipe_blocks_a_reader_until_bytes_come(void)
{
	int fds[2], status;
	char c = 0;
	pid_t pid;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		sleep_ms(20);
		write(fds[1], "z", 1);
		_exit(0);
	}
	EXPECT_EQUAL(read(fds[0], &c, 1), 1);
	EXPECT_EQUAL(c, 'z');
	REQUIRE(waitpid(pid, &status, 0) == pid);
}

/* 300,000 bytes pass through a pipe that holds 65,536. */
static void pipe_carries_more_than_it_holds(void)
{
	enum { TOTAL = 300000 };
	static unsigned char buf[8192];
	unsigned at = 0, wrong = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	REQUIRE(pipe(fds) == 0);
	pid = fork();
	if (pid == 0) {
		while (at < TOTAL) {
			unsigned part = TOTAL - at < sizeof(buf) ? TOTAL - at : sizeof(buf);

			for (unsigned i = 0; i < part; i++)
				buf[i] = (unsigned char)((at + i) % 251);
			if (write(fds[1], buf, part) != (ssize_t)part)
				_exit(1);
			at += part;
		}
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], buf, 5000)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			wrong += buf[i] != at % 251;
	EXPECT_EQUAL(at, TOTAL);
	EXPECT_EQUAL(wrong, 0);
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT_EQUAL(status, 0);
}

static void pipe_nonblocking_is_EAGAIN(void)
{
	static char page[PAGE];
	int fds[2];
	unsigned total = 0;
	ssize_t n;
	char c;

	REQUIRE(pipe(fds) == 0);
	EXPECT_EQUAL(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQUAL(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	EXPECT_EQUAL(fcntl(fds[0], F_GETFL) & (O_NONBLOCK | 3), O_NONBLOCK | O_RDONLY);
	EXPECT_ERRNO(read(fds[0], &c, 1), EAGAIN);
	while ((n = write(fds[1], page, PAGE)) > 0)
		total += (unsigned)n;
	EXPECT_EQUAL(errno, EAGAIN);
	EXPECT_EQUAL(total, 65536);
	EXPECT_EQUAL(read(fds[0], page, 100), 100);
	EXPECT_ERRNO(write(fds[1], page, PAGE),
		     EAGAIN); /* PIPE_BUF bytes go at once or not at all */
}

static void pipe_errors(void)
{
	int fds[2];
	char c;
	struct stat st;

	REQUIRE(pipe(fds) == 0);
	EXPECT_ERRNO(lseek(fds[0], 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(write(fds[0], "x", 1), EBADF);
	EXPECT_ERRNO(read(fds[1], &c, 1), EBADF);
	EXPECT_ERRNO(pread(fds[0], &c, 1, 0), ESPIPE);
	EXPECT_EQUAL(read(fds[0], &c, 0), 0);
	EXPECT(fstat(fds[0], &st) == 0 && S_ISFIFO(st.st_mode));
}

static void writev_and_readv_gather_and_scatter(void)
{
	char a[4] = "", b[8] = "";
	struct iovec out[] = { { "ab", 2 }, { NULL, 0 }, { "cdef", 4 } },
		     in[] = { { a, 3 }, { b, 8 } };
	int fds[2];

	REQUIRE(pipe(fds) == 0);
	EXPECT_EQUAL(writev(fds[1], out, 3), 6);
	EXPECT_EQUAL(readv(fds[0], in, 2), 6);
	EXPECT(memcmp(a, "abc", 3) == 0 && memcmp(b, "def", 3) == 0);
	EXPECT_ERRNO(writev(fds[1], out, -1), EINVAL);
	EXPECT_ERRNO(writev(fds[1], out, 1025), EINVAL);
	EXPECT_EQUAL(writev(fds[1], out, 0), 0);
	out[0].iov_len = 0x80000000u;
	EXPECT_ERRNO(writev(fds[1], out, 3), EINVAL);
}

static void a_chain_of_pipes_between_processes(void)
{
	int first[2], in;
	unsigned char c = 0;

	REQUIRE(pipe(first) == 0);
	in = first[0];
	for (int i = 0; i < 10; i++) {
		int next[2];

		REQUIRE(pipe(next) == 0);
		if (fork() == 0) {
			read(in, &c, 1);
			c++;
			write(next[1], &c, 1);
			_exit(0);
		}
		close(in);
		close(next[1]);
		in = next[0];
	}
	write(first[1], "\0", 1);
	EXPECT_EQUAL(read(in, &c, 1), 1);
	EXPECT_EQUAL(c, 10);
	while (wait(NULL) > 0)
		;
}

/* Linux counts a chunk of the ring that could not be copied whole as nothing. */
static void a_write_that_faults_in_its_first_chunk_gives_nothing(void)
{
	char *p = map_island(1, PROT_READ | PROT_WRITE);
	int fds[2];
	char c;

	REQUIRE(pipe(fds) == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	EXPECT_ERRNO(write(fds[1], p + PAGE - 1, 8), EFAULT);
	EXPECT_ERRNO(read(fds[0], &c, 1), EAGAIN);
	EXPECT_EQUAL(write(fds[1], "q", 1), 1); /* the pipe is as it was */
	EXPECT_EQUAL(read(fds[0], &c, 1), 1);
	EXPECT_EQUAL(c, 'q');
}

const struct usertest tests_pipe[] = {
	TEST(pipe_carries_bytes_in_order),
	TEST(pipe_ends_when_its_writers_are_gone),
	TEST(pipe_without_readers_is_SIGPIPE_or_EPIPE),
	TEST(pipe_blocks_a_reader_until_bytes_come),
	TEST(pipe_carries_more_than_it_holds),
	TEST(pipe_nonblocking_is_EAGAIN),
	TEST(pipe_errors),
	TEST(writev_and_readv_gather_and_scatter),
	TEST(a_write_that_faults_in_its_first_chunk_gives_nothing),
	TEST(a_chain_of_pipes_between_processes),
	END_OF_TESTS,
};
