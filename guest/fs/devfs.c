// SPDX-License-Identifier: MIT
/*
 * Character devices, by Linux's numbers (Documentation/admin-guide/devices.txt). Their nodes are
 * put into /dev whatever the archive has there.
 */
#include "fs_internal.h"
#include <drivers/tty.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/mm.h"

static int32_t null_read(struct file *f, struct uio *u, u64 *pos)
{
	return 0;
}

static int32_t null_write(struct file *f, struct uio *u, u64 *pos)
{
	u32 n = u->left;

	u->left = 0;
	return (int32_t)n;
}

static int32_t zero_read(struct file *f, struct uio *u, u64 *pos)
{
	u32 wanted = u->left, n = uio_zero(u, wanted);

	return n || !wanted ? (int32_t)n : -EFAULT;
}

static int32_t full_write(struct file *f, struct uio *u, u64 *pos)
{
	return -ENOSPC;
}

static int32_t random_read(struct file *f, struct uio *u, u64 *pos)
{
	u32 total = 0, wanted = u->left;
	u8 bytes[64];

	while (u->left) {
		u32 n = u->left < sizeof(bytes) ? u->left : sizeof(bytes), done;

		random_bytes(bytes, n);
		done = uio_put(u, bytes, n);
		total += done;
		if (done < n)
			break;
	}
	return total || !wanted ? (int32_t)total : -EFAULT;
}

static const struct file_operations null_ops = {
	.read = null_read,
	.write = null_write,
	.llseek = null_llseek,
};
static const struct file_operations zero_ops = {
	.read = zero_read,
	.write = null_write,
	.llseek = null_llseek,
};
static const struct file_operations full_ops = {
	.read = zero_read,
	.write = full_write,
	.llseek = null_llseek,
};
static const struct file_operations random_ops = {
	.read = random_read,
	.write = null_write,
	.llseek = null_llseek,
};

static const struct chrdev {
	const char *name;
	u32 rdev, mode;
	const struct file_operations *ops;
} chrdevs[] = {
	{ "null", MKDEV(1, 3), 0666, &null_ops },      { "zero", MKDEV(1, 5), 0666, &zero_ops },
	{ "full", MKDEV(1, 7), 0666, &full_ops },      { "random", MKDEV(1, 8), 0666, &random_ops },
	{ "urandom", MKDEV(1, 9), 0666, &random_ops }, { "tty", MKDEV(5, 0), 0666, &tty_ops },
	{ "console", MKDEV(5, 1), 0600, &tty_ops },    { "ttyS0", MKDEV(4, 64), 0660, &tty_ops },
};

const struct file_operations *chrdev_find(u32 rdev)
{
	for (u32 i = 0; i < ARRAY_SIZE(chrdevs); i++)
		if (chrdevs[i].rdev == rdev)
			return chrdevs[i].ops;
	return NULL;
}

/* /dev/zero is mapped as memory: mmap_zero() never lets a page be asked for. */
static const struct address_space_operations zero_aops = { .mmap = mmap_zero };

static void add_node(struct inode *dir, const char *name, struct inode *inode)
{
	struct tree_entry *old = tree_find(dir, name, strlen(name));

	if (old)
		old->inode = inode;
	else if (tree_add(dir, name, strlen(name), inode))
		panic("devfs: no memory for /dev/%s", name);
}

void devfs_mount(struct inode *root)
{
	struct tree_entry *e = tree_find(root, "dev", 3);
	struct inode *dir = e ? e->inode : tree_new_dir(0755, DEV_DEV, root);

	if (!dir || !S_ISDIR(dir->i_mode))
		panic("devfs: /dev of the initrd is no directory");
	if (!e && tree_add(root, "dev", 3, dir))
		panic("devfs: no memory for /dev");
	for (u32 i = 0; i < ARRAY_SIZE(chrdevs); i++) {
		const struct chrdev *c = &chrdevs[i];
		struct inode *inode = new_inode(S_IFCHR | c->mode, DEV_DEV);

		if (!inode)
			panic("devfs: no memory for /dev/%s", c->name);
		inode->i_rdev = c->rdev;
		inode->i_fop = c->ops;
		if (c->ops == &zero_ops)
			address_space_init(&inode->i_data, inode, &zero_aops, 0);
		add_node(dir, c->name, inode);
	}
}
