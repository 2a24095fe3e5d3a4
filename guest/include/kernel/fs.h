/* SPDX-License-Identifier: MIT */
/*
 * A small virtual file system: inodes in a tree, open files, descriptor tables.
 *
 * Paths are resolved from the root or the working directory, with . and .. and symbolic links (8 deep).
 * Inodes of the initrd live for ever; those of /proc/PID are made when looked up.
 */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include <lib/types.h>

#include "mm/mm_types.h"

#define PATH_MAX 4096
#define NR_OPEN 64 /* descriptors a process has at most */
#define PIPE_BYTES 65536

#define O_ACCMODE 3u
#define O_RDONLY 0u
#define O_WRONLY 1u
#define O_RDWR 2u
#define O_CREAT 0100u
#define O_EXCL 0200u
#define O_TRUNC 01000u
#define O_APPEND 02000u
#define O_NONBLOCK 04000u
#define O_LARGEFILE 0100000u
#define O_DIRECTORY 0200000u
#define O_CLOEXEC 02000000u

#define S_IFMT 0170000u
#define S_IFIFO 0010000u
#define S_IFCHR 0020000u
#define S_IFDIR 0040000u
#define S_IFREG 0100000u
#define S_IFLNK 0120000u

struct file_operations {
	/* Bytes or error; at f_pos, which they move (pos is passed for pread-like use). May sleep. */
	int32_t (*read)(struct file *f, u32 user_buf, u32 n, u64 *pos);
	int32_t (*write)(struct file *f, u32 user_buf, u32 n, u64 *pos);
	int (*ioctl)(struct file *f, u32 cmd, u32 arg);		    /* NULL: -ENOTTY */
	int64_t (*llseek)(struct file *f, int64_t offset, int whence); /* NULL: -ESPIPE */
	int (*readdir)(struct file *f, void *ctx,
		       int (*emit)(void *ctx, const char *name, u64 ino, u32 type, u64 next));
	int (*open)(struct inode *inode, struct file *f);
	void (*release)(struct file *f);
	/* NULL: f_mapping is mapped. Else what mmap does instead: /dev/zero. */
	int (*mmap)(struct file *f, struct vm_area_struct *vma);
};

struct inode_operations {
	/* The child of that name, with a reference, or NULL. */
	struct inode *(*lookup)(struct inode *dir, const char *name, u32 len);
	/* The target of a symbolic link into buf: its length. */
	int (*readlink)(struct inode *inode, char *buf, u32 bytes);
};

struct inode {
	u64 i_ino, i_size;
	u32 i_mode, i_nlink, i_uid, i_gid, i_mtime, i_rdev, i_dev;
	int32_t i_count; /* 0: immortal */
	const struct inode_operations *i_op;
	const struct file_operations *i_fop;
	struct address_space i_data; /* regular files */
	struct inode *i_parent;
	void *private;
	void (*evict)(struct inode *inode); /* at the last reference; NULL: nothing to do */
};

struct files_struct {
	int32_t count; /* tasks */
	struct file *fd[NR_OPEN];
	u64 close_on_exec; /* bit a descriptor */
};

struct fs_struct {
	struct inode *cwd;
	u32 umask;
};

/* Mount the initrd and /dev, /proc. Panics if there is no usable file system: says why. */
void vfs_init(void);

/* A reference to what path (kernel memory) names, or NULL and *err. */
struct inode *path_lookup(const char *path, bool follow, int *err);
void iput(struct inode *inode);
/* An open file with f_count 1, or NULL and *err. */
struct file *filp_open(const char *path, u32 flags, u32 mode, int *err);
/* Bytes of a regular file into kernel memory; for exec. */
int32_t kernel_read(struct file *f, u64 pos, void *buf, u32 n);

/* Descriptors of the current task. install: the lowest free, or -EMFILE. fget adds a reference. */
int fd_install(struct file *f, bool cloexec);
struct file *fget(u32 fd);

/* For fork, exec, exit. */
struct files_struct *files_dup(const struct files_struct *old); /* NULL: no memory */
void files_close_on_exec(struct files_struct *files);
void files_put(struct files_struct *files);
struct fs_struct *fs_dup(const struct fs_struct *old);
void fs_put(struct fs_struct *fs);

/* execve(2): argv, envp user pointers to user pointers. 0 (regs are the new program's) or error. */
int do_execve(const char *path, u32 argv, u32 envp, struct pt_regs *regs);
/* init: strings of the kernel. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp,
		  struct pt_regs *regs);

#endif
