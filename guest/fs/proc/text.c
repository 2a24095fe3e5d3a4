// SPDX-License-Identifier: MIT
/*
 * Files whose text is made at the first read and again after a rewind, so that one reader sees one
 * state.
 */
#include "proc.h"

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/slub.h"
#include "mm/vmalloc.h"

#define TEXT_FIRST 4096u

struct text {
	char *at; /* NULL: not made yet */
	u32 bytes, room;
};

static char *alloc_text(u32 room)
{
	return room > KMALLOC_MAX_CACHE ? vmalloc(room) : kmalloc(room, GFP_KERNEL);
}

static void free_text(struct text *t)
{
	if (t->room > KMALLOC_MAX_CACHE)
		vfree(t->at);
	else
		kfree(t->at);
	t->at = NULL;
}

/* 0 or -ESRCH. */
static int show(const struct inode *inode, struct show_buf *b)
{
	const struct proc_inode *pi = proc_i(inode);
	struct task_struct *t = pi->pid ? proc_task(inode) : NULL;

	if (pi->pid && !t)
		return -ESRCH;
	if (pi->entry->show_system)
		pi->entry->show_system(b);
	else
		pi->entry->show(b, t);
	return 0;
}

/* With twice the room until it fits: it may have grown by what it is about. */
static int make_text(struct file *f, struct text *t)
{
	u32 room = t->room ? t->room : TEXT_FIRST;

	for (;;) {
		struct show_buf b = { .bytes = room };
		int err;

		free_text(t);
		t->room = room;
		t->at = b.text = alloc_text(room);
		if (!t->at)
			return -ENOMEM;
		t->at[0] = '\0';
		err = show(f->f_inode, &b);
		if (err) {
			free_text(t);
			return err;
		}
		if (b.needed < room) {
			t->bytes = (u32)b.needed;
			return 0;
		}
		room = ((u32)b.needed + b.needed / 4 + PAGE_SIZE) & PAGE_MASK;
	}
}

static int text_open(struct inode *inode, struct file *f)
{
	f->private = kzalloc(sizeof(struct text), GFP_KERNEL);
	return f->private ? 0 : -ENOMEM;
}

static void text_release(struct file *f)
{
	if (!f->private)
		return;
	free_text(f->private);
	kfree(f->private);
}

static int32_t text_read(struct file *f, struct uio *u, u64 *pos)
{
	struct text *t = f->private;
	int err = t->at && *pos ? 0 : make_text(f, t);

	return err ? err : read_from_buffer(u, pos, t->at, t->bytes);
}

static int32_t text_write(struct file *f, struct uio *u, u64 *pos)
{
	return -EIO;
}

const struct file_operations proc_text_ops = {
	.read = text_read,
	.write = text_write,
	.llseek = endless_llseek,
	.open = text_open,
	.release = text_release,
};
