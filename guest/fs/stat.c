// SPDX-License-Identifier: MIT
/*
 * What is known of a file: the structures are those of Linux on i386
 * (arch/x86/include/uapi/asm/stat.h, include/uapi/linux/stat.h).
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EACCESS 0x200u
#define AT_NO_AUTOMOUNT 0x800u
#define AT_EMPTY_PATH 0x1000u
#define AT_STATX_SYNC_TYPE 0x6000u

#define BLOCK_BYTES 4096u

struct stat64 {
	u64 dev;
	u8 pad0[4];
	u32 ino32, mode, nlink, uid, gid;
	u64 rdev;
	u8 pad3[4];
	s64 size;
	u32 blksize;
	u64 blocks;
	u32 atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	u64 ino;
} __packed;

struct old_stat {
	u32 dev, ino;
	u16 mode, nlink, uid, gid;
	u32 rdev, size, blksize, blocks;
	u32 atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
	u32 unused[2];
};

struct statx_time {
	s64 sec;
	u32 nsec;
	s32 reserved;
};

struct statx {
	u32 mask, blksize;
	u64 attributes;
	u32 nlink, uid, gid;
	u16 mode, pad;
	u64 ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	u32 rdev_major, rdev_minor, dev_major, dev_minor;
	u64 mnt_id;
	u64 spare[13];
} __packed;

_Static_assert(sizeof(struct stat64) == 96, "stat64");
_Static_assert(sizeof(struct old_stat) == 64, "stat");
_Static_assert(sizeof(struct statx) == 256, "statx");

#define STATX_BASIC_STATS 0x7ffu
#define STATX_RESERVED 0x80000000u

static u64 blocks_of(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) ? (inode->i_size + BLOCK_BYTES - 1) / BLOCK_BYTES * 8 : 0;
}

static int32_t put_stat64(const struct inode *inode, u32 user)
{
	struct stat64 s = {
		.dev = inode->i_dev,
		.ino32 = (u32)inode->i_ino,
		.mode = inode->i_mode,
		.nlink = inode->i_nlink,
		.uid = inode->i_uid,
		.gid = inode->i_gid,
		.rdev = inode->i_rdev,
		.size = (s64)inode->i_size,
		.blksize = BLOCK_BYTES,
		.blocks = blocks_of(inode),
		.atime = inode->i_mtime,
		.mtime = inode->i_mtime,
		.ctime = inode->i_mtime,
		.ino = inode->i_ino,
	};

	return copy_to_user(user, &s, sizeof(s)) ? -EFAULT : 0;
}

static int32_t put_old_stat(const struct inode *inode, u32 user)
{
	struct old_stat s = {
		.dev = inode->i_dev,
		.ino = (u32)inode->i_ino,
		.mode = (u16)inode->i_mode,
		.nlink = (u16)inode->i_nlink,
		.uid = (u16)inode->i_uid,
		.gid = (u16)inode->i_gid,
		.rdev = inode->i_rdev,
		.size = (u32)inode->i_size,
		.blksize = BLOCK_BYTES,
		.blocks = (u32)blocks_of(inode),
		.atime = inode->i_mtime,
		.mtime = inode->i_mtime,
		.ctime = inode->i_mtime,
	};

	return copy_to_user(user, &s, sizeof(s)) ? -EFAULT : 0;
}

/* Numbers below 256 alone are used. */
static int32_t put_statx(const struct inode *inode, u32 user)
{
	struct statx_time time = { .sec = inode->i_mtime };
	struct statx s = {
		.mask = STATX_BASIC_STATS,
		.blksize = BLOCK_BYTES,
		.nlink = inode->i_nlink,
		.uid = inode->i_uid,
		.gid = inode->i_gid,
		.mode = (u16)inode->i_mode,
		.ino = inode->i_ino,
		.size = inode->i_size,
		.blocks = blocks_of(inode),
		.atime = time,
		.ctime = time,
		.mtime = time,
		.rdev_major = inode->i_rdev >> 8,
		.rdev_minor = inode->i_rdev & 0xff,
		.dev_major = inode->i_dev >> 8,
		.dev_minor = inode->i_dev & 0xff,
	};

	return copy_to_user(user, &s, sizeof(s)) ? -EFAULT : 0;
}

typedef int32_t (*put_fn)(const struct inode *inode, u32 user);

static int32_t stat_fd(u32 fd, u32 user, put_fn put)
{
	struct file *f = fget(fd);
	int32_t result;

	if (!f)
		return -EBADF;
	result = put(f->f_inode, user);
	fput(f);
	return result;
}

static int32_t stat_at(int dirfd, u32 user_name, u32 flags, u32 user, put_fn put)
{
	struct path path;
	char *name, first;
	int32_t err;

	if (flags & AT_EMPTY_PATH && !copy_from_user(&first, user_name, 1) && !first)
		return dirfd == AT_FDCWD ? put(current->fs->cwd.inode, user)
					 : stat_fd((u32)dirfd, user, put);
	name = getname(user_name, &err);
	if (!name)
		return err;
	err = path_lookup_at(dirfd, name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);
	kfree(name);
	if (err)
		return err;
	err = put(path.inode, user);
	path_put(&path);
	return err;
}

SYSCALL_FN(fstat64)
{
	return stat_fd(args->a[0], args->a[1], put_stat64);
}

SYSCALL_FN(stat64)
{
	return stat_at(AT_FDCWD, args->a[0], 0, args->a[1], put_stat64);
}

SYSCALL_FN(lstat64)
{
	return stat_at(AT_FDCWD, args->a[0], AT_SYMLINK_NOFOLLOW, args->a[1], put_stat64);
}

SYSCALL_FN(fstatat64)
{
	u32 flags = args->a[3];

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return stat_at((int)args->a[0], args->a[1], flags, args->a[2], put_stat64);
}

SYSCALL_FN(newfstat)
{
	return stat_fd(args->a[0], args->a[1], put_old_stat);
}

SYSCALL_FN(newstat)
{
	return stat_at(AT_FDCWD, args->a[0], 0, args->a[1], put_old_stat);
}

SYSCALL_FN(newlstat)
{
	return stat_at(AT_FDCWD, args->a[0], AT_SYMLINK_NOFOLLOW, args->a[1], put_old_stat);
}

SYSCALL_FN(statx)
{
	u32 flags = args->a[2], mask = args->a[3];

	if (mask & STATX_RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	return stat_at((int)args->a[0], args->a[1], flags, args->a[4], put_statx);
}

/* --- access ----------------------------------------------------------------------------------- */

#define X_OK 1u
#define W_OK 2u

/* Root may all but run what nobody may run and write where nothing can be written. */
static int32_t may_access(const struct inode *inode, u32 mode)
{
	u32 type = inode->i_mode & S_IFMT;

	if (mode & W_OK && inode->i_dev == DEV_INITRD && (type == S_IFREG || type == S_IFDIR))
		return -EROFS;
	if (mode & X_OK && type != S_IFDIR && !(inode->i_mode & 0111))
		return -EACCES;
	return 0;
}

static int32_t access_at(int dirfd, u32 user_name, u32 mode, u32 flags)
{
	struct path path;
	char *name;
	int32_t err;

	if (mode & ~7u || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	name = getname(user_name, &err);
	if (!name)
		return err;
	err = path_lookup_at(dirfd, name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);
	kfree(name);
	if (err)
		return err;
	err = may_access(path.inode, mode);
	path_put(&path);
	return err;
}

SYSCALL_FN(access)
{
	return access_at(AT_FDCWD, args->a[0], args->a[1], 0);
}

SYSCALL_FN(faccessat)
{
	return access_at((int)args->a[0], args->a[1], args->a[2], 0);
}

SYSCALL_FN(faccessat2)
{
	return access_at((int)args->a[0], args->a[1], args->a[2], args->a[3]);
}

/* --- readlink and getcwd ---------------------------------------------------------------------- */

static int32_t put_link(struct inode *inode, u32 user, u32 bytes)
{
	char *text = kmalloc(PATH_MAX, GFP_KERNEL);
	int32_t n = -ENOMEM;

	if (text)
		n = read_link(inode, text, PATH_MAX);
	if (n > 0) {
		n = (u32)n < bytes ? n : (int32_t)bytes;
		n = copy_to_user(user, text, (u32)n) ? -EFAULT : n;
	}
	kfree(text);
	return n;
}

static int32_t readlink_at(int dirfd, u32 user_name, u32 user, u32 bytes)
{
	struct path path;
	char *name;
	int32_t err;

	if ((int32_t)bytes <= 0)
		return -EINVAL;
	name = getname(user_name, &err);
	if (!name)
		return err;
	err = path_lookup_at(dirfd, name, 0, &path);
	kfree(name);
	if (err)
		return err;
	err = put_link(path.inode, user, bytes);
	path_put(&path);
	return err;
}

SYSCALL_FN(readlink)
{
	return readlink_at(AT_FDCWD, args->a[0], args->a[1], args->a[2]);
}

SYSCALL_FN(readlinkat)
{
	return readlink_at((int)args->a[0], args->a[1], args->a[2], args->a[3]);
}

/* The kernel's own: returns the length with the NUL. */
SYSCALL_FN(getcwd)
{
	const char *text = current->fs->cwd.text;
	u32 n = strlen(text) + 1;

	if (n > args->a[1])
		return -ERANGE;
	return copy_to_user(args->a[0], text, n) ? -EFAULT : (int32_t)n;
}
