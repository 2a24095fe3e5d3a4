// SPDX-License-Identifier: MIT
/*
 * ELF programs: what elf_check.c plans is mapped, and the stack gets its tables (System V ABI,
 * Intel386 supplement, 3-28; the auxiliary vector in Linux's order).
 */
#include "binfmt.h"
#include "elf_check.h"
#include "fs_internal.h"
#include <arch/processor.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"
#include "mm/mm.h"
#include "mm/slub.h"

#define MAX_ARG_STRLEN 131072u
#define PLATFORM "i686"
#define RANDOM_BYTES 16
#define USER_HZ 100
#define MIN_SIGNAL_STACK 2048

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_MINSIGSTKSZ = 51,
};

/* A file and its program headers. */
struct elf_file {
	struct file *file;
	struct elf_header h;
	struct elf_phdr *ph; /* kmalloc */
	struct elf_plan plan;
	u32 bias;
};

static int read_phdrs(struct elf_file *f)
{
	u32 bytes = f->h.e_phnum * (u32)sizeof(struct elf_phdr);
	int32_t n;

	f->ph = kmalloc(bytes, GFP_KERNEL);
	if (!f->ph)
		return -ENOMEM;
	n = kernel_read(f->file, f->h.e_phoff, f->ph, bytes);
	return n == (int32_t)bytes ? 0 : n < 0 ? n : -ENOEXEC;
}

static void put_elf_file(struct elf_file *f)
{
	kfree(f->ph);
	if (f->file)
		fput(f->file);
}

/* --- the interpreter -------------------------------------------------------------------------- */

/* Its name, NUL-terminated and kmalloc, or NULL and *err. */
static char *read_interp_name(const struct elf_file *f, const struct elf_phdr *ph, int *err)
{
	char *name = kmalloc(ph->p_filesz, GFP_KERNEL);
	int32_t n;

	*err = -ENOMEM;
	if (!name)
		return NULL;
	n = kernel_read(f->file, ph->p_offset, name, ph->p_filesz);
	if (n == (int32_t)ph->p_filesz && !name[n - 1])
		return name;
	*err = n == (int32_t)ph->p_filesz ? -ENOEXEC : n < 0 ? n : -EIO;
	kfree(name);
	return NULL;
}

static int read_interp(struct elf_file *interp)
{
	u8 head[sizeof(struct elf_header)];
	int32_t n = kernel_read(interp->file, 0, head, sizeof(head));
	int err;

	if (n != (int32_t)sizeof(head))
		return n < 0 ? n : -EIO;
	if (elf_check_header(head, sizeof(head), &interp->h))
		return -ELIBBAD;
	err = read_phdrs(interp);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* interp->file stays NULL if the program wants none. */
static int open_interp(const struct elf_file *f, struct elf_file *interp)
{
	const struct elf_phdr *ph;
	int err = elf_find_interp(f->ph, f->h.e_phnum, &ph);
	char *name;

	if (err || !ph)
		return err;
	name = read_interp_name(f, ph, &err);
	if (!name)
		return err;
	if (*name)
		interp->file = open_exec(name, &err);
	else
		err = -EACCES; /* Linux finds the working directory */
	kfree(name);
	return interp->file ? read_interp(interp) : err;
}

/* --- segments --------------------------------------------------------------------------------- */

static u32 protection(u32 flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

static int map_segment(struct elf_file *f, const struct elf_segment *s, u32 fixed)
{
	u32 flags = MAP_PRIVATE | fixed, at, prot = protection(s->flags);

	if (s->map_bytes) {
		at = do_mmap_pgoff(current->mm, f->file, s->map_start, s->map_bytes, prot, flags,
				   s->map_offset >> PAGE_SHIFT);
		if (IS_ERR_VALUE(at))
			return (int)at;
	}
	/* A segment that is not writable keeps what the file has behind it, as in Linux. */
	if (s->zero_bytes && clear_user(s->zero_start, s->zero_bytes) && prot & PROT_WRITE)
		return -EFAULT;
	if (!s->anon_bytes)
		return 0;
	at = do_mmap_pgoff(current->mm, NULL, s->anon_start, s->anon_bytes,
			   PROT_READ | PROT_WRITE | (prot & PROT_EXEC),
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(at) ? (int)at : 0;
}

/* The first must not lie on anything; those after it may, on the first. */
static int map_segments(struct elf_file *f)
{
	u32 fixed = MAP_FIXED_NOREPLACE;

	for (u32 i = 0; i < f->h.e_phnum; i++) {
		struct elf_segment s;
		int err;

		if (f->ph[i].p_type != PT_LOAD)
			continue;
		err = elf_plan_segment(&f->ph[i], f->bias, TASK_SIZE, &s);
		if (!err)
			err = map_segment(f, &s, fixed);
		if (err)
			return err;
		fixed = MAP_FIXED;
	}
	return 0;
}

static int map_program(struct elf_file *f)
{
	struct mm_struct *mm = current->mm;
	const struct elf_plan *plan = &f->plan;
	int err = elf_plan_all(&f->h, f->ph, TASK_SIZE, &f->plan);

	if (!err && f->h.e_type == ET_DYN) {
		if (!plan->high)
			return -EINVAL;
		f->bias = elf_bias(plan);
	}
	if (!err)
		err = map_segments(f);
	if (err)
		return err;
	mm->start_code = plan->start_code + f->bias;
	mm->end_code = plan->end_code + f->bias;
	mm->start_data = plan->start_data + f->bias;
	mm->end_data = plan->end_data + f->bias;
	mm->start_brk = mm->brk = (plan->brk + f->bias + PAGE_SIZE - 1) & PAGE_MASK;
	return 0;
}

/* Wherever mmap finds room for all of it. */
static int map_interp(struct elf_file *f)
{
	int err = elf_plan_all(&f->h, f->ph, TASK_SIZE, &f->plan);
	u32 at;

	if (err || !f->plan.high)
		return -EINVAL;
	if (f->h.e_type == ET_DYN) {
		u32 bytes = f->plan.high - f->plan.low;

		at = do_mmap_pgoff(current->mm, NULL, 0, bytes, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS, 0);
		if (IS_ERR_VALUE(at))
			return (int)at;
		do_munmap(current->mm, at, bytes);
		f->bias = at - f->plan.low;
	}
	return map_segments(f);
}

/* --- the tables on the stack ------------------------------------------------------------------ */

struct auxv {
	u32 *next;
};

static void add_aux(struct auxv *a, u32 type, u32 value)
{
	*a->next++ = type;
	*a->next++ = value;
}

static u32 fill_auxv(const struct binprm *b, const struct elf_file *f,
		     const struct elf_file *interp)
{
	struct mm_struct *mm = current->mm;
	struct auxv a = { mm->saved_auxv };
	u32 eax, ebx, ecx, edx;

	_Static_assert(2 * 20 <= ARRAY_SIZE(mm->saved_auxv), "the pairs below");
	cpuid(1, &eax, &ebx, &ecx, &edx);
	add_aux(&a, AT_MINSIGSTKSZ, MIN_SIGNAL_STACK);
	add_aux(&a, AT_HWCAP, edx);
	add_aux(&a, AT_PAGESZ, PAGE_SIZE);
	add_aux(&a, AT_CLKTCK, USER_HZ);
	add_aux(&a, AT_PHDR, f->plan.phdr ? f->plan.phdr + f->bias : f->bias);
	add_aux(&a, AT_PHENT, sizeof(struct elf_phdr));
	add_aux(&a, AT_PHNUM, f->h.e_phnum);
	add_aux(&a, AT_BASE, interp->file ? interp->bias : 0);
	add_aux(&a, AT_FLAGS, 0);
	add_aux(&a, AT_ENTRY, f->h.e_entry + f->bias);
	add_aux(&a, AT_UID, 0);
	add_aux(&a, AT_EUID, 0);
	add_aux(&a, AT_GID, 0);
	add_aux(&a, AT_EGID, 0);
	add_aux(&a, AT_SECURE, 0);
	add_aux(&a, AT_RANDOM, b->random_at);
	add_aux(&a, AT_HWCAP2, 0);
	add_aux(&a, AT_EXECFN, b->filename_at);
	add_aux(&a, AT_PLATFORM, b->platform_at);
	add_aux(&a, AT_NULL, 0);
	return (u32)(a.next - mm->saved_auxv);
}

/* count pointers to the strings from *string on, and NULL; both places move. */
static int put_pointers(u32 *at, u32 *string, u32 count)
{
	for (; count; count--) {
		u32 n = strnlen_user(*string, MAX_ARG_STRLEN);

		if (!n || n > MAX_ARG_STRLEN || put_user_u32(*string, *at))
			return -EFAULT;
		*string += n;
		*at += 4;
	}
	if (put_user_u32(0, *at))
		return -EFAULT;
	*at += 4;
	return 0;
}

/* Platform and random bytes below the strings, then argc, argv, envp, auxv, aligned to 16 bytes. */
static int put_tables(struct binprm *b, const struct elf_file *f, const struct elf_file *interp)
{
	u32 at = b->sp & ~15u, string = b->sp, words, auxv;
	u8 random[RANDOM_BYTES];

	random_bytes(random, sizeof(random));
	b->platform_at = at - sizeof(PLATFORM);
	b->random_at = b->platform_at - RANDOM_BYTES;
	words = fill_auxv(b, f, interp);
	at = (b->random_at & ~3u) - 4 * (1 + b->argc + 1 + b->envc + 1 + words);
	b->sp = at & ~15u;
	if (copy_to_user(b->platform_at, PLATFORM, sizeof(PLATFORM)) ||
	    copy_to_user(b->random_at, random, sizeof(random)) || put_user_u32(b->argc, b->sp))
		return -EFAULT;
	auxv = b->sp + 4;
	if (put_pointers(&auxv, &string, b->argc) || put_pointers(&auxv, &string, b->envc))
		return -EFAULT;
	return copy_to_user(auxv, current->mm->saved_auxv, 4 * words) ? -EFAULT : 0;
}

/* --- all together ----------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/')
			base = path + 1;
	return base;
}

static int start_program(struct binprm *b, struct elf_file *f, struct elf_file *interp,
			 struct pt_regs *regs)
{
	int err = begin_new_exec(b, elf_exec_stack(f->ph, f->h.e_phnum));

	if (!err)
		err = map_program(f);
	if (!err && interp->file)
		err = map_interp(interp);
	if (!err)
		err = put_tables(b, f, interp);
	if (err)
		return err;
	current->mm->start_stack = b->sp;
	start_thread(regs, interp->file ? interp->h.e_entry + interp->bias : f->h.e_entry + f->bias,
		     b->sp, base_name(b->filename));
	return 0;
}

int load_elf(struct binprm *b, struct pt_regs *regs)
{
	struct elf_file f = { .file = get_file(b->file) }, interp = { 0 };
	int err = elf_check_header(b->buf, b->buf_bytes, &f.h);

	if (!err)
		err = read_phdrs(&f);
	if (!err)
		err = open_interp(&f, &interp);
	if (!err)
		err = start_program(b, &f, &interp, regs);
	put_elf_file(&interp);
	put_elf_file(&f);
	return err;
}
