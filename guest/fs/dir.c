// SPDX-License-Identifier: MIT
/*
 * getdents64 and getdents: entries with their names, as many as fit.
 */
#include "fs_internal.h"
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"

struct dirent64 {
	u64 ino, next;
	u16 bytes;
	u8 type;
} __packed;

struct dirent32 {
	u32 ino, next;
	u16 bytes;
} __packed;

struct listing {
	u32 user, left; /* where the next entry goes */
	u32 written;
	int32_t err;
};

/* An entry: its fixed part, the name with a NUL, and the type behind it for dirent32. */
static bool put_entry(struct listing *l, const void *head, u32 head_bytes, const char *name,
		      u32 len, u32 bytes)
{
	static const char nul;

	if (copy_to_user(l->user, head, head_bytes) ||
	    copy_to_user(l->user + head_bytes, name, len) ||
	    copy_to_user(l->user + head_bytes + len, &nul, 1)) {
		l->err = -EFAULT;
		return false;
	}
	l->user += bytes;
	l->left -= bytes;
	l->written += bytes;
	return true;
}

/* No room: an error only if nothing was written. */
static bool fits(struct listing *l, u32 bytes)
{
	if (bytes <= l->left)
		return true;
	if (!l->written)
		l->err = -EINVAL;
	return false;
}

/* DT_* are the type bits of the mode. */
static bool emit64(void *ctx, const char *name, u32 len, u64 ino, u32 mode, u64 next)
{
	struct listing *l = ctx;
	u32 bytes = (sizeof(struct dirent64) + len + 1 + 7) & ~7u;
	struct dirent64 d = { ino, next, (u16)bytes, (u8)(mode >> 12) };

	return fits(l, bytes) && put_entry(l, &d, sizeof(d), name, len, bytes);
}

static bool emit32(void *ctx, const char *name, u32 len, u64 ino, u32 mode, u64 next)
{
	struct listing *l = ctx;
	u32 bytes = (sizeof(struct dirent32) + len + 2 + 3) & ~3u, at = l->user;
	struct dirent32 d = { (u32)ino, (u32)next, (u16)bytes };
	u8 type = (u8)(mode >> 12);

	if (!fits(l, bytes) || !put_entry(l, &d, sizeof(d), name, len, bytes))
		return false;
	if (!copy_to_user(at + bytes - 1, &type, 1))
		return true;
	l->err = -EFAULT;
	return false;
}

static int32_t list(const struct syscall_args *args, emit_fn emit)
{
	struct listing l = { .user = args->a[1], .left = args->a[2] };
	struct file *f = fget(args->a[0]);
	int err = -ENOTDIR;

	if (!f)
		return -EBADF;
	if (f->f_flags & O_PATH)
		err = -EBADF;
	else if (f->f_op->readdir)
		err = f->f_op->readdir(f, &l, emit);
	fput(f);
	if (err)
		return err;
	return l.written ? (int32_t)l.written : l.err;
}

SYSCALL_FN(getdents64)
{
	return list(args, emit64);
}

SYSCALL_FN(getdents)
{
	return list(args, emit32);
}
