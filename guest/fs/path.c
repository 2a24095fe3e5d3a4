// SPDX-License-Identifier: MIT
/*
 * From names to inodes. The walk keeps the text of where it is, without links and dots: it is what
 * getcwd() and /proc/PID/maps show, and nothing can be renamed under it.
 */
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/slub.h"

#define MAXSYMLINKS 40

struct walk {
	struct inode *at; /* with a reference */
	char *text;	  /* PATH_MAX bytes; "" for the root */
	u32 len;
	const char *rest; /* what is left of the name, */
	char *links;	  /* in the name or, after a link, at the end of these 2 * PATH_MAX bytes */
	u32 links_seen;
	u32 flags;
};

#define LINKS_BYTES (2 * PATH_MAX)

struct inode *fs_root;

struct inode *iget(struct inode *inode)
{
	if (inode->i_count)
		inode->i_count++;
	return inode;
}

void iput(struct inode *inode)
{
	if (inode && inode->i_count && !--inode->i_count && inode->evict)
		inode->evict(inode);
}

void path_put(struct path *path)
{
	iput(path->inode);
	kfree(path->text);
	*path = (struct path){ 0 };
}

char *getname(u32 user, int *err)
{
	char *name = kmalloc(PATH_MAX, GFP_KERNEL);
	int n;

	*err = -ENOMEM;
	if (!name)
		return NULL;
	n = strncpy_from_user(name, user, PATH_MAX);
	if (n > 0 && n < PATH_MAX)
		return name;
	*err = n < 0 ? n : n ? -ENAMETOOLONG : -ENOENT;
	kfree(name);
	return NULL;
}

static void go_to(struct walk *w, struct inode *inode)
{
	iput(w->at);
	w->at = inode;
}

static void go_to_root(struct walk *w)
{
	go_to(w, iget(fs_root));
	w->len = 0;
}

static void go_up(struct walk *w)
{
	go_to(w, iget(w->at->i_parent));
	while (w->len && w->text[--w->len] != '/')
		;
}

int read_link(struct inode *inode, char *buf, u32 bytes)
{
	if (!inode->i_op || !inode->i_op->readlink)
		return -EINVAL;
	return inode->i_op->readlink(inode, buf, bytes);
}

/* The link's target in front of what is left of the name. w->at is the directory it is in. */
static int follow_text(struct walk *w, struct inode *link)
{
	u32 rest = strlen(w->rest);
	char *end, *start;
	int n;

	if (!w->links) {
		w->links = kmalloc(LINKS_BYTES, GFP_KERNEL);
		if (!w->links)
			return -ENOMEM;
		end = w->links + LINKS_BYTES - 1 - rest;
		memcpy(end, w->rest, rest + 1);
		w->rest = end;
	}
	n = read_link(link, w->links, PATH_MAX);
	if (n < 0)
		return n;
	start = w->links + (w->rest - w->links) - n;
	/* The target was read to the front of the buffer, where the rest must not reach. */
	if (n >= PATH_MAX || w->rest - w->links < 2 * n)
		return -ENAMETOOLONG;
	if (!n)
		return -ENOENT;
	memcpy(start, w->links, (size_t)n);
	w->rest = start;
	if (*start == '/')
		go_to_root(w);
	return 0;
}

/* A magic link: w stands there, if it can be named or not. */
static int follow_inode(struct walk *w, struct inode *link)
{
	struct inode *target = link->i_op->follow(link);
	int n;

	if (!target)
		return -ENOENT;
	n = read_link(link, w->text, PATH_MAX - 1);
	w->len = n < 0 ? 0 : (u32)n;
	if (w->len == 1 && w->text[0] == '/')
		w->len = 0;
	go_to(w, target);
	return 0;
}

static int follow(struct walk *w, struct inode *link)
{
	if (++w->links_seen > MAXSYMLINKS)
		return -ELOOP;
	return link->i_op->follow ? follow_inode(w, link) : follow_text(w, link);
}

/* To a child that was looked up; takes the reference over. */
static int step_into(struct walk *w, struct inode *child, const char *name, u32 len)
{
	if (w->len + 1 + len >= PATH_MAX) {
		iput(child);
		return -ENAMETOOLONG;
	}
	w->text[w->len] = '/';
	memcpy(w->text + w->len + 1, name, len);
	w->len += 1 + len;
	go_to(w, child);
	return 0;
}

/* One component; last: nothing but slashes follows. */
static int step(struct walk *w, const char *name, u32 len, bool last)
{
	struct inode *child;
	bool slash = *w->rest == '/';
	int err;

	if (!S_ISDIR(w->at->i_mode))
		return -ENOTDIR;
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		go_up(w);
		return 0;
	}
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	err = w->at->i_op->lookup(w->at, name, len, &child);
	if (err == -ENOENT && last && (w->flags & LOOKUP_PARENT_OK))
		return slash ? -EISDIR : -EROFS;
	if (err)
		return err;
	if (!S_ISLNK(child->i_mode) || (last && !slash && !(w->flags & LOOKUP_FOLLOW)))
		return step_into(w, child, name, len);
	err = follow(w, child);
	iput(child);
	return err;
}

static int walk_all(struct walk *w)
{
	bool slash = false;

	while (*w->rest) {
		const char *name = w->rest, *after;
		u32 len = 0;
		int err;

		while (name[len] && name[len] != '/')
			len++;
		w->rest = name + len;
		slash = name[len] == '/';
		for (after = w->rest; *after == '/'; after++)
			;
		if (len) {
			err = step(w, name, len, !*after);
			if (err)
				return err;
		}
		while (*w->rest == '/')
			w->rest++;
	}
	return slash && !S_ISDIR(w->at->i_mode) ? -ENOTDIR : 0;
}

static int start(struct walk *w, const char *name, const struct path *base)
{
	w->text = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!w->text)
		return -ENOMEM;
	if (!base && current->fs)
		base = &current->fs->cwd;
	if (*name == '/' || !base) {
		go_to_root(w);
		return 0;
	}
	w->at = iget(base->inode);
	w->len = strlcpy(w->text, base->text, PATH_MAX);
	if (w->len == 1)
		w->len = 0;
	return 0;
}

/* The text, no longer than it must be. */
static int finish(struct walk *w, struct path *result)
{
	u32 n = w->len ? w->len : 1;
	char *text = kmalloc(n + 1, GFP_KERNEL);

	if (!text)
		return -ENOMEM;
	memcpy(text, w->len ? w->text : "/", n);
	text[n] = '\0';
	*result = (struct path){ w->at, text };
	w->at = NULL;
	return 0;
}

int path_lookup(const char *name, u32 flags, const struct path *base, struct path *result)
{
	struct walk w = { .rest = name, .flags = flags };
	int err;

	if (!*name)
		return -ENOENT;
	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	err = start(&w, name, base);
	if (!err)
		err = walk_all(&w);
	if (!err)
		err = finish(&w, result);
	iput(w.at);
	kfree(w.text);
	kfree(w.links);
	return err;
}

int path_lookup_at(int dirfd, const char *name, u32 flags, struct path *result)
{
	struct path base;
	struct file *f;
	int err;

	if (*name == '/' || dirfd == AT_FDCWD)
		return path_lookup(name, flags, NULL, result);
	f = fget((u32)dirfd);
	if (!f)
		return *name ? -EBADF : -ENOENT;
	base = (struct path){ f->f_inode, (char *)(uintptr_t)f->f_path };
	err = S_ISDIR(f->f_inode->i_mode) ? path_lookup(name, flags, &base, result) : -ENOTDIR;
	fput(f);
	return err;
}
