// SPDX-License-Identifier: MIT
/*
 * Directories that are in memory and only grow: those of the initrd and of /dev. Names are in a
 * tree, so that an archive of a hundred thousand of them, however chosen, is not searched name by
 * name.
 */
#include "fs_internal.h"
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

static u64 last_ino;

struct inode *new_inode(u32 mode, u32 dev)
{
	struct inode *inode = kzalloc(sizeof(*inode), GFP_KERNEL);

	if (!inode)
		return NULL;
	inode->i_ino = ++last_ino;
	inode->i_mode = mode;
	inode->i_nlink = 1;
	inode->i_dev = dev;
	return inode;
}

struct inode *tree_new_dir(u32 mode, u32 dev, struct inode *parent)
{
	struct inode *inode = new_inode(S_IFDIR | (mode & ~S_IFMT), dev);
	struct tree_dir *dir = kzalloc(sizeof(*dir), GFP_KERNEL);

	if (!inode || !dir) {
		kfree(inode);
		kfree(dir);
		return NULL;
	}
	inode->i_nlink = 2;
	inode->i_op = &tree_dir_inode_ops;
	inode->i_fop = &tree_dir_ops;
	inode->i_parent = parent ? parent : inode;
	inode->private = dir;
	return inode;
}

static int compare_names(const char *a, u32 a_len, const char *b, u32 b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* The entry, or NULL and the place where it belongs. */
static struct tree_entry *find_place(struct tree_dir *dir, const char *name, u32 len,
				     struct rb_node **parent, struct rb_node ***link)
{
	*link = &dir->names.node;
	*parent = NULL;
	while (**link) {
		struct tree_entry *e = rb_entry(**link, struct tree_entry, by_name);
		int order = compare_names(name, len, e->name, e->len);

		if (!order)
			return e;
		*parent = **link;
		*link = &(*parent)->child[order > 0];
	}
	return NULL;
}

struct tree_entry *tree_find(const struct inode *dir, const char *name, u32 len)
{
	struct rb_node *parent, **link;

	return find_place(dir->private, name, len, &parent, &link);
}

int tree_add(struct inode *dir, const char *name, u32 len, struct inode *inode)
{
	struct tree_dir *d = dir->private;
	struct tree_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);
	struct rb_node *parent, **link;

	if (!e)
		return -ENOMEM;
	find_place(d, name, len, &parent, &link);
	e->name = name;
	e->len = len;
	e->inode = inode;
	e->seq = d->next_seq++;
	rb_insert(&d->names, &e->by_name, parent, link);
	if (d->last)
		d->last->next = e;
	else
		d->first = e;
	d->last = e;
	if (S_ISDIR(inode->i_mode))
		dir->i_nlink++;
	return 0;
}

static int tree_lookup(struct inode *dir, const char *name, u32 len, struct inode **child)
{
	struct tree_entry *e = tree_find(dir, name, len);

	if (!e)
		return -ENOENT;
	*child = iget(e->inode);
	return 0;
}

const struct inode_operations tree_dir_inode_ops = { .lookup = tree_lookup };

/* Positions: 0 and 1 are "." and "..", n + 2 is the entry with seq n or the next one. */

bool emit_dots(struct file *f, void *ctx, emit_fn emit)
{
	struct inode *dir = f->f_inode;

	if (f->f_pos == 0) {
		if (!emit(ctx, ".", 1, dir->i_ino, S_IFDIR, 1))
			return false;
		f->f_pos = 1;
	}
	if (f->f_pos == 1) {
		if (!emit(ctx, "..", 2, dir->i_parent->i_ino, S_IFDIR, 2))
			return false;
		f->f_pos = 2;
	}
	return true;
}

/* Where the last call stopped is kept, so that a large directory is walked once. */
static struct tree_entry *entry_from(struct file *f, u32 seq)
{
	const struct tree_dir *d = f->f_inode->private;
	struct tree_entry *e = f->private;

	if (!e || e->seq > seq)
		e = d->first;
	while (e && e->seq < seq)
		e = e->next;
	return e;
}

static int tree_readdir(struct file *f, void *ctx, emit_fn emit)
{
	struct tree_entry *e;

	if (!emit_dots(f, ctx, emit) || f->f_pos - 2 > UINT32_MAX)
		return 0;
	for (e = entry_from(f, (u32)(f->f_pos - 2)); e; e = e->next) {
		f->private = e;
		if (!emit(ctx, e->name, e->len, e->inode->i_ino, e->inode->i_mode, e->seq + 3ull))
			break;
		f->f_pos = e->seq + 3ull;
	}
	return 0;
}

static int32_t dir_read(struct file *f, struct uio *u, u64 *pos)
{
	return -EISDIR;
}

const struct file_operations tree_dir_ops = {
	.read = dir_read,
	.llseek = endless_llseek,
	.readdir = tree_readdir,
};
