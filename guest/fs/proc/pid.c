// SPDX-License-Identifier: MIT
/*
 * /proc/PID: the process as Linux tells it. Fields that have no meaning here are left out of
 * status, and zero in stat, whose columns are counted.
 */
#include "proc.h"
#include <kernel/time.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/slub.h"

#define FD_INO 64u /* inode numbers of /proc/PID: rows from 1 on, then fd/N from here */

static const struct state_name {
	char letter;
	const char *text;
} states[] = {
	[TASK_RUNNING] = { 'R', "running" },
	[TASK_INTERRUPTIBLE] = { 'S', "sleeping" },
	[TASK_UNINTERRUPTIBLE] = { 'D', "disk sleep" },
	[TASK_ZOMBIE] = { 'Z', "zombie" },
	[TASK_DEAD] = { 'X', "dead" },
};

/* Signals whose action is to be ignored, or a handler. */
static u64 signal_set(const struct task_struct *t, bool caught)
{
	u64 set = 0;

	for (int sig = 1; t->signal.action && sig <= NSIG; sig++) {
		u32 handler = t->signal.action[sig].handler;

		if (caught ? handler > SIG_IGN : handler == SIG_IGN)
			set |= SIGMASK(sig);
	}
	return set;
}

static void show_status(struct show_buf *b, struct task_struct *t)
{
	const struct state_name *s = &states[t->state];

	show_printf(b, "Name:\t%s\n", t->comm);
	if (t->fs)
		show_printf(b, "Umask:\t%#04o\n", t->fs->umask);
	show_printf(b, "State:\t%c (%s)\nTgid:\t%u\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n",
		    s->letter, s->text, t->pid, t->pid,
		    t->pid == t->parent->pid ? 0 : t->parent->pid);
	show_printf(b, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\nGroups:\t\n",
		    t->files ? t->files->max : 0);
	if (t->mm)
		show_status_vm(b, t->mm);
	show_printf(b, "Threads:\t1\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n",
		    t->signal.pending, 0ull, t->signal.blocked);
	show_printf(b, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", signal_set(t, false),
		    signal_set(t, true));
	show_printf(b, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n");
	show_printf(b, "voluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t%u\n", t->nvcsw,
		    t->nivcsw);
}

/* Columns 20 to 35 of stat: what the mm knows. */
static void show_stat_mm(struct show_buf *b, const struct mm_struct *mm)
{
	static const struct mm_struct none;
	const struct mm_struct *m = mm ? mm : &none;

	show_printf(b, " %llu %u %u %u %u %u 0 0", (u64)m->total_vm << PAGE_SHIFT,
		    m->rss[MM_FILEPAGES] + m->rss[MM_ANONPAGES], mm ? UINT32_MAX : 0, m->start_code,
		    m->end_code, m->start_stack);
}

static void show_stat(struct show_buf *b, struct task_struct *t)
{
	static const struct mm_struct none;
	const struct mm_struct *m = t->mm ? t->mm : &none;
	u64 start = t->start_time_ns / (NSEC_PER_SEC / HZ);

	show_printf(b, "%u (%s) %c %u %u %u 0 -1 0", t->pid, t->comm, states[t->state].letter,
		    t->pid == t->parent->pid ? 0 : t->parent->pid, t->pgid, t->sid);
	show_printf(b, " %u %u %u %u", t->min_flt, t->cmin_flt, t->maj_flt, t->cmaj_flt);
	show_printf(b, " %u %u %u %u 20 0 1 0 %llu", t->utime, t->stime, t->cutime, t->cstime,
		    start);
	show_stat_mm(b, t->mm);
	show_printf(b, " %u %u %u %u 0 0 0 %u 0 0 0 0 0 0", (u32)t->signal.pending & INT32_MAX,
		    (u32)t->signal.blocked & INT32_MAX, (u32)signal_set(t, false) & INT32_MAX,
		    (u32)signal_set(t, true) & INT32_MAX, SIGCHLD);
	show_printf(b, " %u %u %u %u %u %u %u %d\n", m->start_data, m->end_data, m->start_brk,
		    m->arg_start, m->arg_end, m->env_start, m->env_end, t->exit_code);
}

static void show_comm(struct show_buf *b, struct task_struct *t)
{
	show_printf(b, "%s\n", t->comm);
}

static void show_pid_maps(struct show_buf *b, struct task_struct *t)
{
	if (t->mm)
		show_maps(b, t->mm);
}

static void show_pid_smaps(struct show_buf *b, struct task_struct *t)
{
	if (t->mm)
		show_smaps(b, t->mm);
}

static void show_pid_statm(struct show_buf *b, struct task_struct *t)
{
	if (t->mm)
		show_statm(b, t->mm);
	else
		show_printf(b, "0 0 0 0 0 0 0\n");
}

static void show_mounts(struct show_buf *b, struct task_struct *t)
{
	show_printf(b, "rootfs / rootfs ro 0 0\ndevtmpfs /dev devtmpfs ro 0 0\n"
		       "proc /proc proc ro 0 0\n");
}

/* --- memory of the process: cmdline, environ, auxv -------------------------------------------- */

/* [start, end) of the process, from *pos on. */
static int32_t read_range(struct file *f, struct uio *u, u64 *pos, bool environment)
{
	struct task_struct *t = proc_task(f->f_inode);
	struct mm_struct *mm = t ? t->mm : NULL;
	u32 start, bytes, total = 0;
	char buf[256];

	if (!t)
		return -ESRCH;
	if (!mm)
		return 0;
	mmget(mm);
	start = environment ? mm->env_start : mm->arg_start;
	bytes = (environment ? mm->env_end : mm->arg_end) - start;
	while (u->left && *pos < bytes) {
		u32 n = u->left < sizeof(buf) ? u->left : sizeof(buf), done;

		if (n > bytes - *pos)
			n = bytes - (u32)*pos;
		n = access_process_vm(mm, start + (u32)*pos, buf, n, false);
		done = uio_put(u, buf, n);
		*pos += done;
		total += done;
		if (!done || done < n)
			break;
	}
	mmput(mm);
	return (int32_t)total;
}

static int32_t cmdline_read(struct file *f, struct uio *u, u64 *pos)
{
	return read_range(f, u, pos, false);
}

static int32_t environ_read(struct file *f, struct uio *u, u64 *pos)
{
	return read_range(f, u, pos, true);
}

/* With the pair of AT_NULL. */
static int32_t auxv_read(struct file *f, struct uio *u, u64 *pos)
{
	const struct task_struct *t = proc_task(f->f_inode);
	u32 n = 0;

	if (!t)
		return -ESRCH;
	if (!t->mm)
		return 0;
	while (n + 2 < ARRAY_SIZE(t->mm->saved_auxv) && t->mm->saved_auxv[n])
		n += 2;
	return read_from_buffer(u, pos, (const char *)t->mm->saved_auxv, (n + 2) * sizeof(u32));
}

static const struct file_operations cmdline_ops = {
	.read = cmdline_read,
	.llseek = endless_llseek,
};
static const struct file_operations environ_ops = {
	.read = environ_read,
	.llseek = endless_llseek,
};
static const struct file_operations auxv_ops = {
	.read = auxv_read,
	.llseek = endless_llseek,
};

/* --- links: exe, cwd, root, fd/N -------------------------------------------------------------- */

static int text_of_file(const struct file *f, char *buf, u32 bytes)
{
	if (f->f_path)
		return snprintf(buf, bytes, "%s", f->f_path);
	return snprintf(buf, bytes, "pipe:[%llu]", f->f_inode->i_ino);
}

static struct file *exe_of(const struct inode *link)
{
	const struct task_struct *t = proc_task(link);

	return t && t->mm ? t->mm->exe_file : NULL;
}

static int exe_readlink(struct inode *link, char *buf, u32 bytes)
{
	const struct file *f = exe_of(link);

	return f ? text_of_file(f, buf, bytes) : -ENOENT;
}

static struct inode *exe_follow(struct inode *link)
{
	const struct file *f = exe_of(link);

	return f ? iget(f->f_inode) : NULL;
}

static int cwd_readlink(struct inode *link, char *buf, u32 bytes)
{
	const struct task_struct *t = proc_task(link);

	return t && t->fs ? snprintf(buf, bytes, "%s", t->fs->cwd.text) : -ENOENT;
}

static struct inode *cwd_follow(struct inode *link)
{
	const struct task_struct *t = proc_task(link);

	return t && t->fs ? iget(t->fs->cwd.inode) : NULL;
}

static int root_readlink(struct inode *link, char *buf, u32 bytes)
{
	return snprintf(buf, bytes, "/");
}

static struct file *file_of(const struct inode *link)
{
	const struct task_struct *t = proc_task(link);
	u32 fd = proc_i(link)->fd;

	return t && t->files && fd < t->files->max ? t->files->fd[fd] : NULL;
}

static int fd_readlink(struct inode *link, char *buf, u32 bytes)
{
	const struct file *f = file_of(link);

	return f ? text_of_file(f, buf, bytes) : -ENOENT;
}

static struct inode *fd_follow(struct inode *link)
{
	const struct file *f = file_of(link);

	return f ? iget(f->f_inode) : NULL;
}

static const struct inode_operations exe_ops = { .readlink = exe_readlink, .follow = exe_follow };
static const struct inode_operations cwd_ops = { .readlink = cwd_readlink, .follow = cwd_follow };
static const struct inode_operations root_ops = { .readlink = root_readlink };
static const struct inode_operations fd_link_ops = { .readlink = fd_readlink, .follow = fd_follow };

static int fd_lookup(struct inode *dir, const char *name, u32 len, struct inode **child)
{
	static const struct proc_entry link = {
		.name = "fd",
		.mode = S_IFLNK | 0777,
		.iops = &fd_link_ops,
	};
	const struct task_struct *t = proc_task(dir);
	u32 fd, pid = proc_i(dir)->pid;

	if (!t || !t->files || !proc_number(name, len, &fd) || fd >= t->files->max ||
	    !t->files->fd[fd])
		return -ENOENT;
	*child = proc_new_inode(&link, dir, pid, PROC_PID_INO(pid) + FD_INO + fd);
	if (!*child)
		return -ENOMEM;
	proc_i(*child)->fd = fd;
	return 0;
}

static int fd_readdir(struct file *f, void *ctx, emit_fn emit)
{
	const struct task_struct *t = proc_task(f->f_inode);
	u32 pid = proc_i(f->f_inode)->pid;

	if (!t)
		return -ENOENT;
	if (!emit_dots(f, ctx, emit))
		return 0;
	for (u32 fd = (u32)f->f_pos - 2; t->files && fd < t->files->max; fd++) {
		char name[12];
		int n;

		f->f_pos = fd + 2;
		if (!t->files->fd[fd])
			continue;
		n = snprintf(name, sizeof(name), "%u", fd);
		if (!emit(ctx, name, (u32)n, PROC_PID_INO(pid) + FD_INO + fd, S_IFLNK, fd + 3ull))
			return 0;
		f->f_pos = fd + 3;
	}
	return 0;
}

static const struct inode_operations fd_dir_inode_ops = { .lookup = fd_lookup };
static const struct file_operations fd_dir_ops = {
	.read = proc_dir_read,
	.llseek = endless_llseek,
	.readdir = fd_readdir,
};

/* --- the directory ---------------------------------------------------------------------------- */

#define TEXT(name, fn)                                                                             \
	{                                                                                          \
		name, S_IFREG | 0444, fn, NULL, NULL, NULL                                         \
	}
#define BYTES(name, mode, ops)                                                                     \
	{                                                                                          \
		name, S_IFREG | (mode), NULL, NULL, &(ops), NULL                                   \
	}
#define LINK(name, ops)                                                                            \
	{                                                                                          \
		name, S_IFLNK | 0777, NULL, NULL, NULL, &(ops)                                     \
	}

static const struct proc_entry pid_files[] = {
	BYTES("auxv", 0400, auxv_ops),
	BYTES("cmdline", 0444, cmdline_ops),
	TEXT("comm", show_comm),
	LINK("cwd", cwd_ops),
	BYTES("environ", 0400, environ_ops),
	LINK("exe", exe_ops),
	{ "fd", S_IFDIR | 0500, NULL, NULL, &fd_dir_ops, &fd_dir_inode_ops },
	TEXT("maps", show_pid_maps),
	TEXT("mounts", show_mounts),
	BYTES("pagemap", 0400, proc_pagemap_ops),
	LINK("root", root_ops),
	TEXT("smaps", show_pid_smaps),
	TEXT("stat", show_stat),
	TEXT("statm", show_pid_statm),
	TEXT("status", show_status),
	{ NULL, 0, NULL, NULL, NULL, NULL },
};

static int pid_lookup(struct inode *dir, const char *name, u32 len, struct inode **child)
{
	const struct proc_entry *e = proc_find(pid_files, name, len);
	u32 pid = proc_i(dir)->pid;

	if (!e || !find_task(pid))
		return -ENOENT;
	*child = proc_new_inode(e, dir, pid, PROC_PID_INO(pid) + 1 + (u32)(e - pid_files));
	return *child ? 0 : -ENOMEM;
}

static int pid_readdir(struct file *f, void *ctx, emit_fn emit)
{
	u32 pid = proc_i(f->f_inode)->pid;

	if (!find_task(pid))
		return -ENOENT;
	if (emit_dots(f, ctx, emit))
		proc_emit_table(f, ctx, emit, pid_files, 2, PROC_PID_INO(pid) + 1);
	return 0;
}

static const struct inode_operations pid_inode_ops = { .lookup = pid_lookup };
static const struct file_operations pid_ops = {
	.read = proc_dir_read,
	.llseek = endless_llseek,
	.readdir = pid_readdir,
};

const struct proc_entry proc_pid_entry = {
	.mode = S_IFDIR | 0555,
	.fops = &pid_ops,
	.iops = &pid_inode_ops,
};
