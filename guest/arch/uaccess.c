// SPDX-License-Identifier: MIT
/*
 * The instructions that touch user memory, each with a row in the exception table.
 */
#include <arch/extable.h>
#include <kernel/uaccess.h>
#include <lib/string.h>

#include "mm/errno.h"

/*
 * Words, then the rest. After a fault in the words what is left goes byte by byte, so that all
 * bytes up to the end of the page arrive, as in Linux; ECX then is what was not moved.
 */
static inline u32 copy_bytes(void *to, const void *from, u32 n)
{
	u32 left;

	asm volatile("movl %[n], %%ecx\n\t"
		     "shrl $2, %%ecx\n"
		     "1:\trep movsl\n\t"
		     "movl %[n], %%ecx\n\t"
		     "andl $3, %%ecx\n"
		     "2:\trep movsb\n"
		     "3:\n\t"
		     ".pushsection .text.fixup, \"ax\"\n"
		     "4:\tandl $3, %[n]\n\t"
		     "leal (%[n], %%ecx, 4), %%ecx\n\t"
		     "jmp 2b\n\t"
		     ".popsection\n\t" _ASM_EXTABLE(1b, 4b) _ASM_EXTABLE(2b, 3b)
		     : "=&c"(left), "+D"(to), "+S"(from), [n] "+r"(n)
		     :
		     : "memory", "cc");
	return left;
}

u32 copy_to_user(u32 to, const void *from, u32 n)
{
	return access_ok(to, n) ? copy_bytes((void *)to, from, n) : n;
}

u32 copy_from_user(void *to, u32 from, u32 n)
{
	u32 left = access_ok(from, n) ? copy_bytes(to, (const void *)from, n) : n;

	if (left)
		memset((char *)to + n - left, 0, left);
	return left;
}

u32 clear_user(u32 to, u32 n)
{
	u32 left;

	if (!access_ok(to, n))
		return n;
	asm volatile("movl %[n], %%ecx\n\t"
		     "shrl $2, %%ecx\n"
		     "1:\trep stosl\n\t"
		     "movl %[n], %%ecx\n\t"
		     "andl $3, %%ecx\n"
		     "2:\trep stosb\n"
		     "3:\n\t"
		     ".pushsection .text.fixup, \"ax\"\n"
		     "4:\tandl $3, %[n]\n\t"
		     "leal (%[n], %%ecx, 4), %%ecx\n\t"
		     "jmp 2b\n\t"
		     ".popsection\n\t" _ASM_EXTABLE(1b, 4b) _ASM_EXTABLE(2b, 3b)
		     : "=&c"(left), "+D"(to), [n] "+r"(n)
		     : "a"(0)
		     : "memory", "cc");
	return left;
}

/* 0 or -EFAULT. */
static inline int get_byte(char *c, u32 from)
{
	int err = 0;

	asm volatile("1:\tmovb %2, %b1\n"
		     "2:\n\t"
		     ".pushsection .text.fixup, \"ax\"\n"
		     "3:\tmovl %3, %0\n\t"
		     "jmp 2b\n\t"
		     ".popsection\n\t" _ASM_EXTABLE(1b, 3b)
		     : "+r"(err), "=q"(*c)
		     : "m"(*(const char *)from), "i"(-EFAULT));
	return err;
}

int strncpy_from_user(char *to, u32 from, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (!access_ok(from + i, 1) || get_byte(&to[i], from + i))
			return -EFAULT;
		if (!to[i])
			return (int)i;
	}
	return (int)n;
}

u32 strnlen_user(u32 s, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		char c;

		if (!access_ok(s + i, 1) || get_byte(&c, s + i))
			return 0;
		if (!c)
			return i + 1;
	}
	return n + 1;
}

int get_user_u32(u32 *value, u32 from)
{
	int err = 0;

	*value = 0;
	if (!access_ok(from, sizeof(*value)))
		return -EFAULT;
	asm volatile("1:\tmovl %2, %1\n"
		     "2:\n\t"
		     ".pushsection .text.fixup, \"ax\"\n"
		     "3:\tmovl %3, %0\n\t"
		     "xorl %1, %1\n\t"
		     "jmp 2b\n\t"
		     ".popsection\n\t" _ASM_EXTABLE(1b, 3b)
		     : "+r"(err), "=r"(*value)
		     : "m"(*(const u32 *)from), "i"(-EFAULT));
	return err;
}

int put_user_u32(u32 value, u32 to)
{
	int err = 0;

	if (!access_ok(to, sizeof(value)))
		return -EFAULT;
	asm volatile("1:\tmovl %1, %2\n"
		     "2:\n\t"
		     ".pushsection .text.fixup, \"ax\"\n"
		     "3:\tmovl %3, %0\n\t"
		     "jmp 2b\n\t"
		     ".popsection\n\t" _ASM_EXTABLE(1b, 3b)
		     : "+r"(err)
		     : "r"(value), "m"(*(u32 *)to), "i"(-EFAULT)
		     : "memory");
	return err;
}
