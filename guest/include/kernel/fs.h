/* SPDX-License-Identifier: MIT */
/*
 * A small virtual file system: inodes in trees, open files, descriptor tables.
 *
 * The initrd is the root and read-only; /dev and /proc are put over it. Paths are resolved from the
 * root or the working directory, through "." and ".." and at most 40 symbolic links. Inodes of the
 * initrd and /dev live for ever; those of /proc/PID are made when they are looked up. All users are
 * root, so the only permission that is checked is that what is executed has an x bit.
 *
 *   cpio.c      the archive's format               initrd.c    the archive as a tree of inodes
 *   tree.c      directories in memory              devfs.c     /dev
 *   path.c      names to inodes                    proc/       /proc
 *   open.c, read_write.c, uio.c, stat.c, dir.c, fd.c, pipe.c, poll.c   system calls
 *   exec.c, binfmt_elf.c, elf_check.c, script.c      execve
 */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include <lib/types.h>

#include "mm/mm_types.h"

#define PATH_MAX 4096 /* with the NUL */
#define NAME_MAX 255
#define NR_OPEN 1024 /* descriptors a process has at most: RLIMIT_NOFILE */
#define PIPE_BYTES 65536

#define O_ACCMODE 3u
#define O_RDONLY 0u
#define O_WRONLY 1u
#define O_RDWR 2u
#define O_CREAT 0100u
#define O_EXCL 0200u
#define O_NOCTTY 0400u
#define O_TRUNC 01000u
#define O_APPEND 02000u
#define O_NONBLOCK 04000u
#define O_DIRECTORY 0200000u
#define O_NOFOLLOW 0400000u
#define O_CLOEXEC 02000000u
#define O_PATH 010000000u

#define S_IFMT 0170000u
#define S_IFIFO 0010000u
#define S_IFCHR 0020000u
#define S_IFDIR 0040000u
#define S_IFBLK 0060000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u
#define S_IFSOCK 0140000u
#define S_ISREG(mode) (((mode)&S_IFMT) == S_IFREG)
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)
#define S_ISLNK(mode) (((mode)&S_IFMT) == S_IFLNK)

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

/* poll(2) */
#define POLLIN 0x001u
#define POLLOUT 0x004u
#define POLLERR 0x008u
#define POLLHUP 0x010u

struct pt_regs;
struct wait_queue_head;
struct uio; /* where bytes go to or come from: kernel/uio.h */

struct file_operations {
	/*
	 * Bytes or error, as much of u->left as there is; *pos moves with them. May sleep. NULL:
	 * -EINVAL.
	 */
	int32_t (*read)(struct file *f, struct uio *u, u64 *pos);
	int32_t (*write)(struct file *f, struct uio *u, u64 *pos);
	int (*ioctl)(struct file *f, u32 cmd, u32 arg);		       /* NULL: -ENOTTY */
	int64_t (*llseek)(struct file *f, int64_t offset, int whence); /* NULL: -ESPIPE */
	/* Entries from f_pos on, until emit() is false; f_pos is that of the first not taken. */
	int (*readdir)(struct file *f, void *ctx,
		       bool (*emit)(void *ctx, const char *name, u32 len, u64 ino, u32 mode,
				    u64 next));
	int (*open)(struct inode *inode, struct file *f);
	void (*release)(struct file *f);
	/* POLL* that hold now; *queue is woken when they change. NULL: POLLIN | POLLOUT. */
	u32 (*poll)(struct file *f, struct wait_queue_head **queue);
};

struct inode_operations {
	/* The child of that name, with a reference: 0, -ENOENT or -ENOMEM. */
	int (*lookup)(struct inode *dir, const char *name, u32 len, struct inode **child);
	/* The target of a symbolic link into buf, not terminated: its whole length, or error. */
	int (*readlink)(struct inode *inode, char *buf, u32 bytes);
	/*
	 * A link that leads to an inode without a name (/proc/PID/fd/N of a pipe): it, with a
	 * reference. NULL: the text of readlink is walked.
	 */
	struct inode *(*follow)(struct inode *inode);
};

struct inode {
	u64 i_ino, i_size;
	u32 i_mode, i_nlink, i_uid, i_gid, i_mtime, i_rdev, i_dev; /* *dev: as stat64 gives them */
	int32_t i_count;					   /* 0: immortal */
	const struct inode_operations *i_op; /* directories and symbolic links */
	const struct file_operations *i_fop;
	struct address_space i_data; /* regular files */
	struct inode *i_parent;	     /* of a directory; the root's is itself */
	void *private;
	void (*evict)(struct inode *inode); /* at the last reference; NULL: nothing to do */
};

struct files_struct {
	int32_t count; /* tasks */
	u32 max;       /* room in fd[] */
	u32 next;      /* below it none is free */
	struct file **fd;
	u8 *cloexec; /* as many as fd[] */
};

/* Where a name led to: the inode, with a reference, and its path without links, "." and "..". */
struct path {
	struct inode *inode;
	char *text; /* kmalloc */
};

struct fs_struct {
	struct path cwd;
	u32 umask;
};

/* Mount the initrd, /dev and /proc, once. Panics if there is no usable file system: says why. */
void vfs_init(void);

#define LOOKUP_FOLLOW 1u /* the last component, too, if it is a symbolic link */

/* 0, or the error of open(2). base: NULL for the working directory. */
int path_lookup(const char *name, u32 flags, const struct path *base, struct path *result);
void path_put(struct path *path);
struct inode *iget(struct inode *inode);
void iput(struct inode *inode);

/* An open file with f_count 1, or NULL and *err. name in kernel memory. */
struct file *filp_open(const char *name, u32 flags, int *err);
/* Bytes of a file into kernel memory, or error; for exec. */
int32_t kernel_read(struct file *f, u64 pos, void *buf, u32 n);

/* Descriptors of the current task. install: the lowest free, or -EMFILE. fget adds a reference. */
int fd_install(struct file *f, bool cloexec);
struct file *fget(u32 fd);

/* For fork, exec, exit. _alloc, _dup: NULL without memory. */
struct files_struct *files_alloc(void); /* no descriptors */
struct files_struct *files_dup(const struct files_struct *old);
void files_close_on_exec(struct files_struct *files);
void files_put(struct files_struct *files);
struct fs_struct *fs_alloc(void); /* at the root, umask 022 */
struct fs_struct *fs_dup(const struct fs_struct *old);
void fs_put(struct fs_struct *fs);

/*
 * execve(2) of a path in kernel memory; argv, envp user pointers to user pointers. 0: regs are the
 * new program's, and the old one is gone. An error after the point of no return forces SIGSEGV, and
 * is returned, too.
 */
int do_execve(const char *path, u32 argv, u32 envp, struct pt_regs *regs);
/* For init: strings of the kernel. A task without files, fs or mm gets them. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp,
		  struct pt_regs *regs);

#endif
