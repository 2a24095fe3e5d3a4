/* SPDX-License-Identifier: MIT */
/*
 * Where a read puts its bytes and a write takes them from: pieces of user memory, or one of the
 * kernel.
 */
#ifndef KERNEL_UIO_H
#define KERNEL_UIO_H

#include <lib/types.h>

#define UIO_MAXIOV 1024
#define MAX_RW_COUNT 0x7ffff000u /* bytes in one call */

/* As the user has it in memory. */
struct iovec {
	u32 base, len;
};

struct uio {
	const struct iovec *iov; /* the piece that is worked on; the rest follows */
	u32 done;		 /* bytes of that piece */
	u32 left;		 /* bytes of all pieces */
	bool kernel;		 /* base is a kernel address */
};

/* One piece. */
#define UIO_ONE(piece, in_kernel)                                                                  \
	(struct uio)                                                                               \
	{                                                                                          \
		.iov = (piece), .left = (piece)->len, .kernel = (in_kernel)                        \
	}

/* Copy n bytes, at most u->left: how many were, fewer only if user memory faults. May sleep. */
u32 uio_put(struct uio *u, const void *from, u32 n);
u32 uio_get(struct uio *u, void *to, u32 n);
u32 uio_zero(struct uio *u, u32 n);

#endif
