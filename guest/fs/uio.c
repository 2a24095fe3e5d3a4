// SPDX-License-Identifier: MIT
#include <kernel/uio.h>

#include <kernel/uaccess.h>
#include <lib/string.h>

/* Each copies n bytes at a user or kernel address, and returns how many were not. */
typedef u32 (*copy_fn)(u32 user, void *kernel, u32 n, bool in_kernel);

static u32 put(u32 at, void *from, u32 n, bool in_kernel)
{
	if (!in_kernel)
		return copy_to_user(at, from, n);
	memcpy((void *)at, from, n);
	return 0;
}

static u32 get(u32 at, void *to, u32 n, bool in_kernel)
{
	if (!in_kernel)
		return copy_from_user(to, at, n);
	memcpy(to, (const void *)at, n);
	return 0;
}

static u32 zero(u32 at, void *unused, u32 n, bool in_kernel)
{
	if (!in_kernel)
		return clear_user(at, n);
	memset((void *)at, 0, n);
	return 0;
}

static u32 transfer(struct uio *u, char *kernel, u32 n, copy_fn copy)
{
	u32 total = 0;

	if (n > u->left)
		n = u->left;
	while (total < n) {
		u32 part = u->iov->len - u->done, missing;

		if (!part) {
			u->iov++;
			u->done = 0;
			continue;
		}
		if (part > n - total)
			part = n - total;
		missing = copy(u->iov->base + u->done, kernel ? kernel + total : NULL, part,
			       u->kernel);
		u->done += part - missing;
		u->left -= part - missing;
		total += part - missing;
		if (missing)
			break;
	}
	return total;
}

u32 uio_put(struct uio *u, const void *from, u32 n)
{
	return transfer(u, (char *)(uintptr_t)from, n, put);
}

u32 uio_get(struct uio *u, void *to, u32 n)
{
	return transfer(u, to, n, get);
}

u32 uio_zero(struct uio *u, u32 n)
{
	return transfer(u, NULL, n, zero);
}
