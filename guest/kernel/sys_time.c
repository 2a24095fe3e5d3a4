// SPDX-License-Identifier: MIT
/*
 * System calls of time. Sleeps end with a tick: at least as long as asked, as POSIX wants it.
 */
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"
#include "mm/page_alloc.h"

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define TIMER_ABSTIME 1u

struct timespec64 {
	s64 sec, nsec;
};

struct timespec32 {
	s32 sec, nsec;
};

static int read_clock(u32 clock, u64 *ns)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = monotonic_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = (u64)(current->utime + current->stime) * TICK_NS;
		return 0;
	default:
		return -EINVAL;
	}
}

static int put_timespec32(u32 to, u64 ns)
{
	const struct timespec32 ts = { (s32)(ns / NSEC_PER_SEC), (s32)(ns % NSEC_PER_SEC) };

	return copy_to_user(to, &ts, sizeof(ts)) ? -EFAULT : 0;
}

static int put_timespec64(u32 to, u64 ns)
{
	const struct timespec64 ts = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC) };

	return copy_to_user(to, &ts, sizeof(ts)) ? -EFAULT : 0;
}

SYSCALL_FN(clock_gettime)
{
	u64 ns;
	int err = read_clock(args->a[0], &ns);

	return err ? err : put_timespec32(args->a[1], ns);
}

SYSCALL_FN(clock_gettime64)
{
	u64 ns;
	int err = read_clock(args->a[0], &ns);

	return err ? err : put_timespec64(args->a[1], ns);
}

SYSCALL_FN(clock_getres)
{
	u64 ns;
	int err = read_clock(args->a[0], &ns);

	if (err || !args->a[1])
		return err;
	return put_timespec32(args->a[1], TICK_NS);
}

SYSCALL_FN(gettimeofday)
{
	const u32 zone[2] = { 0, 0 };
	u64 ns = realtime_ns();
	const s32 tv[2] = { (s32)(ns / NSEC_PER_SEC), (s32)(ns % NSEC_PER_SEC / 1000) };

	if (args->a[0] && copy_to_user(args->a[0], tv, sizeof(tv)))
		return -EFAULT;
	if (args->a[1] && copy_to_user(args->a[1], zone, sizeof(zone)))
		return -EFAULT;
	return 0;
}

SYSCALL_FN(time)
{
	u32 now = (u32)(realtime_ns() / NSEC_PER_SEC);

	if (args->a[0] && put_user_u32(now, args->a[0]))
		return -EFAULT;
	return (int32_t)now;
}

/* --- sleep ------------------------------------------------------------------------------------ */

/* One tick more: the current one has begun already. */
static u32 sleep_ticks(u64 ns)
{
	u64 ticks = (ns + TICK_NS - 1) / TICK_NS + 1;

	return ticks < MAX_SCHEDULE_TIMEOUT ? (u32)ticks : MAX_SCHEDULE_TIMEOUT - 1;
}

/*
 * 0 when the time is over, by the clock that the caller reads: a tick that was due before the sleep
 * began counts as one of it. Else -EINTR and what is left.
 */
static int sleep_ns(u64 ns, u64 *left_ns)
{
	u64 now = monotonic_ns(), until = now + ns < ns ? ~(u64)0 : now + ns;
	u32 left = 0;

	while (!left && now < until) {
		current->state = TASK_INTERRUPTIBLE;
		left = signal_pending_current() ? 1 : schedule_timeout(sleep_ticks(until - now));
		current->state = TASK_RUNNING;
		now = monotonic_ns();
	}
	*left_ns = now < until ? until - now : 0;
	return left ? -EINTR : 0;
}

static bool valid(s64 sec, s64 nsec)
{
	return sec >= 0 && nsec >= 0 && nsec < NSEC_PER_SEC;
}

/* Linux's KTIME_SEC_MAX: later than that is for ever. */
static u64 to_ns(s64 sec, s64 nsec)
{
	const s64 max = INT64_MAX / NSEC_PER_SEC;

	return (u64)(sec < max ? sec : max - 1) * NSEC_PER_SEC + (u64)nsec;
}

/* flags, clock: of clock_nanosleep(2). *left: of a relative sleep. */
static int sleep_on_clock(u32 clock, u32 flags, u64 ns, u64 *left)
{
	u64 now;
	int err;

	if (flags & TIMER_ABSTIME) {
		err = read_clock(clock, &now);
		if (err)
			return err;
		ns = ns > now ? ns - now : 0;
	}
	return sleep_ns(ns, left);
}

SYSCALL_FN(nanosleep)
{
	struct timespec32 ts;
	u64 left;
	int err;

	if (copy_from_user(&ts, args->a[0], sizeof(ts)))
		return -EFAULT;
	if (!valid(ts.sec, ts.nsec))
		return -EINVAL;
	err = sleep_ns(to_ns(ts.sec, ts.nsec), &left);
	if (err && args->a[1] && put_timespec32(args->a[1], left))
		return -EFAULT;
	return err;
}

static bool can_sleep_on(u32 clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
}

/* The rest of a sleep that a signal ended goes out by put, in the format of the call. */
static int32_t sleep_on(const struct syscall_args *args, s64 sec, s64 nsec,
			int (*put)(u32 to, u64 ns))
{
	u32 clock = args->a[0], flags = args->a[1], rest = args->a[3];
	u64 left;
	int err;

	if (!valid(sec, nsec))
		return -EINVAL;
	err = sleep_on_clock(clock, flags, to_ns(sec, nsec), &left);
	if (err == -EINTR && !(flags & TIMER_ABSTIME) && rest && put(rest, left))
		return -EFAULT;
	return err;
}

SYSCALL_FN(clock_nanosleep)
{
	struct timespec32 ts;

	if (!can_sleep_on(args->a[0]))
		return -EINVAL;
	if (copy_from_user(&ts, args->a[2], sizeof(ts)))
		return -EFAULT;
	return sleep_on(args, ts.sec, ts.nsec, put_timespec32);
}

/* struct __kernel_timespec: the upper half of tv_nsec is padding to 32-bit programs. */
SYSCALL_FN(clock_nanosleep64)
{
	struct timespec64 ts;

	if (!can_sleep_on(args->a[0]))
		return -EINVAL;
	if (copy_from_user(&ts, args->a[2], sizeof(ts)))
		return -EFAULT;
	return sleep_on(args, ts.sec, (s32)ts.nsec, put_timespec64);
}

/* --- sysinfo ---------------------------------------------------------------------------------- */

SYSCALL_FN(sysinfo)
{
	struct {
		u32 uptime, loads[3];
		u32 totalram, freeram, sharedram, bufferram, totalswap, freeswap;
		u16 procs, pad;
		u32 totalhigh, freehigh, mem_unit;
		u8 rest[8];
	} info = {
		.uptime = (u32)(jiffies / HZ),
		.totalram = mm.totalram_pages,
		.freeram = nr_free_pages(),
		.procs = (u16)nr_tasks(),
		.totalhigh = mm.totalhigh_pages,
		.freehigh = nr_free_highpages(),
		.mem_unit = PAGE_SIZE,
	};

	_Static_assert(sizeof(info) == 64, "Linux's struct sysinfo on i386");
	return copy_to_user(args->a[0], &info, sizeof(info)) ? -EFAULT : 0;
}
