// SPDX-License-Identifier: MIT
#include <arch/sections.h>
#include <kernel/kallsyms.h>

struct entry {
	u32 address;
	const char *name;
};

/* By address; the last one is the end of the code. Absent in the first link. */
extern const struct entry kallsyms_table[] __attribute__((weak));
extern const u32 kallsyms_count __attribute__((weak));

bool kallsyms_lookup(u32 address, struct kallsym *sym)
{
	u32 low = 0, high;

	if (!&kallsyms_count || address < kallsyms_table[0].address || address >= (u32)_etext)
		return false;
	/* Invariant: address is in [table[low], table[high]). */
	for (high = kallsyms_count - 1; high - low > 1;) {
		u32 middle = low + (high - low) / 2;

		if (kallsyms_table[middle].address <= address)
			low = middle;
		else
			high = middle;
	}
	sym->name = kallsyms_table[low].name;
	sym->start = kallsyms_table[low].address;
	sym->bytes = kallsyms_table[low + 1].address - sym->start;
	return true;
}
