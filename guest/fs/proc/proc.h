/* SPDX-License-Identifier: MIT */
/*
 * /proc: texts that are made when they are read, in the formats of Linux (proc(5); 2.6.32's, with
 * the lines of /proc/PID that programs of today look for).
 *
 * A row in a table is a file. An inode is made by each lookup and lives as long as its references;
 * it holds a process by number, so that one that has ended is -ESRCH.
 */
#ifndef FS_PROC_H
#define FS_PROC_H

#include "../fs_internal.h"
#include <kernel/sched.h>

#include "mm/show.h"

struct proc_entry {
	const char *name; /* NULL ends a table */
	u32 mode;
	/* A text; t is the process of /proc/PID, else NULL. It does not sleep. */
	void (*show)(struct show_buf *b, struct task_struct *t);
	void (*show_system)(struct show_buf *b); /* the same, of mm/show.h */
	const struct file_operations *fops;	 /* what is no text */
	const struct inode_operations *iops;
};

struct proc_inode {
	struct inode inode;
	const struct proc_entry *entry;
	u32 pid; /* of /proc/PID and what is below it, else 0 */
	u32 fd;	 /* of /proc/PID/fd/N */
};

static inline struct proc_inode *proc_i(const struct inode *inode)
{
	return container_of(inode, struct proc_inode, inode);
}

/* The process, or NULL: it has ended. */
static inline struct task_struct *proc_task(const struct inode *inode)
{
	return find_task(proc_i(inode)->pid);
}

/* A new inode for this row, with one reference; parent gets one, too. NULL: no memory. */
struct inode *proc_new_inode(const struct proc_entry *entry, struct inode *parent, u32 pid,
			     u64 ino);
/* The row of that name, or NULL. */
const struct proc_entry *proc_find(const struct proc_entry *table, const char *name, u32 len);
/* Rows from position first on; the n-th has position first + n and inode number ino + n. */
bool proc_emit_table(struct file *f, void *ctx, emit_fn emit, const struct proc_entry *table,
		     u32 first, u64 ino);
int32_t proc_dir_read(struct file *f, struct uio *u, u64 *pos);
/* A decimal number without leading zeros, or false. */
bool proc_number(const char *name, u32 len, u32 *value);

/* /proc/PID: its row (pid.c), and those of the files in it. */
extern const struct proc_entry proc_pid_entry;
/* The files that are not about one process (system.c). */
extern const struct proc_entry proc_system_files[];
#define PROC_ROOT_INO 1u
#define PROC_SYSTEM_INO 0xf0000000u
#define PROC_PID_INO(pid) ((u64)(pid) << 16)

extern const struct file_operations proc_text_ops;
/* pages.c */
extern const struct file_operations proc_pagemap_ops, proc_kpagecount_ops, proc_kpageflags_ops;

#endif
