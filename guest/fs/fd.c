// SPDX-License-Identifier: MIT
/*
 * Descriptor tables. One block holds the pointers and behind them a byte for each: close on exec.
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

#define FD_FIRST 32 /* room in a new table */

#define F_DUPFD 0u
#define F_GETFD 1u
#define F_SETFD 2u
#define F_GETFL 3u
#define F_SETFL 4u
#define F_DUPFD_CLOEXEC 1030u
#define FD_CLOEXEC 1u

/* Make room for max descriptors: 0 or -ENOMEM. */
static int grow(struct files_struct *files, u32 max)
{
	struct file **fd = kzalloc(max * (sizeof(struct file *) + 1), GFP_KERNEL);
	u8 *cloexec = (u8 *)&fd[max];

	if (!fd)
		return -ENOMEM;
	if (files->fd) {
		memcpy(fd, files->fd, files->max * sizeof(struct file *));
		memcpy(cloexec, files->cloexec, files->max);
		kfree(files->fd);
	}
	files->fd = fd;
	files->cloexec = cloexec;
	files->max = max;
	return 0;
}

static struct files_struct *alloc_table(u32 max)
{
	struct files_struct *files = kzalloc(sizeof(*files), GFP_KERNEL);

	if (!files)
		return NULL;
	files->count = 1;
	if (grow(files, max)) {
		kfree(files);
		return NULL;
	}
	return files;
}

struct files_struct *files_alloc(void)
{
	return alloc_table(FD_FIRST);
}

struct files_struct *files_dup(const struct files_struct *old)
{
	struct files_struct *files = alloc_table(old->max);

	if (!files)
		return NULL;
	memcpy(files->cloexec, old->cloexec, old->max);
	files->next = old->next;
	for (u32 i = 0; i < old->max; i++)
		if (old->fd[i])
			files->fd[i] = get_file(old->fd[i]);
	return files;
}

static void close_slot(struct files_struct *files, u32 fd)
{
	struct file *f = files->fd[fd];

	files->fd[fd] = NULL;
	files->cloexec[fd] = 0;
	if (fd < files->next)
		files->next = fd;
	fput(f);
}

void files_close_on_exec(struct files_struct *files)
{
	for (u32 i = 0; i < files->max; i++)
		if (files->fd[i] && files->cloexec[i])
			close_slot(files, i);
}

void files_put(struct files_struct *files)
{
	if (!files || --files->count)
		return;
	for (u32 i = 0; i < files->max; i++)
		if (files->fd[i])
			close_slot(files, i);
	kfree(files->fd);
	kfree(files);
}

struct file *fget(u32 fd)
{
	struct files_struct *files = current->files;

	return files && fd < files->max && files->fd[fd] ? get_file(files->fd[fd]) : NULL;
}

/* RLIMIT_NOFILE; it cannot be raised above NR_OPEN. */
static u32 max_files(void)
{
	u32 limit = current->rlim[RLIMIT_NOFILE].cur;

	return limit < NR_OPEN ? limit : NR_OPEN;
}

/* The table has the slot: 0, -EMFILE, -ENOMEM. */
static int make_room(struct files_struct *files, u32 fd)
{
	u32 max = files->max;

	if (fd >= max_files())
		return -EMFILE;
	while (max <= fd)
		max *= 2;
	return max == files->max ? 0 : grow(files, max);
}

static int install_from(struct files_struct *files, u32 lowest, struct file *f, bool cloexec)
{
	u32 fd = lowest < files->next ? files->next : lowest;
	int err;

	while (fd < files->max && files->fd[fd])
		fd++;
	err = make_room(files, fd);
	if (err)
		return err;
	files->fd[fd] = f;
	files->cloexec[fd] = cloexec;
	if (lowest <= files->next)
		files->next = fd + 1;
	return (int)fd;
}

int fd_install(struct file *f, bool cloexec)
{
	return install_from(current->files, 0, f, cloexec);
}

int fd_close(u32 fd)
{
	struct files_struct *files = current->files;

	if (fd >= files->max || !files->fd[fd])
		return -EBADF;
	close_slot(files, fd);
	return 0;
}

SYSCALL_FN(close)
{
	return fd_close(args->a[0]);
}

static int32_t dup_from(u32 fd, u32 lowest, bool cloexec)
{
	struct file *f = fget(fd);
	int new;

	if (!f)
		return -EBADF;
	new = install_from(current->files, lowest, f, cloexec);
	if (new < 0)
		fput(f);
	return new;
}

SYSCALL_FN(dup)
{
	return dup_from(args->a[0], 0, false);
}

static int32_t dup_to(u32 old, u32 new, bool cloexec)
{
	struct files_struct *files = current->files;
	struct file *f;
	int err;

	if (new >= max_files())
		return -EBADF;
	f = fget(old);
	if (!f)
		return -EBADF;
	err = make_room(files, new);
	if (err) {
		fput(f);
		return err;
	}
	if (files->fd[new])
		close_slot(files, new);
	files->fd[new] = f;
	files->cloexec[new] = cloexec;
	return (int32_t) new;
}

SYSCALL_FN(dup2)
{
	u32 fd = args->a[0];

	if (fd != args->a[1])
		return dup_to(fd, args->a[1], false);
	return fd < current->files->max && current->files->fd[fd] ? (int32_t)fd : -EBADF;
}

SYSCALL_FN(dup3)
{
	if (args->a[2] & ~O_CLOEXEC || args->a[0] == args->a[1])
		return -EINVAL;
	return dup_to(args->a[0], args->a[1], args->a[2] & O_CLOEXEC);
}

#define SETFL_MASK (O_APPEND | O_NONBLOCK)

/* There are no locks, as nothing can be written that another could read. */
static int32_t do_fcntl(struct file *f, u32 fd, u32 cmd, u32 arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return arg >= max_files() ? -EINVAL : dup_from(fd, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return current->files->cloexec[fd] ? FD_CLOEXEC : 0;
	case F_SETFD:
		current->files->cloexec[fd] = arg & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return (int32_t)f->f_flags;
	case F_SETFL:
		f->f_flags = (f->f_flags & ~SETFL_MASK) | (arg & SETFL_MASK);
		return 0;
	default:
		return -EINVAL;
	}
}

/* fcntl and fcntl64 differ in locks alone. */
SYSCALL_FN(fcntl64)
{
	struct file *f = fget(args->a[0]);
	u32 cmd = args->a[1];
	int32_t result;

	if (!f)
		return -EBADF;
	if (f->f_flags & O_PATH && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
	    cmd != F_SETFD && cmd != F_GETFL)
		result = -EBADF;
	else
		result = do_fcntl(f, args->a[0], cmd, args->a[2]);
	fput(f);
	return result;
}
