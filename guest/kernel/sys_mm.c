// SPDX-License-Identifier: MIT
/*
 * System calls of memory: arguments from user space, the work is mm/'s.
 */
#include <kernel/fs.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"
#include "mm/mm.h"

SYSCALL_FN(brk)
{
	return (int32_t)do_brk_call(current->mm, args->a[0]);
}

/*
 * A file is asked for even where the kernel would not look at it, as Linux does: -EBADF comes
 * first.
 */
static int32_t mmap_call(const u32 a[5], u32 pgoff)
{
	struct file *file = NULL;
	u32 addr;

	if (!(a[3] & MAP_ANONYMOUS)) {
		file = fget(a[4]);
		if (!file)
			return -EBADF;
	}
	addr = do_mmap_pgoff(current->mm, file, a[0], a[1], a[2], a[3], pgoff);
	if (file)
		fput(file);
	return (int32_t)addr;
}

SYSCALL_FN(mmap2)
{
	return mmap_call(args->a, args->a[5]);
}

/* Its arguments are in memory, and the offset is in bytes. */
SYSCALL_FN(old_mmap)
{
	u32 a[6];

	if (copy_from_user(a, args->a[0], sizeof(a)))
		return -EFAULT;
	if (a[5] & ~PAGE_MASK)
		return -EINVAL;
	return mmap_call(a, a[5] >> PAGE_SHIFT);
}

SYSCALL_FN(munmap)
{
	return do_munmap(current->mm, args->a[0], args->a[1]);
}

SYSCALL_FN(mprotect)
{
	return do_mprotect(current->mm, args->a[0], args->a[1], args->a[2]);
}

SYSCALL_FN(mremap)
{
	const u32 *a = args->a;

	return (int32_t)do_mremap(current->mm, a[0], a[1], a[2], a[3], a[4]);
}

SYSCALL_FN(madvise)
{
	return do_madvise(current->mm, args->a[0], args->a[1], (int)args->a[2]);
}

SYSCALL_FN(msync)
{
	return do_msync(current->mm, args->a[0], args->a[1], args->a[2]);
}

SYSCALL_FN(mlock)
{
	return do_mlock(current->mm, args->a[0], args->a[1], true);
}

SYSCALL_FN(munlock)
{
	return do_mlock(current->mm, args->a[0], args->a[1], false);
}

SYSCALL_FN(mlockall)
{
	return do_mlockall(current->mm, args->a[0]);
}

SYSCALL_FN(munlockall)
{
	(void)args;
	return do_munlockall(current->mm);
}

#define MINCORE_PAGES 256

SYSCALL_FN(mincore)
{
	u32 start = args->a[0], vec = args->a[2];
	u32 pages = args->a[1] / PAGE_SIZE + (args->a[1] % PAGE_SIZE != 0);
	u8 told[MINCORE_PAGES];

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!access_ok(start, args->a[1]))
		return -ENOMEM;
	if (!access_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		u32 chunk = pages < MINCORE_PAGES ? pages : MINCORE_PAGES;
		int n = do_mincore(current->mm, start, chunk, told);

		if (n <= 0)
			return n;
		if (copy_to_user(vec, told, (u32)n))
			return -EFAULT;
		start += (u32)n * PAGE_SIZE;
		vec += (u32)n;
		pages -= (u32)n;
	}
	return 0;
}
