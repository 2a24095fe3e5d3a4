// SPDX-License-Identifier: MIT
#include <arch/extable.h>
#include <arch/sections.h>

bool fixup_exception(struct pt_regs *regs)
{
	const u32(*row)[2];

	for (row = __start___ex_table; row < __stop___ex_table; row++) {
		if ((*row)[0] == regs->ip) {
			regs->ip = (*row)[1];
			return true;
		}
	}
	return false;
}
