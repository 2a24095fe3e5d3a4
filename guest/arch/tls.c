// SPDX-License-Identifier: MIT
#include <arch/segment.h>
#include <arch/tls.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "mm/errno.h"

/* struct user_desc.flags, in Linux's order of bit fields (asm/ldt.h) */
#define SEG_32BIT 0x01u
#define SEG_CONTENTS 0x06u /* 0: data, 1: data that grows down, 2: code, 3: conforming code */
#define SEG_READ_EXEC_ONLY 0x08u
#define SEG_LIMIT_IN_PAGES 0x10u
#define SEG_NOT_PRESENT 0x20u
#define SEG_USEABLE 0x40u
#define SEG_EMPTY (SEG_READ_EXEC_ONLY | SEG_NOT_PRESENT)

struct user_desc {
	u32 entry_number, base, limit, flags;
};

void load_tls(const struct desc_struct tls[TLS_SLOTS])
{
	struct desc_struct *gdt = &gdt_table[GDT_ENTRY_TLS_MIN];

	for (u32 i = 0; i < TLS_SLOTS; i++)
		if (gdt[i].a != tls[i].a || gdt[i].b != tls[i].b)
			gdt[i] = tls[i];
}

/* Linux's LDT_empty() and LDT_zero(): both clear the slot. */
static bool is_empty(const struct user_desc *u)
{
	u32 flags = u->flags & 0x7f;

	return !u->base && !u->limit && (flags == SEG_EMPTY || !flags);
}

static struct desc_struct descriptor(const struct user_desc *u)
{
	/* Type: accessed, writable unless read-only, contents in bits 2 and 3. */
	u8 access = 0x11 | DESC_DPL(3) | (u->flags & SEG_CONTENTS) << 1;
	u8 flags = 0;

	if (!(u->flags & SEG_READ_EXEC_ONLY))
		access |= 0x02;
	if (!(u->flags & SEG_NOT_PRESENT))
		access |= DESC_PRESENT;
	if (u->flags & SEG_32BIT)
		flags |= DESC_FLAG_32;
	if (u->flags & SEG_LIMIT_IN_PAGES)
		flags |= DESC_FLAG_4K;
	if (u->flags & SEG_USEABLE)
		flags |= 1; /* AVL */
	return pack_descriptor(u->base, u->limit & 0xfffff, access, flags);
}

/* What Linux's tls_desc_okay() accepts: empty, or a 32-bit segment that is present and no code. */
static bool is_allowed(const struct user_desc *u)
{
	return is_empty(u) || ((u->flags & SEG_32BIT) && !(u->flags & SEG_NOT_PRESENT) &&
			       (u->flags & SEG_CONTENTS) <= 2);
}

int do_set_thread_area(struct task_struct *t, u32 user_desc, bool allocate)
{
	struct user_desc u;
	u32 slot;

	if (copy_from_user(&u, user_desc, sizeof(u)))
		return -EFAULT;
	if (!is_allowed(&u))
		return -EINVAL;
	if (u.entry_number == UINT32_MAX && allocate) {
		for (slot = 0; slot < TLS_SLOTS; slot++)
			if (!t->tls[slot].a && !t->tls[slot].b)
				break;
		if (slot == TLS_SLOTS)
			return -ESRCH;
		u.entry_number = GDT_ENTRY_TLS_MIN + slot;
		if (put_user_u32(u.entry_number, user_desc))
			return -EFAULT;
	}
	slot = u.entry_number - GDT_ENTRY_TLS_MIN;
	if (slot >= TLS_SLOTS)
		return -EINVAL;
	t->tls[slot] = is_empty(&u) ? (struct desc_struct){ 0, 0 } : descriptor(&u);
	if (t == current)
		load_tls(t->tls);
	return 0;
}

SYSCALL_FN(set_thread_area)
{
	return do_set_thread_area(current, args->a[0], true);
}

static struct user_desc description(const struct desc_struct *d, u32 entry)
{
	struct user_desc u = { .entry_number = entry };
	u32 access = d->b >> 8;

	if (!d->a && !d->b) {
		u.flags = SEG_EMPTY;
		return u;
	}
	u.base = d->a >> 16 | (d->b & 0xff) << 16 | (d->b & 0xff000000);
	u.limit = (d->a & 0xffff) | (d->b & 0xf0000);
	u.flags = (access >> 1) & SEG_CONTENTS;
	if (d->b & (u32)DESC_FLAG_32 << 20)
		u.flags |= SEG_32BIT;
	if (!(access & 0x02))
		u.flags |= SEG_READ_EXEC_ONLY;
	if (d->b & (u32)DESC_FLAG_4K << 20)
		u.flags |= SEG_LIMIT_IN_PAGES;
	if (!(access & DESC_PRESENT))
		u.flags |= SEG_NOT_PRESENT;
	if (d->b & 1u << 20)
		u.flags |= SEG_USEABLE;
	return u;
}

SYSCALL_FN(get_thread_area)
{
	struct user_desc u;
	u32 slot;

	if (get_user_u32(&u.entry_number, args->a[0]))
		return -EFAULT;
	slot = u.entry_number - GDT_ENTRY_TLS_MIN;
	if (slot >= TLS_SLOTS)
		return -EINVAL;
	u = description(&current->tls[slot], u.entry_number);
	return copy_to_user(args->a[0], &u, sizeof(u)) ? -EFAULT : 0;
}
