// SPDX-License-Identifier: MIT
/*
 * read, write and their kin. The order of the checks is Linux's (fs/read_write.c): descriptor,
 * mode, position, address, length.
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define IOV_FAST 8

static int32_t do_read(struct file *f, struct uio *u, u64 *pos)
{
	return f->f_op->read ? f->f_op->read(f, u, pos) : -EINVAL;
}

static int32_t do_write(struct file *f, struct uio *u, u64 *pos)
{
	return f->f_op->write ? f->f_op->write(f, u, pos) : -EINVAL;
}

/* The open file of a descriptor, if it may be read or written: else NULL and *err. */
static struct file *fget_mode(u32 fd, u32 mode)
{
	struct file *f = fget(fd);

	if (f && !(f->f_mode & mode)) {
		fput(f);
		f = NULL;
	}
	return f;
}

static int32_t rw_one(u32 fd, u32 buf, u32 n, u32 mode)
{
	struct file *f = fget_mode(fd, mode);
	struct iovec piece = { buf, n < MAX_RW_COUNT ? n : MAX_RW_COUNT };
	struct uio u = UIO_ONE(&piece, false);
	int32_t result;

	if (!f)
		return -EBADF;
	if (!access_ok(buf, n))
		result = -EFAULT;
	else if ((int32_t)n < 0)
		result = -EINVAL;
	else if (mode == FMODE_READ)
		result = do_read(f, &u, &f->f_pos);
	else
		result = do_write(f, &u, &f->f_pos);
	fput(f);
	return result;
}

SYSCALL_FN(read)
{
	return rw_one(args->a[0], args->a[1], args->a[2], FMODE_READ);
}

SYSCALL_FN(write)
{
	return rw_one(args->a[0], args->a[1], args->a[2], FMODE_WRITE);
}

static int32_t rw_at(const struct syscall_args *args, u32 mode)
{
	u64 pos = args->a[3] | (u64)args->a[4] << 32;
	u32 n = args->a[2];
	struct iovec piece = { args->a[1], n < MAX_RW_COUNT ? n : MAX_RW_COUNT };
	struct uio u = UIO_ONE(&piece, false);
	struct file *f;
	int32_t result;

	if ((int64_t)pos < 0)
		return -EINVAL;
	f = fget(args->a[0]);
	if (!f)
		return -EBADF;
	if (!f->f_op->llseek)
		result = -ESPIPE;
	else if (!(f->f_mode & mode))
		result = -EBADF;
	else if (!access_ok(args->a[1], n))
		result = -EFAULT;
	else if ((int32_t)n < 0)
		result = -EINVAL;
	else
		result = mode == FMODE_READ ? do_read(f, &u, &pos) : do_write(f, &u, &pos);
	fput(f);
	return result;
}

SYSCALL_FN(pread64)
{
	return rw_at(args, FMODE_READ);
}

SYSCALL_FN(pwrite64)
{
	return rw_at(args, FMODE_WRITE);
}

/* The pieces, checked; their bytes in u->left, cut to MAX_RW_COUNT. 0 or error. */
static int import_iovec(struct iovec *iov, u32 user, u32 count, struct uio *u)
{
	if (copy_from_user(iov, user, count * sizeof(*iov)))
		return -EFAULT;
	*u = (struct uio){ .iov = iov };
	for (u32 i = 0; i < count; i++) {
		if ((int32_t)iov[i].len < 0)
			return -EINVAL;
		if (!access_ok(iov[i].base, iov[i].len))
			return -EFAULT;
		if (iov[i].len > MAX_RW_COUNT - u->left)
			iov[i].len = MAX_RW_COUNT - u->left;
		u->left += iov[i].len;
	}
	return 0;
}

static int32_t rw_vector(const struct syscall_args *args, u32 mode)
{
	struct iovec fast[IOV_FAST], *iov = fast;
	u32 count = args->a[2];
	struct file *f = fget_mode(args->a[0], mode);
	int32_t result = 0;
	struct uio u;

	if (!f)
		return -EBADF;
	if (count > UIO_MAXIOV)
		result = -EINVAL;
	if (!result && count > IOV_FAST) {
		iov = kmalloc(count * sizeof(*iov), GFP_KERNEL);
		if (!iov)
			result = -ENOMEM;
	}
	if (!result)
		result = import_iovec(iov, args->a[1], count, &u);
	if (!result && u.left)
		result = mode == FMODE_READ ? do_read(f, &u, &f->f_pos)
					    : do_write(f, &u, &f->f_pos);
	if (iov != fast)
		kfree(iov);
	fput(f);
	return result;
}

SYSCALL_FN(readv)
{
	return rw_vector(args, FMODE_READ);
}

SYSCALL_FN(writev)
{
	return rw_vector(args, FMODE_WRITE);
}

int32_t kernel_read(struct file *f, u64 pos, void *buf, u32 n)
{
	struct iovec piece = { (u32)buf, n };
	struct uio u = UIO_ONE(&piece, true);

	return do_read(f, &u, &pos);
}

/* --- files of the page cache, and of a buffer ------------------------------------------------- */

/* One page or a part of it; the bytes moved or, if there are none, an error. */
static int32_t read_page(struct file *f, struct uio *u, u64 pos, u32 n)
{
	u32 offset = (u32)pos & (PAGE_SIZE - 1), done;
	bool major = false;
	int err = 0;
	struct page *page;
	char *kaddr;

	page = read_mapping_page(f->f_mapping, (u32)(pos >> PAGE_SHIFT), &major, &err);
	if (!page)
		return err;
	kaddr = kmap(page);
	done = uio_put(u, kaddr + offset, n);
	kunmap(page);
	put_page(page);
	return done ? (int32_t)done : -EFAULT;
}

int32_t generic_file_read(struct file *f, struct uio *u, u64 *pos)
{
	u64 size = f->f_inode->i_size;
	u32 total = 0;

	while (u->left && *pos < size) {
		u32 n = PAGE_SIZE - ((u32)*pos & (PAGE_SIZE - 1));
		int32_t done;

		if (n > u->left)
			n = u->left;
		if (n > size - *pos)
			n = (u32)(size - *pos);
		done = read_page(f, u, *pos, n);
		if (done < 0)
			return total ? (int32_t)total : done;
		total += (u32)done;
		*pos += (u32)done;
		if ((u32)done < n)
			break;
	}
	return (int32_t)total;
}

int32_t read_from_buffer(struct uio *u, u64 *pos, const char *text, u32 bytes)
{
	u32 n, done;

	if (*pos >= bytes || !u->left)
		return 0;
	n = bytes - (u32)*pos < u->left ? bytes - (u32)*pos : u->left;
	done = uio_put(u, text + *pos, n);
	*pos += done;
	return done ? (int32_t)done : -EFAULT;
}

/* --- lseek ------------------------------------------------------------------------------------ */

#define SEEK_DATA 3
#define SEEK_HOLE 4

/* A file without holes: SEEK_HOLE finds its end. */
int64_t generic_llseek(struct file *f, int64_t offset, int whence)
{
	int64_t size = (int64_t)f->f_inode->i_size;

	if (whence == SEEK_CUR)
		offset += (int64_t)f->f_pos;
	else if (whence == SEEK_END)
		offset += size;
	else if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if ((u64)offset >= (u64)size)
			return -ENXIO;
		offset = whence == SEEK_HOLE ? size : offset;
	} else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->f_pos = (u64)offset;
	return offset;
}

int64_t endless_llseek(struct file *f, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (int64_t)f->f_pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	f->f_pos = (u64)offset;
	return offset;
}

int64_t null_llseek(struct file *f, int64_t offset, int whence)
{
	f->f_pos = 0;
	return 0;
}

static int64_t do_llseek(u32 fd, int64_t offset, u32 whence)
{
	struct file *f = fget(fd);
	int64_t result = -ESPIPE;

	if (!f)
		return -EBADF;
	if (f->f_flags & O_PATH)
		result = -EBADF;
	else if (whence > SEEK_HOLE)
		result = -EINVAL;
	else if (f->f_op->llseek)
		result = f->f_op->llseek(f, offset, (int)whence);
	fput(f);
	return result;
}

SYSCALL_FN(lseek)
{
	int64_t result = do_llseek(args->a[0], (int32_t)args->a[1], args->a[2]);

	return result > INT32_MAX ? -EOVERFLOW : (int32_t)result;
}

SYSCALL_FN(llseek)
{
	u64 offset = (u64)args->a[1] << 32 | args->a[2];
	int64_t result = do_llseek(args->a[0], (int64_t)offset, args->a[4]);

	if (result < 0)
		return (int32_t)result;
	return copy_to_user(args->a[3], &result, sizeof(result)) ? -EFAULT : 0;
}

SYSCALL_FN(ioctl)
{
	struct file *f = fget(args->a[0]);
	int32_t result;

	if (!f)
		return -EBADF;
	if (f->f_flags & O_PATH)
		result = -EBADF;
	else
		result = f->f_op->ioctl ? f->f_op->ioctl(f, args->a[1], args->a[2]) : -ENOTTY;
	fput(f);
	return result;
}
