// SPDX-License-Identifier: MIT
/*
 * The directory /proc: files of the system, then the processes by number.
 */
#include "proc.h"
#include <kernel/panic.h>
#include <kernel/time.h>
#include <lib/string.h>
#include <lib/vsprintf.h>

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/slub.h"

/* The clock is not asked for each inode: its ports cost an exit each. */
static u32 boot_seconds;

#define FIRST_PID_POS 256u /* the process with number n has position FIRST_PID_POS + n */

static void proc_evict(struct inode *inode)
{
	iput(inode->i_parent);
	kfree(proc_i(inode));
}

struct inode *proc_new_inode(const struct proc_entry *entry, struct inode *parent, u32 pid, u64 ino)
{
	struct proc_inode *pi = kzalloc(sizeof(*pi), GFP_KERNEL);

	if (!pi)
		return NULL;
	pi->entry = entry;
	pi->pid = pid;
	pi->inode = (struct inode){
		.i_ino = ino,
		.i_mode = entry->mode,
		.i_nlink = S_ISDIR(entry->mode) ? 2 : 1,
		.i_mtime = boot_seconds + (u32)jiffies / HZ,
		.i_dev = DEV_PROC,
		.i_count = 1,
		.i_op = entry->iops,
		.i_fop = entry->fops ? entry->fops : &proc_text_ops,
		.i_parent = iget(parent),
		.evict = proc_evict,
	};
	return &pi->inode;
}

const struct proc_entry *proc_find(const struct proc_entry *table, const char *name, u32 len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && !memcmp(table->name, name, len))
			return table;
	return NULL;
}

bool proc_number(const char *name, u32 len, u32 *value)
{
	*value = 0;
	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return false;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		*value = *value * 10 + (u32)(name[i] - '0');
	}
	return true;
}

bool proc_emit_table(struct file *f, void *ctx, emit_fn emit, const struct proc_entry *table,
		     u32 first, u64 ino)
{
	for (u32 i = 0; table[i].name; i++) {
		if (f->f_pos > first + i)
			continue;
		if (!emit(ctx, table[i].name, strlen(table[i].name), ino + i, table[i].mode,
			  first + i + 1))
			return false;
		f->f_pos = first + i + 1;
	}
	return true;
}

int32_t proc_dir_read(struct file *f, struct uio *u, u64 *pos)
{
	return -EISDIR;
}

static int root_lookup(struct inode *dir, const char *name, u32 len, struct inode **child)
{
	const struct proc_entry *e = proc_find(proc_system_files, name, len);
	u32 pid;

	if (e)
		*child = proc_new_inode(e, dir, 0, PROC_SYSTEM_INO + (u32)(e - proc_system_files));
	else if (proc_number(name, len, &pid) && pid && find_task(pid))
		*child = proc_new_inode(&proc_pid_entry, dir, pid, PROC_PID_INO(pid));
	else
		return -ENOENT;
	return *child ? 0 : -ENOMEM;
}

/* The process with the lowest number from pid on, or NULL. */
static struct task_struct *next_task(u32 pid)
{
	struct task_struct *best = NULL;

	list_for_each(node, &task_list) {
		struct task_struct *t = list_entry(node, struct task_struct, tasks);

		if (t->pid >= pid && (!best || t->pid < best->pid))
			best = t;
	}
	return best;
}

static int root_readdir(struct file *f, void *ctx, emit_fn emit)
{
	struct task_struct *t;

	if (!emit_dots(f, ctx, emit) ||
	    !proc_emit_table(f, ctx, emit, proc_system_files, 2, PROC_SYSTEM_INO))
		return 0;
	if (f->f_pos < FIRST_PID_POS)
		f->f_pos = FIRST_PID_POS + 1;
	while (f->f_pos <= FIRST_PID_POS + PID_MAX &&
	       (t = next_task((u32)f->f_pos - FIRST_PID_POS))) {
		char name[12];
		int n = snprintf(name, sizeof(name), "%u", t->pid);
		u64 next = FIRST_PID_POS + t->pid + 1;

		if (!emit(ctx, name, (u32)n, PROC_PID_INO(t->pid), S_IFDIR, next))
			break;
		f->f_pos = next;
	}
	return 0;
}

static const struct inode_operations root_inode_ops = { .lookup = root_lookup };

static const struct file_operations root_ops = {
	.read = proc_dir_read,
	.llseek = endless_llseek,
	.readdir = root_readdir,
};

struct inode *proc_mount(struct inode *parent)
{
	static const struct proc_entry root = {
		.mode = S_IFDIR | 0555,
		.fops = &root_ops,
		.iops = &root_inode_ops,
	};
	struct tree_entry *old = tree_find(parent, "proc", 4);
	struct inode *inode;

	boot_seconds = (u32)((realtime_ns() - monotonic_ns()) / NSEC_PER_SEC);
	inode = proc_new_inode(&root, parent, 0, PROC_ROOT_INO);
	if (!inode)
		panic("proc: no memory for /proc");
	inode->i_count = 0; /* for ever */
	if (old)
		old->inode = inode;
	else if (tree_add(parent, "proc", 4, inode))
		panic("proc: no memory for /proc");
	return inode;
}
