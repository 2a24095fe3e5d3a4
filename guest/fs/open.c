// SPDX-License-Identifier: MIT
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

static void file_release(struct file *f)
{
	if (f->f_op && f->f_op->release)
		f->f_op->release(f);
	iput(f->f_inode);
	kfree(f->f_path);
	kfree(f);
}

struct file *file_alloc(struct inode *inode, const struct file_operations *ops, u32 flags)
{
	struct file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return NULL;
	f->f_count = 1;
	f->f_mode = (flags + 1) &
		    (FMODE_READ | FMODE_WRITE); /* as O_RDONLY, O_WRONLY, O_RDWR count */
	f->f_release = file_release;
	f->f_op = ops;
	f->f_inode = inode;
	f->f_flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	f->f_dev = inode->i_dev;
	f->f_ino = (u32)inode->i_ino;
	if (inode->i_data.a_ops)
		f->f_mapping = &inode->i_data;
	return f;
}

/* What open(2) says of this file before it is opened. All files of the initrd are read-only. */
static int may_open(const struct inode *inode, u32 flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	bool regular = S_ISREG(inode->i_mode);

	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (S_ISLNK(inode->i_mode))
		return flags & O_PATH ? 0 : -ELOOP;
	if (S_ISDIR(inode->i_mode) && (writes || flags & O_CREAT))
		return -EISDIR;
	if (flags & O_DIRECTORY && !S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	if (regular && writes && inode->i_dev == DEV_INITRD)
		return -EROFS;
	return 0;
}

static const struct file_operations *operations_of(const struct inode *inode, u32 flags)
{
	static const struct file_operations none;

	if (flags & O_PATH)
		return &none;
	if ((inode->i_mode & S_IFMT) == S_IFCHR && !inode->i_fop)
		return chrdev_find(inode->i_rdev);
	return inode->i_fop; /* NULL: sockets, block devices, named pipes of an archive */
}

struct file *file_open(struct path *path, u32 flags, int *err)
{
	const struct file_operations *ops = operations_of(path->inode, flags);
	struct file *f = NULL;

	*err = may_open(path->inode, flags);
	if (!*err && !ops)
		*err = -ENXIO;
	if (!*err) {
		f = file_alloc(path->inode, ops, flags & O_PATH ? O_PATH | O_ACCMODE : flags);
		*err = f ? 0 : -ENOMEM;
	}
	if (f)
		f->f_path = path->text;
	else
		path_put(path);
	if (f && ops->open)
		*err = ops->open(path->inode, f);
	if (f && *err) {
		f->f_op = NULL; /* it was not opened */
		fput(f);
		return NULL;
	}
	return f;
}

static u32 lookup_flags(u32 flags)
{
	u32 lookup = flags & O_CREAT ? LOOKUP_PARENT_OK : 0;

	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		lookup |= LOOKUP_FOLLOW;
	return lookup;
}

struct file *filp_open(const char *name, u32 flags, int *err)
{
	struct path path;

	*err = path_lookup(name, lookup_flags(flags), NULL, &path);
	return *err ? NULL : file_open(&path, flags, err);
}

static int32_t open_at(int dirfd, u32 user_name, u32 flags)
{
	struct path path;
	struct file *f;
	char *name;
	int err, fd;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	name = getname(user_name, &err);
	if (!name)
		return err;
	err = path_lookup_at(dirfd, name, lookup_flags(flags), &path);
	kfree(name);
	f = err ? NULL : file_open(&path, flags, &err);
	if (!f)
		return err;
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		fput(f);
	return fd;
}

SYSCALL_FN(open)
{
	return open_at(AT_FDCWD, args->a[0], args->a[1]);
}

SYSCALL_FN(openat)
{
	return open_at((int)args->a[0], args->a[1], args->a[2]);
}

SYSCALL_FN(creat)
{
	return open_at(AT_FDCWD, args->a[0], O_CREAT | O_WRONLY | O_TRUNC);
}

/* --- the working directory -------------------------------------------------------------------- */

static int32_t set_cwd(struct path *path)
{
	if (!S_ISDIR(path->inode->i_mode)) {
		path_put(path);
		return -ENOTDIR;
	}
	path_put(&current->fs->cwd);
	current->fs->cwd = *path;
	return 0;
}

SYSCALL_FN(chdir)
{
	struct path path;
	int err;
	char *name = getname(args->a[0], &err);

	if (!name)
		return err;
	err = path_lookup(name, LOOKUP_FOLLOW, NULL, &path);
	kfree(name);
	return err ? err : set_cwd(&path);
}

SYSCALL_FN(fchdir)
{
	struct file *f = fget(args->a[0]);
	struct path path = { 0 };
	int32_t err = -ENOMEM;

	if (!f)
		return -EBADF;
	if (!S_ISDIR(f->f_inode->i_mode)) {
		err = -ENOTDIR;
	} else {
		path.text = kmalloc(strlen(f->f_path) + 1, GFP_KERNEL);
		if (path.text) {
			memcpy(path.text, f->f_path, strlen(f->f_path) + 1);
			path.inode = iget(f->f_inode);
			err = set_cwd(&path);
		}
	}
	fput(f);
	return err;
}

SYSCALL_FN(umask)
{
	u32 old = current->fs->umask;

	current->fs->umask = args->a[0] & 0777;
	return (int32_t)old;
}

struct fs_struct *fs_alloc(void)
{
	struct fs_struct *fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	char *text = kmalloc(2, GFP_KERNEL);

	if (!fs || !text) {
		kfree(fs);
		kfree(text);
		return NULL;
	}
	memcpy(text, "/", 2);
	*fs = (struct fs_struct){ .cwd = { iget(fs_root), text }, .umask = 022 };
	return fs;
}

struct fs_struct *fs_dup(const struct fs_struct *old)
{
	u32 n = strlen(old->cwd.text) + 1;
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);
	char *text = kmalloc(n, GFP_KERNEL);

	if (!fs || !text) {
		kfree(fs);
		kfree(text);
		return NULL;
	}
	memcpy(text, old->cwd.text, n);
	*fs = (struct fs_struct){ .cwd = { iget(old->cwd.inode), text }, .umask = old->umask };
	return fs;
}

void fs_put(struct fs_struct *fs)
{
	if (!fs)
		return;
	path_put(&fs->cwd);
	kfree(fs);
}
