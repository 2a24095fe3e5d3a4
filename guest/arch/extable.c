// SPDX-License-Identifier: MIT
#include <arch/extable.h>
#include <arch/sections.h>

/* The continuation, or 0. */
static u32 find_fixup(u32 ip)
{
	for (const u32(*row)[2] = __start___ex_table; row < __stop___ex_table; row++)
		if ((*row)[0] == ip)
			return (*row)[1];
	return 0;
}

bool has_fixup(const struct pt_regs *regs)
{
	return find_fixup(regs->ip);
}

bool fixup_exception(struct pt_regs *regs)
{
	u32 ip = find_fixup(regs->ip);

	if (ip)
		regs->ip = ip;
	return ip;
}
