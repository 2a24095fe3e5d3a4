/* SPDX-License-Identifier: MIT */
/*
 * What the files of fs/ share, and nobody else uses.
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <kernel/uio.h>
#include <kernel/fs.h>

#include "mm/rbtree.h"

/* Device numbers as user programs see them. */
#define MKDEV(major, minor) (((u32)(minor)&0xff) | (u32)(major) << 8)
#define DEV_INITRD MKDEV(0, 1)
#define DEV_PROC MKDEV(0, 3)
#define DEV_DEV MKDEV(0, 5)
#define DEV_PIPE MKDEV(0, 7)

/* --- directories in memory: tree.c ------------------------------------------------------------ */

/* A name in a directory; the name is not copied and must live as long. */
struct tree_entry {
	struct rb_node by_name;
	struct tree_entry *next; /* in the order they were made */
	u32 seq;		 /* rises in that order */
	const char *name;
	u32 len;
	struct inode *inode;
};

/* A directory's inode->private. */
struct tree_dir {
	struct rb_root names;
	struct tree_entry *first, *last;
	u32 next_seq;
};

extern const struct inode_operations tree_dir_inode_ops;
extern const struct file_operations tree_dir_ops;

/* NULL: no memory. i_ino is new, i_nlink 1, immortal. */
struct inode *new_inode(u32 mode, u32 dev);
/* A directory without entries; parent NULL: its own. */
struct inode *tree_new_dir(u32 mode, u32 dev, struct inode *parent);
struct tree_entry *tree_find(const struct inode *dir, const char *name, u32 len);
/* The name must be new. 0 or -ENOMEM. Counts links of directories. */
int tree_add(struct inode *dir, const char *name, u32 len, struct inode *inode);
/* "." and ".." of dir, then `entries` of position 2 and later. */
typedef bool (*emit_fn)(void *ctx, const char *name, u32 len, u64 ino, u32 mode, u64 next);
bool emit_dots(struct file *f, void *ctx, emit_fn emit);

/* --- the mounted file systems ----------------------------------------------------------------- */

extern struct inode *fs_root;

/* initrd.c: the archive [data, data + size) as the root. Panics with `name` and what is wrong. */
void initrd_mount(const char *name, const void *data, u32 size);
/* devfs.c: nodes in /dev; operations of a character device or NULL. */
void devfs_mount(struct inode *root);
const struct file_operations *chrdev_find(u32 rdev);
/* proc/root.c: the inode of /proc. Panics without memory. */
struct inode *proc_mount(struct inode *parent);

/* --- path.c, open.c --------------------------------------------------------------------------- */

/* A path from user memory: kmalloc, or NULL and *err (-EFAULT, -ENOENT, -ENAMETOOLONG, -ENOMEM). */
char *getname(u32 user, int *err);
/* As path_lookup, with an open directory's descriptor (AT_FDCWD: the working directory). */
#define AT_FDCWD (-100)
int path_lookup_at(int dirfd, const char *name, u32 flags, struct path *result);
#define LOOKUP_PARENT_OK 2u /* -ENOENT becomes -EROFS if all but the last component exist */
int read_link(struct inode *inode, char *buf, u32 bytes);

/* An open file of an inode; takes path over, also on failure. */
struct file *file_open(struct path *path, u32 flags, int *err);
/* A file without a name, of pipes: f_count 1, or NULL. */
struct file *file_alloc(struct inode *inode, const struct file_operations *ops, u32 flags);

/* fd.c: close(2). 0 or -EBADF. */
int fd_close(u32 fd);

/* Files of the page cache. */
int32_t generic_file_read(struct file *f, struct uio *u, u64 *pos);
/* lseek of files with a size, and of devices where it means nothing. */
int64_t generic_llseek(struct file *f, int64_t offset, int whence);
/* Of folders and of texts made at open: rewinding and what telldir() gave; no end to count from. */
int64_t endless_llseek(struct file *f, int64_t offset, int whence);
int64_t null_llseek(struct file *f, int64_t offset, int whence);
/* A buffer of the kernel as a file's content, for /proc. */
int32_t read_from_buffer(struct uio *u, u64 *pos, const char *text, u32 bytes);

#endif
