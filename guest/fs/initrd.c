// SPDX-License-Identifier: MIT
/*
 * The root: a cpio archive in memory, turned into inodes whose content stays where it is. An
 * archive that is not in order ends in a panic that names the offset and what is wrong: there is no
 * other root.
 *
 * More lenient than Linux: a directory that the archive lacks is made. Less: what Linux skips
 * silently (a bad size, a path through a file) is refused.
 */
#include "cpio.h"
#include "fs_internal.h"
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/filemap.h"
#include "mm/highmem.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

struct mount {
	const char *name;
	struct cpio cpio;
	struct rb_root links; /* struct hard_link of files with more than one name */
	u32 files, directories;
};

/* The names of one file: same device and number in the archive. The last has the content. */
struct hard_link {
	struct rb_node node;
	u64 key;
	struct inode *inode;
};

static void __noreturn refuse(const struct mount *m, u32 at, const char *what)
{
	panic("initrd %s: offset %u (%#x): %s", m->name, at, at, what);
}

static int initrd_readpage(struct address_space *mapping, struct page *page)
{
	const struct inode *inode = mapping->host;
	u64 at = (u64)page->index << PAGE_SHIFT;
	u32 n = 0;
	char *kaddr = kmap_atomic(page, KM_USER0);

	if (at < inode->i_size)
		n = inode->i_size - at < PAGE_SIZE ? (u32)(inode->i_size - at) : PAGE_SIZE;
	if (n)
		memcpy(kaddr, (const char *)inode->private + at, n);
	memset(kaddr + n, 0, PAGE_SIZE - n);
	kunmap_atomic(kaddr, KM_USER0);
	return 0;
}

static const struct address_space_operations initrd_aops = { .readpage = initrd_readpage };

static const struct file_operations initrd_file_ops = {
	.read = generic_file_read,
	.llseek = generic_llseek,
};

static int initrd_readlink(struct inode *inode, char *buf, u32 bytes)
{
	u32 n = (u32)inode->i_size;

	memcpy(buf, inode->private, n < bytes ? n : bytes);
	return (int)n;
}

static const struct inode_operations initrd_link_ops = { .readlink = initrd_readlink };

static void set_content(struct inode *inode, const struct cpio_entry *e)
{
	inode->private = (void *)(uintptr_t)e->data;
	inode->i_size = e->size;
	inode->i_data.i_size = e->size;
}

static void set_attributes(struct inode *inode, const struct cpio_entry *e)
{
	inode->i_mode = (inode->i_mode & S_IFMT) | (e->mode & 07777);
	inode->i_uid = e->uid;
	inode->i_gid = e->gid;
	inode->i_mtime = e->mtime;
}

static struct inode *make_inode(struct mount *m, const struct cpio_entry *e)
{
	u32 type = e->mode & S_IFMT;
	struct inode *inode = new_inode(type, DEV_INITRD);

	if (!inode)
		refuse(m, e->at, "no memory for its files; give a larger -m");
	set_attributes(inode, e);
	switch (type) {
	case S_IFREG:
		address_space_init(&inode->i_data, inode, &initrd_aops, e->size);
		inode->i_fop = &initrd_file_ops;
		set_content(inode, e);
		break;
	case S_IFLNK:
		inode->i_op = &initrd_link_ops;
		set_content(inode, e);
		break;
	case S_IFCHR:
	case S_IFBLK:
		inode->i_rdev = MKDEV(e->rdev_major, e->rdev_minor);
		break;
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		refuse(m, e->at, "a file is of no known type");
	}
	m->files++;
	return inode;
}

/* The inode of a file that has other names, too, or a new one that will. */
static struct inode *linked_inode(struct mount *m, const struct cpio_entry *e)
{
	u64 key = (u64)(e->dev_major << 20 ^ e->dev_minor) << 32 | e->ino;
	struct rb_node **link = &m->links.node, *parent = NULL;
	struct hard_link *h;

	while (*link) {
		h = rb_entry(*link, struct hard_link, node);
		if (h->key == key) {
			h->inode->i_nlink++;
			if (e->size)
				set_content(h->inode, e);
			return h->inode;
		}
		parent = *link;
		link = &parent->child[key > h->key];
	}
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		refuse(m, e->at, "no memory for its links; give a larger -m");
	h->key = key;
	h->inode = make_inode(m, e);
	rb_insert(&m->links, &h->node, parent, link);
	return h->inode;
}

static void forget_links(struct rb_root *links)
{
	struct rb_node *node;

	while ((node = rb_first(links))) {
		rb_erase(links, node);
		kfree(rb_entry(node, struct hard_link, node));
	}
}

static struct inode *add_directory(struct mount *m, u32 at, struct inode *dir, const char *name,
				   u32 len, u32 mode)
{
	struct inode *inode = tree_new_dir(mode, DEV_INITRD, dir);

	if (!inode || tree_add(dir, name, len, inode))
		refuse(m, at, "no memory for its directories; give a larger -m");
	m->directories++;
	return inode;
}

/* The directory that *name is in; *name becomes the last component. Missing ones are made. */
static struct inode *parent_of(struct mount *m, u32 at, const char **name, u32 *len)
{
	struct inode *dir = fs_root;

	for (;;) {
		const char *s = *name;
		struct tree_entry *e;
		u32 n = 0;

		while (n < *len && s[n] != '/')
			n++;
		if (n > NAME_MAX)
			refuse(m, at, "a component of a name is longer than 255 bytes");
		if (n == *len)
			return dir;
		e = tree_find(dir, s, n);
		if (e && !S_ISDIR(e->inode->i_mode))
			refuse(m, at, "a name leads through something that is no directory");
		dir = e ? e->inode : add_directory(m, at, dir, s, n, 0755);
		*name += n + 1;
		*len -= n + 1;
	}
}

/* The tree keeps names: those that are not in the archive need a place. */
static const char *lasting_name(struct mount *m, const struct cpio_entry *e)
{
	char *copy;

	if (e->name != m->cpio.scratch)
		return e->name;
	copy = kmalloc(e->name_len + 1, GFP_KERNEL);
	if (!copy)
		refuse(m, e->at, "no memory for its names; give a larger -m");
	memcpy(copy, e->name, e->name_len + 1);
	return copy;
}

static void add_entry(struct mount *m, const struct cpio_entry *e)
{
	const char *name = lasting_name(m, e);
	u32 len = e->name_len;
	struct inode *dir, *inode;
	struct tree_entry *old;

	if (!len) {
		set_attributes(fs_root, e);
		return;
	}
	dir = parent_of(m, e->at, &name, &len);
	old = tree_find(dir, name, len);
	if (S_ISDIR(e->mode)) {
		if (old && !S_ISDIR(old->inode->i_mode))
			refuse(m, e->at, "a directory has the name of a file before it");
		inode = old ? old->inode : add_directory(m, e->at, dir, name, len, e->mode);
		set_attributes(inode, e);
		return;
	}
	if (old && S_ISDIR(old->inode->i_mode))
		refuse(m, e->at, "a file has the name of a directory before it");
	inode = e->nlink > 1 ? linked_inode(m, e) : make_inode(m, e);
	if (old)
		old->inode = inode; /* the later one counts, as in Linux */
	else if (tree_add(dir, name, len, inode))
		refuse(m, e->at, "no memory for its names; give a larger -m");
}

void initrd_mount(const char *name, const void *data, u32 size)
{
	struct mount m = { .name = name };
	struct cpio_entry e;
	char *scratch;
	int more;

	if (size > INT32_MAX)
		refuse(&m, 0, "it is larger than 2 GiB");
	fs_root = tree_new_dir(0755, DEV_INITRD, NULL);
	scratch = kmalloc(CPIO_PATH_MAX, GFP_KERNEL);
	if (!fs_root || !scratch)
		panic("initrd: no memory for the root");
	cpio_open(&m.cpio, data, size, scratch);
	while ((more = cpio_next(&m.cpio, &e)) > 0)
		add_entry(&m, &e);
	if (more < 0)
		refuse(&m, m.cpio.wrong_at, m.cpio.wrong);
	forget_links(&m.links);
	kfree(scratch);
	printk("initrd %s: %u KiB, %u files, %u directories\n", name, (size + 1023) >> 10, m.files,
	       m.directories);
}
