// SPDX-License-Identifier: MIT
/*
 * System calls that ask about processes and arrange them. All users are root.
 */
#include <arch/processor.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/mm_types.h"

SYSCALL_FN(getpid)
{
	(void)args;
	return (int32_t)current->pid;
}

SYSCALL_FN(gettid)
{
	(void)args;
	return (int32_t)current->pid;
}

SYSCALL_FN(getppid)
{
	(void)args;
	return (int32_t)current->parent->pid;
}

SYSCALL_FN(getuid)
{
	(void)args;
	return 0;
}

SYSCALL_FN(geteuid)
{
	(void)args;
	return 0;
}

SYSCALL_FN(getgid)
{
	(void)args;
	return 0;
}

SYSCALL_FN(getegid)
{
	(void)args;
	return 0;
}

SYSCALL_FN(sched_yield)
{
	(void)args;
	schedule();
	return 0;
}

/* --- groups and sessions ---------------------------------------------------------------------- */

SYSCALL_FN(getpgrp)
{
	(void)args;
	return (int32_t)current->pgid;
}

SYSCALL_FN(getpgid)
{
	struct task_struct *t = args->a[0] ? find_task(args->a[0]) : current;

	return t ? (int32_t)t->pgid : -ESRCH;
}

SYSCALL_FN(getsid)
{
	struct task_struct *t = args->a[0] ? find_task(args->a[0]) : current;

	return t ? (int32_t)t->sid : -ESRCH;
}

SYSCALL_FN(setsid)
{
	(void)args;
	list_for_each(node, &task_list)
		if (list_entry(node, struct task_struct, tasks)->pgid == current->pid)
			return -EPERM;
	current->pgid = current->sid = current->pid;
	return (int32_t)current->pid;
}

/* Is there a group of that number in the session? */
static bool group_exists(u32 pgid, u32 sid)
{
	list_for_each(node, &task_list) {
		const struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (t->pgid == pgid && t->sid == sid)
			return true;
	}
	return false;
}

/* In the order of Linux's checks. */
SYSCALL_FN(setpgid)
{
	u32 pid = args->a[0] ? args->a[0] : current->pid;
	u32 pgid = args->a[1] ? args->a[1] : pid;
	struct task_struct *t = find_task(pid);

	if ((s32)pgid < 0)
		return -EINVAL;
	if (!t)
		return -ESRCH;
	if (t->parent == current) {
		if (t->sid != current->sid)
			return -EPERM;
		if (!t->forked)
			return -EACCES;
	} else if (t != current) {
		return -ESRCH;
	}
	if (t->sid == t->pid)
		return -EPERM;
	if (pgid != pid && !group_exists(pgid, current->sid))
		return -EPERM;
	t->pgid = pgid;
	return 0;
}

/* --- usage and limits ------------------------------------------------------------------------- */

struct timeval {
	s32 sec, usec;
};

static u32 mm_hiwater_rss(const struct mm_struct *mm)
{
	u32 rss = mm->rss[MM_FILEPAGES] + mm->rss[MM_ANONPAGES];

	return rss > mm->hiwater_rss ? rss : mm->hiwater_rss;
}

static struct timeval ticks_to_timeval(u32 ticks)
{
	return (struct timeval){ (s32)(ticks / HZ), (s32)(ticks % HZ * (1000000 / HZ)) };
}

int rusage_to_user(u32 to, const struct rusage_ticks *usage)
{
	struct {
		struct timeval utime, stime;
		u32 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock;
		u32 msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
	} r = {
		.utime = ticks_to_timeval(usage->utime),
		.stime = ticks_to_timeval(usage->stime),
		.maxrss = usage->maxrss_pages * (PAGE_SIZE / 1024),
		.minflt = usage->min_flt,
		.majflt = usage->maj_flt,
		.nvcsw = usage->nvcsw,
		.nivcsw = usage->nivcsw,
	};

	return copy_to_user(to, &r, sizeof(r)) ? -EFAULT : 0;
}

void task_usage(const struct task_struct *t, struct rusage_ticks *usage)
{
	*usage = (struct rusage_ticks){
		.utime = t->utime,
		.stime = t->stime,
		.min_flt = t->min_flt,
		.maj_flt = t->maj_flt,
		.nvcsw = t->nvcsw,
		.nivcsw = t->nivcsw,
		.maxrss_pages = t->mm && mm_hiwater_rss(t->mm) > t->maxrss ? mm_hiwater_rss(t->mm)
									   : t->maxrss,
	};
}

void task_children_usage(const struct task_struct *t, struct rusage_ticks *usage)
{
	*usage = (struct rusage_ticks){
		.utime = t->cutime,
		.stime = t->cstime,
		.min_flt = t->cmin_flt,
		.maj_flt = t->cmaj_flt,
		.nvcsw = t->cnvcsw,
		.nivcsw = t->cnivcsw,
		.maxrss_pages = t->cmaxrss,
	};
}

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

SYSCALL_FN(getrusage)
{
	struct rusage_ticks usage;

	switch ((int)args->a[0]) {
	case RUSAGE_SELF:
	case RUSAGE_THREAD:
		task_usage(current, &usage);
		break;
	case RUSAGE_CHILDREN:
		task_children_usage(current, &usage);
		break;
	default:
		return -EINVAL;
	}
	return rusage_to_user(args->a[1], &usage);
}

SYSCALL_FN(times)
{
	const struct task_struct *t = current;
	const u32 tms[4] = { t->utime, t->stime, t->cutime, t->cstime };

	if (args->a[0] && copy_to_user(args->a[0], tms, sizeof(tms)))
		return -EFAULT;
	return (int32_t)jiffies;
}

void mm_set_limits(struct mm_struct *mm, const struct task_struct *t)
{
	mm->rlim_stack = t->rlim[RLIMIT_STACK].cur;
	mm->rlim_data = t->rlim[RLIMIT_DATA].cur;
	mm->rlim_as = t->rlim[RLIMIT_AS].cur;
	mm->rlim_memlock = t->rlim[RLIMIT_MEMLOCK].cur;
}

static int change_limit(struct task_struct *t, u32 resource, const struct rlimit *new)
{
	if (new->cur > new->max)
		return -EINVAL;
	t->rlim[resource] = *new;
	if (t->mm)
		mm_set_limits(t->mm, t);
	return 0;
}

SYSCALL_FN(getrlimit)
{
	if (args->a[0] >= RLIM_NLIMITS)
		return -EINVAL;
	return copy_to_user(args->a[1], &current->rlim[args->a[0]], sizeof(struct rlimit)) ? -EFAULT
											   : 0;
}

/* Before RLIM_INFINITY was all ones it was the largest long. */
SYSCALL_FN(old_getrlimit)
{
	struct rlimit r;

	if (args->a[0] >= RLIM_NLIMITS)
		return -EINVAL;
	r = current->rlim[args->a[0]];
	if (r.cur > INT32_MAX)
		r.cur = INT32_MAX;
	if (r.max > INT32_MAX)
		r.max = INT32_MAX;
	return copy_to_user(args->a[1], &r, sizeof(r)) ? -EFAULT : 0;
}

SYSCALL_FN(setrlimit)
{
	struct rlimit r;

	if (copy_from_user(&r, args->a[1], sizeof(r)))
		return -EFAULT;
	if (args->a[0] >= RLIM_NLIMITS)
		return -EINVAL;
	return change_limit(current, args->a[0], &r);
}

/* Values above 32 bits are no limit, as in Linux (rlim64_to_rlim). */
SYSCALL_FN(prlimit64)
{
	struct task_struct *t = args->a[0] ? find_task(args->a[0]) : current;
	u32 resource = args->a[1];
	struct rlimit old, r;
	u64 r64[2];
	int err;

	if (args->a[2] && copy_from_user(r64, args->a[2], sizeof(r64)))
		return -EFAULT;
	if (!t)
		return -ESRCH;
	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	old = t->rlim[resource];
	if (args->a[2]) {
		r.cur = r64[0] > UINT32_MAX ? RLIM_INFINITY : (u32)r64[0];
		r.max = r64[1] > UINT32_MAX ? RLIM_INFINITY : (u32)r64[1];
		err = change_limit(t, resource, &r);
		if (err)
			return err;
	}
	r64[0] = old.cur == RLIM_INFINITY ? UINT64_MAX : old.cur;
	r64[1] = old.max == RLIM_INFINITY ? UINT64_MAX : old.max;
	if (args->a[3] && copy_to_user(args->a[3], r64, sizeof(r64)))
		return -EFAULT;
	return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

#define PR_SET_NAME 15
#define PR_GET_NAME 16

SYSCALL_FN(prctl)
{
	char comm[TASK_COMM_LEN] = "";

	switch (args->a[0]) {
	case PR_SET_NAME:
		if (strncpy_from_user(comm, args->a[1], sizeof(comm) - 1) < 0)
			return -EFAULT;
		strlcpy(current->comm, comm, sizeof(current->comm));
		return 0;
	case PR_GET_NAME:
		strlcpy(comm, current->comm, sizeof(comm));
		return copy_to_user(args->a[1], comm, sizeof(comm)) ? -EFAULT : 0;
	default:
		return -EINVAL;
	}
}

#define UTS_FIELD 65

SYSCALL_FN(uname)
{
	static const char uts[6][UTS_FIELD] = {
		/* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): UTS_RELEASE has two parts */
		UTS_SYSNAME, "shadowbox", UTS_RELEASE, UTS_VERSION, UTS_MACHINE, "(none)",
	};

	return copy_to_user(args->a[0], uts, sizeof(uts)) ? -EFAULT : 0;
}
