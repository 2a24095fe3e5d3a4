// SPDX-License-Identifier: MIT
/*
 * execve: strings and the new address space. In Linux's order of errors: the file, the strings, its
 * format; up to the point of no return all errors leave the old program as it was.
 */
#include "binfmt.h"
#include "fs_internal.h"
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/page_alloc.h"
#include "mm/slub.h"

#define MAX_ARG_STRLEN 131072u /* of one string with its NUL */
#define ARG_MAX 131072u	       /* what all together may have at least */
#define STACK_LIMIT_DEFAULT (8u << 20)
#define STACK_EXTRA 131072u /* of the stack below the strings that is mapped at once, as in Linux */
#define SCRIPT_DEPTH 5	    /* interpreters that are scripts themselves */

/* An array of strings and NULL, in user memory or the kernel's. */
struct strings {
	u32 array; /* 0: none */
	bool kernel;
	u32 count, bytes; /* their NULs included */
};

/* What a chain of scripts puts in front of the arguments, the last first. */
struct prefix {
	struct prefix *next;
	u32 bytes; /* with the NUL */
	char text[];
};

struct exec {
	struct binprm bprm;
	struct strings argv, envp;
	struct prefix *prefixes; /* in the order of arguments */
	u32 prefix_count, prefix_bytes;
	bool skip_argv0; /* a script's interpreter has replaced it */
};

/* --- the strings ------------------------------------------------------------------------------ */

/* The n-th pointer, 0 behind the last. 0 or -EFAULT. */
static int get_pointer(const struct strings *s, u32 n, u32 *pointer)
{
	u32 at = s->array + 4 * n;

	if (!s->array) {
		*pointer = 0;
		return 0;
	}
	if (!s->kernel)
		return get_user_u32(pointer, at);
	*pointer = *(const u32 *)at;
	return 0;
}

/*
 * Bytes with the NUL, or -EFAULT, -E2BIG. That count_strings() saw no NULL here holds for the
 * kernel's pointers; a program's may change meanwhile.
 */
static int string_bytes(const struct strings *s, u32 pointer)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.cstring.NullArg) */
	u32 n = s->kernel ? strlen((const char *)pointer) + 1
			  : strnlen_user(pointer, MAX_ARG_STRLEN);

	if (!n)
		return -EFAULT;
	return n > MAX_ARG_STRLEN ? -E2BIG : (int)n;
}

static int count_strings(struct strings *s)
{
	for (u32 pointer;; s->count++) {
		if (get_pointer(s, s->count, &pointer))
			return -EFAULT;
		if (!pointer)
			return 0;
		if (s->count == INT32_MAX / 4)
			return -E2BIG;
	}
}

/* A quarter of the stack's limit for strings and pointers; at least ARG_MAX, at most 6 MiB. */
static u32 strings_limit(void)
{
	u32 limit = current->rlim[RLIMIT_STACK].cur / 4;

	if (limit > STACK_LIMIT_DEFAULT / 4 * 3)
		limit = STACK_LIMIT_DEFAULT / 4 * 3;
	return limit < ARG_MAX ? ARG_MAX : limit;
}

static int measure_strings(struct strings *s, u32 *room)
{
	for (u32 i = 0, pointer; i < s->count; i++) {
		int n = get_pointer(s, i, &pointer);

		if (!n)
			n = string_bytes(s, pointer);
		if (n < 0)
			return n;
		if ((u32)n > *room)
			return -E2BIG;
		*room -= (u32)n;
		s->bytes += (u32)n;
	}
	return 0;
}

static int check_strings(struct exec *e)
{
	u32 room = strings_limit(), pointers;
	int err = count_strings(&e->argv);

	if (!err)
		err = count_strings(&e->envp);
	if (err)
		return err;
	pointers = 4 * ((e->argv.count ? e->argv.count : 1) + e->envp.count);
	if (room <= pointers)
		return -E2BIG;
	room -= pointers;
	err = measure_strings(&e->envp, &room);
	return err ? err : measure_strings(&e->argv, &room);
}

/* --- onto the new stack ----------------------------------------------------------------------- */

/* Bytes in rising order, a page at a time. */
struct stack_writer {
	struct mm_struct *mm;
	u32 at; /* where the next byte of buf goes */
	u32 filled;
	char *buf; /* PAGE_SIZE */
};

static int flush_writer(struct stack_writer *w)
{
	u32 n = w->filled;

	w->filled = 0;
	w->at += n;
	return !n || access_process_vm(w->mm, w->at - n, w->buf, n, true) == n ? 0 : -ENOMEM;
}

/* n bytes with the NUL at the end, whatever was there when they were counted. */
static int write_string(struct stack_writer *w, bool kernel, u32 from, u32 n)
{
	while (n) {
		u32 part = PAGE_SIZE - w->filled < n ? PAGE_SIZE - w->filled : n;
		char *to = w->buf + w->filled;

		if (kernel)
			memcpy(to, (const void *)from, part);
		else if (copy_from_user(to, from, part))
			return -EFAULT;
		if (part == n)
			to[part - 1] = '\0';
		w->filled += part;
		from += part;
		n -= part;
		if (w->filled == PAGE_SIZE && flush_writer(w))
			return -ENOMEM;
	}
	return 0;
}

static int write_strings(struct stack_writer *w, const struct strings *s, u32 first)
{
	for (u32 i = first, pointer; i < s->count; i++) {
		int n = get_pointer(s, i, &pointer);

		if (!n)
			n = string_bytes(s, pointer);
		if (n > 0)
			n = write_string(w, s->kernel, pointer, (u32)n);
		if (n < 0)
			return n;
	}
	return 0;
}

/* From sp up: arguments, environment, file name; Linux puts them in this order, too. */
static int write_all(struct exec *e, struct stack_writer *w)
{
	struct binprm *b = &e->bprm;
	int err = 0;

	for (struct prefix *p = e->prefixes; p && !err; p = p->next)
		err = write_string(w, true, (u32)p->text, p->bytes);
	if (!err && !e->argv.count && !e->skip_argv0)
		err = write_string(w, true, (u32) "", 1);
	if (!err)
		err = write_strings(w, &e->argv, e->skip_argv0);
	if (!err)
		err = write_strings(w, &e->envp, 0);
	if (!err)
		err = write_string(w, true, (u32)b->filename, strlen(b->filename) + 1);
	return err ? err : flush_writer(w);
}

/* Bytes of the string that is argv[0] and does not count when a script replaced it. */
static int argv0_bytes(const struct exec *e)
{
	u32 pointer;
	int err;

	if (!e->skip_argv0 || !e->argv.count)
		return 0;
	err = get_pointer(&e->argv, 0, &pointer);
	return err ? err : string_bytes(&e->argv, pointer);
}

static int build_stack(struct exec *e)
{
	struct binprm *b = &e->bprm;
	struct mm_struct *mm = b->mm;
	int skipped = argv0_bytes(e), err;
	u32 argv = e->prefix_bytes + e->argv.bytes - (u32)skipped, size;
	struct stack_writer w = { .mm = mm };

	if (skipped < 0)
		return skipped;
	if (!e->argv.count && !e->skip_argv0)
		argv = 1; /* a program gets an argument 0, if an empty one (Linux 5.18) */
	size = argv + e->envp.bytes + strlen(b->filename) + 1;
	b->sp = STACK_TOP - 4 - size;
	b->filename_at = STACK_TOP - 4 - (strlen(b->filename) + 1);
	mm->arg_start = b->sp;
	mm->arg_end = mm->env_start = b->sp + argv;
	mm->env_end = b->filename_at;
	err = setup_stack_vma(mm, ((size + 4 + PAGE_SIZE - 1) & PAGE_MASK) + STACK_EXTRA);
	if (err)
		return err;
	w.at = b->sp;
	w.buf = __get_free_pages(GFP_KERNEL, 0);
	if (!w.buf)
		return -ENOMEM;
	err = write_all(e, &w);
	free_pages(w.buf, 0);
	return err;
}

/* --- the file --------------------------------------------------------------------------------- */

struct file *open_exec(const char *path, int *err)
{
	struct path p;

	*err = path_lookup(path, LOOKUP_FOLLOW, NULL, &p);
	if (*err)
		return NULL;
	if (!S_ISREG(p.inode->i_mode) || !(p.inode->i_mode & 0111)) {
		*err = -EACCES;
		path_put(&p);
		return NULL;
	}
	return file_open(&p, O_RDONLY, err);
}

static int read_head(struct binprm *b)
{
	int32_t n;

	memset(b->buf, 0, sizeof(b->buf));
	n = kernel_read(b->file, 0, b->buf, sizeof(b->buf));
	b->buf_bytes = n < 0 ? 0 : (u32)n;
	return n < 0 ? n : 0;
}

static int add_prefix(struct exec *e, const char *text)
{
	u32 n = strlen(text) + 1;
	struct prefix *p = kmalloc(sizeof(*p) + n, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	*p = (struct prefix){ e->prefixes, n };
	memcpy(p->text, text, n);
	e->prefixes = p;
	e->prefix_count++;
	e->prefix_bytes += n;
	return 0;
}

static void drop_prefix(struct exec *e)
{
	struct prefix *p = e->prefixes;

	e->prefixes = p->next;
	e->prefix_count--;
	e->prefix_bytes -= p->bytes;
	kfree(p);
}

/* `script` with its line #!interp arg becomes interp [arg] script, in front of argv[1]. */
static int enter_script(struct exec *e, const char *interp, const char *arg)
{
	struct file *f;
	int err = 0;

	if (!e->skip_argv0) {
		e->skip_argv0 = true;
		err = add_prefix(e, e->bprm.filename);
	}
	if (!err && arg)
		err = add_prefix(e, arg);
	if (!err)
		err = add_prefix(e, interp);
	f = err ? NULL : open_exec(interp, &err);
	if (!f)
		return err;
	fput(e->bprm.file);
	e->bprm.file = f;
	return 0;
}

/* Up to a file that is no script. */
static int resolve_scripts(struct exec *e)
{
	for (u32 depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		char *interp, *arg;
		int err = read_head(&e->bprm);

		if (err)
			return err;
		err = parse_script((char *)e->bprm.buf, &interp, &arg);
		if (err <= 0)
			return err;
		err = enter_script(e, interp, arg);
		if (err)
			return err;
	}
	return -ELOOP;
}

/* --- the point of no return ------------------------------------------------------------------- */

int begin_new_exec(struct binprm *b, bool exec_stack)
{
	struct exec *e = container_of(b, struct exec, bprm);
	int err;

	b->mm = mm_alloc();
	if (!b->mm)
		return -ENOMEM;
	mm_set_limits(b->mm, current);
	b->mm->read_implies_exec = exec_stack;
	err = build_stack(e);
	if (err)
		return err;
	b->argc =
		e->prefix_count + (e->argv.count ? e->argv.count - e->skip_argv0 : !e->skip_argv0);
	b->envc = e->envp.count;
	b->mm->exe_file = get_file(b->file);
	b->committed = true;
	exec_mmap(b->mm);
	b->mm = NULL;
	files_close_on_exec(current->files);
	signals_exec(&current->signal);
	return 0;
}

static int exec_file(struct exec *e, struct pt_regs *regs)
{
	const struct siginfo info = { .signo = SIGSEGV, .code = SI_KERNEL };
	int err;

	if (!current->files)
		current->files = files_alloc();
	if (!current->fs)
		current->fs = fs_alloc();
	if (!current->files || !current->fs)
		return -ENOMEM;
	e->bprm.file = open_exec(e->bprm.filename, &err);
	if (!e->bprm.file)
		return err;
	err = check_strings(e);
	if (!err)
		err = resolve_scripts(e);
	if (!err)
		err = load_elf(&e->bprm, regs);
	if (e->bprm.mm)
		mmput(e->bprm.mm);
	fput(e->bprm.file);
	while (e->prefixes)
		drop_prefix(e);
	if (err && e->bprm.committed)
		force_signal(SIGSEGV, &info);
	return err;
}

int do_execve(const char *path, u32 argv, u32 envp, struct pt_regs *regs)
{
	struct exec e = {
		.bprm = { .filename = path },
		.argv = { .array = argv },
		.envp = { .array = envp },
	};

	return exec_file(&e, regs);
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp,
		  struct pt_regs *regs)
{
	struct exec e = {
		.bprm = { .filename = path },
		.argv = { .array = (u32)argv, .kernel = true },
		.envp = { .array = (u32)envp, .kernel = true },
	};

	return exec_file(&e, regs);
}

SYSCALL_FN(execve)
{
	int err;
	char *path = getname(args->a[0], &err);

	if (!path)
		return err;
	err = do_execve(path, args->a[1], args->a[2], args->regs);
	kfree(path);
	return err;
}
