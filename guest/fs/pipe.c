// SPDX-License-Identifier: MIT
/*
 * Pipes: a ring of pages, each there while it holds something. A write of at most PIPE_BUF bytes
 * goes in whole or waits; one process at a time reads or writes, since a copy from the user may
 * sleep.
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define PIPE_BUF 4096u
/*
 * What a full pipe holds begins and ends in mid-page: 17 pages. A power of two, so that positions
 * may wrap.
 */
#define PIPE_SLOTS (2 * PIPE_BYTES / PAGE_SIZE)

#define FIONREAD 0x541bu

struct pipe {
	char *page[PIPE_SLOTS];
	u32 head, tail; /* bytes ever written and read; their difference is what it holds */
	u32 readers, writers;
	bool busy;
	struct wait_queue_head wait; /* for bytes, room, an end, or that it is not busy */
};

static u32 pipe_used(const struct pipe *p)
{
	return p->head - p->tail;
}

static u32 pipe_room(const struct pipe *p)
{
	return PIPE_BYTES - pipe_used(p);
}

static void pipe_lock(struct pipe *p)
{
	wait_event(&p->wait, !p->busy);
	p->busy = true;
}

static void pipe_unlock(struct pipe *p)
{
	p->busy = false;
	wake_up(&p->wait);
}

static char **page_of(struct pipe *p, u32 position)
{
	return &p->page[position / PAGE_SIZE % PIPE_SLOTS];
}

static void free_page_of(struct pipe *p, u32 position)
{
	char **page = page_of(p, position);

	free_pages(*page, 0);
	*page = NULL;
}

/* Bytes or -EFAULT; all that is there and wanted. */
static int32_t take(struct pipe *p, struct uio *u)
{
	u32 total = 0;

	while (u->left && pipe_used(p)) {
		u32 offset = p->tail % PAGE_SIZE, n = PAGE_SIZE - offset, done;

		if (n > pipe_used(p))
			n = pipe_used(p);
		if (n > u->left)
			n = u->left;
		done = uio_put(u, *page_of(p, p->tail) + offset, n);
		if (offset + done == PAGE_SIZE)
			free_page_of(p, p->tail);
		p->tail += done;
		total += done;
		if (done < n)
			return total ? (int32_t)total : -EFAULT;
	}
	return (int32_t)total;
}

/* Bytes, or -EFAULT, -ENOMEM; as many as there is room for. */
static int32_t put(struct pipe *p, struct uio *u)
{
	u32 total = 0;

	while (u->left && pipe_room(p)) {
		u32 offset = p->head % PAGE_SIZE, n = PAGE_SIZE - offset, done;
		char **page = page_of(p, p->head);

		if (!*page)
			*page = __get_free_pages(GFP_KERNEL, 0);
		if (!*page)
			return total ? (int32_t)total : -ENOMEM;
		if (n > pipe_room(p))
			n = pipe_room(p);
		if (n > u->left)
			n = u->left;
		done = uio_get(u, *page + offset, n);
		if (done < n) /* Linux takes nothing of such a chunk */
			return total ? (int32_t)total : -EFAULT;
		p->head += done;
		total += done;
	}
	return (int32_t)total;
}

static int32_t pipe_read(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->private;
	int32_t result;

	if (!u->left)
		return 0;
	pipe_lock(p);
	while (!pipe_used(p)) {
		pipe_unlock(p);
		if (!p->writers)
			return 0;
		if (f->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&p->wait, pipe_used(p) || !p->writers))
			return -ERESTARTSYS;
		pipe_lock(p);
	}
	result = take(p, u);
	pipe_unlock(p);
	return result;
}

static int32_t broken_pipe(void)
{
	send_signal(current, SIGPIPE, NULL);
	return -EPIPE;
}

/* Room for what must go in at once. */
static bool may_put(const struct pipe *p, u32 left)
{
	return pipe_room(p) >= (left <= PIPE_BUF ? left : 1);
}

/*
 * Wait for room or the end of the readers: 0, -EAGAIN, -ERESTARTSYS. The lock is given up
 * meanwhile.
 */
static int wait_for_room(struct file *f, struct pipe *p, u32 left)
{
	int err = -EAGAIN;

	pipe_unlock(p);
	if (!(f->f_flags & O_NONBLOCK))
		err = wait_event_interruptible(&p->wait, may_put(p, left) || !p->readers);
	pipe_lock(p);
	return err;
}

static int32_t pipe_write(struct file *f, struct uio *u, u64 *pos)
{
	struct pipe *p = f->private;
	bool atomic = u->left <= PIPE_BUF;
	u32 total = 0;
	int32_t n = 0;

	if (!u->left)
		return 0;
	pipe_lock(p);
	while (u->left) {
		if (!p->readers)
			n = broken_pipe();
		else if (!may_put(p, atomic ? u->left : 1))
			n = wait_for_room(f, p, atomic ? u->left : 1);
		else {
			n = put(p, u);
			total += n > 0 ? (u32)n : 0;
			wake_up(&p->wait);
		}
		if (n < 0)
			break;
	}
	pipe_unlock(p);
	return total ? (int32_t)total : n;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->private;

	p->readers -= f->f_mode & FMODE_READ ? 1 : 0;
	p->writers -= f->f_mode & FMODE_WRITE ? 1 : 0;
	wake_up(&p->wait);
}

static int pipe_ioctl(struct file *f, u32 cmd, u32 arg)
{
	const struct pipe *p = f->private;

	return cmd == FIONREAD ? put_user_u32(pipe_used(p), arg) : -ENOTTY;
}

static u32 pipe_poll(struct file *f, struct wait_queue_head **queue)
{
	struct pipe *p = f->private;
	u32 events = 0;

	*queue = &p->wait;
	if (f->f_mode & FMODE_READ)
		events |= (pipe_used(p) ? POLLIN : 0) | (p->writers ? 0 : POLLHUP);
	if (f->f_mode & FMODE_WRITE)
		events |= (pipe_room(p) >= PIPE_BUF ? POLLOUT : 0) | (p->readers ? 0 : POLLERR);
	return events;
}

static int pipe_open(struct inode *inode, struct file *f);

/* /proc/PID/fd opens a pipe's inode again. */
static const struct file_operations pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.open = pipe_open,
	.release = pipe_release,
	.poll = pipe_poll,
};

static int pipe_open(struct inode *inode, struct file *f)
{
	struct pipe *p = inode->private;

	f->private = p;
	p->readers += f->f_mode & FMODE_READ ? 1 : 0;
	p->writers += f->f_mode & FMODE_WRITE ? 1 : 0;
	return 0;
}

static void pipe_evict(struct inode *inode)
{
	struct pipe *p = inode->private;

	for (u32 i = 0; i < PIPE_SLOTS; i++)
		if (p->page[i])
			free_pages(p->page[i], 0);
	kfree(p);
	kfree(inode);
}

static struct inode *pipe_inode(void)
{
	struct inode *inode = new_inode(S_IFIFO | 0600, DEV_PIPE);
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!inode || !p) {
		kfree(inode);
		kfree(p);
		return NULL;
	}
	init_waitqueue_head(&p->wait);
	inode->i_count = 1;
	inode->i_fop = &pipe_ops;
	inode->i_parent = inode;
	inode->private = p;
	inode->evict = pipe_evict;
	return inode;
}

/* One end; it takes a reference of its own. */
static struct file *pipe_end(struct inode *inode, u32 flags)
{
	struct file *f = file_alloc(inode, &pipe_ops, flags);

	if (f) {
		iget(inode);
		pipe_open(inode, f);
	}
	return f;
}

/* Descriptors for both ends: 0, or error and the ends are the caller's still. */
static int install_ends(struct file *ends[2], bool cloexec, int fd[2])
{
	fd[0] = fd_install(ends[0], cloexec);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_install(ends[1], cloexec);
	if (fd[1] >= 0)
		return 0;
	get_file(ends[0]);
	fd_close((u32)fd[0]);
	return fd[1];
}

static int make_pipe(u32 flags, int fd[2])
{
	struct inode *inode = pipe_inode();
	struct file *ends[2];
	int err = -ENFILE;

	if (!inode)
		return err;
	ends[0] = pipe_end(inode, (flags & O_NONBLOCK) | O_RDONLY);
	ends[1] = pipe_end(inode, (flags & O_NONBLOCK) | O_WRONLY);
	iput(inode);
	if (ends[0] && ends[1])
		err = install_ends(ends, flags & O_CLOEXEC, fd);
	for (u32 i = 0; i < 2 && err; i++)
		if (ends[i])
			fput(ends[i]);
	return err;
}

static int32_t do_pipe(u32 user, u32 flags)
{
	int fd[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	err = make_pipe(flags, fd);
	if (err)
		return err;
	if (!copy_to_user(user, fd, sizeof(fd)))
		return 0;
	fd_close((u32)fd[0]);
	fd_close((u32)fd[1]);
	return -EFAULT;
}

SYSCALL_FN(pipe)
{
	return do_pipe(args->a[0], 0);
}

SYSCALL_FN(pipe2)
{
	return do_pipe(args->a[0], args->a[1]);
}
